"""The refusals at work in this process, and the audit hook that consults them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.offline.culprit import BARE, culprit, of_stack, of_traceback
from pytest_apiauth.offline.hosts import Hosts
from pytest_apiauth.offline.standing import LATE, Standing, closing_refused
from pytest_apiauth.printable import one_line


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
        """Give the message; ``traces`` are those of the errors that this one lies in, the innermost first."""
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


def offline_error_in(error: BaseException) -> str | None:
    """Give the message of a refusal where an error comes from one, however it was wrapped."""
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


_at_work: list[Refusal] = []
_is_hooked = False


@contextmanager
def refused(refusal: Refusal) -> Iterator[Refusal]:
    """Keep hosts out of reach of the whole process while the block runs. The latest refusal speaks first."""
    global _is_hooked
    if not _is_hooked:
        _is_hooked = True
        sys.addaudithook(_hear)
    if not _at_work:
        _standing.stand()
    _at_work.append(refusal)
    try:
        yield refusal
    finally:
        _at_work.remove(refusal)
        if not _at_work:
            _standing.leave()


def check(host: object, port: object = None) -> None:
    """Raise OfflineError for a host that is out of reach."""
    for refusal in reversed(_at_work):
        if refusal.hosts.covers(host, port):
            raise refusal.error(host)


_standing = Standing(check)


# What an audit event says of host and port


def _by_name(arguments: tuple[Any, ...]) -> None:
    check(*arguments[:2])


def _name_only(arguments: tuple[Any, ...]) -> None:
    check(arguments[0])


def _by_address(arguments: tuple[Any, ...]) -> None:
    own, address = arguments[:2]
    if isinstance(address, tuple) and len(address) >= 2:
        with closing_refused(own):
            check(*address[:2])


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
    if not _at_work:
        return
    if _standing.awaited:
        _standing.stand_late()
    look = EVENTS.get(event)
    if look is not None:
        look(arguments)
