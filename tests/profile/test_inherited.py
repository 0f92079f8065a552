"""URLs that come from a profile of another API: a live run refuses them until the profile itself says them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_apiauth.credentials.located import located_profile, with_base_url
from pytest_apiauth.errors import ProfileError
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile

BASE = """
schema = 1
api_url = "https://api.production.example/v1"
token_url = "/token"
authorize_url = "/authorize"
[credentials]
client_id = "shop"
client_secret = { env = "SHOP_SECRET" }
[grants.client_credentials]
[zones.user]
path = "/user/"
needs = ["bearer"]
probe = ["/user/me"]
"""
STAGING = 'schema = 1\nextends = "base.apiauth.toml"\napi_url = "https://api.staging.example"\n'
ELSEWHERE = "https://account.production.example/it"
KEYS = ("token_url", "authorize_url", "revocation_url", "introspection_url", "metadata_url", "clock.url")


def saying(text: str, key: str, url: str) -> str:
    """Give a profile's text with a URL in it."""
    if key == "clock.url":
        return f'{text}[clock]\nurl = "{url}"\n'
    lines = [line for line in text.splitlines() if not line.startswith(f"{key} ")]
    return "\n".join((lines[0], lines[1] if len(lines) > 1 else "", f'{key} = "{url}"', *lines[2:], ""))


def read(folder: Path, *texts: str) -> Profile:
    """Write the base, then each profile upon it, and read the last."""
    (folder / "base.apiauth.toml").write_text(texts[0], encoding="utf-8")
    path = folder / "base.apiauth.toml"
    for name, text in zip(("shop", "child"), texts[1:], strict=False):
        path = folder / f"{name}.apiauth.toml"
        path.write_text(text, encoding="utf-8")
    return loading.load(path)


@pytest.fixture(autouse=True)
def _in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("key", KEYS)
def test_url_of_another_api_is_refused(tmp_path: Path, key: str) -> None:
    """An absolute URL that only the base writes is refused in one line: profile, key, URL, whose it is, what to do."""
    profile = read(tmp_path, saying(BASE, key, ELSEWHERE), STAGING)

    with pytest.raises(ProfileError) as caught:
        located_profile(profile, tmp_path)

    assert str(caught.value) == (
        f"shop: {key}: {ELSEWHERE} is inherited from base.apiauth.toml, whose api_url is https://api.production.example,"
        " while this profile's is https://api.staging.example: a live run sends nothing there until this profile itself"
        f" says {key} (the same URL again, if it is meant)"
    )


@pytest.mark.parametrize("key", KEYS)
def test_url_that_is_said_again_is_meant(tmp_path: Path, key: str) -> None:
    """The same URL, written by the profile itself, is how it says that it means it."""
    profile = read(tmp_path, saying(BASE, key, ELSEWHERE), saying(STAGING, key, ELSEWHERE))

    assert located_profile(profile, tmp_path).base_url == "https://api.staging.example"


MEANT = {
    "a path": (BASE, STAGING),
    "no other API": (saying(BASE, "token_url", ELSEWHERE), 'schema = 1\nextends = "base.apiauth.toml"\n'),
    "another path of the API": (
        saying(BASE, "token_url", ELSEWHERE),
        STAGING.replace("https://api.staging.example", "https://api.production.example/v2"),
    ),
    "the API's own origin": (saying(BASE, "token_url", "https://api.staging.example/token"), STAGING),
    "a base without an API": (
        saying(BASE, "token_url", ELSEWHERE).replace('api_url = "https://api.production.example/v1"', ""),
        STAGING,
    ),
    "one who changed both": (
        saying(BASE, "token_url", ELSEWHERE),
        saying(STAGING, "token_url", "https://account.staging.example/it"),
        'schema = 1\nextends = "shop.apiauth.toml"\n',
    ),
    "one who says it for an API of another": (
        saying(BASE, "token_url", ELSEWHERE),
        STAGING,
        f'schema = 1\nextends = "shop.apiauth.toml"\ntoken_url = "{ELSEWHERE}"\n',
    ),
    "one that is taken away": (saying(BASE, "revocation_url", ELSEWHERE), f"{STAGING}revocation_url = false\n"),
}


