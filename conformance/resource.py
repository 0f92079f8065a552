"""Missing or invalid credentials at a protected resource."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pytest_apiauth.rules import (
    MUST,
    PROFILE,
    SHOULD,
    Answer,
    Api,
    Base64,
    Challenge,
    Credential,
    CredentialKind,
    Draft,
    Edit,
    Part,
    Ref,
    Text,
    Zone,
    draws,
    read_challenges,
    rule,
)

from . import strategies as some
from .grid.cells import Class, Slot, fills
from .grid.classes import (
    BRIEF_NOISE,
    CASES,
    DRESSES,
    IN_A_ROW,
    NEAR_MISSES,
    NOISE,
    REPETITIONS,
    SIZES,
    STAND_INS,
    TWO_WRONG,
    rows,
)
from .grid.standing import UNDRESSED, edited, may_guess, probes, stands_for_others, with_the_first
from .parts import (
    BASIC,
    TOKENS,
    authorization_zones,
    bearer_zones,
    is_bearer,
    protected_zones,
    schemes_in,
    token_zones,
    tokens_of,
)

LOOK = (
    "The check that lets requests in: it runs for every route, method and spelling of the path, compares"
    " the whole credential, and refuses whatever it does not know."
)

TOKEN_SLOTS = (Slot.BEARER, Slot.PERSONAL)
AT_RESOURCES = (*TOKEN_SLOTS, Slot.KEY, Slot.NAMED, Slot.BASIC_USER, Slot.BASIC_PASSWORD)


def challenges_of(answer: Answer) -> list[Challenge]:
    """Read the challenges of an answer; empty if they cannot be read."""
    try:
        return read_challenges(answer.response.header_lines("www-authenticate"))
    except ValueError:
        return []


@rule(
    MUST,
    "RFC 9110 15.5.2",
    PROFILE,
    applies=protected_zones,
    catches=("zone-open", "refusal-redirects", "refusal-succeeds", "refusal-tells-content"),
    look="The check on the route itself, or on the location before it (FastAPI: Depends or Security; Django REST"
    " framework: a permission class; Flask: login_required below @route; nginx: auth_basic); what only reads a"
    " credential refuses nobody.",
)
def res_no_cred_401(api: Api, zone: Zone) -> None:
    """A protected resource refuses a request without credentials, with 401."""
    documented = api.profile.unauthenticated
    for valid in api.requests(zone):
        for method in ("GET", "HEAD"):
            with api.row():
                answer = api.send(replace(valid.anonymous(), method=method))
                if method == "HEAD" and answer.status in (404, 405, 501):
                    continue
                answer.refused()
                if method == "HEAD":
                    continue  # a gateway may know of GET alone, and says so as it likes
                if documented is not None:
                    answer.require(answer.status == documented, f"the documented status {documented}")
                else:
                    answer.advise(answer.status == 401, "401 where no credential was sent")


@rule(
    SHOULD,
    "RFC 9110 11.6.1",
    "RFC 9110 15.5.2",
    "RFC 6750 3",
    applies=protected_zones,
    catches="challenge-missing",
    look="What makes the 401, of which a bare status has no challenge (nginx: return 401; FastAPI's HTTPException takes"
    " headers); Django REST framework answers 403 unless the first authentication class has authenticate_header.",
)
def res_401_challenge(api: Api, zone: Zone) -> None:
    """A 401 carries at least one challenge that can be parsed."""
    for valid in api.requests(zone):
        altered = [valid.anonymous(), *(valid.editing(ref, Edit("reverse")) for ref in valid.refs)]
        for draft in altered:
            with api.row():
                answer = api.attempt(draft)
                if answer is not None and answer.refused().status == 401:
                    lines = answer.response.header_lines("www-authenticate")
                    answer.require(bool(lines), "a WWW-Authenticate header with the 401", "a 401 without one")
                    schemes = {challenge.scheme for challenge in challenges_of(answer)}
                    answer.require(bool(schemes), "a challenge by the grammar of RFC 9110 11.6.1", str(lines))
                    # RFC 7617 2: nothing but Basic opens the zone, so a client has to be told of it.
                    is_fit = schemes_in(api.profile, zone) != {BASIC} or BASIC in schemes
                    answer.advise(is_fit, "a Basic challenge where Basic is lacking", f"challenges {sorted(schemes)}")


@rule(
    SHOULD,
    "RFC 6750 3",
    "RFC 6750 3.1",
    applies=bearer_zones,
    catches=("challenge-bare", "challenge-error-without-token", "unknown-token-forbidden"),
    look="The handler that writes WWW-Authenticate: a bare Bearer needs realm or the like,"
    ' error="invalid_token" belongs to 401 with a token, and to no request without one (RFC 6750 3.1).',
)
def res_challenge_content(api: Api, zone: Zone) -> None:
    """A Bearer challenge has a parameter, and an error code only if a token was sent: for an unknown one, with 401."""
    for valid in api.requests(zone, *tokens_of(api.profile, is_bearer)):
        bare = api.send(valid.without(valid.token_kind)).refused()
        wrong = api.send(valid.editing(valid.token, Edit("reverse"))).refused()
        # RFC 6750 3 names the scheme; a zone that takes something else as well may ask for that instead.
        schemes = {challenge.scheme for challenge in challenges_of(bare)}
        is_fit = not schemes or bare.status != 401 or "bearer" in schemes or BASIC in schemes_in(api.profile, zone)
        bare.advise(is_fit, "a Bearer challenge where a token is lacking", f"challenges {sorted(schemes)}")
        # RFC 6750 3.1 has 400 and 403 for something else; what a document has beside them is what it means.
        is_other = wrong.status in (400, 403) and 401 in api.profile.refusal
        wrong.advise(not is_other, "401 for an unknown token")
        for answer in (bare, wrong):
            for challenge in challenges_of(answer):
                if challenge.scheme == "bearer":
                    answer.require(bool(challenge.parameters), "at least one parameter in the Bearer challenge")
                    if answer is bare:
                        answer.require("error" not in challenge.parameters, "no error code where no token was sent")
                    else:
                        code = challenge.parameters.get("error")
                        answer.advise(code == "invalid_token", 'error="invalid_token" for an unknown token', str(code))


@fills(TOKEN_SLOTS, Class.SIZE)
@rule(
    MUST,
    "RFC 6750 3.1",
    PROFILE,
    "RFC 9110 11.4",
    applies=token_zones,
    catches="token-any-accepted",
    look="The lookup of the token: one that finds nothing has to refuse; look for a check that only asks"
    " whether there is a token, and for a default user.",
)
@draws(rows(SIZES), edit=some.strangers)
def res_garbage_token(api: Api, zone: Zone, edit: Edit) -> None:
    """A well-formed token that nobody issued is refused, however short or long."""
    edited(api, zone, TOKENS, edit)


@fills(TOKEN_SLOTS, Class.NEAR, Class.DRESS)
@rule(
    MUST,
    "RFC 6750 3.1",
    "RFC 6749 10.3",
    PROFILE,
    "RFC 9110 11.4",
    applies=token_zones,
    catches="token-prefix-compare",
    look="The comparison of the token: of the whole value, to its end (compare_digest, hash_equals,"
    " MessageDigest.isEqual, ConstantTimeCompare, or a query with =); look for prefixes, cut columns and patterns"
    " without an end.",
)
@draws(rows(NEAR_MISSES, DRESSES), edit=some.near_misses)
def res_mutated_token(api: Api, zone: Zone, edit: Edit) -> None:
    """A near miss of a valid token is no token; a valid one in a dress is best refused too."""
    edited(api, zone, TOKENS, edit)


@fills(TOKEN_SLOTS, Class.CASE)
@rule(
    MUST,
    "RFC 6749 1.9",
    PROFILE,
    "RFC 9110 11.4",
    applies=token_zones,
    catches="token-case-folded",
    look="The column or cache that tokens are looked up in: MySQL's usual collations and SQLite's NOCASE"
    " ignore case, and so does whatever calls lower(); use a binary collation or store a hash.",
)
@draws(rows(CASES), edit=some.case_changes)
def res_token_case(api: Api, zone: Zone, edit: Edit) -> None:
    """A token with the case of its letters changed is another token."""
    edited(api, zone, TOKENS, edit)


@fills(TOKEN_SLOTS, Class.STAND_IN)
@rule(
    MUST,
    "RFC 6750 3.1",
    PROFILE,
    "RFC 9110 11.4",
    applies=token_zones,
    catches="token-sql-like",
    look="The query that finds the token: LIKE, regular expressions and JSON values that are no text compare"
    " otherwise than =; bind the value as text.",
)
@draws(rows(STAND_INS), edit=some.wildcards)
def res_token_wildcard(api: Api, zone: Zone, edit: Edit) -> None:
    """A token is compared as text: never as a pattern, never as a number or a null."""
    edited(api, zone, TOKENS, edit)


@fills(TOKEN_SLOTS, Class.NOTHING)
@rule(
    MUST,
    "RFC 9110 11.4",
    "RFC 6750 2.1",
    PROFILE,
    applies=authorization_zones,
    catches=("scheme-ignored", "bearer-glued", "bearer-quotes-stripped", "foreign-scheme-trusted"),
    look="The code that splits Authorization: the scheme is compared as a whole word, exactly one token"
    " follows it, and nothing is stripped from that (RFC 6750 2.1).",
)
def res_malformed_header(api: Api, zone: Zone) -> None:
    """A wrong credential stays wrong behind any word and in any dress; a good one so dressed is best refused too."""
    for valid in api.requests(zone, "basic") if "basic" in zone.kinds else ():
        # No quotes and no words: there are decoders that pass over what is not base64.
        pair = Base64(valid.credential("basic").value)
        # A stranger's pair is wrong too, and locks nobody out.
        stranger = Edit("whole", text="apiauth-nobody-5R8")
        _dressed_up(api, valid, pair, PAIR_DRESSES, valid.credential("basic").refs[0], stranger)
    kinds = [name for name, row in api.profile.kinds.items() if row.place.is_authorization and is_whole(row)]
    for valid in api.requests(zone, *kinds) if {*kinds} & zone.kinds else ():
        good = next(each for each in valid.credentials if each.kind in kinds)
        (secret,), word = good.refs, good.place.word
        if isinstance(good.written, Base64):
            _dressed_up(api, valid, good.written, PAIR_DRESSES, secret, Edit("reverse"))
            _halves(api, valid, good, secret)
        else:
            _dressed_up(api, valid, secret, token_dresses(word), secret, Edit("reverse"))
        with api.row():
            api.send(valid.dressed(good.kind, word or "Bearer")).refused()
        with api.row():
            api.send(valid.dressed(good.kind, "")).refused()


def is_whole(kind: CredentialKind) -> bool:
    """Whether all of a credential is one secret whose dress standards describe: a token, or a key in a pair."""
    return kind.is_token or kind.place.pair is not None


def _halves(api: Api, valid: Draft, good: Credential, secret: Ref) -> None:
    """Send a key of a pair without the pair's colon, and as the other half of it."""
    assert good.place.pair is not None
    swapped: Text = ("x:", secret) if good.place.pair[0] == "" else (secret, ":x")
    for text in ((secret,), swapped):
        with api.row():
            answer = api.attempt(valid.dressed(good.kind, (good.place.prefix, Base64(text))))
            if answer is not None and answer.is_admitted:
                answer.unless_open().advise(False, UNDRESSED)


