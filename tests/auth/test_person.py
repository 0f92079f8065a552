"""The script that plays a person: where it goes, what it types, where it stops, and what it says then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pytest_apiauth.auth.person import Person, sent_by
from pytest_apiauth.auth.ways import LogIn
from pytest_apiauth.credentials.identities import Identities, UserIdentity
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import CredentialError
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile

BACK = "https://app.example/callback"
AUTHORIZE = f"https://id.example/authorize?redirect_uri={BACK}&state=s"
VALUES = {"PASSWORD": "word-of-alice", "BOBS": "word-of-bob", "SESSION": "session-of-alice"}
LOGIN = "<form action=/login method=post><input name=user><input type=password name=word><button>In</button></form>"
CONSENT = "<form action=/consent method=post><button>Deny</button><button name=a value=1>Allow</button></form>"


def html(body: str, *lines: tuple[str, str], status: int = 200) -> Response:
    """Give a page."""
    return Response(status, (("Content-Type", "text/html"), *lines), body.encode())


def to(place: str, *lines: tuple[str, str], status: int = 302) -> Response:
    """Give a redirection."""
    return Response(status, (("Location", place), *lines))


@dataclass
class Site:
    """Pages by path, and the requests that came."""

    pages: dict[str, Response | Callable[[Request], Response]]
    login: dict[str, Any] | None = field(default_factory=dict)
    logs_in: LogIn | None = None
    came: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        profile = Profile.model_validate({
            "schema": 1, "name": "shop", "api_url": "https://id.example", "token_url": "/token",
            "authorize_url": "/authorize", "grants": {"authorization_code": {}},
            "credentials": {"username": "alice", "password": {"env": "PASSWORD"}, "session": {"env": "SESSION"}},
            "users": {"bob": {"username": "bob", "password": {"env": "BOBS"}}},
            **({} if self.login is None else {"login": self.login}),
        })  # fmt: skip
        self.redactor = Redactor()
        identities = Identities(profile, lambda label, reference: VALUES.get(reference.env or ""), self.redactor)
        self.person = Person(identities, self.redactor, logs_in=self.logs_in)

    def send(self, request: Request) -> Response:
        """Answer by the path."""
        self.came.append(request)
        page = self.pages[request.path]
        return page(request) if callable(page) else page

    def opened(self, user: str = "default", url: str = AUTHORIZE, *, in_private: bool = False) -> Response:
        """Open a URL as a user."""
        return sent_by(self.person.opens(Request("GET", url), user, in_private=in_private), self.send)

    @property
    def paths(self) -> list[str]:
        """Where it went."""
        return [f"{request.method} {request.path}" for request in self.came]


def with_login(**login: Any) -> Site:
    """Give a site that knows who is logged in by a cookie, and asks for consent each time."""

    def authorize(request: Request) -> Response:
        return html(CONSENT) if "sid=" in (request.header("cookie") or "") else to("/login")

    def log_in(request: Request) -> Response:
        if request.method == "GET":
            return html(LOGIN)
        name = request.form()["user"]
        good = {"alice": "word-of-alice", "bob": "word-of-bob"}[name] == request.form()["word"]
        return to("/authorize", ("Set-Cookie", f"sid=session-of-{name}; Path=/; Secure")) if good else html(LOGIN)

    def consent(request: Request) -> Response:
        return to(f"{BACK}?code={(request.header('cookie') or '').removeprefix('sid=')}&state=s")

    return Site({"/authorize": authorize, "/login": log_in, "/consent": consent}, login)


def code_in(response: Response) -> str:
    """Give the code that an answer brings."""
    return parse_qs(urlsplit(response.header("location") or "").query).get("code", [""])[0]


def test_a_login_and_a_consent_end_at_the_client() -> None:
    """Redirections are followed, both forms are filled in, and the last answer leads to the redirect_uri."""
    site = with_login()

    assert code_in(site.opened()) == "session-of-alice"
    assert site.paths == ["GET /authorize", "GET /login", "POST /login", "GET /authorize", "POST /consent"]
    assert site.came[2].header("origin") == "https://id.example"
    assert site.came[2].header("referer") == "https://id.example/login"


def test_a_session_is_kept_and_never_another_users() -> None:
    """Who has logged in only consents; another user, and a window of its own, log in by themselves."""
    site = with_login()

    assert [code_in(site.opened(user)) for user in ("default", "default", "bob", "default")] == [
        "session-of-alice", "session-of-alice", "session-of-bob", "session-of-alice",
    ]  # fmt: skip
    assert site.paths.count("POST /login") == 2
    assert code_in(site.opened("bob", in_private=True)) == "session-of-bob"
    assert site.paths.count("POST /login") == 3
    typed = [request for request in site.came if request.path == "/login" and request.method == "POST"]
    assert [request.header("cookie") for request in typed] == [None, None, None]


def test_a_wrong_password_is_typed_once() -> None:
    """A page that asks again ends it, and nobody types that user's password once more; another user's is."""
    site = with_login()
    site.person._identities._found["credentials.password"] = "wrong"

    notes = [site.opened().note for _ in range(3)]

    assert "asks for the password again: it took no name and password of the user 'default'" in notes[0]
    assert "nobody has tried again" in notes[2]
    assert site.paths.count("POST /login") == 1
    assert code_in(site.opened("bob")) == "session-of-bob"


def test_nothing_is_sent_to_an_origin_that_the_profile_does_not_name() -> None:
    """A form or a redirection to elsewhere is not followed, until login.origins names it."""
    foreign = LOGIN.replace("/login", "https://evil.example/login")
    for page in (html(foreign), to("https://evil.example/login")):
        site = Site({"/authorize": page})
        assert "leads to https://evil.example, which the profile does not name; login.origins" in site.opened().note
        assert site.paths == ["GET /authorize"]
    named = Site({"/authorize": html(foreign), "/login": to(f"{BACK}?code=c")}, {"origins": ["https://evil.example"]})
    assert code_in(named.opened()) == "c"


@pytest.mark.parametrize(
    "location",
    [
        "https://app.example/callback?error=access_denied&state=s", "https://app.example/callback#code=c",
        "/callback?code=c", "https://id.example/callback/other?code=c&state=s",
    ],
)  # fmt: skip
def test_it_stops_wherever_a_client_may_be(location: str) -> None:
    """What may be an answer to a client is not opened, on whatever origin: a rule looks at where it leads."""
    site = Site({"/authorize": to(location)})

    assert str(site.opened().header("location")).endswith(location.removeprefix("https://id.example"))
    assert site.paths == ["GET /authorize"]


def test_an_error_page_is_the_answer() -> None:
    """A 4xx ends it, whatever forms stand on it; a 200 without a form that could be sent does too."""
    assert Site({"/authorize": html(LOGIN, status=400)}).opened().status == 400
    found = Site({"/authorize": html("<form action=/search><input name=q></form>")}).opened()
    assert (found.status, found.note) == (
        200, "login: https://id.example/authorize is a page without a form that a script could send",
    )  # fmt: skip


def test_a_page_with_several_buttons_is_not_guessed_at() -> None:
    """The message names the buttons, and login.buttons chooses."""
    pages = {"/authorize": html("<form method=post action=/c><button>Ja</button><button name=n>Nein</button></form>"),
             "/c": to(f"{BACK}?code=c")}  # fmt: skip

    assert "has several buttons (Ja, Nein); name one in login.buttons" in Site(dict(pages)).opened().note
    assert code_in(Site(dict(pages), {"buttons": ["Ja"]}).opened()) == "c"


def test_the_name_may_be_asked_for_first() -> None:
    """A form for the name alone, and then one for the password."""
    first = "<form method=post action=/two><input name=email></form>"
    second = (
        "<form method=post action=/in><input type=hidden name=email value=alice><input type=password name=p></form>"
    )
    site = Site({"/authorize": html(first), "/two": html(second), "/in": to(f"{BACK}?code=c")})

    assert code_in(site.opened()) == "c"
    assert [request.form() for request in site.came[1:]] == [
        {"email": "alice"}, {"email": "alice", "p": "word-of-alice"},
    ]  # fmt: skip


def test_a_way_without_an_end_ends() -> None:
    """A circle of redirections is left after twenty requests."""
    site = Site({"/authorize": to("/authorize")})

    assert "is where the script gave up, after 20 requests" in site.opened().note


@pytest.mark.parametrize("way", [{"cookie": "sid"}, {"header": "X-Session"}], ids=["cookie", "header"])
def test_a_session_of_the_environment_goes_home_and_nowhere_else(way: dict[str, str]) -> None:
    """A session that is given goes to the authorization endpoint's origin, not to another that the login names."""
    pages = {"/authorize": to("https://pages.example/x"), "/x": to("https://id.example/y"), "/y": to(f"{BACK}?code=c")}
    site = Site(dict(pages), {**way, "origins": ["https://pages.example"]})

    assert code_in(site.opened()) == "c"
    carried = ["session-of-alice" in str(request.headers) for request in site.came]
    assert carried == [True, False, True]
    with pytest.raises(CredentialError, match=r"users.bob.session: \[login\] needs one"):
        site.opened("bob")


