"""Apps in this process: found by name, called as a server calls them, closed when the run ends."""

from __future__ import annotations

from pytest_apiauth.targets.apps.asgi import Loop
from pytest_apiauth.targets.apps.host import APP_URL, Host

__all__ = ["APP_URL", "Host", "Loop"]
