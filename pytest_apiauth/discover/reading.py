"""From a file or URL to a document: bytes, then JSON or YAML, then which of the known kinds it is.

A URL is fetched because the user names it, or the place that it is in (`usual`), and no other: a redirection is
reported, a reference into another document is not followed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from urllib.parse import urlsplit

from pytest_apiauth import installed
from pytest_apiauth.bounded import read_bounded
from pytest_apiauth.discover.findings import is_web_url, text_in
from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.http import bounds
from pytest_apiauth.messages import Origin, Request, has_more_values
from pytest_apiauth.printable import one_line

DEEPEST_REFERENCE = 20
DEEPEST = 200
LARGEST_YAML = 2_500_000
"""Bytes of a document in YAML, which takes a hundred times as long to read as JSON."""
MOST_NODES = 160_000
"""Values and names of a document in YAML as they are written, lists and mappings twice: each takes 400 bytes of memory
until all are read."""
MOST_MERGED = 200_000
"""Members of mappings that merge others (``<<``), merged ones included."""
MOST_VALUES = 750_000
"""Values of a document with every alias written out: a few lines of YAML can stand for millions. The largest public
description of an API (GitHub Enterprise Cloud's, 14 MB) has 550,000, and takes 70 MB."""
LARGE = 4_000_000
FOUR_BYTES = re.compile(rb"[\xf0-\xf4][\x80-\xbf]{3}")
ACCEPT = "application/json, application/yaml;q=0.9, */*;q=0.8"


class DocumentError(ApiAuthError):
    """The document cannot be had, is not what its kind should be, or says nothing that a profile can hold."""


class MissingError(DocumentError):
    """There is nothing at this URL."""


class PageError(DocumentError):
    """There is a page for people."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document. ``base`` is the URL it came from; empty for a file."""

    source: str
    base: str
    kind: str
    """``openapi``, ``swagger`` or ``metadata``."""
    content: Mapping[str, object]

    def resolved(self, value: object) -> Mapping[str, object]:
        """Follow ``$ref`` inside this document (RFC 6901); an empty table if it leads elsewhere or nowhere."""
        for _ in range(DEEPEST_REFERENCE):
            if not isinstance(value, Mapping):
                return {}
            reference = value.get("$ref")
            if not isinstance(reference, str):
                return value
            value = self._at(reference)
        return {}

    def _at(self, reference: str) -> object:
        from urllib.parse import unquote

        if not reference.startswith("#/"):
            return None
        value: object = self.content
        for piece in unquote(reference[2:]).split("/"):
            name = piece.replace("~1", "/").replace("~0", "~")
            value = value.get(name) if isinstance(value, Mapping) else None
        return value


def read(source: str) -> Document:
    """Read a document. Raises DocumentError or UnreachableError, in one line."""
    is_url = "://" in source
    shown = _shown(source) if is_url else source
    # Handed on and not kept: beside what is made of them, bytes and text are a third of what a document takes.
    content = _parsed(_fetched(source, shown) if is_url else _from_disk(source), shown)
    return Document(shown, source if is_url else "", _kind(content, shown), content)


def _from_disk(source: str) -> bytes:
    try:
        return read_bounded(Path(source), bounds.BOUNDS.document)
    except (OSError, ValueError) as error:
        raise DocumentError(f"{source}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _shown(url: str) -> str:
    """Return a URL without its query, which may hold a key."""
    if not is_web_url(url):
        raise DocumentError("SOURCE: expected a file, or an http or https URL without a user name in it")
    return urlsplit(url)._replace(query="", fragment="").geturl()


def _fetched(url: str, shown: str) -> bytes:
    from pytest_apiauth.credentials.secrets import Redactor
    from pytest_apiauth.http import Network, NotSendable, Sender

    if urlsplit(url).scheme != "https" and not Origin.of(url).is_loopback:
        raise DocumentError(f"{shown}: a document over plain HTTP could be anybody's; use https, or save it to a file")
    network = Network(installed.usual())
    redactor = Redactor()
    redactor.learn(urlsplit(url).query, "query")
    sender = Sender(network, "init", redactor, is_document=True)
    try:
        response = sender.send(Request("GET", url.partition("#")[0], (("Accept", ACCEPT),)))
    except NotSendable:
        raise DocumentError(f"{shown}: not a URL that can be fetched") from None
    finally:
        sender.close()
    location = response.header("location")
    if 300 <= response.status < 400 and location is not None:
        place = one_line(location.partition("?")[0])
        raise DocumentError(f"{shown}: answered {response.status}, a redirect to {place}; name that URL")
    if response.status in (404, 410):
        raise MissingError(f"{shown}: answered {response.status}, expected 200 with the document")
    if response.status != 200:
        raise DocumentError(f"{shown}: answered {response.status}, expected 200 with the document")
    return response.body


def _parsed(raw: bytes, shown: str) -> Mapping[str, object]:
    if has_more_values(raw, MOST_VALUES) and raw.lstrip()[:1] in (b"{", b"["):
        raise DocumentError(f"{shown}: more than {MOST_VALUES} values and names")
    try:
        # A single one of these letters makes a text in memory four times as large as its bytes are.
        text = (raw if len(raw) < LARGE else FOUR_BYTES.sub(b"?", raw)).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DocumentError(f"{shown}: not text in UTF-8, so neither JSON nor YAML") from None
    del raw
    start = text.lstrip()[:1]
    if start == "<":
        raise PageError(f"{shown}: an HTML or XML page, expected JSON or YAML")
    content = _from_json(text, shown) if start in ("{", "[") else _from_yaml(text, shown)
    if not isinstance(content, Mapping):
        raise DocumentError(f"{shown}: expected a document with named members, got something else")
    return content


def _is_deep(value: object, left: int) -> bool:
    if not isinstance(value, Mapping | list):
        return False
    inner = value.values() if isinstance(value, Mapping) else value
    return left < 0 or any(_is_deep(each, left - 1) for each in inner)


def _values_in(value: object, known: dict[int, int], depth: int) -> int:
    """Count the values in a document as if nothing in it were shared; more than the most if it holds itself."""
    if not isinstance(value, Mapping | list):
        return 1
    if id(value) not in known:
        if depth > DEEPEST:
            return MOST_VALUES + 1
        known[id(value)] = MOST_VALUES + 1  # found again below itself, it has no end
        inner = value.values() if isinstance(value, Mapping) else value
        known[id(value)] = 1 + sum(_values_in(each, known, depth + 1) for each in inner)
    return known[id(value)]


def _from_json(text: str, shown: str) -> object:
    try:
        content = json.loads(text)
        # Nothing in it is shared, and its values have been counted.
        if _is_deep(content, DEEPEST):
            raise RecursionError
        return content
    except RecursionError:
        raise DocumentError(f"{shown}: not JSON that can be read: nested too deeply") from None
    except ValueError as error:
        if not isinstance(error, json.JSONDecodeError):
            raise DocumentError(f"{shown}: not JSON that can be read: a number of very many digits") from None
        try:
            # YAML may begin with a brace too.
            return _from_yaml(text, shown)
        except DocumentError:
            where = f"line {error.lineno}, column {error.colno}"
            raise DocumentError(f"{shown}: not JSON: {error.msg} at {where}") from None


def _from_yaml(text: str, shown: str) -> object:
    import yaml

    if len(text) > LARGEST_YAML:
        raise DocumentError(f"{shown}: YAML larger than {LARGEST_YAML // 1000} kB; write it as JSON")
    merged = 0

    # The one that is written in C, if there is one: it takes a tenth of the time.
    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """Makes nothing but plain data, and as much of it as a document has."""

        def flatten_mapping(self, node: yaml.MappingNode) -> None:
            """Put what is merged into a mapping, within bounds: each merge of merges doubles it."""
            nonlocal merged
            merges = any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value)
            super().flatten_mapping(node)
            merged += len(node.value) if merges else 0
            if merged > MOST_MERGED:
                raise yaml.constructor.ConstructorError(None, None, "too many merged members", node.start_mark)

    # What looks like a date stays a text, as in JSON.
    Loader.yaml_implicit_resolvers = {
        letter: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        if any(weight > MOST_NODES for weight in accumulate(map(_weight, yaml.parse(text, Loader)))):
            raise DocumentError(f"{shown}: YAML of more than {MOST_NODES} values and names; write it as JSON")
        content = yaml.load(text, Loader)
        if _values_in(content, {}, 0) > MOST_VALUES:
            raise DocumentError(f"{shown}: more than {MOST_VALUES} values, counted with every alias written out")
        return content
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        # PyYAML's own constructors fail in many ways on a tag that does not fit its value.
        raise DocumentError(f"{shown}: not YAML that can be read") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        problem = one_line(str(getattr(error, "problem", None) or "malformed"))
        raise DocumentError(f"{shown}: not YAML: {problem}{where}") from None


def _weight(event: object) -> int:
    """Return how much memory a piece of YAML takes until all is read, in units of a text's."""
    import yaml

    return 2 if isinstance(event, yaml.CollectionStartEvent) else int(isinstance(event, yaml.NodeEvent))


def _kind(content: Mapping[str, object], shown: str) -> str:
    if "openapi" in content:
        version = _version(content["openapi"])
        if not version.startswith("3."):
            raise DocumentError(f"{shown}: openapi: expected version 3.x, got {one_line(version)!r}")
        return "openapi"
    if "swagger" in content:
        version = _version(content["swagger"])
        if version not in ("2.0", "2"):
            raise DocumentError(f"{shown}: swagger: expected version 2.0, got {one_line(version)!r}")
        return "swagger"
    if text_in(content, "issuer") and ("token_endpoint" in content or "authorization_endpoint" in content):
        return "metadata"
    raise DocumentError(
        f"{shown}: neither OpenAPI 3.x, Swagger 2.0 nor authorization server metadata (RFC 8414): expected 'openapi',"
        " 'swagger' or 'issuer' at the top"
    )


def _version(value: object) -> str:
    """Return a version as text; YAML reads one without quotes as a number."""
    return str(value) if isinstance(value, str | float | int) else "something else"