@pytest.mark.parametrize("way", [{"cookie": "sid"}, {"header": "X-Session"}], ids=["cookie", "header"])
def test_a_session_that_cannot_travel_is_refused_by_name(way: dict[str, str]) -> None:
    """A line break would end the header line: one line says so, with the profile's name and without the value."""
    site = Site({}, way)
    site.person._identities._found["credentials.session"] = "session\r\nX-Evil: 1"

    with pytest.raises(CredentialError, match=r"^shop.credentials.session: its value cannot travel in a ") as caught:
        site.opened()

    assert (site.came, "Evil" in str(caught.value)) == ([], False)


def test_a_function_takes_the_place_of_the_forms() -> None:
    """It is given the URL and the user where the endpoint has not answered at once, and gives where that ended."""
    seen: list[tuple[str, str | None]] = []

    def log_in(url: str, user: UserIdentity) -> str:
        seen.append((url, user.username))
        return f"{BACK}?code=c"

    site = Site({"/authorize": html(LOGIN)}, None, log_in)

    assert code_in(site.opened("bob")) == "c"
    assert (seen, site.paths) == ([(AUTHORIZE, "bob")], ["GET /authorize"])


def test_a_function_that_fails_is_not_called_for_ever() -> None:
    """What it raises is said in one line, with no secret in it, and it is called once if it never worked."""
    calls: list[str] = []

    def log_in(url: str, user: UserIdentity) -> str:
        calls.append(url)
        raise TimeoutError("no button\nafter 30 s")

    site = Site({"/authorize": html(LOGIN)}, {"callable": "tests.login:log_in"}, log_in)

    notes = [site.opened().note for _ in range(3)]
    assert "where the function began that logs in, and it failed: TimeoutError: no button" in notes[0]
    assert "\n" not in notes[0]
    assert len(calls) == 1


def test_without_a_script_one_request_is_made() -> None:
    """Nobody says how to log in: the endpoint is asked once, and what it answers is the answer."""
    site = Site({"/authorize": to("/login")}, None)

    assert site.opened().header("location") == "/login"
    assert site.paths == ["GET /authorize"]


def test_cookies_of_a_login_are_secrets() -> None:
    """What a browser holds is learnt, so that no output shows it."""
    site = with_login()
    site.opened()

    assert "session-of-alice" not in site.redactor.redact("sid=session-of-alice")
