"""The apps of one profile at work: which answers for which origin, started once, closed once.

Django keeps its database connections by thread, so its apps answer in the caller's own: a WSGI app by nature, an
ASGI app through asgiref. What an ordinary test has in its transaction they see, and it is rolled back with it.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from pytest_apiauth.auth.tokens import wait_for
from pytest_apiauth.credentials.importing import described, place_of
from pytest_apiauth.errors import ApiAuthError, ProfileError, UnreachableError
from pytest_apiauth.messages import Origin, Request, Response
from pytest_apiauth.profile.loading import did_you_mean
from pytest_apiauth.profile.model import Profile, Reference
from pytest_apiauth.targets.apps import asgi, wsgi
from pytest_apiauth.targets.apps.importing import load_app

LOGGER = logging.getLogger("apiauth.app")
APP_URL = "https://testserver"
"""Where an app is called whose profile names no URL: the host that Django's test environment allows."""


def housed(profile: Profile) -> Profile:
    """Return the profile with a base URL for an app in this process; one from the environment is for live runs."""
    if profile.api_url is None or isinstance(profile.api_url, Reference):
        return profile.replaced(api_url=APP_URL)
    return profile


class Failures(logging.Handler):
    """Notes the last exception of an app: one it raised, or one it caught, logged and answered with 500."""

    def __init__(self, root: Path) -> None:
        super().__init__(logging.ERROR)
        self._root = root
        self.last: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Note the exception of a record (the handler's interface)."""
        if record.exc_info and record.exc_info[1] is not None:
            self.last = record.exc_info[1]

    def note(self, error: BaseException) -> None:
        """Note an exception that came out of the app, and log it as servers do."""
        self.last = error
        LOGGER.error("Exception in the app", exc_info=error)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Listen to what is logged meanwhile."""
        self.last = None
        logging.getLogger().addHandler(self)
        try:
            yield
        finally:
            logging.getLogger().removeHandler(self)

    def explain(self, response: Response) -> Response:
        """Return a server error with the exception behind it, by its type and place."""
        if response.status < 500 or self.last is None:
            return response
        return replace(response, note=f"{type(self.last).__name__}{place_of(self.last, self._root)}")


class Served(Protocol):
    """One app, ready for requests."""

    def call(self, request: Request, origin: Origin) -> Response:
        """Answer a request in the caller's time."""

    def submit(self, request: Request, origin: Origin) -> Future[Response]:
        """Begin to answer a request elsewhere, for a caller that must not block."""

    def close(self) -> None:
        """Shut the app down. Raises what its shutdown raises."""


class Wsgi:
    """A WSGI app. Callers that must not block share one thread of their own."""

    def __init__(self, app: Any, failures: Failures) -> None:
        self._app = app
        self._failures = failures
        self._pool = ThreadPoolExecutor(1, "apiauth-app")

    def call(self, request: Request, origin: Origin) -> Response:
        """Answer a request in this thread."""
        with self._failures.watched():
            return self._failures.explain(wsgi.call(self._app, request, origin, self._failures.note))

    def submit(self, request: Request, origin: Origin) -> Future[Response]:
        """Begin to answer a request in another thread."""
        return self._pool.submit(self.call, request, origin)

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown()


class Asgi:
    """An ASGI app on its loop. Raises ProfileError if its startup fails."""

    def __init__(self, app: asgi.AsgiApp, failures: Failures, loop: asgi.Loop, *, where: str, root: Path) -> None:
        self._app = app
        self._failures = failures
        self._where = where
        self._root = root
        self._loop = loop
        self._lifespan = loop.run(self._start())

    async def _start(self) -> asgi.Lifespan:
        lifespan = asgi.Lifespan(self._app)
        try:
            await lifespan.startup()
        except TimeoutError:
            raise ProfileError(f"{self._where}: the startup took more than {asgi.TIME_LIMIT:.0f} seconds") from None
        self._check(lifespan, "startup")
        return lifespan

    def _check(self, lifespan: asgi.Lifespan, part: str) -> None:
        failure = lifespan.failure
        if failure is not None:
            # Frameworks put a whole traceback into the message; its last line says what happened.
            said = described(failure, self._root) if isinstance(failure, BaseException) else last_line(failure)
            raise ProfileError(f"{self._where}: the app's {part} failed: {said}")

    async def _answer(self, request: Request, origin: Origin) -> Response:
        with self._failures.watched():
            state = self._lifespan.state
            return self._failures.explain(
                await asgi.call(self._app, request, origin, state, self._failures.note)
            )  # fmt: skip

    def call(self, request: Request, origin: Origin) -> Response:
        """Answer a request on the app's loop; of a Django app in this thread."""
        bridge = sys.modules.get("asgiref.sync")
        if bridge is not None and django_is_configured() and not self._lifespan.is_known and not _in_loop():
            answered: Response = bridge.async_to_sync(self._answer)(request, origin)
            return answered
        return self.submit(request, origin).result()

    def submit(self, request: Request, origin: Origin) -> Future[Response]:
        """Begin to answer a request on the app's loop."""
        return self._loop.submit(self._answer(request, origin))

    def close(self) -> None:
        """Shut the app down."""
        try:
            self._loop.run(self._lifespan.shutdown())
            self._check(self._lifespan, "shutdown")
        except TimeoutError:
            raise ProfileError(f"{self._where}: the shutdown took more than {asgi.TIME_LIMIT:.0f} seconds") from None


class Host:
    """Every app of a profile, on the run's loop. Raises ProfileError if one cannot be imported or started."""

    def __init__(self, profile: Profile, *, loop: asgi.Loop, root: Path) -> None:
        self.profile = profile
        self._loop = loop
        self._root = root
        self._failures = Failures(root)
        self._started: dict[str, Served] = {}
        try:
            self._by_origin = {origin: self._start(key, spec) for origin, (key, spec) in _assigned(profile).items()}
        except BaseException:
            self.close()
            raise

    def _start(self, key: str, spec: str) -> Served:
        if spec not in self._started:
            where = f"{self.profile.name}: {key}"
            app = load_app(spec, where=where, root=self._root)
            check_django(self.profile.name)
            if app.interface == "wsgi":
                self._started[spec] = Wsgi(app.call, self._failures)
            else:
                self._started[spec] = Asgi(
                    app.call, self._failures, self._loop, where=where, root=self._root
                )  # fmt: skip
        return self._started[spec]

    @property
    def is_bound_to_thread(self) -> bool:
        """Whether what the app keeps is the calling thread's own: a Django transaction."""
        return django_is_configured()

    def handle(self, request: Request) -> Response:
        """Answer a request. Raises UnreachableError for an origin without an app."""
        with self._explained():
            app, origin = self._app_for(request)
            return app.call(request, origin)

    async def handle_async(self, request: Request) -> Response:
        """Answer a request of an asynchronous client, of asyncio or trio."""
        with self._explained():
            app, origin = self._app_for(request)
            future = app.submit(request, origin)
            try:
                await wait_for(future)
            except BaseException:
                future.cancel()
                raise
            return future.result()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Begin a message with the profile's name."""
        found: UnreachableError | None = None
        try:
            yield
        except UnreachableError as error:
            found = type(error)(f"{self.profile.name}: {error}")
        if found is not None:
            raise found

    def _app_for(self, request: Request) -> tuple[Served, Origin]:
        origin = Origin.of(request.url)
        if origin not in self._by_origin:
            raise UnreachableError(f"{origin}: no answer: none of the profile's apps is there")
        return self._by_origin[origin], origin

    def close(self) -> None:
        """Shut every app down. Raises ProfileError, in one line, if a shutdown fails."""
        started, self._started = self._started, {}
        failed: list[str] = []
        for app in started.values():
            try:
                app.close()
            except ApiAuthError as error:
                failed.append(str(error))
        if failed:
            raise ProfileError("\n".join(failed))


def _assigned(profile: Profile) -> dict[Origin, tuple[str, str]]:
    """Return key and spelling of the app of each origin. Raises ProfileError if the two do not match."""
    assert profile.app is not None
    if isinstance(profile.app, str):
        return dict.fromkeys(profile.origins, ("app", profile.app))
    given = {Origin.of(place): (f'app."{place}"', spec) for place, spec in profile.app.items()}
    own = sorted(map(str, profile.origins))
    wrong = [
        f"{profile.name}: {given[origin][0]}: the profile has no such origin{did_you_mean(str(origin), own)};"
        f" it has {', '.join(own)}"
        for origin in given.keys() - profile.origins
    ]
    wrong += [f"{profile.name}: app: no app for {origin}" for origin in sorted(profile.origins - given.keys(), key=str)]
    if wrong:
        raise ProfileError("\n".join(wrong))
    return given


def django_is_configured() -> bool:
    """Whether Django is at work in this process."""
    conf = sys.modules.get("django.conf")
    return conf is not None and bool(conf.settings.configured) and bool(conf.settings.DATABASES)


def check_django(name: str) -> None:
    """Refuse to run a Django app on its real database. Raises ProfileError if no test environment is set up."""
    mail = sys.modules.get("django.core.mail")
    # What django.test.utils.setup_test_environment leaves behind, with a public name.
    if django_is_configured() and not hasattr(mail, "outbox"):
        raise ProfileError(
            f"{name}: app: Django's test environment is not set up, so the app would use its real database; install"
            " pytest-django and set DJANGO_SETTINGS_MODULE in pytest's ini"
        )


def last_line(text: str) -> str:
    """Return the last line of a text that has any."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no reason given")


def _in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
