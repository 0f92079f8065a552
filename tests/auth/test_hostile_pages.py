"""Pages that mean ill, or are badly made, before the script that plays a person: nothing of a user's gets away."""

from __future__ import annotations

import time
from urllib.parse import parse_qs

import pytest

from pytest_apiauth.auth import pages
from pytest_apiauth.auth.pages import MOST_LETTERS, forms_of
from pytest_apiauth.credentials.identities import UserIdentity
from pytest_apiauth.messages import Request, Response
from tests.auth.test_person import BACK, LOGIN, Site, code_in, html, to, with_login

PASSWORD = "word-of-alice"
INPUTS = "<input name=user><input type=password name=word>"


def typed_at(site: Site) -> list[str]:
    """Give the hosts that a password was sent to, in whatever part of a request."""
    return [
        request.url.split("/")[2]
        for request in site.came
        if PASSWORD in f"{request.url}{request.headers}" or PASSWORD.encode() in request.body
    ]


@pytest.mark.parametrize(
    "form",
    [
        f"<form method=post action=https://evil.example/login>{INPUTS}</form>",
        f"<form method=post action=//evil.example/login>{INPUTS}</form>",
        f"<form method=post action=http://id.example/login>{INPUTS}</form>",
        f"<form method=post action=https://id.example:444/login>{INPUTS}</form>",
        f"<form method=post action=https://id.example@evil.example/login>{INPUTS}</form>",
        f"<form method=post action=https://id.example.evil.example/login>{INPUTS}</form>",
        f"<form method=post action='https://evil.example\\@id.example/login'>{INPUTS}</form>",
        f"<form method=post action='/\t/evil.example/login'>{INPUTS}</form>",
        f"<form method=post action='javascript:send()'>{INPUTS}</form>",
        f"<form method=post action=mailto:evil@evil.example>{INPUTS}</form>",
        f"<form method=post action=/login>{INPUTS}<button formaction=https://evil.example/login>In</button></form>",
        f"<form method=post action=/login>{INPUTS}<input type=submit formaction=//evil.example/login></form>",
        f"<form id=f method=post action=https://evil.example/></form>{INPUTS.replace('name', 'form=f name')}",
    ],
)
def test_no_form_takes_a_password_elsewhere(form: str) -> None:
    """However a form spells where it is sent, a password goes to an origin that the profile names, or nowhere."""
    site = Site({"/authorize": html(form), "/login": html("no")})

    note = site.opened().note
    assert "which the profile does not name" in note or "with a backslash in it" in note
    assert typed_at(site) == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "place", ["https://evil.example/x", "//evil.example/x", "http://id.example/x", "http://[::::]/x", BACK]
)
def test_no_redirection_takes_a_password_elsewhere(status: int, place: str) -> None:
    """What comes of a login may lead anywhere: nothing that was typed goes along, and no cookie."""
    cookie = ("Set-Cookie", "sid=session-of-alice; Domain=evil.example; Path=/")
    site = Site({"/authorize": html(LOGIN), "/login": to(place, cookie, status=status), "/x": html("no")})

    site.opened()

    assert typed_at(site) == ["id.example"]
    assert [request.url for request in site.came[2:]] == []


@pytest.mark.parametrize(
    "trouble",
    [
        "<p " + "a=b " * 100_000 + ">",
        "<p " + 'a="b"' * 90_000 + ">",
        "<input type=hidden name=state value='" + "x" * 400_000 + "'>",
        "<script>" + "a < b; " * 50_000 + "</script>",
    ],
    ids=["attributes", "quotes", "a long value", "a script"],
)
def test_a_tag_of_very_many_attributes_is_passed_over(trouble: str) -> None:
    """A form is found beside whatever else a page has."""
    forms = forms_of(f"{trouble}<form method=post action=/in>{INPUTS}</form>")

    assert [form.action for form in forms] == ["/in"]


