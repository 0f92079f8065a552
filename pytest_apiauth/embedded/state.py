"""What the embedded server remembers: who there is, and every token and code it has given out.

Theory of operation. A credential is either invented at the start (`Invention`) or minted here from the
profile's name and a counter, so that two servers asked the same questions give the same answers. Records
are kept for good: a token that is expired or dead stays known, since a server that forgets cannot tell
a replayed token from a made-up one. Whether a record is still good is for `Policy` to say.
"""

from __future__ import annotations

import base64
import hashlib
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any, Final, TypeAlias

from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.refused import Refused, kept
from pytest_apiauth.messages import Request

START: Final = 1_700_000_000.0
CODE_LIFETIME: Final = 600.0


@dataclass(frozen=True, slots=True)
class Reading:
    """How a clock tells the time: by what it was moved to, or by how far it is ahead of the system's."""

    seconds: float
    follows: bool = False

    def moved(self, before: Reading, after: Reading) -> Reading:
        """Return this one, moved by as much as lies between two others."""
        if not before.follows == after.follows == self.follows:
            return after
        return replace(self, seconds=self.seconds + after.seconds - before.seconds)


class ManualClock:
    """A clock that stands still until it is moved, so that a test of expiry never sleeps."""

    def __init__(self, start: float = START) -> None:
        self.reading = Reading(start)

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        # By its module, where time-machine and freezegun put theirs.
        return self.reading.seconds + (time.time() if self.reading.follows else 0.0)

    @property
    def follows(self) -> bool:
        """Whether it goes with the system's time."""
        return self.reading.follows

    def follow(self) -> None:
        """Go with the system's time from now on: with what ``time.time()`` says, and so with what moves that.

        ::

            def test_renewal(apiauth_client, apiauth_server, time_machine):
                apiauth_server.clock.follow()
                apiauth_client.get("/v1/workspaces")
                time_machine.shift(7200)
                apiauth_client.get("/v1/workspaces")
                assert apiauth_server.token_requests == 2

        Call it first: for tokens that were issued before, it is a leap. `advance` still moves it, on top of that time.
        """
        self.reading = Reading(0.0, follows=True)

    def advance(self, seconds: float | timedelta) -> None:
        """Move the clock forward. Raises ValueError for a step back, TypeError for what is no time.

        >>> clock = ManualClock(0)
        >>> clock.advance(90)
        >>> clock.advance(timedelta(hours=1))
        >>> clock.now()
        3690.0
        """
        step = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
        if isinstance(step, bool) or not isinstance(step, int | float):
            raise TypeError(f"advance: expected seconds or a timedelta, got {type(seconds).__name__}")
        if not step >= 0:
            raise ValueError(f"a clock does not go back by {-step} seconds")
        self.reading = replace(self.reading, seconds=self.reading.seconds + step)


@dataclass(frozen=True, slots=True, repr=False)
class ClientRecord:
    """A registered client; without a secret it is a public one (RFC 6749 2.1)."""

    name: str
    client_id: str
    secret: str | None
    redirect_uri: str | None
    grants: tuple[str, ...] | None = None
    """What it may use; None is everything."""
    public_key: str | None = None
    """In PEM, if it has registered one."""
    certificate: bytes | None = None
    """In DER, if it has registered one."""
    denied: tuple[str, ...] = ()
    """Paths that its tokens do not reach."""

    @property
    def is_public(self) -> bool:
        """Whether it has nothing to prove itself with."""
        return self.secret is None and self.public_key is None and self.certificate is None


@dataclass(frozen=True, slots=True, repr=False)
class UserRecord:
    """A resource owner."""

    name: str
    username: str
    password: str


@dataclass(frozen=True, slots=True, repr=False)
class KeyRecord:
    """An API key."""

    name: str
    value: str
    denied: tuple[str, ...] = ()


@dataclass(slots=True, repr=False)
class AccessToken:
    """What a bearer token stands for."""

    value: str
    client: str | None
    user: str | None
    scope: str
    expires_at: float
    family: int
    dead: bool = False
    resource: str | None = None
    thumbprint: str | None = None
    """Of the key or the certificate that it is bound to (RFC 9449 6.1, RFC 8705 3)."""


@dataclass(slots=True, repr=False)
class RefreshToken:
    """What a refresh token stands for. All tokens that stem from one authorization are one family."""

    value: str
    client: str | None
    user: str | None
    scope: str
    expires_at: float
    family: int
    dead: bool = False
    resource: str | None = None
    thumbprint: str | None = None
    """Of the key or the certificate that it is bound to, if its client is public (RFC 9449 5, RFC 8705 4)."""


@dataclass(slots=True, repr=False)
class Code:
    """What an authorization code stands for (RFC 6749 4.1.2)."""

    value: str
    client: str
    redirect_uri: str
    scope: str
    user: str | None
    challenge: str | None
    expires_at: float
    family: int
    used: bool = False
    resource: str | None = None


@dataclass(slots=True, repr=False)
class DeviceCode:
    """What a device code stands for (RFC 8628 3.2)."""

    value: str
    user_code: str
    client: str | None
    user: str | None
    scope: str
    expires_at: float
    family: int
    consented: bool = False
    denied: bool = False
    """Whether whoever has entered it said no."""
    used: bool = False
    asked_at: float | None = None
    """When the device asked for its token last."""


@dataclass(slots=True, repr=False)
class PushedRequest:
    """What the ``request_uri`` of a pushed authorization request stands for (RFC 9126 2.2)."""

    value: str
    client: str
    pairs: tuple[tuple[str, str], ...]
    """What was asked for."""
    expires_at: float
    used: bool = False


