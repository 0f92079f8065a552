"""The refusals and detours at work in this process, and the audit hook that consults them."""

from __future__ import annotations

import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final

from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.offline.culprit import BARE, culprit, of_stack, of_traceback
from pytest_apiauth.offline.hosts import HERE, Hosts, plain
from pytest_apiauth.offline.patience import Patience
from pytest_apiauth.offline.standing import LATE, Standing, closing_refused
from pytest_apiauth.printable import one_line

ALIASES: Final = "127.83"
"""The first half of addresses that stand for hosts: of this machine, so nothing that is sent there leaves it."""


class OfflineError(ApiAuthError):
    """Something reached for a host that is out of reach in this test; nothing has left.

    Not an OSError: libraries try again after those, and wrap them. A thread or a task of an event loop does not know
    for whom it works; then the functions tell that the error has come through.
    """

    def __init__(self, host: str, refusal: Refusal, library: str | None) -> None:
        super().__init__(host)
        self._host = host
        self._refusal = refusal
        self._library = library

    def __str__(self) -> str:
        return self.line()

    def line(self, *traces: TracebackType | None) -> str:
        """Return the message; ``traces`` are those of the errors that this one lies in, the innermost first."""
        ways = [function for trace in (self.__traceback__, *traces) for function in of_traceback(trace)]
        library = self._library or culprit(ways) or BARE
        return f"{library} reached for {self._host}: {self._refusal.advice(library)}"


@dataclass(eq=False, slots=True)
class Refusal:
    """Hosts that are out of reach, and what ``advice`` a person is given, by the library that reached for one."""

    hosts: Hosts
    advice: Callable[[str], str]
    errors: list[OfflineError] = field(default_factory=list)
    """What was refused."""

    def error(self, host: object) -> OfflineError:
        """Make the error for one attempt, and take note of it."""
        shown = host.decode("latin-1") if isinstance(host, bytes | bytearray) else str(host)
        made = OfflineError(one_line(shown), self, culprit(of_stack(sys._getframe(1))))
        self.errors.append(made)
        return made


@dataclass(frozen=True, slots=True)
class Place:
    """A server on this machine: its port on loopback, and the context of a client that trusts it and nobody else.

    ``patience`` is told how long its answers are to seem to take.
    """

    port: int
    trust: ssl.SSLContext
    patience: Patience = field(default_factory=Patience)


@dataclass(eq=False, slots=True)
class Detour(Refusal):
    """Hosts that a server on this machine stands in for. Who cannot be led there is refused.

    ``find`` starts the server at first need, in the thread that connects. A detour is at work like a refusal::

        with at_work(Detour(hosts, advice, find=start)):
            requests.get("https://api.example.org/")
    """

    find: Callable[[], Place] = field(kw_only=True)
    _found: Place | None = field(default=None, init=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock, init=False)

    def place(self) -> Place:
        """Return the server, which runs from now on."""
        with self._mutex:
            if self._found is None:
                self._found = self.find()
            return self._found

    def is_at(self, port: int) -> bool:
        """Whether the server runs, at this port."""
        return self._found is not None and self._found.port == port


def offline_error_in(error: BaseException) -> str | None:
    """Return the message of a refusal if an error comes from one, however it was wrapped."""
    seen: set[int] = set()
    left: list[tuple[BaseException | None, tuple[TracebackType | None, ...]]] = [(error, ())]
    while left:
        each, around = left.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, OfflineError):
            return each.line(*around)
        inside = (each.__traceback__, *around)
        left += [(inner, inside) for inner in (each.__context__, each.__cause__, *getattr(each, "exceptions", ()))]
    return None


