"""The script that plays a person before a device's page: what it types there, and where that ends."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_apiauth.auth.person import sent_by
from pytest_apiauth.credentials.identities import UserIdentity
from pytest_apiauth.messages import Request, Response
from tests.auth.test_person import CONSENT, LOGIN, Site, html, to

PAGE = "https://id.example/device"
CODE = "WDJB-MJHT"
ENTER = "<form method=post action=/device><input name=user_code><button>Go</button></form>"
DONE = html("<h1>Go back to your device</h1>")


def entered(site: Site, url: str = PAGE, user: str = "default") -> Response:
    """Have a user open the page for the device's code."""
    return sent_by(site.person.opens(Request("GET", url), user, user_code=CODE), site.send)


def typed(site: Site) -> list[dict[str, str]]:
    """Give what was typed into forms."""
    return [request.form() for request in site.came if request.method == "POST"]


def test_the_code_is_typed_before_and_after_a_login() -> None:
    """The code, name and password, a button: in whatever order the pages ask, and it ends where no form is left."""
    rest = {"/consent": DONE, "/login": to("/go", ("Set-Cookie", "sid=1; Path=/"))}
    first = Site({"/device": lambda asked: to("/in") if asked.body else html(ENTER), "/in": html(LOGIN),
                  "/go": html(CONSENT), **rest})  # fmt: skip
    later = Site({"/device": lambda asked: html(CONSENT if asked.body else LOGIN), "/go": html(ENTER), **rest})
    asked = [{"user_code": CODE}, {"user": "alice", "word": "word-of-alice"}, {"a": "1"}]

    assert "/consent is a page without a form" in entered(first).note
    assert typed(first) == asked
    assert "/consent is a page without a form" in entered(later).note
    assert typed(later) == [asked[1], asked[0], asked[2]]


@pytest.mark.parametrize(
    "field", [f"<input name=user_code value={CODE}>", f"<input type=hidden name=user_code value={CODE}>"]
)
def test_a_form_that_has_the_code_is_sent_as_it_is(field: str) -> None:
    """A page that was opened with the code in its URL has it in its form already (RFC 8628 3.3.1)."""
    site = Site({"/device": html(f"<form method=post action=/go>{field}</form>"), "/go": DONE})

    entered(site, f"{PAGE}?user_code={CODE}")

    assert typed(site) == [{"user_code": CODE}]


@pytest.mark.parametrize(
    ("name", "login"),
    [
        ("user_code", {}),
        ("usercode", {}),
        ("code", {}),
        ("otc", {}),
        ("device_user_code", {}),
        ("pin", {"user_code": "pin"}),
    ],
)
def test_which_input_takes_the_code(name: str, login: dict[str, Any]) -> None:
    """The input that looks like it, or the one that the profile names; a form with GET will do."""
    site = Site({"/device": html(f"<form action=/go><input name={name}></form>"), "/go": DONE}, login)

    entered(site)

    assert site.came[-1].url == f"https://id.example/go?{name}={CODE}"


def test_a_code_that_is_not_taken_is_typed_once() -> None:
    """A page that asks for it again ends the way, and so does an error page; the user may try with another code."""
    site = Site({"/device": html(ENTER)})

    assert "/device asks for the device's code again: it did not take it" in entered(site).note
    assert len(typed(site)) == 1
    assert entered(Site({"/device": html(ENTER, status=404)})).status == 404
    entered(site)
    assert len(typed(site)) == 2


def test_a_wrong_password_is_typed_once_for_all_devices() -> None:
    """What did not get in once is never typed again, for whatever device."""
    site = Site({"/device": to("/login"), "/login": html(LOGIN)})

    notes = [entered(site).note for _ in range(2)]

    assert "asks for the password again" in notes[0]
    assert "nobody has tried again" in notes[1]
    assert len(typed(site)) == 1


def test_nothing_leads_back_to_a_client() -> None:
    """A redirection with a code in it is one step more of a login elsewhere; one to a foreign origin is the end."""
    site = Site({"/device": to("/back?code=of-another-login"), "/back": DONE})
    entered(site)
    foreign = Site({"/device": to("https://evil.example/device")})

    assert site.paths == ["GET /device", "GET /back"]
    assert "leads to https://evil.example, which the profile does not name" in entered(foreign).note
    assert foreign.paths == ["GET /device"]


def test_a_function_is_given_the_code_if_it_takes_it() -> None:
    """One that logs in for codes does so for devices too, with the URL that has the code in it if there is one."""
    seen: list[tuple[str, ...]] = []

    def plain(url: str, user: UserIdentity) -> str:
        seen.append((url,))
        return url

    def of_devices(url: str, user: UserIdentity, *, user_code: str) -> str:
        seen.append((url, user_code))
        return url

    for logs_in in (plain, of_devices):
        entered(Site({"/device": html(ENTER)}, None, logs_in))
    assert seen == [(PAGE,), (PAGE, CODE)]


def test_without_a_script_the_page_is_opened_and_nothing_typed() -> None:
    """Nobody says how to log in: what the page is opened for is for whoever has it consent by that."""
    site = Site({"/device": html(ENTER)}, None)

    assert (entered(site).status, site.paths) == (200, ["GET /device"])
