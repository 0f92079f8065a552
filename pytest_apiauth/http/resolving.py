"""Names of hosts looked up within a time limit, for the requests that this package sends by itself.

Theory of operation. The system's resolver has no time limit that a caller could set, and nobody can interrupt it
(urllib3/urllib3#1334): one that never answers holds a blocking client for as long as it likes, and an asynchronous one
at the end of its event loop, which waits for its threads. So each name is looked up in a thread of its own, for
which neither the caller nor the end of the process waits. What comes too late is dropped; until it comes, whoever asks
for the same name waits for the same thread, so that there is one a name at most, however many requests there are.

A blocking client then connects to the addresses, one after the other as the standard library does. An asynchronous one
connects by name, since its library tries addresses side by side (RFC 8305); that second question can be cancelled.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import threading
from concurrent.futures import Future
from typing import Any

from pytest_apiauth.auth.tokens import wait_for

Addresses = list[str]

_mutex = threading.Lock()
_under_way: dict[tuple[str, int], Future[Addresses]] = {}


class NoAddressError(TimeoutError):
    """A name was not resolved in time."""


def addresses(host: str, port: int, timeout: float | None) -> Addresses:
    """Return the addresses of a host, in the order in which they are to be tried.

    Raises NoAddressError if that takes longer than ``timeout`` seconds, and what the resolver raises.

    >>> addresses("127.0.0.1", 443, 1.0)
    ['127.0.0.1']
    """
    if _is_address(host):
        return [host]
    try:
        return _lookup(host, port).result(timeout)
    except TimeoutError:
        raise _late(host, timeout) from None


async def look_up(host: str, port: int, timeout: float | None) -> None:
    """Wait until a host's name is resolved, in whatever way. Raises NoAddressError."""
    import anyio

    if _is_address(host):
        return
    lookup = _lookup(host, port)
    # What came of it is for the library to find and to say.
    with anyio.move_on_after(timeout):
        await wait_for(lookup)
    if not lookup.done():
        raise _late(host, timeout)


def connected(host: str, port: int, timeout: float) -> socket.socket:
    """Open a connection. Raises OSError, NoAddressError among them."""
    error: OSError | None = None
    for address in addresses(host, port, timeout):
        try:
            return socket.create_connection((address, port), timeout)
        except OSError as refused:
            error = refused
    raise error or OSError("no address")


def _late(host: str, timeout: float | None) -> NoAddressError:
    return NoAddressError(f"no address of {host} after {timeout:g} seconds")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _lookup(host: str, port: int) -> Future[Addresses]:
    """Return the lookup of a name that is under way, or begin one."""
    key = (host, port)
    with _mutex:
        if key in _under_way:
            return _under_way[key]
        future = _under_way[key] = Future[Addresses]()
    # A thread of a pool would be waited for when the process ends.
    threading.Thread(target=_resolve, args=(key, future), name=f"looks up {host}", daemon=True).start()
    return future


def _resolve(key: tuple[str, int], future: Future[Addresses]) -> None:
    try:
        found = socket.getaddrinfo(*key, type=socket.SOCK_STREAM)
        outcome: Addresses | BaseException = list(dict.fromkeys(_address(place) for *_, place in found))
    except BaseException as error:
        outcome = error
    with _mutex:
        del _under_way[key]
    if isinstance(outcome, BaseException):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _forget() -> None:
    """Begin anew in a process that was forked, which has none of the threads."""
    global _mutex
    _mutex = threading.Lock()
    _under_way.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _address(place: tuple[Any, ...]) -> str:
    """Return the text of an address; one of a link names its interface too (RFC 4007 11)."""
    return f"{place[0]}%{place[3]}" if len(place) == 4 and place[3] and "%" not in place[0] else str(place[0])
