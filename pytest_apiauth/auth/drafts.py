"""Requests with named secrets in them: what is sent, and how the same is written for a shell.

A `Draft` is built of `Text`: literals and references to secrets by name, possibly edited or encoded.
Revealed, it is the request on the wire; shown, it is a curl line with ``$PLACEHOLDERS`` that reproduces
the request for whoever has the secrets in the environment.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from urllib.parse import quote_plus, urlsplit

from pytest_apiauth.auth.edits import Edit, quoted
from pytest_apiauth.auth.forgeries import Forgery
from pytest_apiauth.messages import Request


class Unchanged(Exception):
    """An edit left the secret what it was (or merely spelt it differently): nothing to send."""


@dataclass(frozen=True, slots=True)
class Ref:
    """The secret of that name, edited on its way out."""

    name: str
    edit: Edit | Forgery | None = None

    def reveal(self, vault: Mapping[str, str]) -> str:
        value = vault[self.name]
        edited = self.edit.apply(value) if self.edit else value
        if edited is None:
            raise Unchanged(self.name)
        return edited

    def shell(self, vault: Mapping[str, str]) -> str:
        if self.edit is None:
            return f'"${{{self.name}}}"'
        return f'"{self.edit.shell(self.name, vault[self.name])}"'


@dataclass(frozen=True, slots=True)
class FormEncoded:
    """``application/x-www-form-urlencoded`` of a text.

    ``also`` percent-encodes those letters too, ``keep`` leaves those alone.
    """

    inner: Text
    also: str = ""
    keep: str = ""

    def reveal(self, vault: Mapping[str, str]) -> str:
        return "".join(
            f"%{ord(letter):02X}" if letter in self.also else quote_plus(letter, safe="-._~" + self.keep)
            for letter in reveal(self.inner, vault)
        )

    def shell(self, vault: Mapping[str, str]) -> str:
        safe = "-._~" + self.keep
        if quote_plus(reveal(self.inner, vault), safe=safe) == reveal(self.inner, vault) and not self.also:
            return shown(self.inner, vault)
        script = (
            f"lambda s:''.join('%%%02X'%ord(c) if c in {self.also!r} else u.quote_plus(c,safe={safe!r}) for c in s)"
        )
        code = f"import sys,urllib.parse as u;print(({script})(sys.argv[1]),end='')"
        return f'"$(python3 -c {quoted(code)} {shown(self.inner, vault)})"'


@dataclass(frozen=True, slots=True)
class Base64:
    """Base64 of a text in UTF-8, with padding, as HTTP Basic wants it (RFC 7617 2)."""

    inner: Text

    def reveal(self, vault: Mapping[str, str]) -> str:
        return base64.b64encode(reveal(self.inner, vault).encode()).decode()

    def shell(self, vault: Mapping[str, str]) -> str:
        return f'"$(printf %s {shown(self.inner, vault)} | base64 -w0)"'


Part = str | Ref | FormEncoded | Base64
Text = Part | tuple[Part, ...]


def parts_of(text: Text) -> tuple[Part, ...]:
    """Give a text as a sequence of parts."""
    return text if isinstance(text, tuple) else (text,)


def reveal(text: Text, vault: Mapping[str, str]) -> str:
    """Give the text as it travels. Raises Unchanged where an edit changes nothing."""
    return "".join(part if isinstance(part, str) else part.reveal(vault) for part in parts_of(text))


def shown(text: Text, vault: Mapping[str, str]) -> str:
    """Give the text as one bash word, secrets by name."""
    words: list[str] = []
    for is_literal, group in groupby(parts_of(text), key=lambda part: isinstance(part, str)):
        parts = list(group)
        if is_literal:
            literal = "".join(str(part) for part in parts)
            words += [quoted(literal)] if literal else []
        else:
            words += [part.shell(vault) for part in parts if not isinstance(part, str)]
    return "".join(words) or "''"


Parameters = tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """One request before its secrets are put in. Change it with `dataclasses.replace` or the methods."""

    method: str
    url: str
    headers: tuple[tuple[str, Text], ...] = ()
    query: tuple[tuple[str, Text], ...] = ()
    parameters: Parameters = ()
    """Members of the body, in order: texts, and for JSON any value."""
    encoding: str = ""
    """``form``, ``json``, or empty where there is no body."""
    content_type: str = ""
    raw_body: str | None = None
    tail: str = ""
    """Text that stands at the end of a form as it is, whatever is wrong with it: ``a=%zz``."""
    target: str | None = None
    flags: tuple[str, ...] = ()
    """Options of curl for what is not in the message: ``--http1.0``."""
    after: Draft | None = None
    """The request before it on the same connection, where that matters."""

    def with_headers(self, *headers: tuple[str, Text]) -> Draft:
        """Add header lines."""
        return replace(self, headers=(*self.headers, *headers))

    def without_header(self, name: str) -> Draft:
        """Take every line of a header field away."""
        return replace(self, headers=tuple(line for line in self.headers if line[0].lower() != name.lower()))

    def with_query(self, *pairs: tuple[str, Text]) -> Draft:
        """Add parameters to the URL."""
        return replace(self, query=(*self.query, *pairs))

    def with_header(self, name: str, value: Text) -> Draft:
        """Put one header line in the place of whatever lines that field had."""
        return self.without_header(name).with_headers((name, value))

    def encoded(self, encoding: str) -> Draft:
        """Write the body as ``form`` or ``json`` instead, with the label that goes with it."""
        return replace(self, encoding=encoding, content_type="")

    def labelled(self, content_type: str) -> Draft:
        """Give the body another media type without changing the body."""
        return replace(self, content_type=content_type)

    def editing(self, secret: str, edit: Edit | Forgery) -> Draft:
        """Edit a secret by name, wherever the request carries it. Raises LookupError where it does not."""
        if secret not in self.names:
            raise LookupError(f"the request carries no {secret}, only {sorted(self.names)}")
        return replace(
            self,
            headers=tuple((name, _edited(value, secret, edit)) for name, value in self.headers),
            query=tuple((name, _edited(value, secret, edit)) for name, value in self.query),
            parameters=tuple(
                (name, _edited(_as_text(value), secret, edit) if _is_text(value) else value)
                for name, value in self.parameters
            ),
        )

    def secret(self, kind: str) -> str:
        """Give the name of the secret of a kind (``CLIENT_SECRET``), whoever's it is. Raises LookupError."""
        for name in sorted(self.names):
            if name == kind or name.endswith(f"_{kind}"):
                return name
        raise LookupError(f"the request carries no {kind}, only {sorted(self.names)}")

    def carried(self, kind: str) -> Ref:
        """Refer to the secret of a kind, as it stands in the request. Raises LookupError."""
        return Ref(self.secret(kind))

    def replacing(self, secret: str, other: Ref) -> Draft:
        """Put another secret in the place of one that the request carries. Raises LookupError where it does not."""
        marked = self.editing(secret, _MARK)
        return replace(
            marked,
            headers=tuple((name, _swapped(value, other)) for name, value in marked.headers),
            parameters=tuple(
                (name, _swapped(_as_text(value), other) if _is_text(value) else value)
                for name, value in marked.parameters
            ),
        )

    def editing_all(self, edit: Edit) -> Draft:
        """Edit every secret that the request carries."""
        draft = self
        for name in self.names:
            draft = draft.editing(name, edit)
        return draft

    @property
    def names(self) -> frozenset[str]:
        """The names of the secrets that the request carries."""
        values = [value for _, value in (*self.headers, *self.query, *self.parameters)]
        return frozenset(ref.name for value in values for ref in _refs(value))

    def setting(self, name: str, value: object) -> Draft:
        """Set one parameter of the body in its place, or add it."""
        if any(key == name for key, _ in self.parameters):
            changed = tuple((key, value if key == name else old) for key, old in self.parameters)
        else:
            changed = (*self.parameters, (name, value))
        return replace(self, parameters=changed)

    def without(self, *names: str) -> Draft:
        """Take parameters of the body away."""
        return replace(self, parameters=tuple(entry for entry in self.parameters if entry[0] not in names))

    def request(self, vault: Mapping[str, str]) -> Request:
        """Put the secrets in. Raises Unchanged where an edit changes nothing."""
        headers = [(name, reveal(value, vault)) for name, value in self.headers]
        body = self._body(vault)
        if self._type():
            headers.append(("Content-Type", self._type()))
        return Request(self.method, self._url(vault), tuple(headers), body, self.target)

    def curl(self, vault: Mapping[str, str]) -> str:
        """Write the request as one curl line for bash."""
        before = ["curl"] if self.after is None else [self.after.curl(vault), "--next"]
        words = [*before, "-I" if self.method == "HEAD" else "-i", *self.flags]
        if self.method not in ("HEAD", "POST" if self._type() else "GET"):
            words += ["-X", self.method]
        for name, value in self.headers:
            # curl drops a header that ends with a colon, and sends it empty when it ends with a semicolon.
            words += ["-H", quoted(f"{name};") if value == "" else shown((f"{name}: ", *parts_of(value)), vault)]
        words += self._curl_body(vault)
        if self.target is not None:
            words += ["--request-target", quoted(self.target)]
        words.append(self._curl_url(vault))
        return " ".join(words)

    def _type(self) -> str:
        usual = {"form": "application/x-www-form-urlencoded", "json": "application/json"}
        return self.content_type or usual.get(self.encoding, "")

    def _body(self, vault: Mapping[str, str]) -> bytes:
        if self.raw_body is not None:
            return self.raw_body.encode("latin-1")
        if self.encoding == "form":
            fields = ((name, reveal(_as_text(value), vault)) for name, value in self.parameters)
            pairs = [f"{quote_plus(name)}={quote_plus(value)}" for name, value in fields]
            return "&".join([*pairs, *filter(None, [self.tail])]).encode("latin-1")
        if self.encoding == "json":
            return _json_object(self.parameters, lambda text: json.dumps(reveal(text, vault))).encode()
        return b""

    def _curl_body(self, vault: Mapping[str, str]) -> list[str]:
        if not self._type():
            return []
        label = ["-H", quoted(f"Content-Type: {self._type()}")]
        if self.raw_body is not None:
            return [*label, "--data-binary", quoted(self.raw_body)]
        if self.encoding == "form":
            words = [] if self._type() == "application/x-www-form-urlencoded" else label
            for name, value in self.parameters:
                words += ["--data-urlencode", shown((f"{name}=", *parts_of(_as_text(value))), vault)]
            words += ["--data-binary", quoted(self.tail)] if self.tail else []
            return words or ["-d", "''"]
        # A secret inside JSON needs JSON's own quoting, which Python does for the shell.
        names = sorted({ref.name for _, value in self.parameters for ref in _refs(value)})
        if not names:
            return [*label, "-d", quoted(_json_object(self.parameters, lambda text: json.dumps(reveal(text, {}))))]
        pieces = [shown(_as_text(value), vault) for _, value in self.parameters if _refs(value)]
        template = _json_object(self.parameters, lambda text: "%s" if _refs(text) else _percent(reveal(text, {})))
        code = f"import json,sys;print({template!r} % tuple(map(json.dumps,sys.argv[1:])),end='')"
        return [*label, "-d", f'"$(python3 -c {quoted(code)} {" ".join(pieces)})"']

    def _url(self, vault: Mapping[str, str]) -> str:
        pairs = "&".join(f"{quote_plus(name)}={quote_plus(reveal(value, vault))}" for name, value in self.query)
        return f"{self.url}?{pairs}" if pairs else self.url

    def _curl_url(self, vault: Mapping[str, str]) -> str:
        if not self.query:
            return quoted(self.url)
        pieces: list[Part] = [self.url]
        for position, (name, value) in enumerate(self.query):
            pieces.append(f"{'&' if position else '?'}{quote_plus(name)}=")
            pieces.append(quote_plus(value) if isinstance(value, str) else FormEncoded(value))
        return shown(tuple(pieces), vault)

    @property
    def path(self) -> str:
        """The path as it travels."""
        return self.target or urlsplit(self.url).path


