"""What is small and takes a server long: known bombs, each against a valid request, and each seen twice.

They are sized to take a few seconds where nothing holds them back, and no more than that.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Final

from pytest_apiauth.rules import (
    MUST,
    PROFILE,
    Api,
    Draft,
    Edit,
    NotApplicable,
    Timed,
    Zone,
    rule,
    timed,
    unanswered,
)

from .parts import TOKENS, token_zones

LONG: Final = 1.0
"""Seconds that an answer may take, whatever is asked."""
TIMES: Final = 10
"""How often as long as a valid request's one that does may take."""
ITERATIONS: Final = 4_000_000
DEEP: Final = 1_500
DIGITS: Final = 4_000


def b64(content: bytes) -> str:
    """Encode in base64url without padding."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def jws(header: str, claims: str) -> str:
    """Return a JWT whose signature is nobody's."""
    return ".".join((b64(header.encode()), b64(claims.encode()), b64(bytes(32))))


def jwe(**header: object) -> str:
    """Return an encrypted JWT that nothing opens (RFC 7516 3.1)."""
    return ".".join((b64(json.dumps(header).encode()), b64(bytes(40)), b64(bytes(16)), b64(bytes(16)), b64(bytes(16))))


def bombs() -> Iterator[str]:
    """Yield tokens that take whoever reads them carelessly long.

    RFC 7518 4.8.1.2 has the sender say how often a password is hashed (CVE-2023-6681, CVE-2024-28102); JSON may be as
    deep, and a number as long, as there is room.
    """
    salt = b64(bytes(16))
    for hashed, wrapped in (("HS512", "A256KW"), ("HS256", "A128KW")):
        yield jwe(alg=f"PBES2-{hashed}+{wrapped}", enc="A128CBC-HS256", p2s=salt, p2c=ITERATIONS)
    header = json.dumps({"alg": "HS256", "typ": "JWT"})
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        deep = opening * DEEP + "1" + closing * DEEP
        yield jws(header, f'{{"sub":{deep}}}')
        yield jws(f'{{"alg":"HS256","kid":{deep}}}', "{}")
    number = "9" * DIGITS
    yield jws(header, f'{{"exp":{number}}}')
    yield jws(f'{{"alg":"HS256","kid":{number}}}', "{}")


BOMBS: Final = tuple(bombs())


def is_structured(token: str) -> bool:
    """Whether a token is a JWT of any kind, by its looks: signed, or encrypted."""
    return token.count(".") in (2, 4) and token.startswith("eyJ")


@rule(
    MUST,
    "RFC 9110 17.5",
    "RFC 7518 4.8.1.2",
    PROFILE,
    applies=token_zones,
    catches="jwt-iterations-unbounded",
)
def res_jwt_bomb(api: Api, zone: Zone) -> None:
    """A token that is made to be read long is answered, and not much later than a good one."""
    valid = next(iter(api.requests(zone, *TOKENS)))
    if not is_structured(api.examination.value(valid.token)):
        raise NotApplicable("the access token is no JWT")
    for text in BOMBS:
        with api.row():
            _tried(api, valid, valid.editing(valid.token, Edit("whole", text=text)))
    api.control(valid)


def _tried(api: Api, valid: Draft, draft: Draft) -> None:
    """Send one; again, between valid requests, if it takes long or is not answered."""
    usual = timed(api, valid).seconds
    once = timed(api, draft)
    if once.error is not None:
        api.recommend(once.error)
    if not _is_suspect(once, usual):
        return
    api.control(valid)
    usual = max(usual, timed(api, valid).seconds)
    again = timed(api, draft)
    if not _is_suspect(again, usual) or once.error or again.error:
        return
    if again.answer is None or once.answer is None:
        unanswered(api, draft)
    words = f"an answer within a second, or {TIMES} times what a valid request takes"
    again.answer.advise(False, words, f"{again.answer.got} after {again.seconds:.1f} s")


def _is_suspect(found: Timed, usual: float) -> bool:
    is_silent = found.answer is None and found.error is None
    return is_silent or (found.seconds > LONG and found.seconds > TIMES * usual)