@pytest.mark.parametrize("case", MEANT)
def test_what_leads_to_its_own_api_is_not_refused(tmp_path: Path, case: str) -> None:
    """Nothing is refused where the API is the same, where the URL is its own, or where the profile has said it."""
    located_profile(read(tmp_path, *MEANT[case]), tmp_path)


def test_grandchild_is_asked_too(tmp_path: Path) -> None:
    """A profile between that has changed both does not speak for one that changes the API again."""
    middle = saying(STAGING, "token_url", "https://account.staging.example/it")
    child = 'schema = 1\nextends = "shop.apiauth.toml"\napi_url = "https://api.review.example"\n'
    profile = read(tmp_path, saying(BASE, "token_url", ELSEWHERE), middle, child)

    with pytest.raises(ProfileError, match=r"child: token_url: https://account\.staging\.example/it is inherited"):
        located_profile(profile, tmp_path)


@pytest.mark.parametrize(
    ("url", "refused"), [("https://api.staging.example", True), ("https://api.production.example/v3", False)]
)
def test_api_of_a_variable_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, refused: bool) -> None:
    """An ``api_url`` from the environment is another one if what stands there is."""
    monkeypatch.setenv("SHOP_URL", url)
    shop = STAGING.replace('"https://api.staging.example"', '{ env = "SHOP_URL" }')
    profile = read(tmp_path, saying(BASE, "token_url", ELSEWHERE), shop)

    if refused:
        with pytest.raises(ProfileError, match=r"shop: token_url: .* is inherited from base"):
            located_profile(profile, tmp_path)
    else:
        located_profile(profile, tmp_path)


def test_another_variable_is_another_api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the base has a variable too, a profile with another one has another API."""
    monkeypatch.setenv("SHOP_URL", "https://api.staging.example")
    base = saying(BASE, "token_url", ELSEWHERE).replace('"https://api.production.example/v1"', '{ env = "URL" }')
    shop = STAGING.replace('"https://api.staging.example"', '{ env = "SHOP_URL" }')

    with pytest.raises(ProfileError, match="whose api_url is env URL, while"):
        located_profile(read(tmp_path, base, shop), tmp_path)


def test_line_does_not_quote_a_password(tmp_path: Path) -> None:
    """The base's own ``api_url`` is checked by nobody, since another is in force: what it holds is not repeated."""
    base = saying(BASE, "token_url", ELSEWHERE).replace("https://api.prod", "https://me:canary-1234@api.prod")

    with pytest.raises(ProfileError, match=r"whose api_url is https://api\.production") as caught:
        located_profile(read(tmp_path, base, STAGING), tmp_path)

    assert "canary" not in str(caught.value)


def test_built_in_profile_is_called_by_its_name(tmp_path: Path) -> None:
    """Whose URL it is, the line says in the profile's own word."""
    text = 'schema = 1\nextends = "dastra"\napi_url = "https://staging.dastra.example"\n'
    profile = read(tmp_path, text)

    with pytest.raises(ProfileError) as caught:
        located_profile(profile, tmp_path)

    first, second = str(caught.value).splitlines()
    assert first.startswith("base: token_url: https://account.dastra.eu/connect/token is inherited from dastra, whose")
    assert second.startswith(
        "base: authorize_url: https://account.dastra.eu/connect/authorize is inherited from dastra"
    )
    assert with_base_url(profile, tmp_path).base_url == "https://staging.dastra.example"


def test_the_plain_place_of_another_api_is_not_asked(tmp_path: Path) -> None:
    """What is asked without a credential is no less another API's server: it takes a word of the profile's own too."""
    said = '[live]\nplain_url = "http://api.production.example"\n'
    with pytest.raises(ProfileError, match=r"shop: live\.plain_url: http://api\.production\.example is inherited"):
        located_profile(read(tmp_path, BASE + said, STAGING), tmp_path)

    assert located_profile(read(tmp_path, BASE + said, STAGING + said), tmp_path).plain_origin is not None