def test_a_form_has_no_more_controls_than_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a form has beyond the bound is passed over; where the bound is wider it is read."""
    page = f"<form method=post action=/in>{INPUTS}" + "<input name=a><button>x</button>" * 2_000
    counts = [len(form.inputs) + len(form.buttons) for form in forms_of(page)]
    monkeypatch.setattr(pages, "MOST_CONTROLS", 9_000)

    assert counts == [3_000]
    assert [len(form.inputs) + len(form.buttons) for form in forms_of(page)] == [4_002]


def test_what_is_no_declaration_ends_a_page() -> None:
    """Python's parser gives up at some of them; what came before stays."""
    assert [form.action for form in forms_of(f"<form method=post action=/in>{INPUTS}</form>" + "<![" * 9)] == ["/in"]


@pytest.mark.parametrize("method", ["method=get", "", "method=post><input type=submit formmethod=get", "method=dialog"])
def test_no_password_is_put_into_a_url(method: str) -> None:
    """A form that would be sent with GET is left alone, since logs have URLs."""
    site = Site({"/authorize": html(f"<form action=/login {method}>{INPUTS}</form>")})

    assert "with GET, which would put it into a URL" in site.opened().note
    assert typed_at(site) == []


def test_a_password_that_works_no_more_is_not_typed_for_ever() -> None:
    """An account that was locked meanwhile is tried three times, and left alone then."""
    site = with_login()
    assert code_in(site.opened())
    site.person._identities._found["credentials.password"] = "another"

    notes = [site.opened(in_private=True).note for _ in range(6)]

    assert site.paths.count("POST /login") == 1 + 3
    assert "nobody has tried again" in notes[-1]


def test_pages_without_an_end_end() -> None:
    """A page that asks for consent again and again is left after twenty requests."""
    site = Site({"/authorize": html("<form method=post><button>Go on</button></form>")})

    assert "is where the script gave up, after 20 requests" in site.opened().note
    assert len(site.came) == 20


@pytest.mark.parametrize("text", ["<a ", '<a x="', "<!--", "</a ", "<input name=", "<form><input name=a>", "<![CDATA["])
def test_a_page_of_any_size_is_read_in_no_time(text: str) -> None:
    """No page that a server could send keeps a run busy: reading takes time by its length, not by the square."""
    began = time.process_time()

    forms_of(text * (MOST_LETTERS // len(text)))

    assert time.process_time() - began < 5


@pytest.mark.parametrize("charset", ["nonsense", "undefined", "idna", "punycode", "hex", "unicode_escape", "a\0b", ""])
def test_a_charset_that_is_none_is_no_trouble(charset: str) -> None:
    """A page says to be written in something that no page is written in: it is read as UTF-8."""
    page = Response(200, (("Content-Type", f"text/html; charset={charset}"),), LOGIN.encode() + b"\\d\xff")
    site = Site({"/authorize": page, "/login": to(f"{BACK}?code=c")})

    assert code_in(site.opened()) == "c"


def test_what_a_function_says_shows_no_code() -> None:
    """An error of a browser often has the URL that it was at, and a code may be in it."""

    def log_in(url: str, user: UserIdentity) -> str:
        raise TimeoutError(f"timed out at {BACK}?code=code-of-alice&state=s while waiting; {PASSWORD}")

    site = Site({"/authorize": html(LOGIN)}, None, log_in)

    note = site.redactor.redact(site.opened().note)
    assert f"TimeoutError: timed out at {BACK}?… while waiting" in note
    assert "code-of-alice" not in note
    assert PASSWORD not in note


def test_users_at_the_same_time_keep_apart() -> None:
    """Two ways that are gone step by step in turn: each request has the cookies of its own user, and no others."""
    site = with_login()
    users = ("default", "bob")
    ways = {user: site.person.opens(Request("GET", f"https://id.example/authorize?redirect_uri={BACK}&state=s"), user)
            for user in users}  # fmt: skip
    asked = {user: next(way) for user, way in ways.items()}
    codes: dict[str, str] = {}
    while asked:
        for user in list(asked):
            cookie = asked[user].header("cookie") or ""
            assert {"default": "bob", "bob": "alice"}[user] not in cookie
            try:
                asked[user] = ways[user].send(site.send(asked[user]))
            except StopIteration as end:
                codes[user] = parse_qs(str(end.value.header("location")).partition("?")[2])["code"][0]
                del asked[user]

    assert codes == {"default": "session-of-alice", "bob": "session-of-bob"}
