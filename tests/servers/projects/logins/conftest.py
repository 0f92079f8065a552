import pytest


@pytest.fixture(scope="session")
def apiauth_credentials(request):
    """Have the users in Django's test database, where Django is at work."""
    if request.config.pluginmanager.hasplugin("django"):
        request.getfixturevalue("django_db_setup")
        from django_site import add_users

        with request.getfixturevalue("django_db_blocker").unblock():
            add_users()
    return {}
