"""Which cookies may go to a foreign origin: those that are its own.

A cookie is a credential like any other, but servers elsewhere set cookies too, and get them back. A client keeps them
in one jar. Both libraries send a cookie without a domain (``cookies={"session": …}``) to whomever they ask, and a
cookie of the API's host to every port of it, and in clear.
"""

from __future__ import annotations

from collections.abc import Iterable
from http.cookiejar import CookieJar


def are_its_own(header: str, host: str, home: Iterable[str], jar: CookieJar | None) -> bool:
    """Whether all that a ``Cookie`` header carries was set for a foreign host, and for none of the profile's."""
    own = {
        f"{cookie.name}={cookie.value}"
        for cookie in jar or ()
        if _reaches(cookie.domain, host) and not any(_reaches(cookie.domain, each) for each in home)
    }
    return all(pair.strip() in own for pair in header.split(";"))


def _reaches(domain: str, host: str) -> bool:
    """Whether a cookie's domain covers a host (RFC 6265 5.1.3)."""
    # The jar's name for a host without a dot.
    host = host if "." in host or ":" in host else f"{host}.local"
    domain = domain.lower().lstrip(".")
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))
