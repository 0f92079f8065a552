"""Header fields by which some framework or proxy says who somebody is, or which part of it a request is done with.

A server that stands behind no such proxy, and lets one of them stand in for a credential, is open to whoever writes
the field himself. Each row has where it comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Trusted:
    """One header field, with a value that somebody may trust, and where it is documented."""

    name: str
    value: str
    source: str
    is_about_route: bool = False
    """Whether it may rightly lead elsewhere: to a page that is open, or to another host."""
    goes_along: bool = False
    """Whether it comes together with the others of its source."""

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """The header lines to send: Rails fails by design where Client-IP is not in X-Forwarded-For too."""
        line = (self.name, self.value)
        return (line, ("X-Forwarded-For", self.value)) if self.name == "Client-IP" else (line,)


def _all(source: str, *fields: tuple[str, str], route: bool = False, together: bool = False) -> tuple[Trusted, ...]:
    return tuple(Trusted(name, value, source, route, together) for name, value in fields)


SAID: Final = (
    (("Origin", "{origin}"), ("Access-Control-Request-Method", "GET")),
    (("Accept", "text/html, text/event-stream"),),
    (("Content-Type", "application/grpc"),),
    (("Host", "apiauth.invalid"),),
)
"""What a request may say that some code takes for a browser's own, a preflight, a page, a stream, another protocol or
another site: it may be answered by something else, or not at all, and never with the content."""
URL_FIELDS: Final = ("X-Original-URL", "X-Rewrite-URL", "X-Original-URI", "X-Forwarded-Uri", "X-Override-URL")
TRUSTED: Final = (
    *_all(
        "proxies that tell the client's address (RFC 7239 5.2, and what was in use before it)",
        ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-For", "10.0.0.1"), ("X-Forwarded-For", "192.168.0.1"),
        ("X-Forwarded-For", "172.16.0.1"), ("X-Forwarded-For", "fd00::1"),
        ("X-Forwarded-For", "::1"), ("X-Forwarded-For", "localhost"), ("Forwarded", "for=127.0.0.1"),
        ("Forwarded", 'for="[::1]";by=127.0.0.1;proto=https'), ("X-Real-IP", "127.0.0.1"), ("X-Client-IP", "127.0.0.1"),
        ("X-Remote-IP", "127.0.0.1"), ("X-Remote-Addr", "127.0.0.1"), ("X-Originating-IP", "127.0.0.1"),
        ("X-ProxyUser-Ip", "127.0.0.1"), ("Client-IP", "127.0.0.1"), ("X-Cluster-Client-IP", "127.0.0.1"),
        ("True-Client-IP", "127.0.0.1"), ("CF-Connecting-IP", "127.0.0.1"), ("Fastly-Client-IP", "127.0.0.1"),
        ("X-Custom-IP-Authorization", "127.0.0.1"),
    ),
    *_all(
        "proxies that tell the host and the path that were asked for",
        ("X-Forwarded-Host", "localhost"), ("X-Forwarded-Host", "127.0.0.1"), ("X-Forwarded-Server", "localhost"),
        ("X-Host", "localhost"), ("X-Forwarded-Prefix", "/"), ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"), ("Host", "localhost"), ("Host", "127.0.0.1"),
        route=True,
    ),
    *_all(
        "Zend Framework and IIS: the URL before it was rewritten (CVE-2018-14773, Symfony)",
        *((name, "/") for name in URL_FIELDS),
        route=True,
    ),
    *_all(
        "Next.js: a request of its own middleware (CVE-2025-29927)",
        ("x-middleware-subrequest", "middleware"), ("x-middleware-subrequest", "src/middleware"),
        ("x-middleware-subrequest", ":".join(["middleware"] * 5)),
        ("x-middleware-subrequest", ":".join(["src/middleware"] * 5)),
    ),
    *_all(
        "Health checks of Kubernetes, AWS and Google Cloud, and crawlers, which some proxies let pass by their names",
        ("User-Agent", "kube-probe/1.31"), ("User-Agent", "ELB-HealthChecker/2.0"),
        ("User-Agent", "GoogleHC/1.0 Googlebot/2.1 (+http://www.google.com/bot.html)"),
        ("User-Agent", "Prometheus/2.45 (UptimeRobot/2.0; Pingdom.com_bot; StatusCake; Blackbox Exporter; Zabbix)"),
    ),
    *_all(
        "Django's RemoteUserMiddleware and CGI: the user whom the web server knows (RFC 3875 4.1.11)",
        ("Remote-User", "admin"), ("Remote_User", "admin"), ("X-Remote-User", "admin"), ("REMOTE-USER", "default"),
    ),
    *_all(
        "oauth2-proxy: whom it has let in",
        ("X-Auth-Request-User", "admin"), ("X-Auth-Request-Email", "admin@example.org"),
        ("X-Auth-Request-Access-Token", "apiauth"), ("X-Forwarded-User", "admin"),
        ("X-Forwarded-Email", "admin@example.org"), ("X-Forwarded-Preferred-Username", "admin"),
        ("X-Forwarded-Groups", "admin"), ("X-Forwarded-Access-Token", "apiauth"),
        together=True,
    ),
    *_all(
        "Authelia, authentik: whom they have let in",
        ("X-authentik-username", "admin"), ("Remote-Email", "admin@example.org"), ("Remote-Groups", "admin"),
        ("Remote-Name", "admin"),
        together=True,
    ),
    *_all("Traefik's forward authentication: the method that was asked for", ("X-Forwarded-Method", "OPTIONS")),
    *_all(
        "Grafana's auth proxy, and what is named like it",
        ("X-WEBAUTH-USER", "admin"), ("X-User", "admin"), ("X-Username", "admin"), ("X-User-Id", "1"),
        ("X-Email", "admin@example.org"),
        ("X-Authenticated-User", "admin"), ("X-Authenticated-Userid", "1"), ("X-Admin", "true"), ("X-Role", "admin"),
        together=True,
    ),
    *_all(
        "Kong: the consumer that a plug-in has found",
        ("X-Consumer-ID", "1"), ("X-Consumer-Username", "admin"), ("X-Credential-Identifier", "admin"),
        together=True,
    ),
    *_all(
        "Cloud identity proxies: Google's IAP, Azure's App Service, Cloudflare Access, AWS ALB",
        ("X-Goog-Authenticated-User-Email", "accounts.google.com:admin@example.org"),
        ("X-Goog-Authenticated-User-ID", "accounts.google.com:1"), ("X-MS-CLIENT-PRINCIPAL-NAME", "admin"),
        ("X-MS-CLIENT-PRINCIPAL-ID", "1"), ("Cf-Access-Authenticated-User-Email", "admin@example.org"),
        ("X-Amzn-Oidc-Identity", "admin"),
        together=True,
    ),
    *_all(
        "TLS client certificates, told by a proxy as nginx and Envoy do",
        ("X-SSL-Client-Verify", "SUCCESS"), ("X-SSL-Client-S-DN", "CN=admin"),
        ("SSL-Client-Verify", "SUCCESS"), ("X-Client-Verify", "SUCCESS"), ("X-Client-DN", "CN=admin"),
        together=True,
    ),
    *_all("TLS client certificates, told by a proxy (RFC 9440 2.1)", ("Client-Cert", ":YXBpYXV0aA==:")),
    *_all(
        "services that call each other",
        ("X-Internal", "true"), ("X-Internal-Request", "1"), ("X-From-Gateway", "true"), ("X-Service-Name", "gateway"),
        ("X-Debug", "1"), ("X-Test", "1"), ("X-Skip-Auth", "true"), ("X-Bypass-Auth", "true"),
    ),
)  # fmt: skip
SWITCHES: Final = (
    "debug", "admin", "is_admin", "test", "dev", "internal", "preview", "public", "trusted", "authenticated",
    "logged_in", "noauth", "skip_auth", "bypass", "auth", "authorized", "is_auth", "isAdmin", "loggedin",
    "is_logged_in", "valid", "access", "granted", "share", "XDEBUG_SESSION", "XDEBUG_TRIGGER",
)  # fmt: skip
"""Names that code asks for by the way, to let its authors in."""
CLAIMS: Final = (("user", "admin"), ("username", "admin"), ("user_id", "1"), ("role", "admin"), ("_method", "OPTIONS"))
"""What somebody may say of himself, and how forms say that they are of another method."""
OPEN_PLACES: Final = (
    "/static/", "/public/", "/assets/", "/login", "/register", "/health", "/healthz", "/status", "/metrics", "/docs",
    "/openapi.json", "/favicon.ico", "/.well-known/", "/auth/", "/token",
)  # fmt: skip
"""Paths that lists of what is open name: who looks for them anywhere in a URL finds them in its query too, and a proxy
may look at the path that a field tells."""
PARAMETERS: Final = (
    tuple((name, "1") for name in SWITCHES),
    tuple((name, "true") for name in SWITCHES),
    CLAIMS,
)
"""What is said in the query, or in cookies, all at once: one of it is enough for who looks for one."""
USER_FIELDS: Final = (
    "Remote-User", "X-Remote-User", "X-Forwarded-User", "X-Auth-Request-User", "X-WEBAUTH-USER", "X-User", "X-Username",
    "X-User-Id", "X-Authenticated-User", "X-authentik-username",
)  # fmt: skip
"""Fields by which a proxy names the user, all at once with the name of one that there is."""

USER_PARAMETERS: Final = ("user", "username", "user_id", "userId", "uid", "email", "sub", "as", "impersonate")
"""Parameters by which somebody may say who he is."""
FIRST_USERS: Final = ("1", "2", "3")
"""How a database numbers those whom a test has made."""


def bundles(*, alone: bool = False) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Return all fields that lead nowhere else, those of one source together, each of its names once a bundle.

    With ``alone`` only what a source sends along with the others is in one, and all else is by itself.
    """
    made: dict[tuple[str, int], list[tuple[str, str]]] = {}
    for place, row in enumerate(TRUSTED):
        number = sum(each.name.lower() == row.name.lower() for each in TRUSTED[:place])
        if not row.is_about_route:
            is_single = alone and not row.goes_along
            made.setdefault((row.source, -place - 1 if is_single else number), []).extend(
                row.lines if is_single else ((row.name, row.value),)
            )
    return tuple(map(tuple, made.values()))


BRIEF_TRUSTED: Final = (
    ("X-Forwarded-For", "127.0.0.1"), ("X-Real-IP", "127.0.0.1"), ("Remote-User", "admin"),
    ("X-Forwarded-User", "admin"),
)  # fmt: skip
"""The rows that every probe is asked with."""