PAIR_DRESSES: Final = tuple((before, "") for before in ("", "Basic", "Bearer ", "Digest ", "Negotiate ", "BasicX "))
"""What stands before and behind a pair of Basic, instead of its scheme and a blank."""


def token_dresses(word: str) -> tuple[tuple[str, str], ...]:
    """Return what stands before and behind a token, instead of its documented word and a blank.

    >>> ("TokenX ", "") in token_dresses("Token"), ("", "") in token_dresses("")
    (True, False)
    """
    if not word:
        # It may be a token behind a word by that, which is for the server to know.
        return ("Basic ", ""), ("Digest ", ""), ("Negotiate ", ""), ('"', '"'), ("'", "'"), ("", " x"), ("", ",x")
    return (
        ("", ""), (word, ""), (f"{word}=", ""), (f"{word}:", ""), ("Basic ", ""), ("Digest ", ""), (f"{word}X ", ""),
        ("Negotiate ", ""), (f'{word} "', '"'), (f"{word} '", "'"), (f"{word} ", " x"), (f"{word} ", ",x"),
        (f"{word} token=", ""), (f"X{word} ", ""), (f"Basic {word} ", ""),
    )  # fmt: skip


def _dressed_up(
    api: Api, valid: Draft, credential: Part, dresses: tuple[tuple[str, str], ...], secret: Ref, spoilt: Edit
) -> None:
    """Send a good credential in each dress, which applications often see through, and then a wrong one."""
    kind = next(each.kind for each in valid.credentials if secret in each.refs)
    for before, after in dresses:
        good = valid.dressed(kind, (before, credential, after))
        with api.row():
            answer = api.attempt(good)
            if answer is not None and answer.is_admitted:
                answer.unless_open().advise(False, UNDRESSED)
        with api.row():
            answer = api.attempt(good.editing(secret, spoilt))
            if answer is not None:
                answer.refused(again=False)
    api.control(valid)


