"""Refresh tokens that outlive a run: got once by ``python -m pytest_apiauth token``, used by live runs from then on.

Theory of operation. One token is kept for each token endpoint, API, client and user, so that profiles of the same name
never send each other's tokens anywhere. It lies in the system keyring if the profile's reference names an entry
of it, else in a file of the user's own state folder: outside of every project, so that it is in no commit, no
image and no artifact, and of mode 0600. A server that rotates gives a new token with each refresh, and takes a second
use of the old one for theft, which ends the new one too. So processes take turns from reading the token to writing
the one that replaces it. A variable of the environment that the profile names counts until the token in it has been
used up: its digest is kept beside the token that came after it.

The new token comes once. So before the old one is sent the file for the new one is there, with room on the disk, and
until it has its place Ctrl-C and SIGTERM wait (`KeptTokens.spending`); it is kept before anything else in the answer
is looked at. What is left is a process that is killed outright, or a machine that stops, between the server's answer
and the disk: the old token is then the one that is kept, and it depends on the server what it is good for.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar, Final, TypeAlias

from pytest_apiauth.credentials.identities import Identities, Surroundings, learn_credentials
from pytest_apiauth.credentials.located import located_profile
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.errors import CredentialError
from pytest_apiauth.interrupts import held_back
from pytest_apiauth.messages import Origin
from pytest_apiauth.profile.model import Profile, Reference
from pytest_apiauth.whole import PRIVATE, room_for, write_whole

TURN: Final = 90.0
"""Seconds to wait for another process that is at it: longer than two token requests may take, and one is usual."""

Put: TypeAlias = Callable[[str | bytes], None] | None
"""What puts a text where there is room for it, if that is so."""
_ROOM: Final = 4096
"""Bytes of a file beside the token in it."""


class KeptTokens:
    """The kept refresh tokens of one profile. ``folder`` is where the files are; default: the user's state folder."""

    _at_it: ClassVar[dict[Path, int]] = {}
    """The threads of this process that have their turn, by file."""

    def __init__(self, profile: Profile, folder: Path | None = None) -> None:
        self._profile = profile
        self._folder = folder

    @contextlib.contextmanager
    def turn(self, client_id: str, user: str) -> Iterator[None]:
        """Have the token for oneself, while the block runs, from reading it to writing the one that replaces it.

        A place that takes no file is no error. Raises CredentialError if another process does not end its turn.
        """
        from filelock import FileLock, Timeout

        path = self._path(client_id, user).with_suffix(".lock")
        # A task of the same event loop cannot end its turn while this one blocks the loop.
        if self._at_it.get(path) == threading.get_ident():
            yield
            return
        lock = FileLock(path, timeout=TURN, mode=0o600, thread_local=False)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock.acquire()
            self._at_it[path] = threading.get_ident()
        except Timeout:
            # Without a turn the token would be used twice, which ends the login at a good server.
            raise CredentialError(
                f"{self._profile.name}: refresh_token: another process has had its turn with the one in"
                f" {path.with_suffix('.json')} for {TURN:.0f} s; end it and try again"
            ) from None
        except OSError:
            pass
        try:
            yield
        finally:
            if lock.is_locked:
                del self._at_it[path]
                lock.release()

    def read(self, client_id: str, user: str, given: str | None, reference: Reference | None) -> str | None:
        """Return the token to use; ``given`` is what the profile's reference holds now.

        Raises CredentialError if the file may be read by others, or not at all.
        """
        if reference is not None and reference.keyring is not None:
            return given
        path = self._path(client_id, user)
        try:
            if os.name == "posix" and path.stat().st_mode & 0o077:
                raise CredentialError(
                    f"{self._profile.name}: {path} holds a refresh token and others may read it; delete it and log in"
                    " again, or: chmod 600"
                )
            table = json.loads(path.read_text(encoding="utf-8"))
            kept = table["refresh_token"]
            came_after = table["came_after"]
        except FileNotFoundError:
            return given
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            raise CredentialError(
                f"{self._profile.name}: {path} cannot be read as a kept refresh token; delete it and log in again"
            ) from None
        is_current = given is None or came_after == _digest(given)
        return str(kept) if is_current else given

    @contextlib.contextmanager
    def spending(
        self, client_id: str, user: str, token: Secret, given: str | None, reference: Reference | None
    ) -> Iterator[Callable[[Secret], str]]:
        """Use a token up while the block runs; what the block is given keeps the next one, as `write` does.

        Raises CredentialError before the block begins if the next one could not be kept, which would be the end of
        both: the token is kept in the file, or is said to be replaced. A file that was never written is none to rely
        on, and a server that replaces nothing needs none.
        """
        path, rotation = self._path(client_id, user), self._profile.rotation
        with contextlib.ExitStack() as opened:
            put: Put = None
            if reference is None or reference.keyring is None:
                is_needed = path.exists() if rotation is None else rotation != "none"
                try:
                    put = opened.enter_context(room_for(path, 2 * len(token.reveal()) + _ROOM, mode=PRIVATE))
                except OSError as error:
                    if is_needed:
                        raise CredentialError(
                            f"{self._profile.name}: refresh_token: not sent, since the one that comes after it cannot"
                            f" be kept in {path}: {error.strerror or error}; make that place writable, or say rotation"
                            ' = "none" if the server never replaces it'
                        ) from None
            opened.enter_context(held_back())
            yield lambda new: self.write(client_id, user, new, given, reference, put)

    def write(
        self,
        client_id: str,
        user: str,
        token: Secret,
        given: str | None,
        reference: Reference | None,
        put: Put = None,
    ) -> str:
        """Keep a token in place of the one before, and say where. Raises CredentialError if that fails.

        ``put`` puts it where there is room for it already.
        """
        if reference is not None and reference.keyring is not None:
            return self._to_keyring(token, reference)
        path = self._path(client_id, user)
        table = {
            "profile": self._profile.name,
            "token_endpoint": self._profile.token_endpoint,
            "client_id": client_id,
            "user": user,
            "came_after": _digest(given) if given is not None else None,
            "refresh_token": token.reveal(),
        }
        try:
            text = json.dumps(table, indent=1)
            write_whole(path, text, mode=PRIVATE) if put is None else put(text)
        except OSError as error:
            raise CredentialError(
                f"{self._profile.name}: the new refresh token cannot be kept in {path}: {error.strerror or error}"
            ) from None
        return f"{path} (mode 0600)"

    def _to_keyring(self, token: Secret, reference: Reference) -> str:
        try:
            import keyring

            keyring.set_password(reference.keyring or "", reference.username, token.reveal())
        except Exception as error:
            # Its text may quote what it was given.
            raise CredentialError(
                f"{self._profile.name}: the new refresh token cannot be kept in the {reference}:"
                f" {type(error).__name__}; is the extra keyring installed, and has it a back end?"
            ) from None
        return str(reference)

    def _path(self, client_id: str, user: str) -> Path:
        if self._folder is None:
            import platformdirs

            self._folder = platformdirs.user_state_path("pytest-apiauth", appauthor=False) / "refresh-tokens"
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", self._profile.name) or "api"
        api = str(Origin.of(self._profile.base_url))
        owner = json.dumps([self._profile.token_endpoint, api, client_id, user])
        return self._folder / f"{name}-{_digest(owner)[:16]}.json"


def live_identities(profile: Profile, folder: Path, redactor: Redactor) -> Identities:
    """Return who a live run may act as, at the profile's real base URL.

    References are looked up, those that ``.env`` in ``folder`` has too; refresh tokens are kept; every credential that
    is set is learnt, needed or not. Raises ProfileError or CredentialError as `located_profile` does.
    """
    located = located_profile(profile, folder)
    identities = Identities(located, Surroundings(folder), redactor, kept=KeptTokens(located))
    learn_credentials(located, folder, redactor)
    return identities


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
