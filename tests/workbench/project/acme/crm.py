"""The CRM: a client for itself (client credentials, HTTP Basic)."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from typing import Any

from acme.client import Client
from acme.engines import Engine


class Crm(Client):
    """Workspaces of the CRM."""

    def __init__(self, engine: Engine, url: str = "https://crm.example/v1", **options: Any) -> None:
        super().__init__(engine, url, **options)
        self._login = f"{os.environ['CRM_CLIENT_ID']}:{os.environ['CRM_CLIENT_SECRET']}"

    def token_request(self) -> tuple[str, dict[str, str], bytes]:
        basic = base64.b64encode(self._login.encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        return "https://id.crm.example/token", headers, b"grant_type=client_credentials&scope=workspaces"

    def workspaces(self) -> Iterator[dict[str, Any]]:
        """Yield every workspace."""
        return self.pages("/workspaces")

    def add_workspace(self, label: str) -> int:
        """Create a workspace and return its number."""
        return int(self.create("/workspaces", {"label": label})["id"])
