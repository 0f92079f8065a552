"""Many at once: however many callers need a token, one asks for it.

Gates instead of sleeps: the token endpoint answers only when everybody has come to the store, which is the
worst case and the same one in every run.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.tokens import Flight, Token, TokenStore
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import TokenError
from pytest_apiauth.http import InProcess, build_async_client, build_client
from pytest_apiauth.messages import Request, Response
from tests.here import EACH
from tests.shop import ManualClock, Provider, authenticator, shop

THREADS = 50
PATIENCE = 20.0
PROFILE = shop(api_key=None, zones={})
BACKENDS = [("asyncio", 200), ("trio", 40)]

pytestmark = pytest.mark.parametrize("library", EACH)


class GatedStore(TokenStore):
    """A store that opens a gate when so many have come to it."""

    def __init__(self, clock: ManualClock, expected: int) -> None:
        super().__init__(clock, leeway=30)
        self.gate = threading.Event()
        self.when_all_came: Callable[[], object] = self.gate.set
        self._expected = expected
        self._came = 0
        self._counting = threading.Lock()

    def board(self) -> tuple[Flight, bool] | Token:
        """Board, and count."""
        boarded = super().board()
        with self._counting:
            self._came += 1
            is_last = self._came == self._expected
        if is_last:
            self.when_all_came()
        return boarded

    def pass_gate(self) -> None:
        """Wait until everybody has come."""
        assert self.gate.wait(PATIENCE)


class Herd:
    """A provider, a store with a gate, and the statuses and errors of those who came."""

    def __init__(self, library: str, size: int) -> None:
        self.library = library
        self.size = size
        self.clock = ManualClock()
        self.redactor = Redactor()
        self.provider = Provider(PROFILE)
        self.store = GatedStore(self.clock, size)
        self.outcomes: Counter[object] = Counter()

    @property
    def authenticator(self) -> Authenticator:
        """One more authenticator on the same store."""
        return authenticator(PROFILE, store=self.store, redactor=self.redactor)

    def warm_up(self) -> None:
        """Fetch the first token, which is not what is counted."""
        store = TokenStore(self.clock, 30)
        connector = InProcess(self.library, self.provider.handle)
        user = authenticator(PROFILE, store=store, redactor=self.redactor)
        with build_client(PROFILE, connector, self.redactor, authenticator=user) as client:
            client.get("/x")
        self.store.keep(store.latest)
        self.provider.grants.clear()

    def run_threads(self, handle: Callable[[Request], Response] | None = None) -> None:
        """Let every thread send one request through a client that all share."""
        start = threading.Barrier(self.size)
        connector = InProcess(self.library, handle or self.provider.handle)

        def call() -> None:
            start.wait(PATIENCE)
            try:
                self.outcomes[client.get("/x").status_code] += 1
            except Exception as error:
                self.outcomes[str(error)] += 1

        with build_client(PROFILE, connector, self.redactor, authenticator=self.authenticator) as client:
            threads = [threading.Thread(target=call, daemon=True) for _ in range(self.size)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in threads)

    def run_tasks(self, backend: str) -> None:
        """Let every task send one request through a client that all share."""
        pytest.importorskip(backend)

        async def main() -> None:
            gate = anyio.Event()
            self.store.when_all_came = gate.set

            async def handle(request: Request) -> Response:
                if request.url == PROFILE.token_endpoint:
                    with anyio.fail_after(PATIENCE):
                        await gate.wait()
                return self.provider.handle(request)

            async def call() -> None:
                self.outcomes[(await client.get("/x")).status_code] += 1

            connector = InProcess(self.library, self.provider.handle, handle)
            async with (
                build_async_client(PROFILE, connector, self.redactor, authenticator=self.authenticator) as client,
                anyio.create_task_group() as tasks,
            ):
                for _ in range(self.size):
                    tasks.start_soon(call)

        anyio.run(main, backend=backend)


def test_threads_at_a_cold_start_ask_once(library: str) -> None:
    """50 threads without a token: one token request, no failure."""
    herd = Herd(library, THREADS)
    herd.provider.before_token = herd.store.pass_gate
    herd.run_threads()

    assert herd.provider.grants == ["password"]
    assert herd.outcomes == {200: THREADS}


@pytest.mark.parametrize(("backend", "size"), BACKENDS)
def test_tasks_at_a_cold_start_ask_once(library: str, backend: str, size: int) -> None:
    """Hundreds of tasks without a token: one token request, no failure."""
    herd = Herd(library, size)
    herd.run_tasks(backend)

    assert herd.provider.grants == ["password"]
    assert herd.outcomes == {200: size}


def test_threads_with_an_expired_token_refresh_once(library: str) -> None:
    """50 threads with an expired token, strict rotation: one refresh, no failure."""
    herd = Herd(library, THREADS)
    herd.warm_up()
    herd.clock.advance(3600)
    herd.provider.before_token = herd.store.pass_gate
    herd.run_threads()

    assert herd.provider.grants == ["refresh_token"]
    assert herd.outcomes == {200: THREADS}


@pytest.mark.parametrize(("backend", "size"), [("asyncio", 50), ("trio", 20)])
def test_tasks_with_an_expired_token_refresh_once(library: str, backend: str, size: int) -> None:
    """Tasks with an expired token, strict rotation: one refresh, no failure."""
    herd = Herd(library, size)
    herd.warm_up()
    herd.clock.advance(3600)
    herd.run_tasks(backend)

    assert herd.provider.grants == ["refresh_token"]
    assert herd.outcomes == {200: size}


def test_threads_that_are_all_refused_refresh_once(library: str) -> None:
    """50 requests under way with a token that is revoked: 50 times 401, one refresh, 50 times 200."""
    herd = Herd(library, THREADS)
    herd.warm_up()
    herd.provider.revoke_tokens()
    all_refused = threading.Barrier(THREADS)

    def handle(request: Request) -> Response:
        answer = herd.provider.handle(request)
        if answer.status == 401:
            all_refused.wait(PATIENCE)
        return answer

    herd.run_threads(handle)

    assert herd.provider.grants == ["refresh_token"]
    assert herd.outcomes == {200: THREADS}


def test_threads_share_a_failure(library: str) -> None:
    """A token endpoint in trouble is asked once, and everybody gets its one line."""
    herd = Herd(library, THREADS)
    asked: list[Request] = []

    def handle(request: Request) -> Response:
        asked.append(request)
        herd.store.pass_gate()
        return Response(500)

    herd.run_threads(handle)

    assert len(asked) == 1
    ((line, count),) = herd.outcomes.items()
    assert count == THREADS
    assert str(line).startswith("shop: https://login.example.org/token (password): expected a token, got status 500")


def test_a_cancelled_leader_fails_nobody_else(library: str) -> None:
    """When the task that asks for the token is cancelled, another one asks, and all the others succeed."""
    herd = Herd(library, 20)

    async def main() -> list[Any]:
        all_came, first_asked, never = asyncio.Event(), asyncio.Event(), asyncio.Event()
        herd.store.when_all_came = all_came.set

        async def handle(request: Request) -> Response:
            if request.url == PROFILE.token_endpoint and not first_asked.is_set():
                first_asked.set()
                await never.wait()
            return herd.provider.handle(request)

        connector = InProcess(library, herd.provider.handle, handle)
        async with build_async_client(PROFILE, connector, herd.redactor, authenticator=herd.authenticator) as client:
            leader = asyncio.create_task(client.get("/x"))
            await asyncio.wait_for(first_asked.wait(), PATIENCE)
            others = [asyncio.create_task(client.get("/x")) for _ in range(19)]
            await asyncio.wait_for(all_came.wait(), PATIENCE)
            leader.cancel()
            answers = await asyncio.gather(*others)
            with pytest.raises(asyncio.CancelledError):
                await leader
            return answers

    answers = asyncio.run(main())

    assert [answer.status_code for answer in answers] == [200] * 19
    assert herd.provider.grants == ["password"]


def test_threads_and_tasks_share_one_store(library: str) -> None:
    """A blocking client and an asynchronous one with one store: one token request."""
    size = 20
    herd = Herd(library, 2 * size)
    asked = threading.Event()

    def before_token() -> None:
        asked.set()
        herd.store.pass_gate()

    herd.provider.before_token = before_token

    async def main() -> None:
        connector = InProcess(library, herd.provider.handle)
        async with build_async_client(PROFILE, connector, herd.redactor, authenticator=herd.authenticator) as client:
            answers = await asyncio.gather(*(client.get("/x") for _ in range(size)))
        herd.outcomes.update(answer.status_code for answer in answers)

    connector = InProcess(library, herd.provider.handle)
    with build_client(PROFILE, connector, herd.redactor, authenticator=herd.authenticator) as client:

        def call() -> None:
            herd.outcomes[client.get("/x").status_code] += 1

        # A thread leads, and holds the gate; only then the tasks come, whose loop must not be blocked.
        threads = [threading.Thread(target=call, daemon=True) for _ in range(size)]
        for thread in threads:
            thread.start()
        assert asked.wait(PATIENCE)
        asyncio.run(main())
        for thread in threads:
            thread.join(PATIENCE)

    assert herd.provider.grants == ["password"]
    assert herd.outcomes == {200: 2 * size}


def test_a_blocking_client_inside_the_loop_does_not_hang(library: str) -> None:
    """A blocking call that would wait for a task of its own loop is one line instead of a dead-lock."""
    herd = Herd(library, 2)

    async def main() -> None:
        asked = asyncio.Event()
        answer = asyncio.Event()

        async def handle(request: Request) -> Response:
            if request.url == PROFILE.token_endpoint:
                asked.set()
                await answer.wait()
            return herd.provider.handle(request)

        connector = InProcess(library, herd.provider.handle, handle)
        options: dict[str, Any] = {"authenticator": herd.authenticator}
        with build_client(PROFILE, connector, herd.redactor, **options) as blocking:
            async with build_async_client(PROFILE, connector, herd.redactor, **options) as client:
                task = asyncio.create_task(client.get("/x"))
                await asyncio.wait_for(asked.wait(), PATIENCE)
                with pytest.raises(TokenError, match="use the asynchronous client inside async code"):
                    blocking.get("/x")
                answer.set()
                assert (await task).status_code == 200
            assert blocking.get("/x").status_code == 200

    asyncio.run(main())


def test_a_token_that_two_clients_share_is_fetched_once(library: str) -> None:
    """The store belongs to the credential, not to the client."""
    herd = Herd(library, 1)
    connector = InProcess(library, lambda request: herd.provider.handle(request))
    for _ in range(3):
        with build_client(PROFILE, connector, herd.redactor, authenticator=herd.authenticator) as client:
            assert client.get("/x").status_code == 200

    assert herd.provider.grants == ["password"]
