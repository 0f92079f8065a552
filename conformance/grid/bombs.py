"""What is small and takes a server long: texts of published vulnerabilities, each with where it is told of.

They are sized to take a few seconds where nothing holds them back, to pass the limits that servers set by default
(8 KB for a header field, 100 KB for a body), and to fit into one word of a shell's command.
"""

from __future__ import annotations

import base64
import functools
import itertools
import json
from dataclasses import dataclass, replace
from typing import Final, Literal

from pytest_apiauth.rules import Draft, Edit, consent

Place = Literal["token", "header", "query", "member", "tail", "type", "body"]
"""Where it stands: in place of the token, as a header field, as a parameter of the URL, as a member of the body, behind
the body's other members, behind the body's media type, or as the whole body."""
NOBODY: Final = "apiauth-nobody-5R8"


@dataclass(frozen=True, slots=True)
class Bomb:
    """One text, and a harmless one of the same length: what that takes as well is no matter of the text."""

    place: Place
    text: str
    source: str
    name: str = ""
    """Of the field, the parameter or the member."""
    harmless: str = ""

    def put(self, valid: Draft, text: str) -> Draft:
        """Return a request with a text in its place."""
        name = self.name
        if self.place == "token":
            return valid.editing(valid.token, Edit("whole", text=text))
        if self.place == "header":
            # What else a zone needs is there: a server may look at the key before it reads the token.
            taken = [good.kind for good in valid.credentials if good.name.lower() == name.lower()]
            return functools.reduce(Draft.without, taken, valid).with_headers((name, text))
        if self.place == "query":
            return consent.asking(valid, **{name: text})
        if self.place == "member":
            return valid.setting(name, text)
        if self.place == "type":
            return valid.labelled(f"{valid.media_type}{text}")
        return replace(valid, tail=text) if self.place == "tail" else replace(valid, raw_body=text)

    def on(self, valid: Draft) -> Draft:
        """Return a valid request with it."""
        return self.put(valid, self.text)

    def beside(self, valid: Draft) -> list[Draft]:
        """Return the requests that may take no less than the one with it: the valid one, and one with the harmless."""
        return [valid, *([self.put(valid, self.harmless)] if self.harmless else [])]


# Tokens

ITERATIONS: Final = 4_000_000
TOKEN_DEPTH: Final = 1_500
TOKEN_DIGITS: Final = 4_000


def b64(content: bytes) -> str:
    """Encode in base64url without padding."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def jws(header: str, claims: str) -> str:
    """Return a JWT whose signature is nobody's."""
    return ".".join((b64(header.encode()), b64(claims.encode()), b64(bytes(32))))


def jwe(**header: object) -> str:
    """Return an encrypted JWT that nothing opens (RFC 7516 3.1)."""
    return ".".join((b64(json.dumps(header).encode()), b64(bytes(40)), b64(bytes(16)), b64(bytes(16)), b64(bytes(16))))


def _hashed(hashed: str, wrapped: str) -> str:
    return jwe(alg=f"PBES2-{hashed}+{wrapped}", enc="A128CBC-HS256", p2s=b64(bytes(16)), p2c=ITERATIONS)


def _deep(opening: str, closing: str, depth: int) -> str:
    return opening * depth + "1" + closing * depth


USUAL_HEADER: Final = json.dumps({"alg": "HS256", "typ": "JWT"})
DEPTHS: Final = tuple(_deep(*pair, TOKEN_DEPTH) for pair in (("[", "]"), ('{"a":', "}")))
JWTS: Final = (
    *(
        Bomb("token", _hashed(*algorithms), "CVE-2023-6681 (jwcrypto), CVE-2024-28102; RFC 7518 4.8.1.2 has the count")
        for algorithms in (("HS512", "A256KW"), ("HS256", "A128KW"))
    ),
    *(
        Bomb("token", token, "CVE-2022-42004 (Jackson), CVE-2024-21907 (Newtonsoft.Json): depth of JSON")
        for deep in DEPTHS
        for token in (jws(USUAL_HEADER, f'{{"sub":{deep}}}'), jws(f'{{"alg":"HS256","kid":{deep}}}', "{}"))
    ),
    *(
        Bomb("token", token, "CVE-2020-10735 (Python): digits of an integer")
        for token in (
            jws(USUAL_HEADER, f'{{"exp":{"9" * TOKEN_DIGITS}}}'),
            jws(f'{{"alg":"HS256","kid":{"9" * TOKEN_DIGITS}}}', "{}"),
        )
    ),
)

