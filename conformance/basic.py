"""HTTP Basic, as clients use it at the token endpoint and users at a resource."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from pytest_apiauth.rules import (
    ITSELF,
    LOCKOUT,
    MUST,
    PROFILE,
    SHOULD,
    Answer,
    Api,
    Base64,
    Draft,
    Edit,
    FormEncoded,
    GrantType,
    NotApplicable,
    OutOfReach,
    Ref,
    Role,
    Text,
    Zone,
    draws,
    rule,
)

from . import strategies as some
from .client_authentication import open_to_nobody
from .content import still_opens
from .grid.cells import Class, Slot, fills
from .grid.classes import (
    BEHIND_COLON,
    BRIEF_CONTROLS,
    CASES,
    CONTROLS,
    DRESSES,
    NAMELESS,
    NEAR_MISSES,
    SIZES,
    STAND_INS,
    rows,
)
from .grid.standing import (
    UNDRESSED,
    edited,
    guessed,
    is_alias,
    is_usual,
    judge,
    probes,
    refused_in_turn,
    stands_for_others,
    suppress_too_long,
)
from .parts import PAIRS, basic_clients, basic_zones, form_encoded_basic, secret_clients
from .resource import challenges_of

LOOK = (
    "The code that takes a Basic header apart: strict base64, UTF-8, one split at the first colon, and a"
    " comparison of all of both halves."
)

BCRYPT_LIMIT = 72
"""Bytes of a secret that bcrypt looks at."""
NOBODY = "apiauth-nobody-5R8"


@rule(
    SHOULD,
    "RFC 6749 2.3.1",
    "RFC 6749 B",
    applies=form_encoded_basic,
    catches="basic-not-decoded",
    safety=LOCKOUT,
    look="After base64, id and secret of a client are form-decoded each (urllib.parse.unquote_plus), after"
    " the split at the colon (RFC 6749 2.3.1).",
)
@draws(letters=some.encoded_letters)
def basic_form_encoding(api: Api, grant: GrantType, letters: str) -> None:
    """The client's id and secret are form-decoded after base64: percent-encoding more than needed changes nothing."""
    valid = api.token_request(grant)
    client, secret = valid.carried(Role.CLIENT_ID), valid.carried(Role.CLIENT_SECRET)
    # Whatever was drawn, the letters of the id's own beginning make sure that something is encoded.
    also = letters + api.examination.value(client)[:1]
    pair = (FormEncoded(client, also), ":", FormEncoded(secret, also))
    api.send(valid.presenting("client", pair)).issued()


@rule(
    MUST,
    "RFC 7617 2",
    applies=basic_clients,
    catches="basic-split-last-colon",
    safety=LOCKOUT,
    control=ITSELF,
    look="The split at the colon: partition(':') or split(':', 1), never rpartition, and never a list whose"
    " length has to be two.",
)
def basic_colon_split(api: Api, grant: GrantType) -> None:
    """A secret with colons in it authenticates: the pair is split at the first colon only."""
    api.send(api.token_request(grant)).issued()
    client, secret = api.ref(Role.CLIENT_ID, "special"), api.ref(Role.CLIENT_SECRET, "special")
    # Whether the server form-decodes is another rule's business, so either spelling may pass. Percent-encoding
    # would hide the colons, so they stay as they are: form-decoding gives them back unchanged.
    spellings: tuple[Text, ...] = (
        # A blank as %20: whoever decodes percent signs but no plus signs reads it too.
        (FormEncoded(client, also=" "), ":", FormEncoded(secret, also=" ", keep=":")),
        (client, ":", secret),
    )
    answers = [api.send(api.token_request(grant).presenting("client", pair).as_control()) for pair in spellings]
    # A client that may not use this grant has authenticated all the same, says RFC 6749 5.2.
    if not any(answer.has_token or answer.members.get("error") == "unauthorized_client" for answer in answers):
        answers[api.profile.token.basic_encoding == "raw"].issued()


