"""What an answer tells that it should not."""

from __future__ import annotations

from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.credentials.secrets import spellings
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.model import GrantType, Zone
from pytest_apiauth.rules import Control, Level, Safety, rule
from pytest_apiauth.suite.api import Answer, Exchange

from .client_authentication import open_to_nobody
from .parts import authenticated_clients, password_grant, protected_zones, unattended_grants

CANARY = "apiauthCanary7Q2vX9"
NOBODY = "apiauth-nobody-5R8"


def echoes(answer: Answer, value: str) -> bool:
    """Whether an answer repeats a value, in any spelling, in its headers or its body."""
    headers = "\n".join(f"{name}: {text}" for name, text in answer.response.headers)
    text = headers + answer.response.body.decode("utf-8", "replace")
    return any(form in text for form in spellings(value))


@rule(
    "leak-canary", level=Level.SHOULD, safety=Safety.READ_ONLY, sources=("RFC 9700 4.2", "RFC 6749 10.3"),
    applies=protected_zones, control=Control.TWIN, faults=("refusal-echoes-credential",),
)  # fmt: skip
def canary(exchange: Exchange, zone: Zone) -> None:
    """No answer repeats a credential, good or bad, in any encoding."""
    for valid in exchange.requests(zone):
        good = exchange.send(valid).accepted()
        for name in sorted(valid.names - {"USERNAME", "CLIENT_ID"}):
            with exchange.row():
                value = exchange.examination.value(name)
                good.require(not echoes(good, value), "no credential repeated in the answer", f"${name} in it")
                bad = exchange.send(valid.editing(name, Edit("whole", text=CANARY)), twin=valid).refused()
                bad.require(not echoes(bad, CANARY), "no credential repeated in a refusal", "the refused one in it")


@rule(
    "leak-canary-token", level=Level.SHOULD, safety=Safety.LOCKOUT, sources=("RFC 9700 4.2", "RFC 6749 5.2"),
    applies=unattended_grants, control=Control.TWIN, faults=("error-echoes-secret",),
)  # fmt: skip
def canary_at_the_token_endpoint(exchange: Exchange, grant: GrantType) -> None:
    """The token endpoint's refusal repeats neither password nor client secret."""
    cause = open_to_nobody(exchange, grant)
    valid = exchange.token_request(grant)
    for name in sorted(valid.names):
        if name.endswith(("PASSWORD", "CLIENT_SECRET")):
            answer = exchange.send(valid.editing(name, Edit("whole", text=CANARY)), twin=valid)
            answer.no_token(cause if name.endswith("CLIENT_SECRET") else None)
            answer.require(not echoes(answer, CANARY), "no secret repeated in a refusal", "the refused one in it")


def differences(one: Answer, other: Answer) -> str:
    """Say in what two refusals differ: status, media type, JSON members (other text may hold a date or an id)."""
    rows = [
        ("status", one.status, other.status),
        ("media type", one.response.media_type, other.response.media_type),
        *((name, one.members.get(name), other.members.get(name)) for name in ("error", "error_description")),
    ]
    return ", ".join(f"{name} {second!r} and not {first!r}" for name, first, second in rows if first != second)


def told_apart(one: Answer, other: Answer) -> bool:
    """Whether two refusals differ."""
    return bool(differences(one, other))


def require_alike(one: Answer, other: Answer, words: str) -> None:
    """Require that two refusals do not differ; what they say is cut short and redacted."""
    found = other.exchange.examination.redactor.redact(differences(one, other))
    other.require(not found, f"the answer to {words}, {one.got}", f"{other.got} with {one_line(found)}")


@rule(
    "leak-enum", level=Level.SHOULD, safety=Safety.LOCKOUT, sources=("RFC 6749 5.2", "RFC 6819 4.4.3"),
    applies=password_grant, control=Control.TWIN, faults=("unknown-user-named",),
)  # fmt: skip
def users_not_enumerable(exchange: Exchange, grant: GrantType) -> None:
    """An unknown user and a wrong password are answered alike."""
    valid = exchange.token_request(grant)
    wrong = exchange.send(valid.editing(valid.secret("PASSWORD"), Edit("reverse")), twin=valid).no_token()
    spoilt = valid.setting("username", NOBODY).editing(valid.secret("PASSWORD"), Edit("reverse"))
    unknown = exchange.send(spoilt, twin=valid).no_token()
    require_alike(wrong, unknown, "a wrong password")


@rule(
    "leak-enum-client", level=Level.SHOULD, safety=Safety.LOCKOUT, sources=("RFC 6749 5.2",),
    applies=authenticated_clients, control=Control.TWIN, faults=("unknown-client-named",),
)  # fmt: skip
def clients_not_enumerable(exchange: Exchange, grant: GrantType) -> None:
    """An unknown client and a wrong secret are answered alike."""
    cause = open_to_nobody(exchange, grant)
    valid = exchange.token_request(grant)
    wrong = exchange.send(valid.editing(valid.secret("CLIENT_SECRET"), Edit("reverse")), twin=valid).no_token(cause)
    unknown = exchange.send(
        valid.editing(valid.secret("CLIENT_ID"), Edit("whole", text=NOBODY)).editing(
            valid.secret("CLIENT_SECRET"), Edit("reverse")
        ),
        twin=valid,
    ).no_token(cause)
    require_alike(wrong, unknown, "a wrong secret")


@rule(
    "leak-refusal-uniform", level=Level.MAY, safety=Safety.READ_ONLY, sources=("RFC 6750 3.1",),
    applies=protected_zones, control=Control.TWIN, faults=("refusal-explains",),
)  # fmt: skip
def refusals_alike(exchange: Exchange, zone: Zone) -> None:
    """A refusal does not say why a credential is bad: a near miss and an unknown one are answered alike."""
    for valid in exchange.requests(zone):
        for name in sorted(valid.names):
            with exchange.row():
                answers = [
                    exchange.attempt(valid.editing(name, edit), twin=valid)
                    for edit in (Edit("whole", text=CANARY), Edit("truncate", 900), Edit("replace", 950, "x"))
                ]
                sent = [answer.refused() for answer in answers if answer is not None]
                for answer in sent[1:]:
                    require_alike(sent[0], answer, "an unknown credential")
