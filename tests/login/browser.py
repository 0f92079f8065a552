"""A person and a browser, scripted: they go where they are sent, and may be made to come back with something else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from pytest_apiauth.embedded import Server
from pytest_apiauth.login import interactive
from tests.here import httpx

PROFILE = """
schema = 1
api_url = "https://shop.example"
token_url = "/token"
authorize_url = "/authorize"
metadata_url = "/.well-known/oauth-authorization-server"
standards = ["RFC 6749", "RFC 6750", "RFC 8414", "RFC 9207"]
rotation = "old-dies"
[credentials]
client_id = "shop-client"
client_secret = { env = "SHOP_SECRET" }
redirect_uri = "http://127.0.0.1:PORT/callback"
username = "alice"
password = { env = "SHOP_PASSWORD" }
[token]
answer = { token_type = "Bearer", expires_in = 3600, refresh_token = true }
[grants.authorization_code]
[grants.refresh_token]
[grants.password]
[grants.client_credentials]
answer = { token_type = "Bearer", expires_in = 60 }
[zones.user]
path = "/user/"
needs = ["bearer"]
probe = ["/user/me"]
"""


@dataclass(frozen=True)
class Site:
    """A server, its URL, and the profile in the project."""

    server: Server
    url: str
    profile: Path


Change = Callable[[dict[str, str]], dict[str, str]]


def as_it_is(parameters: dict[str, str]) -> dict[str, str]:
    """Bring back what the server has sent."""
    return parameters


@dataclass
class Browser:
    """Follows an authorization URL to the place that it leads back to. ``pages`` is what it saw there."""

    change: Change = as_it_is
    before: Callable[[str], None] = lambda url: None
    pages: list[httpx.Response] = field(default_factory=list)

    def callback(self, url: str) -> str:
        """Give the URL that a login at an authorization URL ends at."""
        with httpx.Client(trust_env=False) as client:
            location = urlsplit(client.get(url).headers["location"])
        return location._replace(query=urlencode(self.change(dict(parse_qsl(location.query))))).geturl()

    def log_in(self, url: str) -> None:
        """Log in, and go where that leads."""
        callback = self.callback(url)
        self.before(callback)
        with httpx.Client(trust_env=False) as client:
            self.pages.append(client.get(callback))

    @contextmanager
    def _at_work(self, url: str) -> Iterator[None]:
        thread = threading.Thread(target=self.log_in, args=(url,))
        thread.start()
        try:
            yield
        finally:
            thread.join(20)
            assert not thread.is_alive()


def logged_in(browser: Browser, name: str = "shop", *, wait: float = 20, **options: str) -> list[str]:
    """Run the command with a browser beside it; gives the lines that it prints."""
    lines: list[str] = []
    steps = interactive.obtain(name, way=interactive.Way(opens_browser=False, wait=wait), **options)
    for line in steps:
        lines.append(line)
        if line.startswith("waiting"):
            with browser._at_work(lines[-2]):
                lines += steps
    return lines
