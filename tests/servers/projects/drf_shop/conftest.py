import secrets

import pytest


@pytest.fixture(scope="session")
def apiauth_credentials(django_db_setup, django_db_blocker):
    from django.contrib.auth.models import User
    from rest_framework.authtoken.models import Token

    passwords = {name: secrets.token_urlsafe(24) for name in ("alice", "bob")}
    with django_db_blocker.unblock():
        users = {name: User.objects.create_user(name, password=passwords[name]) for name in passwords}
        tokens = {name: Token.objects.create(user=user).key for name, user in users.items()}
    return {
        "password": passwords["alice"],
        "api_key": tokens["alice"],
        "personal_access_token": tokens["alice"],
        "users.second.password": passwords["bob"],
        "keys.second.api_key": tokens["bob"],
    }