class _AtWork:
    """The refusals at work, the latest last, which speaks first."""

    def __init__(self) -> None:
        self.refusals: list[Refusal] = []
        self._aliases: dict[str, str] = {}
        self._hosts: dict[object, str] = {}
        self._mutex = threading.Lock()

    def check(self, host: object, port: object = None) -> None:
        """Raise OfflineError for a host that is out of reach, or led elsewhere: nobody gets there this way."""
        found = self._found(host, port)
        if found is not None:
            raise found.error(self.name(host))

    def led(self, host: object, port: object = None) -> Place | None:
        """Return the server that stands in for a host. Raises OfflineError for a host that is out of reach."""
        found = self._found(host, port)
        if found is None:
            return None
        if not isinstance(found, Detour):
            raise found.error(self.name(host))
        return found.place()

    def led_at(self, port: int) -> Place | None:
        """Return the server that stands in for some host at a port of this machine."""
        return next(
            (each.place() for each in self.refusals if isinstance(each, Detour) and each.is_at(port)), None
        )  # fmt: skip

    def alias(self, host: object, port: object = None) -> str | None:
        """Return the address that stands for a host that is led elsewhere, always the same: it may be kept.

        It is one of this machine, at which nobody listens. Raises OfflineError for a host that is out of reach.
        """
        found = self._found(host, port)
        if found is None:
            return None
        if not isinstance(found, Detour):
            raise found.error(self.name(host))
        name = plain(host)
        if name == HERE:
            return None
        with self._mutex:
            if name not in self._aliases:
                high, low = divmod(len(self._aliases) + 1, 250)
                self._aliases[name] = f"{ALIASES}.{high}.{low + 1}"
                self._hosts[self._aliases[name]] = name
            return self._aliases[name]

    def is_led_from_here(self, host: object, port: object = None) -> bool:
        """Whether it is a port of this machine that is led to another one: whoever connects to it gets there."""
        return plain(host) == HERE and isinstance(self._found(host, port), Detour)

    def name(self, host: object) -> object:
        """Return the host that an address stands for, or what was given."""
        return self._hosts.get(host, host)

    def _found(self, host: object, port: object) -> Refusal | None:
        host = self.name(host)
        found = [each for each in reversed(self.refusals) if each.hosts.covers(host, port)]
        # A server that stands in for a host may have been there before the test that keeps the host out of reach.
        return next((each for each in found if isinstance(each, Detour)), found[0] if found else None)


_at_work = _AtWork()
_standing = Standing(_at_work)
_is_hooked = False


@contextmanager
def at_work(refusal: Refusal) -> Iterator[Refusal]:
    """Keep hosts out of reach of the whole process while the block runs, or lead them elsewhere."""
    global _is_hooked
    if not _is_hooked:
        _is_hooked = True
        sys.addaudithook(_hear)
    if not _at_work.refusals:
        _standing.stand()
    _at_work.refusals.append(refusal)
    try:
        yield refusal
    finally:
        _at_work.refusals.remove(refusal)
        if not _at_work.refusals:
            _standing.leave()


# What an audit event says of host and port


def _by_name(arguments: tuple[Any, ...]) -> None:
    # An address that stands for a host is no name, nor is this machine's own: nobody is asked for either.
    if _at_work.name(arguments[0]) == arguments[0] and not _at_work.is_led_from_here(*arguments[:2]):
        _at_work.check(*arguments[:2])


def _name_only(arguments: tuple[Any, ...]) -> None:
    _by_name(arguments[:1])


def _by_address(arguments: tuple[Any, ...]) -> None:
    own, address = arguments[:2]
    if isinstance(address, tuple) and len(address) >= 2:
        with closing_refused(own):
            _at_work.check(*address[:2])


def _imports(arguments: tuple[Any, ...]) -> None:
    if arguments[0] in LATE:
        _standing.awaited.add(arguments[0])


EVENTS: dict[str, Callable[[tuple[Any, ...]], None]] = {
    "socket.getaddrinfo": _by_name,
    "socket.gethostbyname": _name_only,
    "socket.gethostbyaddr": _name_only,
    "socket.connect": _by_address,
    "socket.sendto": _by_address,
    "socket.sendmsg": _by_address,
    "import": _imports,
}


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _at_work.refusals:
        return
    if _standing.awaited:
        _standing.stand_late()
    look = EVENTS.get(event)
    if look is not None:
        look(arguments)
