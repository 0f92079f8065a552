"""OpenAPI 3.x and Swagger 2.0 documents: servers, routes and their needs, and what is told of the token endpoint."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urljoin, urlsplit

from pytest_apiauth.discover.findings import (
    Findings,
    ZoneFound,
    is_web_url,
    listed_in,
    secured,
    split,
    table_in,
    text_in,
    texts_in,
)
from pytest_apiauth.discover.reading import Document, DocumentError
from pytest_apiauth.discover.schemes import FLOW_URLS, Schemes
from pytest_apiauth.discover.zones import Route, needs_in_words, prefix_of, zones_of
from pytest_apiauth.messages import why_not_a_url
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.grants import GRANTS
from pytest_apiauth.profile.kinds import KINDS, Kind

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
_SIDE_EFFECTS: Final = re.compile(
    r"\b(log ?(in|out|off)|sign ?(in|out|up)|(un)?(register|subscribe)|delete|remove|revoke|reset|cancel|confirm|verify"
    r"|(de)?activate|send|export|download|stream|callback)\b"
)
"""Words in a path for which a GET is not called: it may do something, end a session, or never end."""
_PLAIN_PATH: Final = re.compile(r"/[!-~]*")


def examine(document: Document) -> Findings:
    """Read what a document says. Raises DocumentError if it says nothing about authentication."""
    info = table_in(document.content, "info")
    findings = Findings(one_line(text_in(info, "title")), document.source)
    reader = _Reader(document, findings)
    if not reader.schemes.tables:
        key = "components.securitySchemes" if document.kind == "openapi" else "securityDefinitions"
        raise DocumentError(f"{document.source}: says nothing about authentication: no {key}")
    reader.read()
    return findings


class _Reader:
    """Reads one document."""

    def __init__(self, document: Document, findings: Findings) -> None:
        self._document = document
        self._content = document.content
        self._findings = findings
        self._is_swagger = document.kind == "swagger"
        # Where the host is not known, its path is part of every path of the profile.
        self._prefix = ""
        self._locate()
        self.schemes = Schemes(document, findings, self._place)
        self._scopes: dict[str, list[str]] = {}

    def read(self) -> None:
        """Note everything."""
        routes = list(self._routes())
        endpoints = {self._findings.urls.get(key) for key in FLOW_URLS}
        zones = zones_of([route for route in routes if route.path not in endpoints], self._findings.placed)
        zones += self._token_zone(zones, routes)
        self._findings.zones = sorted(zones, key=lambda zone: zone.path)
        self._note_zones(routes)
        needed = [scope for zone in zones for probe in zone.probes for scope in self._scopes.get(probe, ())]
        needed = list(dict.fromkeys(needed))
        self._findings.scope = " ".join(needed) or None
        self.schemes.note_grants(needed)
        self._note_token_request()

    def _note_zones(self, routes: list[Route]) -> None:
        findings, schemes = self._findings, self.schemes
        for reason, paths in schemes.unheld.items():
            shown = ", ".join(paths[:3]) + (" …" if len(paths) > 3 else "")
            findings.remark("zones", f"a profile cannot hold {reason}, which is asked for at {one_line(shown)}")
        if findings.kinds:
            return
        names = one_line(", ".join(map(str, schemes.tables)))
        if not schemes.flows:
            why = next(iter(schemes.unheld), f"no route needs any of its schemes ({names})")
            raise DocumentError(f"{self._document.source}: has nothing that a profile can hold: {why}")
        findings.remark(
            "zones", f"no route of the document needs any of its schemes ({names}); write zones for those that do"
        )

    # Where it is

    def _locate(self) -> None:
        url = self._host_of_swagger() if self._is_swagger else self._first_server()
        if url and not split(url).scheme and self._document.base:
            url = urljoin(self._document.base, url)
        if is_web_url(url) and "{" not in url:
            url = urlsplit(url)._replace(query="", fragment="").geturl().rstrip("/")
            self._findings.api_url = secured(self._findings, "api_url", url)
            return
        path = url if url.startswith("/") and not url.startswith("//") else ""
        self._prefix = path.rstrip("/") if _PLAIN_PATH.fullmatch(path) else ""

    def _first_server(self) -> str:
        servers = [table for table in listed_in(self._content, "servers") if isinstance(table, Mapping)]
        if len(servers) > 1:
            others = ", ".join(one_line(text_in(server, "url")) for server in servers[1:4])
            self._findings.remark("api_url", f"the document names further servers: {others}")
        if not servers:
            return "/"
        url = text_in(servers[0], "url")
        for name, value in table_in(servers[0], "variables").items():
            default = text_in(value, "default") if isinstance(value, Mapping) else ""
            url = url.replace("{" + str(name) + "}", default)
        return url

    def _host_of_swagger(self) -> str:
        host, path = text_in(self._content, "host"), text_in(self._content, "basePath")
        path = f"/{path.strip('/')}" if path.strip("/") else ""
        if not host:
            return path or "/"
        schemes = texts_in(self._content, "schemes") or [urlsplit(self._document.base).scheme or "https"]
        return f"{'https' if 'https' in schemes else schemes[0]}://{host}{path}"

    def _place(self, key: str, url: str) -> str:
        """Return a URL of the document as the profile writes it: absolute, or a path that continues ``api_url``."""
        api_url = self._findings.api_url
        parts = split(url)
        if parts.scheme or parts.netloc:
            if not is_web_url(url):
                self._findings.remark(key, f"the document names {one_line(url)}, which is no http or https URL")
                return ""
            url = secured(self._findings, key, url)
            return url[len(api_url) :] if api_url is not None and url.startswith(f"{api_url}/") else url
        if why_not_a_url(f"https://api.example/{url}") is not None:
            self._findings.remark(key, f"the document names {one_line(url)}, which is no URL that can be called")
            return ""
        if not url.startswith("/"):
            # Relative to the server, as FastAPI's tokenUrl="token" is.
            return f"{self._prefix}/{url}"
        if api_url is None or not urlsplit(api_url).path:
            return url
        return self._place(key, urljoin(api_url, url))

    # Routes

    def _routes(self) -> Iterator[Route]:
        paths = table_in(self._content, "paths")
        for template, value in paths.items():
            item = self._document.resolved(value)
            path = self._prefix + str(template).partition("?")[0].partition("#")[0]
            if not _PLAIN_PATH.fullmatch(path):
                if not str(template).startswith("x-"):
                    self._findings.remark(
                        "zones", f"left out: {one_line(str(template))!r} is no path that can be called"
                    )
                continue
            if listed_in(item, "servers"):
                self._findings.remark("zones", f"left out: {one_line(path)} has a server of its own")
                continue
            operations = {method: table for method in METHODS if isinstance(table := item.get(method), Mapping)}
            if operations:
                yield self._route(path, item, operations)

    def _route(self, path: str, item: Mapping[str, object], operations: Mapping[str, Mapping[str, object]]) -> Route:
        needs = {
            method: self.schemes.needs(self._requirements(operation), path) for method, operation in operations.items()
        }
        deciding = "get" if "get" in needs else next(iter(needs))
        told = [
            f"{method.upper()} {one_line(path)} needs {needs_in_words(other)}; this is what {deciding.upper()} needs"
            for method, other in needs.items()
            if other is not None and other != needs[deciding]
        ]
        is_probe = "get" in operations and self._is_probe(path, item, operations["get"])
        if is_probe:
            self._scopes[path] = self.schemes.scopes(self._requirements(operations["get"]))
        return Route(path, needs[deciding], is_probe, "; ".join(told))

    def _requirements(self, operation: Mapping[str, object]) -> list[object]:
        return listed_in(operation if "security" in operation else self._content, "security")

    def _is_probe(self, path: str, item: Mapping[str, object], operation: Mapping[str, object]) -> bool:
        """Whether a GET can be called as it is, and changes nothing as far as its name tells."""
        words = re.sub(r"[^a-z]+", " ", re.sub(r"([a-z])([A-Z])", r"\1 \2", path).lower())
        if "{" in path or _SIDE_EFFECTS.search(words):
            return False
        given = [
            self._document.resolved(each)
            for each in (*listed_in(item, "parameters"), *listed_in(operation, "parameters"))
        ]
        if any(table.get("required") is True for table in given):
            return False
        return not table_in(operation, "requestBody").get("required") and not self._is_stream(operation)

    def _is_stream(self, operation: Mapping[str, object]) -> bool:
        answers = [self._document.resolved(value) for value in table_in(operation, "responses").values()]
        types = {str(name) for answer in answers for name in table_in(answer, "content")}
        return any(name.startswith("text/event-stream") for name in {*types, *texts_in(operation, "produces")})

    # The token endpoint

    def _token_zone(self, zones: list[ZoneFound], routes: list[Route]) -> list[ZoneFound]:
        """Return the token endpoint a zone of its own, if another one would have it need an API key."""
        path = self._findings.urls.get("token_url", "")
        around = prefix_of(zones, path) if path.startswith("/") else None
        if around is None or not any(_keys_in(kinds) for kinds in around.needs):
            return []
        own = next((route.needs for route in routes if route.path == path), ())
        keyed = tuple(_keys_in(kinds) for kinds in own or () if _keys_in(kinds))[:1]
        names = {zone.name for zone in zones}
        name = next(name for name in ("token", "token-endpoint", "oauth-token-endpoint") if name not in names)
        return [] if keyed == around.needs else [ZoneFound(name, path, keyed)]

    def _note_token_request(self) -> None:
        """Note body and client authentication, if the document has the token endpoint among its routes."""
        findings = self._findings
        if not findings.grants:
            return
        template = findings.urls.get("token_url", "").removeprefix(self._prefix)
        item = self._document.resolved(table_in(self._content, "paths").get(template))
        operation = table_in(item, "post")
        types, names, required = self._body(operation)
        if types and not any("form" in name for name in types) and any("json" in name for name in types):
            findings.body = "json"
        if "client_secret" in required:
            findings.client_auth = "client_secret_json" if findings.body == "json" else "client_secret_post"
        elif "client_id" not in required and not any(GRANTS[grant].needs_client for grant in findings.grants):
            # FastAPI's form has both, and needs neither.
            findings.client_auth = "none"
        if not operation or (findings.client_auth is None and "client_secret" not in names):
            findings.remark("token.client_auth", "the document does not say how the client proves itself")

    def _body(self, operation: Mapping[str, object]) -> tuple[list[str], set[str], set[str]]:
        """Return media types, members, and required members of an operation's body."""
        if self._is_swagger:
            tables = [self._document.resolved(each) for each in listed_in(operation, "parameters")]
            fields = [table for table in tables if text_in(table, "in") == "formData"]
            names = {text_in(table, "name") for table in fields}
            required = {text_in(table, "name") for table in fields if table.get("required") is True}
            return texts_in(operation, "consumes"), names, required
        content = table_in(self._document.resolved(operation.get("requestBody")), "content")
        schemas = [
            self._document.resolved(media.get("schema")) for media in content.values() if isinstance(media, Mapping)
        ]
        names = {str(name) for schema in schemas for name in table_in(schema, "properties")}
        return (
            [str(name) for name in content],
            names,
            {name for schema in schemas for name in texts_in(schema, "required")},
        )


def _keys_in(kinds: frozenset[Kind]) -> frozenset[Kind]:
    """Return what can go along with the credentials of a client, in places of its own."""
    return frozenset(kind for kind in kinds if kind not in KINDS or KINDS[kind].is_key)