def _edited(text: Text, secret: str, edit: Edit | Forgery) -> Text:
    def changed(part: Part) -> Part:
        if isinstance(part, Ref):
            return Ref(part.name, edit) if part.name == secret else part
        if isinstance(part, (FormEncoded, Base64)):
            return replace(part, inner=_edited(part.inner, secret, edit))
        return part

    return tuple(changed(part) for part in parts_of(text))


_MARK = Edit("whole", text="\0")


def _swapped(text: Text, other: Ref) -> Text:
    """Put a secret in the place of every reference that is marked."""

    def changed(part: Part) -> Part:
        if isinstance(part, Ref):
            return other if part.edit is _MARK else part
        if isinstance(part, (FormEncoded, Base64)):
            return replace(part, inner=_swapped(part.inner, other))
        return part

    return tuple(changed(part) for part in parts_of(text))


def _is_text(value: object) -> bool:
    return isinstance(value, (str, Ref, FormEncoded, Base64, tuple))


def _as_text(value: object) -> Text:
    return value if _is_text(value) else json.dumps(value)  # type: ignore[return-value]


def _refs(value: object) -> list[Ref]:
    if not _is_text(value):
        return []
    found: list[Ref] = []
    for part in parts_of(value):  # type: ignore[arg-type]
        if isinstance(part, Ref):
            found.append(part)
        elif isinstance(part, (FormEncoded, Base64)):
            found += _refs(part.inner)
    return found


def _percent(text: str) -> str:
    return json.dumps(text).replace("%", "%%")


def _json_object(parameters: Parameters, write: Callable[[Text], str]) -> str:
    """Write a JSON object member by member, so that a repeated member stays repeated."""
    members = []
    for name, value in parameters:
        text = write(_as_text(value)) if _is_text(value) else json.dumps(value)
        members.append(f"{json.dumps(name)}: {text}")
    return "{" + ", ".join(members) + "}"


__all__ = ["Base64", "Draft", "FormEncoded", "Part", "Ref", "Text", "Unchanged", "reveal", "shown"]
