"""How each fault shows: a profile, and a question whose answer is yes on the faulty server and no on a good one."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from pytest_apiauth.messages import Response
from tests.embedded.caller import Caller

Question = Callable[[Caller], bool]
SPACES = "/v1/workspaces"
USER = "/user/me"


def admitted(answer: Response) -> bool:
    """Whether a resource let the request in: with what it has, and not with an error."""
    return answer.status == 200 and b'"error"' not in answer.body


def got_token(answer: Response) -> bool:
    """Whether a token came."""
    body = answer.json()
    return answer.status == 200 and isinstance(body, dict) and bool(body.get("access_token"))


def access(caller: Caller) -> str:
    """Get an access token."""
    return str(caller.token()["access_token"])


def with_token(spell: Callable[[str], str]) -> Question:
    """Ask whether a token in another spelling opens Dastra's workspaces."""
    return lambda caller: admitted(caller.get(SPACES, authorization=spell(access(caller))))


def with_key(spell: Callable[[str], str]) -> Question:
    """Ask whether an API key in another spelling opens Jindexe's public zone."""
    return lambda caller: admitted(caller.get("/public/cards", key=spell(caller.key())))


def with_basic(spell: Callable[[str, str], str], client: str = "default") -> Question:
    """Ask whether another text in the Basic credentials gives a token."""

    def ask(caller: Caller) -> bool:
        client_id, secret = caller.client(client)
        text = base64.b64encode(spell(client_id, secret or "").encode()).decode()
        return got_token(caller.send(caller.parameters("client_credentials"), {"Authorization": f"Basic {text}"}))

    return ask


def with_values(grant: str, **values: Any) -> Question:
    """Ask whether other parameters give a token."""
    return lambda caller: got_token(caller.ask(grant, **values))


def with_refresh(spell: Callable[[dict[str, Any]], str], client: str = "default", **values: Any) -> Question:
    """Ask whether another text refreshes a token of the usual user."""

    def ask(caller: Caller) -> bool:
        first = caller.token("authorization_code" if caller.profile.name == "dastra" else None)
        return got_token(caller.ask("refresh_token", client, refresh_token=spell(first), **values))

    return ask


def challenge(answer: Response) -> str:
    """Give the challenge of a 401; a word that is none where the answer is another."""
    return answer.header("www-authenticate") or "" if answer.status == 401 else "not a 401"


def answer_has(grant: str | None, test: Callable[[dict[str, Any]], bool]) -> Question:
    """Ask something about the members of a token answer."""
    return lambda caller: test(caller.token(grant))


def from_query(caller: Caller) -> bool:
    """Whether a POST with everything in its query, and a body that holds nothing, gives a token."""
    client_id, secret = caller.client()
    everything = {**caller.parameters("client_credentials"), "client_id": client_id, "client_secret": secret}
    return got_token(caller.send({"nonsense": "x"}, {}, query=urlencode(everything)))


def rejected_header(name: str) -> Question:
    """Ask whether one more header field has a valid request refused."""
    return lambda caller: not admitted(caller.get(SPACES, token=access(caller), lines=((name, "text/plain"),)))


def forwarded(caller: Caller) -> bool:
    """Whether being forwarded for this machine opens a zone."""
    return admitted(caller.get(SPACES, lines=(("X-Forwarded-For", "127.0.0.1"),)))


def duplicate(caller: Caller) -> bool:
    """Whether a good line after a bad one opens a zone."""
    return admitted(caller.get(SPACES, token=access(caller), lines=(("Authorization", "Bearer bad"),)))


def query_beats_header(caller: Caller) -> bool:
    """Whether a good token in the query makes up for a bad one in the header."""
    return admitted(caller.get(f"{SPACES}?access_token={access(caller)}", token="bad"))


def without_client(caller: Caller) -> bool:
    """Whether a refresh without client authentication gives a token."""
    token = caller.token("authorization_code")["refresh_token"]
    return got_token(caller.send({"grant_type": "refresh_token", "refresh_token": token}, {}))


def refreshed_is_dead(caller: Caller) -> bool:
    """Whether a refreshed token is refused."""
    fresh = caller.token("refresh_token", refresh_token=caller.token()["refresh_token"])
    return not admitted(caller.get(USER, token=fresh["access_token"], key=caller.key()))


def key_line(name: str) -> Question:
    """Ask whether the key in another header field opens the public zone."""
    return lambda caller: admitted(caller.get("/public/cards", lines=((name, caller.key()),)))


def swapped_slots(caller: Caller) -> bool:
    """Whether key and token may change places."""
    token = access(caller)
    return admitted(caller.get(USER, token=caller.key(), key=token))


