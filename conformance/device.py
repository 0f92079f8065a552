"""The device authorization grant (RFC 8628): what a device is told, and what becomes of its code.

Where a script plays the person who enters the user's code, or the server consents by itself, the rules that need a
consent run; the others ask about codes that nobody will ever enter: a handful of requests each.
"""

from __future__ import annotations

from typing import Final

from pytest_apiauth.rules import (
    CONSUME,
    GRANTS,
    ISSUE,
    ITSELF,
    MUST,
    SHOULD,
    Answer,
    Api,
    Edit,
    GrantType,
    Inconclusive,
    Parts,
    Ref,
    Role,
    parts_of,
    rule,
)  # fmt: skip

from .client_authentication import another_client
from .parts import grants_that

device_grant = Parts(
    "the grant device_code is not documented", grants_that(lambda grant: grant.spends == "device_code")
)

LOOK = (
    "The device grant: the row of the device code, with its client, its time and whether somebody has"
    " consented, is looked at whole for each request."
)

PENDING: Final = ("authorization_pending", "slow_down")
ENDED: Final = ("invalid_grant", "expired_token")
MADE_UP: Final = "apiauth-no-such-device-code-0123456789"
WRONG: Final = Edit("reverse")
NEAR_MISSES: Final = (
    Edit("toggle"), Edit("upper"), Edit("lower"), Edit("truncate", at=990), Edit("extend", text="a"),
    Edit("prepend", text="a"), Edit("delete", at=500), Edit("swap", at=300), WRONG,
)  # fmt: skip
ENTROPY: Final = 22
"""A letter of the usual 64 holds six bits at most; 128 bits then take as many letters that vary."""


def asking(api: Api, grant: GrantType) -> Answer:
    """Ask for a device code. Raises Inconclusive if the valid request is refused."""
    answer = api.send(api.beginning(grant))
    if answer.status >= 400:
        raise Inconclusive(f"the valid device authorization request was answered with {answer.got}: {answer.curl}")
    return answer


def code_in(api: Api, answer: Answer, name: str = "DEVICE_CODE") -> Ref:
    """Keep the device code of an answer. Raises Inconclusive if there is none, which another rule is about."""
    code = answer.members.get("device_code")
    if not isinstance(code, str) or not code:
        raise Inconclusive(f"no device_code came: {answer.curl}")
    return api.keep(name, code, Role.DEVICE_CODE)


def is_seconds(value: object) -> bool:
    """Whether a value of JSON is a positive number of seconds."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


@rule(
    MUST,
    "RFC 8628 3.2",
    applies=device_grant,
    catches=("device-verification-url", "device-expires-in-text", "device-answer-cacheable"),
    safety=ISSUE,
    control=ITSELF,
    look="The members of the device answer: device_code, user_code, verification_uri and expires_in, by"
    " their names of RFC 8628 3.2, with no-store.",
)
def device_answer(api: Api, grant: GrantType) -> None:
    """A device is told its code, the user's code, a page to enter it on and for how long, as JSON."""
    answer = asking(api, grant)
    answer.require(answer.status == 200, "200")
    answer.require(answer.response.media_type == "application/json", "JSON", answer.response.media_type)
    for name in ("device_code", "user_code", "verification_uri"):
        value = answer.members.get(name)
        answer.require(isinstance(value, str) and bool(value), f"{name}, a text", f"{type(value).__name__}")
    page = parts_of(str(answer.members["verification_uri"]))
    answer.require(page.scheme in ("https", "http") and bool(page.netloc), "an absolute URL as verification_uri")
    life, interval = answer.members.get("expires_in"), answer.members.get("interval", 5)
    answer.require(is_seconds(life), "expires_in, a positive number", f"{life!r:.80}")
    answer.require(is_seconds(interval) or interval == 0, "interval, a number of seconds", f"{interval!r:.80}")
    answer.advise(page.scheme == "https" or not api.profile.https_only, "a page over https as verification_uri")
    # Of the header field the RFC has no more than an example; whoever reads the code in a cache can redeem it.
    control = (answer.response.header("cache-control") or "").lower()
    answer.advise("no-store" in control, "Cache-Control: no-store", control or "none")


