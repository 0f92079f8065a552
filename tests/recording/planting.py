"""Secrets to plant: drawn keys, and recordings that nobody cleaned."""

from __future__ import annotations

import random
import string
from pathlib import Path
from typing import Final

from vcr import VCR

from pytest_apiauth.credentials.values import looks_like_key
from tests.here import httpx
from tests.recording.taping import Ask, Loopback

LETTERS: Final = string.ascii_letters + string.digits


def key(seed: str, alphabet: str = LETTERS, length: int = 32) -> str:
    """Draw a key, the same for the same seed."""
    drawing = random.Random(seed)
    while not looks_like_key(drawn := "".join(drawing.choice(alphabet) for _ in range(length))):
        pass
    return drawn


def record_uncleaned(folder: Path, server: Loopback, asks: list[Ask]) -> Path:
    """Record as vcrpy does by itself."""
    path = folder / "uncleaned.yaml"
    with VCR(record_mode="all").use_cassette(str(path)), httpx.Client() as client:
        for ask in asks:
            server.next = ask.reply
            url = f"http://127.0.0.1:{server.port}{ask.path}"
            client.request(ask.method, url, headers=list(ask.headers), content=ask.body)
    return path
