"""What is planted: values of every shape in every slot, and a live API on loopback that issues tokens."""

from __future__ import annotations

import base64
import http.server
import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs

LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
CLIENT_ID: Final = "shop-client"
"""Client ids and user names are no secrets: they stay."""

PROFILE: Final = """
schema = 1
api_url = { env = "REAL_URL" }
token_url = "/token"

[api_key]
header = "X-Shop-Key"

[credentials]
client_id = { env = "REAL_CLIENT_ID" }
client_secret = { env = "REAL_CLIENT_SECRET" }
username = { env = "REAL_USERNAME" }
password = { env = "REAL_PASSWORD" }
api_key = { env = "REAL_API_KEY" }
personal_access_token = { env = "REAL_PAT" }
refresh_token = { env = "REAL_REFRESH_TOKEN" }

[clients.second]
client_id = { env = "SECOND_CLIENT_ID" }
client_secret = { env = "SECOND_CLIENT_SECRET" }

[users.second]
username = "bob"
password = { env = "SECOND_PASSWORD" }

[keys.second]
api_key = { env = "SECOND_API_KEY" }

[grants.client_credentials]
[grants.password]

[zones.items]
path = "/items"
needs = ["api_key", "bearer"]
probe = ["/items"]
"""
UNTOUCHED: Final = """
schema = 1
extends = "dastra"
api_url = "http://127.0.0.1:9"
token_url = "/token"
authorize_url = "/authorize"

[credentials]
client_secret = { env = "UNTOUCHED_CLIENT_SECRET" }
[clients.third]
client_id = "third"
client_secret = { env = "DOTENV_CLIENT_SECRET" }
"""
"""A profile that no test uses, and a secret that is in ``.env`` only."""


def _drawn(luck: random.Random, count: int, letters: str = LETTERS) -> str:
    return "".join(luck.choices(letters, k=count))


def environment(luck: random.Random) -> dict[str, str]:
    """Draw the secret values of the environment, by variable; each has a shape of its own."""
    return {
        # What every encoding writes in another way.
        "REAL_CLIENT_SECRET": f"k:{_drawn(luck, 9)}/+%41 é\"'\\{_drawn(luck, 12)}",
        "REAL_PASSWORD": " ".join(_drawn(luck, 7).lower() for _ in range(7)),
        "REAL_API_KEY": _drawn(luck, 40),
        "REAL_PAT": f"pat_{_drawn(luck, 36)}",
        "REAL_REFRESH_TOKEN": _drawn(luck, 43, f"{LETTERS}-_"),
        "SECOND_CLIENT_SECRET": _drawn(luck, 64, "0123456789abcdef"),
        "SECOND_PASSWORD": f"{_drawn(luck, 4)}-{_drawn(luck, 4)}",
        "SECOND_API_KEY": "-".join(_drawn(luck, count, "0123456789abcdef") for count in (8, 4, 4, 4, 12)),
        "UNTOUCHED_CLIENT_SECRET": f"{_drawn(luck, 8)}~{_drawn(luck, 24)}&<{_drawn(luck, 4)}>",
    }


def dotenv(luck: random.Random) -> dict[str, str]:
    """Draw the secret values of ``.env``."""
    return {"DOTENV_CLIENT_SECRET": _drawn(luck, 32)}


@dataclass
class Api:
    """A live API that remembers every token it has issued."""

    luck: random.Random
    issued: list[str] = field(default_factory=list)
    url: str = ""
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, object]:
        """Answer one request: tokens for whoever asks, items for whoever has one."""
        if path == "/token":
            return 200, self._token(body)
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if path.startswith("/items") and token in self.issued and headers.get("x-shop-key"):
            # A careless server: the token comes back in the body.
            return 200, {"items": ["apple"], "you_sent": token}
        # And one that is not known, whole and its beginning: who looks for whole values alone lets that pass.
        return 401, {"error": f"no such token: {token[:90]} of {token}" if token else "who are you?"}

    def _token(self, body: bytes) -> object:
        with self._mutex:
            # The shape of a JWT, without the beginning that all of them share.
            access = ".".join(_drawn(self.luck, count, f"{LETTERS}-_") for count in (56, 171, 43))
            refresh = base64.b64encode(self.luck.randbytes(34)).decode()
            self.issued += (access, refresh)
        grant = parse_qs(body.decode()).get("grant_type", [""])[0]
        return {"access_token": access, "token_type": "Bearer", "expires_in": 3600, "refresh_token": refresh} | (
            {"scope": "mine"} if grant == "password" else {}
        )


@contextmanager
def live_api(luck: random.Random) -> Iterator[Api]:
    """Serve an API on a loopback port while the block runs."""
    api = Api(luck)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, members = api.answer(self.command, self.path.partition("?")[0], headers, body)
            sent = json.dumps(members).encode()
            self.send_response(status)
            for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(sent)))):
                self.send_header(name, value)
            if status == 401:
                self.send_header("WWW-Authenticate", "Bearer")
            if self.path == "/token":
                self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = answer  # noqa: N815 - the standard library's names

        def log_message(self, format: str, *args: object) -> None:
            """Be silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield api
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
