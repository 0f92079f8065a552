"""Which requests are those of a login: the guard lets their forms be sent, and no tape has them.

Both stand where a library's transport is, and see neither our messages nor who has made them. So whoever sends one, or
calls a function that logs in, says so here, for as long as that takes.

>>> with of_login(True):
...     is_of_login()
True
>>> is_of_login()
False
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_IS_OF_LOGIN: ContextVar[bool] = ContextVar("apiauth_is_of_login", default=False)


def is_of_login() -> bool:
    """Whether the request that leaves now, in this thread or task, is one of a login."""
    return _IS_OF_LOGIN.get()


@contextmanager
def of_login(is_one: bool) -> Iterator[None]:
    """Say whether what is sent is of a login, for as long as it takes."""
    before = _IS_OF_LOGIN.set(is_one)
    try:
        yield
    finally:
        _IS_OF_LOGIN.reset(before)