@fills(Slot.CLIENT_SECRET, Class.BYTES)
@rule(
    MUST,
    "RFC 7617 2",
    "RFC 9110 11.4",
    applies=basic_clients,
    catches=("basic-colon-optional", "basic-malformed-crash"),
    safety=LOCKOUT,
    look="The decoding of Basic: base64 with validate=True in a try block that ends in 401, and a missing"
    " colon is an error too.",
)
def basic_malformed(api: Api, grant: GrantType) -> None:
    """What is not base64 of id:secret behind the word Basic gives no token, and no server error."""
    cause = open_to_nobody(api, grant)
    valid = api.token_request(grant)
    client, secret = valid.carried(Role.CLIENT_ID), valid.carried(Role.CLIENT_SECRET)
    broken: tuple[Text, ...] = (
        ("Basic ", Base64((client,))),
        ("Basic ", Base64((client, secret))),
        ("Basic ", Base64((client, " ", secret))),
        ("Bearer ", Base64((client, ":apiauth-wrong"))),
        ("Basic",),
        ("Basic !!!!",),
        ("Basic a",),
        ("Basic ====",),
        ("Basic \xe9\xe8",),
        ("Basic /w==",),
    )
    api.each(
        (valid.dressed("client", value) for value in broken), lambda answer: answer.no_token(cause), server_errors=True
    )
    # Whoever knows the secret is the client, however it is written.
    dressed: tuple[Text, ...] = (("Basic ", client, ":", secret), ("Bearer ", Base64((client, ":", secret))))
    api.each(
        (valid.dressed("client", value) for value in dressed),
        lambda answer: answer.advise_no_token("no token for the right secret in another spelling", cause),
        server_errors=True,
    )


@fills(Slot.CLIENT_SECRET, Class.NOTHING)
@rule(
    MUST,
    "RFC 6749 2.3.1",
    "RFC 6749 3.2.1",
    applies=basic_clients,
    catches="basic-empty-secret-accepted",
    safety=LOCKOUT,
    look="A client without a stored secret, or a comparison of two empty values: an empty secret authenticates nobody.",
)
def basic_empty_secret(api: Api, grant: GrantType) -> None:
    """An empty secret, an empty id, and both empty give no token."""
    cause = open_to_nobody(api, grant)
    valid = api.token_request(grant)
    client, secret = valid.carried(Role.CLIENT_ID), valid.carried(Role.CLIENT_SECRET)
    pairs: tuple[Text, ...] = ((client, ":"), (":", secret), (":",))
    api.each((valid.presenting("client", pair) for pair in pairs), lambda answer: answer.no_token(cause))


@fills(Slot.CLIENT_SECRET, Class.NEAR, Class.CASE, Class.DRESS)
@rule(
    MUST,
    "RFC 6749 1.9",
    "RFC 6749 2.3.1",
    applies=secret_clients,
    catches=("secret-prefix-compare", "secret-case-folded"),
    safety=LOCKOUT,
    look="The comparison of the secret: of the whole value and in its case (hmac.compare_digest, or the"
    " hasher's own check).",
)
@draws(rows(NEAR_MISSES, CASES, DRESSES), edit=some.near_misses | some.case_changes)
def basic_secret_exact(api: Api, grant: GrantType, edit: Edit) -> None:
    """The whole secret counts, in its exact case, wherever the client sends it."""
    cause = open_to_nobody(api, grant)
    valid = api.token_request(grant)
    guessed(api, valid, valid.carried(Role.CLIENT_SECRET), edit, cause)


@rule(
    MUST,
    "RFC 6749 1.9",
    "RFC 6749 2.3.1",
    applies=secret_clients,
    catches="secret-cut-at-72",
    safety=LOCKOUT,
    look="bcrypt looks at 72 bytes: hash by SHA-256 first (and base64 that), take Argon2, or refuse what is longer.",
)
def basic_long_secret(api: Api, grant: GrantType) -> None:
    """Of a secret longer than 72 bytes every byte counts."""
    cause = open_to_nobody(api, grant)
    secret = api.ref(Role.CLIENT_SECRET, "special")
    if len(api.examination.value(secret).encode()) <= BCRYPT_LIMIT:
        raise NotApplicable("the secret of clients.special is not longer than 72 bytes")
    valid = api.token_request(grant, client="special")
    if not api.send(valid).has_token:
        raise NotApplicable("clients.special may not use this grant")
    edits = (Edit("truncate", 999), Edit("replace", 999, "x"), Edit("extend", text="x"))
    api.each((valid.editing(secret, edit) for edit in edits), lambda answer: answer.no_token(cause))


def _controls(valid: Draft, refs: tuple[Ref, ...], *, brief: bool) -> Iterator[tuple[Draft, bool]]:
    """Yield requests with a control character within a name or password, or behind it, and whether it is a dress."""
    for ref in refs:
        for letter in (*BRIEF_CONTROLS, "\0"):
            yield valid.editing(ref, Edit("insert", 500, letter)), False
        # Where a text of C ends, there is more of another one.
        yield valid.editing(ref, Edit("extend", text="\0x")), True
        for letter in BRIEF_CONTROLS if brief else CONTROLS:
            yield valid.editing(ref, Edit("extend", text=letter)), True