@rule(
    MUST,
    "RFC 8628 3.1",
    applies=device_grant,
    catches="device-anonymous",
    safety=ISSUE,
    look="The device authorization endpoint looks the client up, and authenticates it if it has a secret"
    " (RFC 8628 3.1).",
)
def device_client(api: Api, grant: GrantType) -> None:
    """A client that is not known, or says not who it is, gets no device code."""
    valid = api.beginning(grant)
    unknown = valid.editing(valid.carried(Role.CLIENT_ID), WRONG)

    def gives_nothing(answer: Answer) -> None:
        answer.refused().require("device_code" not in answer.members, "no device code")

    api.each((valid.without("client"), unknown), gives_nothing)


@rule(
    SHOULD,
    "RFC 8628 5.1",
    "RFC 8628 5.2",
    "RFC 8628 6.1",
    applies=device_grant,
    catches=("device-code-counted", "device-user-code-constant"),
    safety=ISSUE,
    control=ITSELF,
    look="What generates the codes: secrets.token_urlsafe for the device, and random letters of a safe"
    " alphabet for the user (RFC 8628 6.1).",
)
def device_entropy(api: Api, grant: GrantType) -> None:
    """Codes differ in more than a counter. An upper bound only: it can show weakness, never strength."""
    answers = [asking(api, grant) for _ in range(6)]
    codes = sorted({str(answer.members.get("device_code")) for answer in answers})
    shown = {str(answer.members.get("user_code")) for answer in answers}
    last = answers[-1]
    last.require(len(codes) == len(answers), "a device code of its own for each device", f"{len(codes)} for 6 devices")
    last.require(len(shown) == len(answers), "a user's code of its own for each device", f"{len(shown)} for 6 devices")
    varying = [letters for letters in zip(*codes, strict=False) if len(set(letters)) > 1]
    longest = len(varying) + max(map(len, codes)) - min(map(len, codes))
    words = f"device codes that vary in {ENTROPY} letters or more"
    last.require(longest >= ENTROPY, words, f"{longest} varying letters")


@rule(
    MUST,
    "RFC 8628 3.5",
    "RFC 6749 5.2",
    applies=device_grant,
    catches=("device-without-consent", "device-pending-renamed"),
    safety=ISSUE,
    control=ITSELF,
    look="The row of the device code has a state: only consent gives a token, until then it is"
    " authorization_pending with 400.",
)
def device_pending(api: Api, grant: GrantType) -> None:
    """As long as nobody has entered the user's code there is no token, and the device is told to wait."""
    code = code_in(api, asking(api, grant))
    answer = api.send(api.polling(grant, code))
    answer.require(not answer.has_token, "no token before anybody has consented", "a token")
    error = answer.members.get("error")
    answer.require(error in PENDING, "the error authorization_pending", f"{answer.status} with error {error!r:.80}")
    answer.advise(answer.status == 400, "400, as any other error of a token request")


@rule(
    SHOULD,
    "RFC 8628 3.5",
    applies=device_grant,
    catches="device-never-slows",
    safety=ISSUE,
    control=ITSELF,
    look="The row of the device code has the time of the last request: faster than interval is slow_down,"
    " and interval grows by five seconds.",
)
def device_pace(api: Api, grant: GrantType) -> None:
    """A device that asks faster than it was told is told to slow down, and gets no token by it."""
    code = code_in(api, asking(api, grant))
    draft = api.polling(grant, code)
    for _ in range(2):
        answer = api.send(draft)
        answer.require(not answer.has_token, "no token before anybody has consented", "a token")
        api.take(answer)
    error = answer.members.get("error")
    answer.advise(error == "slow_down", "the error slow_down for the second request at once", f"error {error!r:.80}")


