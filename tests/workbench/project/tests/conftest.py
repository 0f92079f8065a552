"""Clients on the engine that the run names: pytest --engine=aiohttp."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from acme import Client, Engine, engine_named

Made = TypeVar("Made", bound=Client)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", default="httpx")


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Keep one engine for all tests, as an application does."""
    engine = engine_named(request.config.getoption("engine"))
    yield engine
    engine.close()


@pytest.fixture
def made(engine: Engine, apiauth_mock, apiauth_server) -> Callable[[type[Made]], Made]:
    """Make clients that live by the double's clock: to sleep is to move it."""
    clock = apiauth_server.clock
    return lambda kind: kind(engine, sleep=clock.advance, now=clock.now)
