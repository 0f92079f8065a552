"""The walk through an exchange: every place in which a secret may stand, shown to a visitor.

A place is left byte for byte as it is where the visitor changes nothing. Whoever collects and whoever replaces takes
the same walk, so what is replaced is exactly what was learnt.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol
from urllib.parse import quote, unquote, unquote_plus

from pytest_apiauth.cassettes.contents import content_of
from pytest_apiauth.cassettes.names import (
    FLEETING_NAMES,
    TOKEN_REQUEST_NAMES,
    fold,
    is_key_header,
    is_secret,
    is_secret_in_query,
    kind_of,
)

Lines = tuple[tuple[str, str], ...]
DEEPEST: Final = 20
"""Levels of JSON in JSON that are looked into."""
UNESCAPED: Final = "-._~"

_URL: Final = re.compile(r"(?s)((?:[A-Za-z][A-Za-z0-9+.-]*:)?//)?([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?")
_PAIR: Final = re.compile(r"""(?<![\w.-])([A-Za-z_][\w.\[\]-]{1,60})=("[^"]*"|[^&\s"'<>#;,\\]+)""")
_MEMBER: Final = re.compile(r'"([A-Za-z_][\w.-]{1,60})"(\s*:\s*)("(?:[^"\\]|\\.)*")')
_ELEMENT: Final = re.compile(r"<((?:[\w.-]+:)?([A-Za-z_][\w.-]{1,60}))((?:\s[^<>]*)?)>([^<>]+)</")
_JWT: Final = re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*(?:\.[\w-]+\.[\w-]+)?")
_PART: Final = re.compile(r'(?is)(;\s*name="?([^";\r\n]*)"?.*?\r?\n\r?\n)(.*)')


class Visitor(Protocol):
    """Sees each piece of text of an exchange, and gives what is to stand there instead."""

    def secret(self, kind: str, value: str) -> str:
        """Take a value that is secret by its position; ``kind`` is the name that says so."""

    def text(self, text: str) -> str:
        """Take any other text."""

    def fleeting(self, kind: str, value: str) -> str:
        """Take a value of a token request that differs from run to run, without being secret."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer, neutral of whoever recorded it."""

    headers: Lines
    body: bytes
    url: str = ""
    status: int = 0
    """0 in a request."""

    def header(self, name: str) -> str:
        """Give a header's lines, joined, or nothing."""
        return ", ".join(value for key, value in self.headers if key.lower() == name)


