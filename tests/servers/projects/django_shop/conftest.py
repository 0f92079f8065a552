import secrets

import pytest


@pytest.fixture(scope="session")
def apiauth_credentials(django_db_setup, django_db_blocker):
    from django.contrib.auth.models import User
    from oauth2_provider.models import Application

    passwords = {name: secrets.token_urlsafe(24) for name in ("alice", "bob", "shop", "second")}
    with django_db_blocker.unblock():
        for name in ("alice", "bob"):
            User.objects.create_user(name, password=passwords[name])
        for name in ("shop", "second"):
            Application.objects.create(
                name=name,
                client_id=f"the-{name}",
                client_secret=passwords[name],
                client_type=Application.CLIENT_CONFIDENTIAL,
                authorization_grant_type=Application.GRANT_PASSWORD,
            )
    return {
        "client_id": "the-shop",
        "client_secret": passwords["shop"],
        "username": "alice",
        "password": passwords["alice"],
        "users": {"second": {"username": "bob", "password": passwords["bob"]}},
        "clients": {"second": {"client_id": "the-second", "client_secret": passwords["second"]}},
    }
