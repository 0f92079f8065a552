"""What references stand for in one examination: values that the profile has, and those that came in answers.

Theory of operation. To look a reference up sends nothing. What the profile has is resolved when it is first looked up,
and learnt by the redactor. A token or a code is kept here by whoever asks for it (`obtaining`), before a request that
carries it is revealed; one that may have ended is spent: it stands in curl lines as it was, and is got anew before the
next request that carries it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from pytest_apiauth.auth.requester import raw, sendable, value_of
from pytest_apiauth.auth.texts import Ref, Role
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.errors import CredentialError, UnsetError
from pytest_apiauth.suite.outcomes import NotApplicable, OutOfReach
from pytest_apiauth.targets.target import Target

PASSWORDS = {Role.USERNAME: Role.PASSWORD, Role.CLIENT_ID: Role.CLIENT_SECRET}
"""What goes with a name that says who is meant."""


class Placeholders(Mapping[Ref, str]):
    """The values behind references, each under a placeholder of its own.

    Example::

        placeholders = Placeholders(target, Redactor())
        assert placeholders[Ref(Role.CLIENT_ID)] == "apiauth-client"
    """

    def __init__(self, target: Target, redactor: Redactor) -> None:
        self._target = target
        self._redactor = redactor
        self._values: dict[Ref, str] = {}
        self._ended: set[Ref] = set()
        self.lacks_secret = False
        """Whether a value was looked up that the profile names and nobody has set."""

    def __getitem__(self, ref: Ref) -> str:
        """Return a value. Raises NotApplicable if the profile has none, KeyError if it has to be obtained first."""
        if ref not in self._values:
            if ref.is_issued:
                raise KeyError(f"{ref.name} has to be obtained first")
            with self.reached():
                self.keep(ref, self._configured(ref))
        return self._values[ref]

    def __contains__(self, ref: object) -> bool:
        return ref in self._values

    def __iter__(self) -> Iterator[Ref]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def keep(self, ref: Ref, value: str) -> Ref:
        """Keep a value under its reference, and learn it as a secret."""
        self._values[ref] = value
        self._ended.discard(ref)
        self._redactor.learn(value, ref.name)
        return ref

    def lacking(self, refs: Iterable[Ref]) -> list[Ref]:
        """Return the tokens among some references that have to be asked for."""
        return [ref for ref in refs if ref.is_issued and (ref not in self._values or ref in self._ended)]

    def end(self, refs: Iterable[Ref]) -> bool:
        """Have the tokens among some references asked for anew; whether there are any."""
        ended = {ref for ref in refs if ref.is_issued}
        self._ended |= ended
        return bool(ended)

    def passwords(self) -> dict[str, str]:
        """Return the right password for each name that is known."""
        names = [ref for ref in self._values if ref.role in PASSWORDS]
        return {self._values[ref]: self._values.get(Ref(PASSWORDS[ref.role], ref.who), "") for ref in names}

    def keys_in_pairs(self) -> set[str]:
        """Return the keys and tokens that are known and travel as one half of HTTP Basic."""
        paired = {kind for kind, row in self._target.profile.kinds.items() if row.place.pair is not None}
        return {value for ref, value in self._values.items() if ref.role.value.lower() in paired} if paired else set()

    @contextmanager
    def reached(self) -> Iterator[None]:
        """Turn a credential that is not there into the reason why a rule does not apply."""
        try:
            yield
        except CredentialError as reason:
            self.lacks_secret = self.lacks_secret or isinstance(reason, UnsetError)
            raise (OutOfReach if isinstance(reason, UnsetError) else NotApplicable)(str(reason)) from None

    def _configured(self, ref: Ref) -> str:
        found = value_of(self._target.identities, ref)
        if found is None:
            remedy = "; give it in apiauth_credentials or [credentials]" if self._target.kind.is_app else ""
            raise NotApplicable(f"the profile has no {ref.name.lower().replace('_', ' ')}{remedy}")
        row = self._target.profile.kinds.get(ref.role.value.lower())
        if row is not None and row.place.pair is not None and isinstance(found, Secret):
            return sendable(found, row.place)
        return raw(found)