class Walk:
    """Takes a visitor through messages. ``key_headers`` are folded names of further headers that are secret."""

    def __init__(self, visitor: Visitor, key_headers: frozenset[str] = frozenset()) -> None:
        self._visitor = visitor
        self._key_headers = key_headers

    def message(self, message: Message) -> Message:
        """Give a message as the visitor leaves it. Raises CassetteError for a body that cannot be looked into."""
        headers = tuple((name, self.header(name, value)) for name, value in message.headers)
        body = self.body(message) if message.body else message.body
        if body != message.body:
            headers = tuple(_reframed(headers, len(body), coded=message.header("content-encoding") != ""))
        return replace(message, headers=headers, body=body, url=self.url(message.url))

    # Headers

    def header(self, name: str, value: str) -> str:
        """Give the value of a header as the visitor leaves it."""
        folded = fold(name)
        if folded in ("authorization", "proxyauthorization"):
            return self._authorization(value)
        if folded == "cookie":
            return "; ".join(self._cookie(piece) for piece in value.split("; "))
        if folded in ("setcookie", "setcookie2"):
            first, mark, attributes = value.partition(";")
            return self._cookie(first) + mark + attributes
        if is_key_header(name, self._key_headers):
            return self._secret(name, value)
        if "://" in value or value.startswith("/"):
            return self.url(value, leads_back=folded == "location")
        return self.leaf(value)

    def _authorization(self, value: str) -> str:
        scheme, blank, rest = value.strip().partition(" ")
        if not rest.strip():
            return self._secret("authorization", value)
        rest = rest.strip()
        kind = scheme.lower() if scheme.lower() in ("bearer", "basic", "dpop", "digest") else "authorization"
        if kind == "basic":
            self._basic(rest)
        elif "=" in rest.rstrip("="):
            for found in _PAIR.finditer(rest):
                if is_secret(found.group(1)):
                    self._secret(found.group(1), found.group(2).strip('"'))
        return f"{scheme}{blank}{self._secret(kind, rest)}"

    def _basic(self, credentials: str) -> None:
        """Let the visitor see the password inside of Basic credentials, as it is and form-decoded (RFC 6749 2.3.1)."""
        try:
            raw = base64.b64decode(credentials + "=" * (-len(credentials) % 4))
        except (binascii.Error, ValueError):
            return
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
        identifier, colon, password = text.partition(":")
        value = password if colon and password else identifier
        for form in dict.fromkeys((value, unquote_plus(value))):
            self._secret("password", form)

    def _cookie(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        if not equals:
            return self._visitor.text(pair)
        bare = value.strip().strip('"')
        if unquote(bare) != bare:
            self._secret("cookie", unquote(bare))
        return f"{name}={self._secret('cookie', bare)}"

    # URLs

    def url(self, url: str, *, leads_back: bool = False) -> str:
        """Give a URL as the visitor leaves it; one that ``leads_back`` carries an authorization code."""
        found = _URL.fullmatch(url)
        if found is None:
            return self._visitor.text(url)
        scheme, place, path, query, fragment = found.groups()
        if scheme and "@" in place:
            place = self._userinfo(place)
        path = "/".join(self._decoded(piece, unquote, UNESCAPED) for piece in path.split("/"))
        text = (scheme or "") + place + path
        if query is not None:
            text += "?" + self.pairs(query, leads_back=leads_back)
        if fragment is not None:
            has_pairs = "=" in fragment
            text += "#" + (self.pairs(fragment, leads_back=True) if has_pairs else self._visitor.text(fragment))
        # Links in angle brackets, and whatever else is not quite a URL.
        return text if scheme or url.startswith("/") else self.leaf(text)

    def _userinfo(self, place: str) -> str:
        userinfo, _, host = place.rpartition("@")
        name, colon, password = userinfo.partition(":")
        if colon and password:
            return f"{name}:{self._secret('password', unquote(password))}@{host}"
        return f"{self._secret('user', unquote(name))}{colon}@{host}" if name else place

    def pairs(self, text: str, *, leads_back: bool = False, is_token_request: bool = False) -> str:
        """Give form-encoded pairs, of a query or a body, as the visitor leaves them."""
        pieces = text.split("&")
        known = {unquote_plus(name): unquote_plus(value) for name, _, value in (p.partition("=") for p in pieces)}
        is_question = "response_type" in known
        done = []
        for piece in pieces:
            raw_name, equals, raw_value = piece.partition("=")
            if not equals:
                done.append(self._decoded(piece, unquote_plus, UNESCAPED))
                continue
            name, value = unquote_plus(raw_name), unquote_plus(raw_value)
            kept: Callable[[str], str] = self.leaf
            in_query = not is_token_request and is_secret_in_query(name, value, known)
            is_code = fold(name) in TOKEN_REQUEST_NAMES and (is_token_request or (leads_back and fold(name) == "code"))
            if in_query or is_code or is_secret(name):
                new = self._secret(name, value)
            elif fold(name) in FLEETING_NAMES and (is_token_request or is_question):
                new = self._visitor.fleeting(name, kept(value))
            else:
                new = kept(value)
            shown = self._decoded(raw_name, unquote_plus, UNESCAPED)
            done.append(f"{shown}={raw_value if new == value else quote(new, safe=UNESCAPED)}")
        return "&".join(done)

    def _decoded(self, text: str, decode: Callable[[str], str], safe: str) -> str:
        """Show the visitor an encoded text decoded, and encode it again only where it was changed."""
        plain = decode(text)
        new = self._visitor.text(plain)
        return text if new == plain else quote(new, safe=safe)

    # Bodies

    def body(self, message: Message) -> bytes:
        """Give a body as the visitor leaves it: decoded where anything was changed."""
        media_type = message.header("content-type").lower()
        coding = message.header("content-encoding")
        content = content_of(message.body, coding, media_type)
        text = content.text
        if media_type.startswith("multipart/"):
            new = self._multipart(text)
        else:
            new = self.document(text, status=message.status, is_form="x-www-form-urlencoded" in media_type)
        if new != text:
            return content.encoded(new)
        # What was compressed is written decoded, so that people and scans can read it.
        return content.raw if coding and not content.is_packed else message.body

    def document(self, text: str, *, status: int = 0, is_form: bool = False) -> str:
        """Give the text of a body as the visitor leaves it: JSON, a form, or anything else."""
        is_json, data = _parsed(text)
        if is_json:
            context = _Context(status, status == 0 and _has_member(data, "grant_type"))
            new = self._json(data, context)
            return text if new == data else _dumped(new, text)
        if is_form or _looks_like_form(text):
            return self.pairs(text, is_token_request=status == 0 and "grant_type=" in text)
        return self.leaf(text)

    def _json(self, value: Any, context: _Context, name: str = "", depth: int = 0) -> Any:
        if depth > DEEPEST * 10:
            raise RecursionError
        if isinstance(value, _Members):
            return _Members((self._key(key), self._member(key, each, context, depth + 1)) for key, each in value)
        if isinstance(value, list):
            return [self._member(name, each, context, depth + 1) for each in value]
        return self.leaf(value, depth) if isinstance(value, str) else value

    def _key(self, key: str) -> str:
        return key if is_secret(key) else self._visitor.text(key)

    def _member(self, name: str, value: Any, context: _Context, depth: int) -> Any:
        if not (is_secret(name) or (context.is_token_request and fold(name) in TOKEN_REQUEST_NAMES)):
            new = self._json(value, context, name, depth)
            if context.is_token_request and fold(name) in FLEETING_NAMES and isinstance(new, str):
                return self._visitor.fleeting(name, new)
            return new
        if isinstance(value, str):
            if context.status >= 400 and " " in value.strip():
                # What a server says of a password that it refuses.
                return self.leaf(value, depth)
            return self._secret(name, value)
        if isinstance(value, int | float) and not isinstance(value, bool) and context.status == 0:
            return self._secret(name, str(value))
        return self._json(value, context, name, depth)

    def _multipart(self, text: str) -> str:
        end = text.find("\n")
        mark = text[:end].rstrip("\r") if text.startswith("--") else ""
        if not mark:
            return self.leaf(text)
        parts = []
        for part in text.split(mark):
            found = _PART.search(part)
            if found is None:
                parts.append(self.leaf(part))
                continue
            before, name, value = part[: found.start()] + found.group(1), found.group(2), found.group(3)
            bare = value.rstrip("\r\n")
            new = self._secret(name, bare) if is_secret(name) else self.document(bare)
            parts.append(before + new + value[len(bare) :])
        return mark.join(parts)

    def leaf(self, text: str, depth: int = 0) -> str:
        """Give a text in which anything may stand: JSON, pairs, markup, tokens."""
        if depth < DEEPEST and text[:1] in ("{", "[", '"'):
            is_json, data = _parsed(text)
            if is_json and isinstance(data, _Members | list):
                new = self._json(data, _Context(200, is_token_request=False), depth=depth + 1)
                return text if new == data else _dumped(new, text)
        text = _JWT.sub(lambda found: self._secret("jwt", found.group()), text)
        if "=" in text:
            text = _PAIR.sub(self._swept_pair, text)
        if '"' in text:
            text = _MEMBER.sub(self._swept_member, text)
        if "</" in text:
            text = _ELEMENT.sub(self._swept_element, text)
        return self._visitor.text(text)

    def _swept_pair(self, found: re.Match[str]) -> str:
        name, value = found.groups()
        if not is_secret(name):
            return found.group()
        bare = unquote_plus(value.strip('"'))
        new = self._secret(name, bare)
        return found.group() if new == bare else f'{name}="{new}"' if value.startswith('"') else f"{name}={new}"

    def _swept_member(self, found: re.Match[str]) -> str:
        name, colon, value = found.groups()
        if not is_secret(name):
            return found.group()
        try:
            bare = str(json.loads(value, strict=False))
        except ValueError:
            bare = value[1:-1]
        new = self._secret(name, bare)
        return found.group() if new == bare else f'"{name}"{colon}{json.dumps(new)}'

    def _swept_element(self, found: re.Match[str]) -> str:
        whole, name, attributes, value = found.groups()
        if not is_secret(name) or not value.strip():
            return found.group()
        from html import unescape

        new = self._secret(name, unescape(value.strip()))
        return found.group() if new == value else f"<{whole}{attributes}>{new}</"

    def _secret(self, name: str, value: str) -> str:
        return self._visitor.secret(kind_of(name), value) if value else value


@dataclass(frozen=True, slots=True)
class _Context:
    """What the names in a JSON body mean."""

    status: int
    is_token_request: bool


class _Members(list[tuple[str, Any]]):
    """The members of a JSON object in their order, those with the same name too."""


def _parsed(text: str) -> tuple[bool, Any]:
    """Parse JSON; whether it is, and what. A number or a word by itself is text."""
    if text.lstrip()[:1] not in ("{", "[", '"'):
        return False, None
    try:
        return True, json.loads(text, object_pairs_hook=_Members, strict=False)
    except (ValueError, RecursionError):
        return False, None


def _has_member(data: Any, name: str) -> bool:
    return isinstance(data, _Members) and any(key == name for key, _ in data)


def _dumped(value: Any, like: str) -> str:
    """Write JSON again: on one line or indented, as it was."""
    indent = 2 if "\n" in like.strip() else None
    compact = (",", ":") if indent is None and '": ' not in like else None

    def write(value: Any, level: int) -> str:
        comma, colon = compact or (("," if indent else ", "), ": ")
        if not isinstance(value, list) or not value:
            return "{}" if isinstance(value, _Members) else _scalar(value)
        inner = [
            f"{_scalar(each[0])}{colon}{write(each[1], level + 1)}"
            if isinstance(value, _Members)
            else write(each, level + 1)
            for each in value
        ]
        opening, closing = "{}" if isinstance(value, _Members) else "[]"
        if indent is None:
            return opening + comma.join(inner) + closing
        pad, end = "\n" + " " * indent * (level + 1), "\n" + " " * indent * level
        return opening + pad + (comma + pad).join(inner) + end + closing

    return write(value, 0)


def _scalar(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair is no character, but JSON can escape it.
        return json.dumps(value)
    return text


def _looks_like_form(text: str) -> bool:
    """Whether a body without a label that says so is form-encoded, and has something to hide."""
    return (
        re.fullmatch(r"[^\s=&<>{}]+=[^\s<>{}]*", text) is not None
        and any(is_secret(unquote_plus(piece.partition("=")[0])) or piece.startswith("grant_type=")
                for piece in text.split("&"))
    )  # fmt: skip


def _reframed(headers: Lines, length: int, *, coded: bool) -> Iterable[tuple[str, str]]:
    """Give the header lines of a body that was rewritten."""
    for name, value in headers:
        if name.lower() == "content-length":
            yield name, str(length)
        elif not (coded and name.lower() == "content-encoding"):
            yield name, value