@fills(AT_RESOURCES, Class.BYTES)
@rule(
    MUST,
    "RFC 9110 15.6",
    PROFILE,
    applies=protected_zones,
    catches=("bearer-tab-crash", "token-non-ascii-crash"),
    look="The traceback in the server's log: what parses the credential (split, base64, decode, int) raises"
    " on some input, and has to end in a refusal. Where a 200 came: a comparison that an empty value or a zero passes.",
)
@draws([{"noise": text} for text in NOISE], noise=some.header_noise)
def invalid_never_5xx(api: Api, zone: Zone, noise: str) -> None:
    """No content of a credential header makes the server fail, or lets anybody in."""
    is_brief = noise not in NOISE or noise in BRIEF_NOISE
    for kind, valid in probes(api, zone, tuple(sorted(zone.kinds)), brief=is_brief):
        place = valid.credential(kind).place
        scheme = (place.prefix or "Bearer ") if place.is_authorization else place.prefix
        more = (noise, f"{scheme.strip()}\t{noise}", f"\xff{noise}") if noise in BRIEF_NOISE else ()
        for value in (f"{scheme}{noise}", *more):
            # What comes back may be a refusal of any kind; a 5xx ends the rule inside `attempt`.
            answer = api.attempt(valid.dressed(kind, value.strip(" \t")))
            if answer is not None and answer.is_admitted:
                answer.unless_open().fails("a refusal")


