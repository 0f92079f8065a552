"""The shop: a person's token (password, refresh token), and the shop's own key."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from acme.client import Client
from acme.engines import Engine


class Shop(Client):
    """Cards of the shop's customers."""

    def __init__(self, engine: Engine, url: str = "https://shop.example/api", **options: Any) -> None:
        super().__init__(engine, url, **options)
        self._token_url = f"{self._url}/token"

    def key_headers(self) -> dict[str, str]:
        return {"X-Shop-Key": os.environ["SHOP_KEY"]}

    def token_request(self) -> tuple[str, dict[str, str], bytes]:
        return self._granted("password", username=os.environ["SHOP_USER"], password=os.environ["SHOP_PASSWORD"])

    def refresh_request(self, refresh_token: str) -> tuple[str, dict[str, str], bytes] | None:
        return self._granted("refresh_token", refresh_token=refresh_token) if refresh_token else None

    def _granted(self, grant_type: str, **members: str) -> tuple[str, dict[str, str], bytes]:
        body = json.dumps({"grant_type": grant_type, **members}).encode()
        return self._token_url, {"Content-Type": "application/json"}, body

    def cards(self) -> Iterator[dict[str, Any]]:
        """Yield every card of the person."""
        return self.pages("/user/cards")