@fills((Slot.CLIENT_ID, Slot.CLIENT_SECRET), Class.BYTES)
@rule(
    MUST,
    "RFC 7617 2",
    PROFILE,
    applies=basic_clients,
    catches="basic-controls-dropped",
    safety=LOCKOUT,
    look="What cleans input before the comparison: strip() and filters of control characters make two credentials one.",
)
def basic_controls(api: Api, grant: GrantType) -> None:
    """A control character within the client's id or secret makes it another; one behind it is best refused too."""
    cause = open_to_nobody(api, grant)
    valid = api.token_request(grant)
    refs = valid.carried(Role.CLIENT_ID), valid.carried(Role.CLIENT_SECRET)
    for draft, is_dress in _controls(valid, refs, brief=not is_usual(api, grant)):
        with api.row():
            answer = api.send(draft)
            answer.advise_no_token(UNDRESSED, cause) if is_dress else answer.no_token(cause)


@fills((Slot.BASIC_USER, Slot.BASIC_PASSWORD), Class.BYTES)
@rule(
    MUST,
    "RFC 7617 2",
    PROFILE,
    applies=basic_zones,
    catches=("basic-zone-controls-dropped", "basic-zone-cut-at-nul"),
    safety=LOCKOUT,
    look="What cleans a user's name or password before the comparison: strip() and filters of control"
    " characters make two of them one.",
)
def res_basic_controls(api: Api, zone: Zone) -> None:
    """A control character within a user's name or password makes it another; one behind it is best refused too."""
    for valid in api.requests(zone, "basic"):
        brief = not stands_for_others(api, zone, "basic")
        for draft, is_dress in _controls(valid, valid.credential("basic").refs, brief=brief):
            with api.row():
                answer = api.send(draft)
                if not is_dress:
                    answer.refused()
                elif answer.is_admitted:
                    answer.unless_open().advise(False, UNDRESSED)


@rule(
    SHOULD,
    "RFC 7617 2",
    "RFC 7617 2.1",
    applies=basic_clients,
    catches="basic-challenge-without-realm",
    safety=LOCKOUT,
    look='The WWW-Authenticate of the 401: Basic realm="...", with charset="UTF-8" or none (RFC 7617 2).',
)
def basic_challenge_realm(api: Api, grant: GrantType) -> None:
    """A Basic challenge has a realm, and no charset but UTF-8."""
    cause = open_to_nobody(api, grant)
    valid = api.token_request(grant)
    answer = api.send(valid.editing(valid.carried(Role.CLIENT_SECRET), Edit("reverse"))).no_token(cause)
    for challenge in challenges_of(answer):
        if challenge.scheme == "basic":
            answer.require("realm" in challenge.parameters, "a realm in the Basic challenge")
            charset = challenge.parameters.get("charset", "UTF-8")
            answer.require(charset.upper() == "UTF-8", "no charset but UTF-8", f"charset {charset!r}")


@rule(
    MUST,
    "RFC 7617 2.1",
    "RFC 9110 15.6",
    applies=basic_clients,
    catches="basic-latin-crash",
    safety=LOCKOUT,
    look="The decoding of Basic: bytes that are no UTF-8 are an error to it (Python: UnicodeDecodeError; Ruby:"
    " Encoding::UndefinedConversionError), and Python's compare_digest refuses text beyond ASCII; compare bytes.",
)
def basic_utf8(api: Api, grant: GrantType) -> None:
    """Basic credentials beyond ASCII, in UTF-8 or not, give no token to a stranger, and no server error."""
    cause = open_to_nobody(api, grant)
    valid = api.token_request(grant)
    # In UTF-8, in Latin-1, in neither, and with bytes that no text has.
    texts = (Base64("zo\xeb:na\xefve"), Base64("\U0001f511:\u20ac"), "em9r66nvdmU6eA==", "/////zr//w==", "AAA6AAA=")
    for value in texts:
        with api.row():
            answer = api.send(valid.dressed("client", ("Basic ", value)), server_errors=True)
            answer.no_token(cause)