@fills(AT_RESOURCES, Class.REPEATED)
@rule(
    MUST,
    "RFC 9110 15.5.2",
    PROFILE,
    "RFC 9110 11.4",
    applies=protected_zones,
    catches=("every-fifth-admitted", "every-second-admitted"),
    look="What differs from one request to the next: one of several workers with another configuration, a"
    " cache, or an exception in the check that ends in letting somebody in.",
)
def res_refusal_steady(api: Api, zone: Zone) -> None:
    """A refusal holds every time: the cheapest bad requests are repeated, for a server that fails now and then."""
    for valid, is_whole in with_the_first(api, zone):
        mine = [good for good in valid.credentials if stands_for_others(api, zone, good.kind) and may_guess(api, good)]
        refs = [ref for good in mine for ref in good.refs]
        # Of wrong ones two in turn: a server may remember the last one.
        altered = [[valid.anonymous()], [valid.editing_all(edit) for edit in TWO_WRONG]]
        altered += [[valid.editing(ref, edit) for edit in TWO_WRONG] for ref in refs] if len(refs) > 1 else []
        for drafts in altered:
            # Each between two good requests, and several without one: a server may let in every second request.
            between = REPETITIONS if is_whole else IN_A_ROW
            for count in range(1, between + IN_A_ROW + 1):
                answer = api.attempt(drafts[count % len(drafts)])
                if answer is None:
                    break
                if count > 1:
                    words = f"{answer.got} at repetition {count}, intermittent: refused before"
                    answer.require(not answer.is_admitted, "a refusal every time", words)
                answer.refused(again=count not in range(between, between + IN_A_ROW))
