"""Apps in this process: found by name, called as a server calls them, closed when the run ends."""

from __future__ import annotations

from pytest_apiauth.apps.asgi import Loop
from pytest_apiauth.apps.host import APP_URL, Host
from pytest_apiauth.apps.side import AppSide

__all__ = ["APP_URL", "AppSide", "Host", "Loop"]