@fills(Slot.BASIC_PASSWORD, Class.NEAR, Class.CASE, Class.DRESS, Class.STAND_IN, Class.SIZE)
@rule(
    MUST,
    "RFC 7617 2",
    "RFC 9110 11.4",
    PROFILE,
    applies=basic_zones,
    catches=(
        "basic-zone-any-password",
        "basic-zone-prefix-compare",
        "basic-zone-case-folded",
        "basic-zone-cut-at-colon",
    ),
    safety=LOCKOUT,
    look="The password check: the hasher's own verify over the whole password, split off at the first colon."
    " If it is documented to count for nothing beside a key, the profile says [api_key] pair and no basic.",
)
@draws(rows(NEAR_MISSES, CASES, DRESSES, BEHIND_COLON, STAND_INS, SIZES), edit=some.near_misses | some.case_changes)
def res_basic_exact(api: Api, zone: Zone, edit: Edit) -> None:
    """The whole password of a user counts at a resource, in its exact case."""
    edited(api, zone, PAIRS, edit, which=1)


@rule(
    SHOULD,
    "RFC 7617 2",
    "RFC 9110 17.9",
    applies=basic_zones,
    catches="basic-from-query",
    safety=LOCKOUT,
    look="The reader of name and password: the Authorization header alone; parameters end in logs (a fallback to"
    " the query or to a form is what a login page needs, and no API).",
)
def res_basic_elsewhere(api: Api, zone: Zone) -> None:
    """Name and password in the query of the URL, or in headers of their own, authenticate nobody."""
    if api.examination.target.kind.is_live:
        raise OutOfReach("a password is not put into the URL of a live server, whose logs have it then")
    for _, valid in probes(api, zone, PAIRS):
        name, password = valid.credential("basic").refs
        bare = valid.without("basic")
        if still_opens(zone, bare):
            continue
        drafts = [
            bare.with_query(*((each, name) for each in NAMES), *((each, password) for each in PASSWORDS)),
            bare.with_headers(("X-Username", name), ("X-Password", password)),
        ]
        refused_in_turn(api, valid, drafts)


NAMES: Final = ("username", "user", "login", "email")
PASSWORDS: Final = ("password", "pass", "passwd")
"""What parameters are called that have a name, and a password: whoever reads some of them finds them among all."""


def _crossed(api: Api, name: Ref, password: Ref) -> list[Text]:
    """Return the pairs of one user's name and another's password; none if there is one user, or one password."""
    try:
        other = api.another(password.role, than=name.who)
        names, passwords = [name, api.ref(name.role, other.who)], [password, other]
    except NotApplicable:
        return []
    if len({api.examination.value(each) for each in passwords}) < 2:
        return []
    return [(names[0], ":", passwords[1]), (names[1], ":", passwords[0])]


@fills(Slot.BASIC_USER, Class.NOTHING, Class.NEAR, Class.STAND_IN, Class.ANOTHERS, Class.SIZE)
@fills(Slot.BASIC_PASSWORD, Class.NOTHING, Class.ANOTHERS)
@rule(
    MUST,
    "RFC 7617 2",
    "RFC 9110 11.4",
    PROFILE,
    applies=basic_zones,
    catches=("basic-zone-empty-password", "basic-zone-any-user", "basic-zone-shared-passwords"),
    safety=LOCKOUT,
    look="The lookup by name comes first, and the password is that row's: an empty or missing hash never"
    " verifies. If one half is documented to count for nothing, the profile says [api_key] pair and no basic.",
)
def res_basic_pair(api: Api, zone: Zone) -> None:
    """A password opens a resource for its own user alone, and an empty one for nobody."""
    whole = [valid for _, valid in probes(api, zone, PAIRS)]
    for valid in api.requests(zone, "basic"):
        name, password = valid.credential("basic").refs
        pairs: list[Text] = [(name, ":"), (":", password), (":",), (name,), (name, password)]
        # No change of case, no blanks: many a server takes a name for the same without them.
        tables = (NEAR_MISSES, NAMELESS) if valid in whole else ()
        edits = [Edit("whole", text=NOBODY), *(value.edit for table in tables for value in table)]
        pairs += [(replace(name, edit=edit), ":", password) for edit in edits if not is_alias(api, name, edit)]
        pairs += _crossed(api, name, password)
        api.each((valid.presenting("basic", pair) for pair in pairs), Answer.refused)
        for edit in (value.edit for value in SIZES) if valid in whole else ():
            with api.row(), suppress_too_long(edit):
                judge(api.send(valid.editing(name, edit)), edit)
        api.each((valid.dressed("basic", text) for text in ("", "Basic")), Answer.refused)
