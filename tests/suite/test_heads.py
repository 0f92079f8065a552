"""An answer as it may be shown: its head and the shape of its body, never what belongs to somebody."""

from __future__ import annotations

import json

import pytest

from pytest_apiauth.messages import Response, pairs
from pytest_apiauth.suite.heads import LONGEST_LINE, MOST_MEMBERS, head_of


def shown(response: Response) -> tuple[str, ...]:
    """Show an answer, with one secret that is known."""
    return head_of(response, lambda text: text.replace("secret", "[redacted]"))


def answer(status: int, body: object = None, *headers: tuple[str, str]) -> Response:
    """Make an answer of JSON, or of bytes, or without a body."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Response(status, pairs(headers), content)


def test_an_error_says_what_is_wrong() -> None:
    """The status line, the challenge, and the members of RFC 6749 5.2 with their values."""
    found = answer(
        401,
        {"error": "invalid_token", "error_description": "the secret has expired", "user": "kim"},
        ("WWW-Authenticate", 'Bearer error="invalid_token"'),
        ("Content-Type", "application/json"),
        ("Server", "nginx"),
    )

    assert shown(found) == (
        "HTTP 401 Unauthorized",
        'WWW-Authenticate: Bearer error="invalid_token"',
        "Content-Type: application/json",
        '{"error": "invalid_token", "error_description": "the [redacted] has expired", "user": text}',
    )


def test_a_success_shows_no_value_of_its_body() -> None:
    """What an API gives belongs to somebody: names and types are shown, in an error's member too."""
    found = answer(
        200, {"name": "Kim", "age": 7, "ok": True, "none": None, "items": [1], "a": {}, "message": "private"}
    )

    assert shown(found)[-1] == (
        '{"name": text, "age": number, "ok": true, "none": null, "items": list, "a": object, "message": text}'
    )


def test_cookies_and_locations_show_no_value() -> None:
    """A session is in the one, a code may be in the other."""
    found = answer(
        302, None, ("Location", "https://app.example/cb?code=abc#x"), ("Set-Cookie", "id=abc; Secure; Path=/")
    )

    assert shown(found) == (
        "HTTP 302 Found",
        "Location: https://app.example/cb",
        "Set-Cookie: id=…; Secure; Path=/",
        "(no body)",
    )


def test_a_long_piece_of_a_path_is_not_shown() -> None:
    """It may be what a mailed link opens something with."""
    found = answer(302, None, ("Location", f"https://login.identity.example/mail/{'a1' * 16}/next"))

    assert shown(found)[1] == "Location: https://login.identity.example/mail/…/next"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>private</html>", "(20 bytes)"),
        (["private", "too"], "[2 items]"),
        ({f"m{number}": 1 for number in range(MOST_MEMBERS + 3)}, "3 more}"),
    ],
)
def test_a_body_of_another_sort_is_told_by_its_size(body: object, words: str) -> None:
    """Whatever it is, what it says is not shown."""
    assert shown(answer(799, body))[0] == "HTTP 799"
    assert shown(answer(799, body))[-1].endswith(words)


def test_a_line_is_fit_for_a_terminal() -> None:
    """Control characters and length are the server's, not the report's."""
    (_, challenge, _) = shown(answer(401, None, ("WWW-Authenticate", "Bearer \x1b[2J" + "x" * 5000)))

    assert challenge.isprintable()
    assert len(challenge) == LONGEST_LINE