# Header fields

FIELD: Final = 7_000
PAIR: Final = base64.b64encode(f"{NOBODY}:{'x' * 5_000}".encode()).decode()
FIELDS: Final = (
    # First: where any long token takes long, the others are no worse than what is harmless.
    Bomb("header", f"Bearer {'x' * FIELD}", "CWE-400: whatever is long in it, a token takes no time", "Authorization"),
    Bomb(
        "header", f"Token x{' ' * FIELD}x", "CVE-2024-47887 and CVE-2021-22904 (Rails' token authentication)",
        "Authorization", f"Token {'x' * FIELD}",
    ),
    Bomb(
        "header", f"Bearer {'.' * FIELD}", "CVE-2025-30204 (golang-jwt), CVE-2025-27144 (Go JOSE)",
        "Authorization", f"Bearer {'x' * FIELD}",
    ),
    Bomb(
        "header", f"{'-' * FIELD} x", "CVE-2016-10539 (negotiator), CVE-2024-39614 (Django)",
        "Accept-Language", "x" * FIELD,
    ),
    # The last: it is a wrong password too, of which few may be sent.
    Bomb("header", f"Basic {PAIR}", "CVE-2013-1443 (Django): a long password, as HTTP Basic has it", "Authorization"),
)  # fmt: skip

# Redirection URIs

COLONS: Final = "::" * 13
REDIRECTS: Final = (f"http://[{COLONS}]/", f"http://[::1]/{'x' * (len(COLONS) - 3)}")
OAUTHLIB: Final = "CVE-2022-36087 (oauthlib)"
AUTHORIZATIONS: Final = (Bomb("query", REDIRECTS[0], OAUTHLIB, "redirect_uri", REDIRECTS[1]),)

# Bodies

BODY: Final = 90_000
DEPTH: Final = 20_000
COLLIDING: Final = tuple(map("".join, itertools.product(("Ez", "FY"), repeat=11)))
"""Names that have one hash where letters are weighed by powers of 33."""
ALIKE: Final = tuple(map("".join, itertools.product(("Aa", "BB"), repeat=11)))
"""The same for powers of 31."""
NAMES: Final = "&".join(f"{name}=" for name in COLLIDING + ALIKE)[:BODY]
FORMS: Final = (
    Bomb("member", REDIRECTS[0], OAUTHLIB, "redirect_uri", REDIRECTS[1]),
    Bomb("type", '; !="' + "\\" * 36, "CVE-2024-24762 (python-multipart, which FastAPI reads forms with)"),
    Bomb(
        "tail", NAMES, "CVE-2011-4885 (PHP), CVE-2012-0022 (Tomcat): thousands of parameters",
        harmless=f"apiauth={'x' * BODY}",
    ),
    Bomb(
        "tail", f"apiauth{'[a]' * (BODY // 3)}=1", "CVE-2024-45590 (body-parser): depth of a parameter",
        harmless=f"apiauth={'x' * BODY}",
    ),
    Bomb("member", "9" * BODY, "CVE-2020-10735 (Python): digits of an integer", "expires_in", "x" * BODY),
)  # fmt: skip
OBJECTS: Final = (
    Bomb("member", REDIRECTS[0], OAUTHLIB, "redirect_uri", REDIRECTS[1]),
    *(
        Bomb(
            "body", f'{{"apiauth":{_deep(*pair, DEPTH // len(pair[0]))}}}',
            "CVE-2022-42004 (Jackson), CVE-2024-21907 (Newtonsoft.Json): depth of JSON",
            harmless=f'{{"apiauth":"{"x" * DEPTH * 2}"}}',
        )
        for pair in (("[", "]"), ('{"a":', "}"))
    ),
    Bomb(
        "body", f'{{"expires_in":{"9" * BODY}}}', "CVE-2020-10735 (Python): digits of an integer",
        harmless=f'{{"expires_in":"{"9" * BODY}"}}',
    ),
    Bomb(
        "body", '{"expires_in":1e1000000}', "CVE-2018-1000873 (Jackson): a very large number of seconds",
        harmless='{"expires_in":1.000000}',
    ),
)  # fmt: skip
SECRET: Final = Edit("whole", text="x" * BODY)
"""In place of a password or a secret in a body: CVE-2013-1443 (Django), CVE-2016-20013 (sha256crypt), whose hashes take
as long as it is, or longer."""
