"""Apps that a test mounts into the embedded server: started when they are, closed with the server's target."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pytest_apiauth.embedded.workbench import CallApp
from pytest_apiauth.targets.apps.asgi import Loop
from pytest_apiauth.targets.apps.host import Asgi, Failures, Served, Wsgi
from pytest_apiauth.targets.apps.importing import as_app, load_app

WHERE = "apiauth_server.mount"


@dataclass(slots=True)
class Mounts:
    """The apps of one server. Asynchronous ones run on the run's loop; a name of one is found from ``root``."""

    loop: Loop
    root: Path
    _served: list[Served] = field(default_factory=list)

    def host(self, app: object) -> CallApp:
        """Start an app, or what ``"module:app"`` names. Raises ProfileError for what is none, or does not start."""
        if isinstance(app, str):
            found = load_app(app, where=WHERE, root=self.root)
        else:
            found = as_app(app, where=f"{WHERE}: got")
        failures = Failures(self.root)
        served: Served
        if found.interface == "wsgi":
            served = Wsgi(found.call, failures)
        else:
            served = Asgi(found.call, failures, self.loop, where=WHERE, root=self.root)
        self._served.append(served)
        return served.call

    def close(self) -> None:
        """Shut the apps down. Raises ProfileError if a shutdown fails."""
        while self._served:
            self._served.pop().close()
