"""Apps of a few lines and the requests that they get, as a client of the house sends them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.http import InProcess, Sender
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.targets.apps import Host, Loop
from tests.here import USUAL

MODULE = "an_app_of_the_tests"
BASE = "https://api.example"


@contextmanager
def hosted(app: Any, **keys: Any) -> Iterator[Host]:
    """Put an app to work under the name ``an_app_of_the_tests:app``."""
    module = ModuleType(MODULE)
    module.app = app  # type: ignore[attr-defined]
    sys.modules[MODULE] = module
    loop = Loop()
    try:
        profile = Profile.model_validate({"schema": 1, "name": "shop", "api_url": BASE, "app": f"{MODULE}:app", **keys})
        host = Host(profile, loop=loop, root=Path(__file__).parent)
        try:
            yield host
        finally:
            host.close()
    finally:
        loop.close()
        del sys.modules[MODULE]


def exchange(app: Any, request: Request, library: str = USUAL) -> Response:
    """Send one request to an app by the sender that the rules use."""
    with hosted(app) as host:
        sender = Sender.in_process(InProcess(library, host.handle, host.handle_async), host.profile, Redactor())
        return sender.send(request)