def opaque(*parts: object, length: int = 44) -> str:
    """Return an opaque value of the base64url alphabet that is always the same for the same parts.

    It has letters of both cases and a digit, and begins and ends with one of these, so that folding its case
    always changes it and no shell or file takes its first character for something else.
    """
    for attempt in count():
        digest = hashlib.sha512("\0".join(map(str, (*parts, attempt))).encode()).digest()
        value = base64.urlsafe_b64encode(digest).decode()[:length]
        kinds = (str.isupper, str.islower, str.isdigit)
        if value[0].isalpha() and value[-1].isalnum() and all(any(map(kind, value)) for kind in kinds):
            return value
    raise AssertionError("count() does not end")


Tables: TypeAlias = tuple[dict[str, Any], ...]
"""Copies of what a server has given out, and how much that was."""


@dataclass(repr=False)
class State:
    """Everybody and everything the server knows."""

    seed: str
    clock: ManualClock
    learn: Callable[[str, str], None]
    """Told every value the moment it is minted, with what it is."""
    clients: dict[str, ClientRecord] = field(default_factory=dict)
    users: dict[str, UserRecord] = field(default_factory=dict)
    keys: dict[str, KeyRecord] = field(default_factory=dict)
    named: dict[str, dict[str, KeyRecord]] = field(default_factory=dict)
    ended: dict[str, set[str]] = field(default_factory=dict)
    """What was good once, by what it is: nothing here knows it, save for faults."""
    personal: dict[str, AccessToken] = field(default_factory=dict)
    access: dict[str, AccessToken] = field(default_factory=dict)
    refresh: dict[str, RefreshToken] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    devices: dict[str, DeviceCode] = field(default_factory=dict)
    ended_users: dict[str, UserRecord] = field(default_factory=dict)
    """Who was deactivated: known by name and password, and let in nowhere."""
    sessions: dict[str, str] = field(default_factory=dict)
    """Who is logged in at the server's pages, by the value of a cookie."""
    pushed: dict[str, PushedRequest] = field(default_factory=dict)
    signing_key: str = ""
    """What JWTs are signed with: a private key in PEM, or a secret."""
    unfit: dict[str, str] = field(default_factory=dict)
    """Tokens that are signed with it and not for this API, by what is wrong with them."""
    assertions: set[tuple[str, str]] = field(default_factory=set)
    """Assertions that clients have proved themselves by, each by the client and its name for it."""
    proofs: set[str] = field(default_factory=set)
    """Proofs of possession that were taken, by their names for themselves."""
    signatures: dict[str, float] = field(default_factory=dict)
    """Signatures of requests that were let in, each with the time when it came first."""
    refused: deque[Refused] = field(default_factory=kept)
    """The latest requests that were refused."""
    minted: int = 0
    families: int = 0

    def mint(self, kind: str, shape: Callable[[str], str] = str) -> str:
        """Return a new value that was never given before, reshaped if a variant wants it to look otherwise."""
        value = shape(opaque(self.seed, kind, self.minted))
        self.minted += 1
        self.learn(value, kind)
        return value

    def note(self, request: Request, status: int, refusal: Refusal | None = None, allowed: str = "") -> None:
        """Remember that a request was refused; it changes nothing of the answer."""
        error, description = ("", "") if refusal is None else (refusal.error, refusal.description)
        self.refused.append(Refused(request, status, self.clock.now(), error, description, allowed))

    def new_family(self) -> int:
        """Return the number of a new family of tokens."""
        self.families += 1
        return self.families - 1

    def tables(self) -> Tables:
        """Return copies of what was given out so far."""
        counts = {"minted": self.minted, "families": self.families}
        return (counts, *({value: replace(record) for value, record in each.items()} for each in self._given_out()))

    def put_back(self, tables: Tables) -> None:
        """Know again what was given out then, and nothing else."""
        counts, *copies = tables
        self.minted, self.families = counts["minted"], counts["families"]
        for table, copied in zip(self._given_out(), copies, strict=True):
            table.clear()
            table.update({value: replace(record) for value, record in copied.items()})

    def _given_out(self) -> tuple[dict[str, Any], ...]:
        return self.personal, self.access, self.refresh, self.codes, self.devices, self.pushed

    def end_family(self, family: int) -> None:
        """Kill every token of a family."""
        for record in self.of_family(family):
            record.dead = True

    def of_family(self, family: int) -> list[AccessToken | RefreshToken]:
        """Return every token of a family."""
        records: list[AccessToken | RefreshToken] = [*self.access.values(), *self.refresh.values()]
        return [record for record in records if record.family == family]

    def knows(self, value: str) -> bool:
        """Whether a value is anything at all here: a token, a key, a code or a client's secret."""
        tables: Tables = (self.personal, self.access, self.refresh, self.codes, self.devices, self.keys)
        tables += tuple(self.named.values())
        secrets = (client.secret for client in self.clients.values())
        return any(value in table for table in tables) or value in secrets

    def keys_of(self, kind: str) -> dict[str, KeyRecord]:
        """Return the keys of a kind by their values: API keys, or those of one of the profile's ``[schemes]``."""
        return self.keys if kind == "api_key" else self.named.get(kind, {})

    def client_named(self, name: str) -> ClientRecord | None:
        """Return a client by its name in the profile."""
        return next((client for client in self.clients.values() if client.name == name), None)

    def user_named(self, name: str | None) -> UserRecord | None:
        """Return a user by their name in the profile."""
        return next((user for user in self.users.values() if user.name == name), None)

    def anyones_token(self, value: str, user: str | None, scope: str = "") -> AccessToken:
        """Return a record for a token that was never issued: only faulty servers need one."""
        return AccessToken(value, None, user, scope, math.inf, -1)