def mixed(caller: Caller) -> bool:
    """Whether the second user's token shows the first user."""
    username, password = caller.user("second")
    token = caller.token(username=username, password=password)["access_token"]
    body = caller.get(USER, token=token, key=caller.key()).json()
    return isinstance(body, dict) and body["user"] == caller.user()[0]


def repeated(caller: Caller) -> bool:
    """Whether the second of two parameters of one name decides."""
    return got_token(caller.send("grant_type=client_credentials&scope=bad&scope=api1"))


SHOWS: dict[str, tuple[str, Question]] = {
    # resource
    "zone-open": ("dastra", lambda caller: admitted(caller.get(SPACES))),
    "challenge-missing": ("dastra", lambda caller: not challenge(caller.get(SPACES))),
    "challenge-bare": ("dastra", lambda caller: challenge(caller.get(SPACES)) == "Bearer"),
    "challenge-error-without-token": ("dastra", lambda caller: "error=" in challenge(caller.get(SPACES))),
    "token-any-accepted": ("dastra", with_token(lambda _: "Bearer x")),
    "token-prefix-compare": ("dastra", with_token(lambda token: f"Bearer {token[:-3]}abcdefgh")),
    "token-case-folded": ("dastra", with_token(lambda token: f"Bearer {token.upper()}")),
    "token-sql-like": ("dastra", with_token(lambda token: f"Bearer {token[:5]}%_")),
    "refusal-redirects": ("dastra", lambda caller: caller.get(SPACES).status == 302),
    "refusal-succeeds": (
        "dastra",
        lambda caller: caller.get(SPACES).status == 200 and not admitted(caller.get(SPACES)),
    ),
    "foreign-scheme-trusted": ("dastra", lambda caller: admitted(caller.get(SPACES, authorization="Negotiate YII="))),
    "error-succeeds": ("dastra", lambda caller: caller.ask("client_credentials", scope=None).status == 200),
    "scheme-ignored": ("dastra", with_token(lambda token: f"Token {token}")),
    "bearer-glued": ("dastra", with_token(lambda token: f"Bearer{token}")),
    "bearer-quotes-stripped": ("dastra", with_token(lambda token: f'Bearer "{token}"')),
    "bearer-tab-crash": ("dastra", lambda caller: caller.get(SPACES, authorization="Bearer\tx").status == 500),
    "token-non-ascii-crash": ("jindexe", lambda caller: caller.get("/public/cards", key="\xe9").status == 500),
    "forwarded-for-trusted": ("dastra", forwarded),
    # headers
    "scheme-case-sensitive": ("dastra", lambda caller: not with_token(lambda token: f"bearer {token}")(caller)),
    "duplicate-last-wins": ("dastra", duplicate),
    "token-from-query": ("dastra", lambda caller: admitted(caller.get(f"{SPACES}?access_token={access(caller)}"))),
    "query-token-beats-header": ("dastra", query_beats_header),
    "extra-header-refused": ("dastra", rejected_header("X-Request-Id")),
    "content-type-on-get-refused": ("dastra", rejected_header("Content-Type")),
    # basic
    "basic-not-decoded": ("dastra", lambda caller: caller.ask("client_credentials", "special").status == 401),
    "basic-split-last-colon": (
        "mill",
        lambda caller: not with_basic(lambda client_id, secret: f"{client_id}:{secret}", "special")(caller),
    ),
    "basic-colon-optional": ("dastra", with_basic(lambda client_id, _: client_id)),
    "basic-malformed-crash": (
        "dastra",
        lambda caller: caller.send("grant_type=x", {"Authorization": "Basic !"}).status == 500,
    ),
    "basic-empty-secret-accepted": ("dastra", with_basic(lambda client_id, _: f"{client_id}:")),
    "secret-prefix-compare": ("dastra", with_basic(lambda client_id, secret: f"{client_id}:{secret[:4]}")),
    "secret-case-folded": ("dastra", with_basic(lambda client_id, secret: f"{client_id}:{secret.lower()}")),
    "basic-challenge-without-realm": (
        "dastra",
        lambda caller: challenge(caller.send(caller.parameters("client_credentials"), {})) == "Basic",
    ),
    # client authentication
    "secret-ignored": ("digishare", with_values("client_credentials", client_secret="x")),
    "client-auth-optional": ("digishare", with_values("client_credentials", client=None)),
    "client-refusal-without-challenge": (
        "digishare",
        lambda caller: not challenge(caller.ask("client_credentials", client_secret="x")),
    ),
    "token-by-get": (
        "digishare",
        lambda caller: got_token(
            caller.send("", {}, method="GET", query=urlencode(caller.parameters("client_credentials")))
        ),
    ),
    "token-parameters-from-query": ("digishare", from_query),
    # token answer
    "token-answer-as-text": ("dastra", lambda caller: caller.ask("client_credentials").media_type == "text/plain"),
    "token-answer-cacheable": (
        "dastra",
        lambda caller: caller.ask("client_credentials").header("cache-control") is None,
    ),
    "token-type-missing": ("dastra", answer_has(None, lambda body: "token_type" not in body)),
    "token-outside-alphabet": ("dastra", answer_has(None, lambda body: "!" in body["access_token"])),
    "expires-in-text": ("dastra", answer_has(None, lambda body: body["expires_in"] == "3600")),
    "expires-in-longer": ("dastra", answer_has(None, lambda body: body["expires_in"] == 36000)),
    "scope-misreported": ("dastra", answer_has(None, lambda body: body["scope"] != "api1")),
    "client-credentials-refresh-token": ("dastra", answer_has(None, lambda body: "refresh_token" in body)),
    "unknown-parameter-refused": ("dastra", lambda caller: not with_values("client_credentials", x="1")(caller)),
    "charset-refused": (
        "jindexe",
        lambda caller: (
            caller.send(caller.parameters("password"), content_type="application/json; charset=utf-8").status == 415
        ),
    ),
    # token errors
    "error-as-html": ("dastra", lambda caller: caller.ask("nonsense").media_type == "text/html"),
    "any-grant-accepted": ("digishare", with_values("client_credentials", grant_type="nonsense")),
    "grant-type-optional": ("digishare", with_values("client_credentials", grant_type=None)),
    "repeated-parameter-last-wins": ("dastra", repeated),
    "password-ignored": ("jindexe", with_values("password", password="x")),
    "password-case-folded": (
        "jindexe",
        lambda caller: got_token(caller.ask("password", password=caller.user()[1].upper())),
    ),
    "unknown-scope-granted": ("dastra", with_values("client_credentials", scope="api1 admin")),
    "operator-injection": ("jindexe", with_values("password", password={"$ne": ""})),
    "json-crash": ("jindexe", lambda caller: caller.send("{").status == 500),
    # refresh
    "refreshed-token-unusable": ("jindexe", refreshed_is_dead),
    "refresh-token-as-bearer": (
        "jindexe",
        lambda caller: admitted(caller.get(USER, key=caller.key(), token=caller.token()["refresh_token"])),
    ),
    "access-token-as-refresh-token": ("jindexe", with_refresh(lambda body: str(body["access_token"]))),
    "refresh-without-client": ("dastra", without_client),
    "refresh-any-client": ("dastra", with_refresh(lambda body: str(body["refresh_token"]), "second")),
    "refresh-token-kept": (
        "jindexe",
        lambda caller: (
            (old := caller.token()["refresh_token"])
            == caller.token("refresh_token", refresh_token=old)["refresh_token"]
        ),
    ),
    "refresh-scope-widens": ("jindexe", with_refresh(lambda body: str(body["refresh_token"]), scope="user admin")),
    "refresh-token-case-folded": ("jindexe", with_refresh(lambda body: str(body["refresh_token"]).upper())),
    "refresh-any-token": ("jindexe", with_refresh(lambda _: "made-up")),
    # API keys
    "key-optional": ("jindexe", lambda caller: admitted(caller.get("/public/cards"))),
    "key-prefix-compare": ("jindexe", with_key(lambda key: key[:-3])),
    "key-case-folded": ("jindexe", with_key(str.lower)),
    "key-name-folded": ("jindexe", key_line("X_API_KEY")),
    "key-from-query": ("jindexe", lambda caller: admitted(caller.get(f"/public/cards?api_key={caller.key()}"))),
    "token-route-without-key": (
        "jindexe",
        lambda caller: got_token(caller.send(caller.parameters("password"), {})),
    ),
    # zones
    "open-zone-closed": ("jindexe", lambda caller: not admitted(caller.get("/ext/status"))),
    "surplus-credential-refused": ("jindexe", lambda caller: not admitted(caller.get("/ext/status", key=caller.key()))),
    "surplus-invalid-refused": ("jindexe", lambda caller: not admitted(caller.get("/ext/status", key="bad"))),
    "any-credential-suffices": ("jindexe", lambda caller: admitted(caller.get(USER, key=caller.key()))),
    "slots-interchangeable": ("jindexe", swapped_slots),
    "zone-by-raw-path": ("jindexe", lambda caller: admitted(caller.get("/", target="/ext/../user/me", key="bad"))),
    "identity-mixed": ("jindexe", mixed),
}
