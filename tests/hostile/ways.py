"""What of ours meets a hostile server: clients of each kind, the suite, and the commands that go to the network."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_apiauth.__main__ import main
from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.tokens import SystemClock, TokenStore
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.http import Network, bounds, build_async_client, build_client
from pytest_apiauth.profile import loading
from tests.hostile.behaviours import API, DEVICE, DOCUMENT, PAGE, TOKEN, Behaviour
from tests.hostile.server import KEY

SECRET: Final = "secret-of-the-shop-that-nobody-is-told"
PROFILE: Final = """
schema = 1
name = "shop"
api_url = "{url}"
token_url = "/token"
{ca_file}
[api_key]
header = "X-Shop-Key"
[credentials]
client_id = "shop"
client_secret = {{ env = "SHOP_SECRET" }}
api_key = {{ env = "SHOP_KEY" }}
[grants.client_credentials]
[zones.user]
path = "/user/"
needs = ["bearer"]
probe = ["/user/me"]
[zones.key]
path = "/key/"
needs = ["api_key"]
probe = ["/key/me"]
"""
CREDENTIALS: Final = """[credentials]
redirect_uri = "http://127.0.0.1:9/back"
username = "alice"
password = { env = "SHOP_PASSWORD" }"""
PASSWORD: Final = "word-of-alice-that-nobody-is-told"
RULES: Final = (
    "res-no-cred-401 or res-401-challenge or key-missing or tok-200-json or tok-members or tok-alphabet"
    " or tok-expires-in or tok-no-store or leak-canary"
)
NEIGHBOURS: Final = ("randomly", "cov", "xdist", "recording", "cacheprovider", "hypothesispytest", "anyio", "django")
"""Plug-ins that a run does without: they cost time."""


@dataclass(frozen=True, slots=True)
class Came:
    """What came of one run: all it printed and raised, its exit status, and the files it wrote."""

    output: str
    status: int = 0
    """Of a client, the status of its last answer, or 2 if it has none."""
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to meet a behaviour, in an empty folder. ``answers`` is how many it may wait for, each its full time."""

    places: tuple[str, ...]
    run: Callable[[Behaviour, str], Came]
    answers: int = 2
    is_late: bool = False
    """Whether the server is good until a run has made sure of it."""


def write_profile(url: str, ca_file: str) -> None:
    """Write the profile of the hostile server into the folder at hand."""
    line = f'ca_file = "{ca_file}"' if ca_file else ""
    Path("shop.apiauth.toml").write_text(PROFILE.format(url=url, ca_file=line), encoding="utf-8")
    os.environ.update(SHOP_SECRET=SECRET, SHOP_KEY=KEY, SHOP_PASSWORD=PASSWORD)


class JumpingClock:
    """A clock that does not go as clocks do."""

    def __init__(self, how: str) -> None:
        self._how = how
        self._times = 0

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        self._times += 1
        year = 365 * 86400.0
        return {
            "forward": time.time() + self._times * year, "back": time.time() - self._times * year, "still": 1e9,
            "zero": 0.0, "far": 1e15,
        }[self._how]  # fmt: skip


def _client(library: str, is_async: bool) -> Callable[[Behaviour, str], Came]:
    def run(behaviour: Behaviour, url: str) -> Came:
        profile = loading.load(loading.find_from(Path.cwd(), "shop"))
        redactor = Redactor()
        values = {"client_secret": SECRET, "api_key": KEY}
        identities = Identities(profile, lambda label, reference: values.get(label.rpartition(".")[2]), redactor)
        clock = JumpingClock(behaviour.clock) if behaviour.clock else SystemClock()
        user = Authenticator(profile, identities, TokenStore(clock, profile.token.leeway), redactor)
        network = Network(library, ca_file=profile.ca_file)
        options: dict[str, Any] = {"authenticator": user, "timeout": bounds.BOUNDS.patience}

        async def main() -> int:
            async with build_async_client(profile, network, redactor, **options) as client:
                return [(await client.get("/user/me")).status_code for _ in range(3)][-1]

        try:
            if is_async:
                status = asyncio.run(main())
            else:
                with build_client(profile, network, redactor, **options) as client:
                    status = [client.get("/user/me").status_code for _ in range(3)][-1]
        except Exception as error:
            is_ours = isinstance(error, ApiAuthError)
            # Whoever uses a client sees what it raises; what is not ours tells nobody of profile and endpoint.
            return Came(f"{'' if is_ours else 'Traceback '}{type(error).__name__}: {error}", 2)
        return Came("", 0 if status == 200 else status)

    return run


def _command(*words: str) -> Callable[[Behaviour, str], Came]:
    def run(behaviour: Behaviour, url: str) -> Came:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            status = main([word.replace("URL", url) for word in words])
        return Came(out.getvalue(), status, _files())

    return run


def _device(behaviour: Behaviour, url: str) -> Came:
    profile = Path("shop.apiauth.toml")
    text = profile.read_text(encoding="utf-8")
    text = text.replace('token_url = "/token"', 'token_url = "/token"\ndevice_authorization_url = "/device"')
    profile.write_text(f"{text}[grants.device_code]\n", encoding="utf-8")
    return _command("token", "shop", "--grant", "device_code", "--no-browser", "--wait", "2")(behaviour, url)


def _login(behaviour: Behaviour, url: str) -> Came:
    profile = Path("shop.apiauth.toml")
    text = profile.read_text(encoding="utf-8")
    text = text.replace('token_url = "/token"', 'token_url = "/token"\nauthorize_url = "/authorize"')
    text = text.replace("[credentials]", CREDENTIALS)
    profile.write_text(f"{text}[grants.authorization_code]\n[login]\n", encoding="utf-8")
    return _command("token", "shop", "--grant", "authorization_code", "--script")(behaviour, url)


def _suite(behaviour: Behaviour, url: str) -> Came:
    out = io.StringIO()
    words = ["shop.apiauth.toml", "--apiauth-live", "-k", RULES, "--capture=sys", "--junit-xml=junit.xml", "-rA", "-v"]
    words += ["--apiauth-report=report.json", "--apiauth-report=report.md", "-p", "no:logging"]
    # Each library has its half of the table.
    words.append(f"--apiauth-http={('httpx', 'httpx2')[len(behaviour.name) % 2]}")
    words += [word for name in NEIGHBOURS for word in ("-p", f"no:{name}")]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        status = int(pytest.main(words))
    return Came(out.getvalue(), status, _files())


def _files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file() and path.suffix != ".toml"}


WAYS: Final = {
    "client, httpx": Way((TOKEN,), _client("httpx", False)),
    "client, httpx2": Way((TOKEN,), _client("httpx2", False)),
    "async client, httpx": Way((TOKEN,), _client("httpx", True)),
    "async client, httpx2": Way((TOKEN,), _client("httpx2", True)),
    "suite": Way((TOKEN, API), _suite, 12, is_late=True),
    "suite, from the first request": Way((API,), _suite, 4),
    "token": Way((TOKEN,), _command("token", "shop")),
    "token, device_code": Way((DEVICE,), _device, 4),
    # It goes from page to page, as a person would, twenty times at most.
    "token, authorization_code": Way((PAGE,), _login, 20),
    "record": Way((TOKEN,), _command("record", "shop", "--live", "--folder", "cassettes"), 4),
    "init": Way((DOCUMENT,), _command("init", "URL/openapi.json")),
}  # fmt: skip
"""Every way, by name. What a test's own request is answered with is the test's: clients meet token endpoints only."""