@rule(
    MUST,
    "RFC 8628 3.5",
    "RFC 6749 5.2",
    applies=device_grant,
    catches=("device-unknown-pending", "device-user-code-taken"),
    safety=ISSUE,
    look="A device code that is not found is invalid_grant, or expired_token, and never"
    " authorization_pending; user codes are looked up nowhere here.",
)
def device_unknown(api: Api, grant: GrantType) -> None:
    """A code that nobody was given, and the user's own code, end the waiting with an error."""
    valid, told = api.beginning(grant), asking(api, grant)
    shown = told.members.get("user_code")
    codes: list[Ref | str] = [MADE_UP]
    if isinstance(shown, str) and shown:
        codes.append(api.keep("USER_CODE", shown))

    def ends_it(answer: Answer) -> None:
        error = answer.no_token().members.get("error")
        answer.require(error not in PENDING, "an end to the waiting", f"the error {error}")
        answer.advise(error in ENDED, "the error invalid_grant or expired_token", f"error {error!r:.80}")

    api.each((api.polling(grant, code).beside(valid) for code in codes), ends_it)


@rule(
    MUST,
    "RFC 8628 3.5",
    "RFC 8628 5.2",
    applies=device_grant,
    catches="device-code-case-folded",
    safety=CONSUME,
    look="The lookup of the device code: by its whole value in its case; mind the column's collation.",
)
def device_near_miss(api: Api, grant: GrantType) -> None:
    """A near miss of a device code that somebody has consented to gives no token."""
    for edit in NEAR_MISSES:
        with api.row():
            draft = api.token_request(grant)
            answer = api.attempt(draft.editing(draft.carried(Role.DEVICE_CODE), edit))
            if answer is not None:
                answer.no_token()


@rule(
    MUST,
    "RFC 6749 5.2",
    "RFC 8628 3.4",
    applies=device_grant,
    catches="device-any-client",
    safety=CONSUME,
    look="The row of the device code has its client: compare it with the one that asks.",
)
def device_bound(api: Api, grant: GrantType) -> None:
    """A device code gives a token to the client that has asked for it, and to no other."""
    other = another_client(api, api.profile.client_of(grant))
    # That the other client's own request succeeds, whatever its grant, shows that the client itself is good.
    usable = [name for name in api.profile.grants if GRANTS[name].is_of_client and api.profile.may_use(other, name)]
    own = next(iter(usable), grant)
    code = api.token_request(grant).carried(Role.DEVICE_CODE)
    foreign = api.polling(grant, code, client=other)
    api.send(foreign.beside(api.control_of(own, client=other))).no_token()


@rule(
    SHOULD,
    "RFC 8628 3.5",
    "RFC 6749 10.5",
    applies=device_grant,
    catches="device-code-reusable",
    safety=CONSUME,
    look="A device code that gave a token is deleted or marked in the same transaction.",
)
def device_single_use(api: Api, grant: GrantType) -> None:
    """A device code gives a token once: the RFC ends the session with it, as that of any other code."""
    draft = api.token_request(grant)
    api.send(draft).issued()
    again = api.send(draft.in_doubt()).no_token()
    error = again.members.get("error")
    again.require(error not in PENDING, "an end to the waiting", f"the error {error}")


@rule(
    MUST,
    "RFC 8628 3.2",
    "RFC 8628 3.5",
    applies=device_grant,
    catches="device-code-never-expires",
    safety=CONSUME,
    look="The expiry of the device code is compared before its consent.",
)
def device_expires(api: Api, grant: GrantType) -> None:
    """A device code is dead when its lifetime is over, even if somebody has consented."""
    api.examination.needs_clock()
    life = asking(api, grant).members.get("expires_in")
    if not isinstance(life, int) or isinstance(life, bool):
        raise Inconclusive("no lifetime of a device code came, which another rule is about")
    late = api.token_request(grant)
    api.advance(life + api.profile.token.leeway)
    answer = api.send(late.in_doubt()).no_token()
    answer.advise(answer.members.get("error") == "expired_token", "the error expired_token")
