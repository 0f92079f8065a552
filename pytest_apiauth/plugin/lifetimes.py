"""How long it holds what a test tells a double that other tests have too.

Theory of operation. Whatever serves several tests is watched here from its beginning to its end. When a test ends, each
goes back to where it stood (`Bookmark`): answers, refusals, routes, moves of the clock and what it saw were the test's,
and end with it. What a fixture of wider scope says, while it is set up, is carried into the bookmark, for it holds as
long as that fixture does. What a server has given out stays: tokens, and whether they are spent. For the examples
of one property what was made for that test alone goes back too, and altogether.

What a wide double does to the whole process, by the environment, by respx and by its hosts, it does while tests run
that ask for it, and while its own fixtures are torn down; other tests meet none of it.

Standard library and pytest only at import.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeAlias, TypeVar

import pytest

from pytest_apiauth.plugin.keys import CASSETTE

if TYPE_CHECKING:
    from pytest_apiauth.targets.target import Target


class Bookmark(Protocol):
    """Where something stood at one moment."""

    def plus(self, before: Self, after: Self) -> Self:
        """Add what came between two moments."""
        ...

    def minus(self, before: Self, after: Self) -> Self:
        """Take that out again."""
        ...


B = TypeVar("B", bound=Bookmark)


class Bookmarked(Protocol[B]):
    """What can be brought back to where it stood."""

    def bookmark(self, *, tokens: bool = False) -> B:
        """Return where it stands."""
        ...

    def recall(self, bookmark: B) -> None:
        """Go back there."""
        ...


@dataclass(eq=False, slots=True)
class Watched(Generic[B]):
    """Something that is brought back, and where to."""

    thing: Bookmarked[B]
    is_wide: bool
    """Whether it outlives a test."""
    start: B

    def carry_on(self, before: B, after: B) -> None:
        """Keep for later tests what came between two moments; what was seen meanwhile counts for none of them."""
        self.start = self.start.plus(before, after)
        self.thing.recall(before.plus(before, after))

    def take_out(self, before: B, after: B) -> None:
        """Take that back, in this test and for later ones."""
        self.start = self.start.minus(before, after)
        self.thing.recall(self.thing.bookmark().minus(before, after))


class Pausable:
    """What a wide double does to the process: on and off, as often as need be.

    It is on for tests that ask for any of ``fixtures``, and when ``node`` is left. ``stands_in`` tells that it answers
    in the place of the API.
    """

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[object]],
        fixtures: frozenset[str],
        node: pytest.Collector,
        *,
        stands_in: bool,
    ) -> None:
        self.fixtures = fixtures
        self.node = node
        self.stands_in = stands_in
        self._begin = begin
        self._open: ExitStack | None = None

    def is_asked_for(self, item: pytest.Item) -> bool:
        """Whether a test asks for a fixture that it is part of."""
        return not self.fixtures.isdisjoint(getattr(item, "fixturenames", ()))

    def resume(self) -> None:
        """Be at work, if it is not."""
        if self._open is None:
            with ExitStack() as opened:
                opened.enter_context(self._begin())
                self._open = opened.pop_all()

    def pause(self) -> None:
        """Be at work no longer."""
        opened, self._open = self._open, None
        if opened is not None:
            opened.close()


Change: TypeAlias = tuple["Watched[Any]", Any, Any]


class Lifetimes:
    """What is watched in one run, and the targets that tests share by their mark."""

    def __init__(self) -> None:
        self.watched: list[Watched[Any]] = []
        self.pausables: list[Pausable] = []
        self._left: list[object] = []
        """What was watched in the test at hand, and is no longer."""
        self._changes: dict[pytest.FixtureDef[Any], list[Change]] = {}
        self._targets: dict[tuple[pytest.Collector, object], Target] = {}
        self._setting_up: list[tuple[str, pytest.Collector]] = []
        """The fixtures of wider scope that are being set up, each within the one before, and where they belong."""
        self._item: pytest.Item | None = None

    @contextmanager
    def watch(self, thing: Bookmarked[B], *, is_wide: bool) -> Generator[None]:
        """Watch something until the block ends."""
        found = Watched(thing, is_wide, thing.bookmark(tokens=not is_wide))
        self.watched.append(found)
        try:
            yield
        finally:
            self.watched.remove(found)
            if self._item is not None:
                self._left.append(thing)

    @contextmanager
    def at_work(self, begin: Callable[[], AbstractContextManager[object]], *, stands_in: bool) -> Generator[None]:
        """Do to the process what a double does, until the block ends.

        If a fixture of wider scope has opened the block, then only while tests ask for that fixture.
        """
        if not self._setting_up:
            with begin():
                yield
            return
        names = frozenset(name for name, _ in self._setting_up)
        made = Pausable(begin, names, self._setting_up[-1][1], stands_in=stands_in)
        self.pausables.append(made)
        try:
            made.resume()
            yield
        finally:
            self.pausables.remove(made)
            made.pause()

    def shared(self, node: pytest.Collector, key: object, make: Callable[[], Target]) -> Target:
        """Return what the tests of a node share, made by the first of them and closed when the node is left."""
        place = node, key
        if place not in self._targets:
            target = make()
            opened = ExitStack()
            opened.callback(target.close)
            if target.server is not None:
                opened.enter_context(self.watch(target.server, is_wide=True))
            opened.callback(self._targets.pop, place)
            self._targets[place] = target
            node.addfinalizer(opened.close)
        return self._targets[place]

    @property
    def item(self) -> pytest.Item | None:
        """The test at hand."""
        return self._item

    @property
    def things(self) -> list[object]:
        """What the test at hand has met: all that is watched, and what was until a block of the test's own ended."""
        return [*self._left, *(each.thing for each in self.watched)]

    # What pytest's hooks tell

    def begin(self, item: pytest.Item) -> None:
        """Put to work what a test asks for."""
        self._item = item
        for each in self.pausables:
            if each.is_asked_for(item):
                self.refuse_beside_cassette(each.stands_in)
                each.resume()

    def refuse_beside_cassette(self, stands_in: bool) -> None:
        """Fail the test at hand if it has a cassette, and something of `serving` stands in for the API as well."""
        if stands_in and self._item is not None and CASSETTE in self._item.stash:
            pytest.fail(
                "serving(mock=True) and @pytest.mark.vcr in one test: a test is mocked or replayed, not both",
                pytrace=False,
            )

    def end_with(self, following: pytest.Item | None) -> None:
        """Put to work again what is torn down with this test, for the fixtures that were built on it."""
        chain = [] if following is None else following.listchain()
        for each in self.pausables:
            if each.node not in chain:
                each.resume()

    def end(self) -> None:
        """Take back what a test has done."""
        self._item = None
        self._left.clear()
        for each in reversed(self.pausables):
            each.pause()
        for watched in self.watched:
            if watched.is_wide:
                watched.thing.recall(watched.start)

    @contextmanager
    def setting_up(self, fixture: pytest.FixtureDef[Any], node: pytest.Collector) -> Generator[None]:
        """Let what a fixture of wider scope says outlive the test at hand; with it what it asks for meanwhile."""
        is_first = not self._setting_up
        before = {id(each): each.thing.bookmark() for each in self.watched} if is_first else {}
        self._setting_up.append((fixture.argname, node))
        try:
            yield
        finally:
            self._setting_up.pop()
            for each in self.watched if is_first else ():
                if each.is_wide:
                    # What began meanwhile had nothing to go back to.
                    change = each, before.get(id(each), each.start), each.thing.bookmark()
                    each.carry_on(*change[1:])
                    self._changes.setdefault(fixture, []).append(change)

    def start(self) -> Callable[[], None]:
        """Return what brings all that is watched back to where it stands now; what is one test's own, altogether."""
        marks = {id(each): each.thing.bookmark(tokens=not each.is_wide) for each in self.watched}

        def go_back() -> None:
            for each in self.watched:
                # What the test has asked for since goes back to its beginning.
                each.thing.recall(marks.get(id(each), each.start))

        return go_back

    def gone(self, fixture: pytest.FixtureDef[Any]) -> None:
        """Take back what a fixture of wider scope has said."""
        for watched, before, after in self._changes.pop(fixture, ()):
            watched.take_out(before, after)
