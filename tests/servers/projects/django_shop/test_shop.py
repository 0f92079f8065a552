import pytest
from django.contrib.auth.models import User
from oauth2_provider.models import AccessToken


@pytest.mark.django_db
def test_the_app_sees_the_transaction_of_the_test(apiauth_client):
    assert apiauth_client.get("/me/").json() == {"user": "alice"}
    User.objects.filter(username="alice").update(username="carol")
    assert apiauth_client.get("/me/").json() == {"user": "carol"}


@pytest.mark.django_db
def test_what_the_app_did_is_rolled_back(apiauth_client):
    assert AccessToken.objects.count() == 0
    assert apiauth_client.get("/me/").json() == {"user": "alice"}


@pytest.mark.django_db
def test_a_user_of_this_test_alone(client, apiauth_token):
    answer = client.get("/me/", headers={"Authorization": f"Bearer {apiauth_token.access_token.reveal()}"})
    assert answer.json() == {"user": "alice"}


def test_other_tests_stay_blocked():
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        User.objects.count()


@pytest.mark.django_db(transaction=True)
@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_with_an_async_client(apiauth_async_client):
    assert (await apiauth_async_client.get("/me/")).json() == {"user": "alice"}
