"""What the rules and the tests of one profile share where its app runs in this process."""

from __future__ import annotations

from pathlib import Path

from pytest_apiauth.credentials.identities import Identities, Surroundings
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import ApiAuthError, UnreachableError
from pytest_apiauth.http import InProcess
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.targets.apps.asgi import Loop
from pytest_apiauth.targets.apps.host import Host, housed
from pytest_apiauth.targets.apps.importing import described, load_object
from pytest_apiauth.targets.apps.supplied import Supplied


class AppSide:
    """A profile's app at work: who may act there, and how requests get there.

    ``loop`` is where asynchronous apps run; ``credentials`` is what the project's fixture gave, ``folder`` the
    project's root. Raises ProfileError or CredentialError. Close it when the run ends.
    """

    def __init__(
        self, profile: Profile, *, loop: Loop, credentials: object, redactor: Redactor, library: str, folder: Path
    ) -> None:
        supplied = Supplied(profile, credentials, redactor)
        with loading.explained(profile.name):
            self.profile = supplied.completed(housed(profile))
        self._folder = folder
        self.identities = Identities(self.profile, supplied.lookup(Surroundings(folder)), redactor)
        self.host = Host(self.profile, loop=loop, root=folder)
        self.carrier = InProcess(library, self.host.handle, self.host.handle_async)

    def advance(self, seconds: int) -> None:
        """Move the app's clock by the profile's callable. Raises ProfileError, or UnreachableError where it fails."""
        clock = self.profile.clock
        assert clock is not None
        assert clock.callable is not None
        where = f"{self.profile.name}: clock.callable"
        move = load_object(clock.callable, where=where, root=self._folder)
        try:
            move(seconds)
        except ApiAuthError:
            raise
        except Exception as error:
            raise UnreachableError(
                f"{where}: {clock.callable}({seconds}) failed: {described(error, self._folder)}"
            ) from None

    def close(self) -> None:
        """Shut the app down."""
        self.host.close()
