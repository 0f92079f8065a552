"""The walk through an exchange: every place in which a secret may stand, shown to a visitor.

A place is left byte for byte as it is where the visitor changes nothing. Whoever collects and whoever replaces takes
the same walk, so what is replaced is exactly what was learnt. `Walk.place` tells a visitor where it stands.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol
from urllib.parse import quote, unquote, unquote_plus

from pytest_apiauth.credentials.known_names import FORM, HEADER, MEMBER, QUERY, Place
from pytest_apiauth.credentials.names import (
    AUTHORIZATION,
    COOKIE,
    FLEETING_NAMES,
    NAMES,
    NOBODY,
    SET_COOKIE,
    TOKEN_REQUEST_NAMES,
    Names,
    fold,
    folded,
    is_code,
    is_moment,
    kind_of,
)
from pytest_apiauth.credentials.values import looks_like_key
from pytest_apiauth.printable import one_line
from pytest_apiauth.recording.contents import LARGEST, CassetteError, content_of, decoded, pieces
from pytest_apiauth.recording.jsontext import Members, dumped, has_member, parsed
from pytest_apiauth.recording.message import Message, reframed
from pytest_apiauth.recording.sweeping import Sweep

DEEPEST: Final = 20
"""Levels of JSON in JSON that are looked into."""
DEEPEST_JSON: Final = 200
UNESCAPED: Final = "-._~"
LONGEST_SHOWN: Final = 60

_URL: Final = re.compile(r"(?s)((?:[A-Za-z][A-Za-z0-9+.-]*:)?//)?([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?")
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|/")
_PARAMETER: Final = re.compile(r"""(?<![\w.-])([A-Za-z_][\w.-]{0,60})=("[^"]*"|[^\s",;]+)""")
_BLANK_LINE: Final = re.compile(r"\r?\n\r?\n")
_FIELD_NAME: Final = re.compile(r"""(?i);\s*name=(?:"([^"\r\n]*)"|([^";\s]*))""")


class Visitor(Protocol):
    """Sees each piece of text of an exchange, and gives what is to stand there instead."""

    def secret(self, kind: str, value: str) -> str:
        """Take a value that is secret by its position; ``kind`` is the name that says so."""

    def text(self, text: str) -> str:
        """Take any other text."""

    def fleeting(self, kind: str, value: str) -> str:
        """Take a value of a request that differs from run to run, without being secret."""


class Walk:
    """Takes a visitor through messages; ``names`` tell what is secret, ``most`` how large a body is looked into."""

    def __init__(self, visitor: Visitor, names: Names = NAMES, most: int = LARGEST) -> None:
        self.size = 0
        """Bytes of bodies, without their codings, that were looked into."""
        self._visitor = visitor
        self._names = names
        self._most = most
        self._trail: list[str] = []
        self._sweep = Sweep(self._found, names)

    @property
    def place(self) -> str:
        """Where in a message the visitor stands, in words: ``header Location, parameter sig``."""
        shown: list[str] = []
        for step in self._trail:
            kind, _, name = step.partition(" ")
            if kind == "member" and shown and shown[-1].startswith("member "):
                shown[-1] += f".{_shown(name)}"
            else:
                shown.append(f"{kind} {_shown(name)}" if name else kind)
        return one_line(", ".join(shown))

    def message(self, message: Message) -> Message:
        """Return a message as the visitor leaves it. Raises CassetteError for a body that cannot be looked into."""
        self._trail.clear()
        with self._at("URL"):
            url = self.url(message.url)
        headers = tuple((name, self.header(name, value)) for name, value in message.headers)
        body, coding = message.body, message.coding
        if body:
            with self._at("body"):
                body, taken = self._body(message)
            if taken or body != message.body:
                headers = tuple(reframed(headers, len(body), is_coded=not taken))
            coding = taken or coding
        return replace(message, headers=headers, body=body, url=url, coding=coding)

    # Headers

    def header(self, name: str, value: str) -> str:
        """Return the value of a header as the visitor leaves it."""
        with self._at(f"header {name}"):
            return self._header(name, value)

    def _header(self, name: str, value: str) -> str:
        short = fold(name)
        if short in AUTHORIZATION:
            return self._authorization(value)
        if short == COOKIE:
            return "; ".join(self._cookie(piece) for piece in pieces(value, "; "))
        if short in SET_COOKIE:
            first, mark, attributes = value.partition(";")
            return self._cookie(first) + mark + attributes
        if self._names.is_secret(HEADER, name, value):
            return self._secret(name, value)
        if _ABSOLUTE.match(value):
            return self.url(value, leads_back=short == "location")
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
            for found in _PARAMETER.finditer(rest):
                bare = found.group(2).strip('"')
                if self._names.is_secret(QUERY, found.group(1), bare):
                    self._secret(found.group(1), bare)
        return f"{scheme}{blank}{self._secret(kind, rest)}"

    def _basic(self, credentials: str) -> None:
        """Let the visitor see what is secret inside of Basic credentials, as it is and form-decoded (RFC 6749 2.3.1).

        It is the password, or the user name if there is no password, or a dummy behind a key.
        """
        try:
            raw = base64.b64decode(credentials + "=" * (-len(credentials) % 4))
        except (binascii.Error, ValueError):
            return
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
        identifier, _, password = text.partition(":")
        value = identifier if self._names.is_key_beside(identifier, password) else password
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
        """Return a URL as the visitor leaves it; one that ``leads_back`` carries an authorization code."""
        found = _URL.fullmatch(url)
        if found is None:
            return self._visitor.text(url)
        scheme, place, path, query, fragment = found.groups()
        if scheme and "@" in place:
            place = self._userinfo(place)
        path = self._sweep.path(path)
        path = "/".join(self._decoded(piece, unquote) for piece in pieces(path, "/"))
        text = (scheme or "") + place + path
        if query is not None:
            text += "?" + self.pairs(query, leads_back=leads_back)
        if fragment is not None:
            has_pairs = "=" in fragment
            text += "#" + (self.pairs(fragment, leads_back=True) if has_pairs else self._visitor.text(fragment))
        # What is not quite a URL.
        return text if scheme or url.startswith("/") else self.leaf(text)

    def _userinfo(self, place: str) -> str:
        userinfo, _, host = place.rpartition("@")
        name, colon, password = userinfo.partition(":")
        if not self._names.is_key_beside(unquote(name), unquote(password)):
            return f"{name}:{self._secret('password', unquote(password))}@{host}"
        return f"{self._secret('user', unquote(name))}{colon}{password}@{host}" if name else place

    def pairs(
        self, text: str, *, place: Place = QUERY, leads_back: bool = False, is_token_request: bool = False
    ) -> str:
        """Return form-encoded pairs, of a query or a body, as the visitor leaves them."""
        every = pieces(text, "&")
        known = folded(unquote_plus(piece.partition("=")[0]) for piece in every)
        is_question = "responsetype" in known
        done = []
        for piece in every:
            raw_name, equals, raw_value = piece.partition("=")
            if not equals:
                done.append(self._decoded(piece, unquote_plus))
                continue
            name, value = unquote_plus(raw_name), decoded(raw_value, unquote_plus)
            with self._at(f"parameter {name}"):
                short = fold(name)
                if (
                    self._names.is_secret(place, name, value, known)
                    or (short in TOKEN_REQUEST_NAMES and (is_token_request or (leads_back and short == "code")))
                    or (not is_token_request and is_code(name, value, known))
                ):
                    new = self._secret(name, value)
                elif (
                    (short in FLEETING_NAMES and (is_token_request or is_question))
                    or self._names.is_user(name, known)
                    or is_moment(place, name, known)
                ):
                    new = self._visitor.fleeting(name, self.leaf(value))
                else:
                    new = self.leaf(value)
            shown = self._decoded(raw_name, unquote_plus)
            done.append(f"{shown}={raw_value if new == value else quote(new, safe=UNESCAPED)}")
        return "&".join(done)

    def _decoded(self, text: str, decode: Callable[[str], str]) -> str:
        """Show the visitor an encoded text decoded, and encode it again only if it was changed."""
        plain = decoded(text, decode)
        new = self._visitor.text(plain)
        return text if new == plain else quote(new, safe=UNESCAPED)

    # Bodies

    def _body(self, message: Message) -> tuple[bytes, str]:
        """Return a body as the visitor leaves it, and the content codings that it has no more."""
        media_type = message.header("content-type").lower()
        coding = message.header("content-encoding")
        content = content_of(message.body, coding, media_type, self._most)
        self.size += len(content.raw)
        text = content.text
        if media_type.startswith("multipart/"):
            new = self._multipart(text)
        else:
            new = self.document(text, status=message.status, is_form="x-www-form-urlencoded" in media_type)
        if new != text:
            return content.encoded(new), coding
        # What was compressed is written decoded, so that people and scans can read it.
        return (content.raw, coding) if not content.is_packed else (message.body, "")

    def document(self, text: str, *, status: int = 0, is_form: bool = False) -> str:
        """Return the text of a body as the visitor leaves it: JSON, a form, or anything else."""
        is_json, data = parsed(text)
        if is_json:
            context = _Context(status, status == 0 and has_member(data, "grant_type"))
            new = self._json(data, context)
            return text if new == data else dumped(new, text)
        if is_form or self._looks_like_form(text):
            return self.pairs(text, place=FORM, is_token_request=status == 0 and "grant_type=" in text)
        return self.leaf(text)

    def _looks_like_form(self, text: str) -> bool:
        """Whether a body without a label that says so is form-encoded, and has something to hide."""
        if re.fullmatch(r"[^\s=&<>{}]+=[^\s<>{}]*", text) is None:
            return False
        names = [unquote_plus(piece.partition("=")[0]) for piece in pieces(text, "&")]
        return "grant_type" in names or any(map(self._names.rows, names))

    def _json(
        self, value: Any, context: _Context, name: str = "", depth: int = 0, beside: frozenset[str] = NOBODY
    ) -> Any:
        if depth > DEEPEST_JSON:
            raise CassetteError(f"not looked into: JSON of more than {DEEPEST_JSON} levels")
        if isinstance(value, Members):
            names, called = folded(key for key, _ in value), _name_in(value)
            known = {"value": called} if called else {}
            return Members(
                (self._key(key), self._member(known.get(key, key), each, context, depth + 1, names))
                for key, each in value
            )
        if isinstance(value, list):
            return [self._member(name, each, context, depth + 1, beside) for each in value]
        return self.leaf(value, depth) if isinstance(value, str) else value

    def _key(self, key: str) -> str:
        return key if self._names.rows(key) else self._visitor.text(key)

    def _member(self, name: str, value: Any, context: _Context, depth: int, beside: frozenset[str]) -> Any:
        if isinstance(value, list) and not isinstance(value, Members):
            return self._json(value, context, name, depth, beside)
        self._trail.append(f"member {name}")
        if isinstance(value, Members):
            new = self._json(value, context, name, depth)
        else:
            new = self._scalar(name, value, context, depth, beside)
        self._trail.pop()
        return new

    def _scalar(self, name: str, value: Any, context: _Context, depth: int, beside: frozenset[str]) -> Any:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (isinstance(value, str) or (is_number and context.status == 0)):
            return value
        is_asked = context.is_token_request and fold(name) in TOKEN_REQUEST_NAMES
        if not is_asked and not self._names.is_secret(MEMBER, name, str(value), beside):
            new = self.leaf(value, depth) if isinstance(value, str) else value
            is_fleeting = context.is_token_request and fold(name) in FLEETING_NAMES
            if isinstance(new, str) and (is_fleeting or self._names.is_user(name, beside)):
                return self._visitor.fleeting(name, new)
            return new
        if context.status >= 400 and " " in str(value).strip():
            # What a server says of a password that it refuses.
            return self.leaf(str(value), depth)
        return self._secret(name, str(value))

    def _multipart(self, text: str) -> str:
        end = text.find("\n")
        mark = text[:end].rstrip("\r") if text.startswith("--") else ""
        if not mark.strip("-"):
            return self.leaf(text)
        return mark.join(self._part(part) for part in pieces(text, mark))

    def _part(self, part: str) -> str:
        blank = _BLANK_LINE.search(part)
        found = None if blank is None else _FIELD_NAME.search(part, 0, blank.end())
        if blank is None or found is None:
            return self.leaf(part)
        name = found.group(1) if found.group(1) is not None else found.group(2)
        value = part[blank.end() :]
        bare = value.rstrip("\r\n")
        with self._at(f"part {name}"):
            new = self._secret(name, bare) if self._names.is_secret(FORM, name, bare) else self.document(bare)
        return part[: blank.end()] + new + value[len(bare) :]

    def leaf(self, text: str, depth: int = 0) -> str:
        """Return a text in which anything may stand: JSON, pairs, markup, tokens."""
        if depth < DEEPEST and text[:1] in ("{", "[", '"'):
            is_json, data = parsed(text)
            if is_json and isinstance(data, Members | list):
                new = self._json(data, _Context(200, is_token_request=False), depth=depth + 1)
                return text if new == data else dumped(new, text)
        return self._visitor.text(self._sweep(text))

    # Where the visitor stands

    def _secret(self, name: str, value: str) -> str:
        return self._visitor.secret(kind_of(name), value) if value else value

    def _found(self, place: str, name: str, value: str) -> str:
        with self._at(f"{place} {name}"):
            return self._secret(name, value)

    @contextlib.contextmanager
    def _at(self, step: str) -> Iterator[None]:
        self._trail.append(step)
        yield
        # After an error nobody asks; the next message begins anew.
        self._trail.pop()


@dataclass(frozen=True, slots=True)
class _Context:
    """What the names in a JSON body mean."""

    status: int
    is_token_request: bool


def _name_in(members: Members) -> str:
    """Return what the ``value`` of an object is called, where its name stands beside it; empty if none does."""
    return next((each for key, each in members if key in ("name", "key") and isinstance(each, str)), "")


def _shown(name: str) -> str:
    """Return a name that somebody else chose for a message: a name may be a token itself."""
    return "…" if looks_like_key(name) else one_line(name, LONGEST_SHOWN)
