"""One test with a cassette: what it may do, what is learnt while it runs, and what is written in the end."""

from __future__ import annotations

import ast
import contextlib
import datetime
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from pytest_apiauth.auth.logins import is_of_login
from pytest_apiauth.credentials.identities import Identities, Surroundings
from pytest_apiauth.credentials.names import NAMES, Names
from pytest_apiauth.credentials.redaction import OutputRedactor
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.credentials.values import is_own_placeholder
from pytest_apiauth.messages import Origin
from pytest_apiauth.offline import Hosts
from pytest_apiauth.profile.model import Profile, Reference
from pytest_apiauth.profile.references import references
from pytest_apiauth.recording import episodes, jwts
from pytest_apiauth.recording.belonging import Belonging
from pytest_apiauth.recording.contents import LARGEST, CassetteError
from pytest_apiauth.recording.lacking import explain
from pytest_apiauth.recording.levelling import Level, levelled
from pytest_apiauth.recording.message import Message, request_message, response_message
from pytest_apiauth.recording.playing import (
    Credentials,
    Environment,
    configured,
    credentials_set,
    placeholders,
)
from pytest_apiauth.recording.stubs import mended
from pytest_apiauth.recording.tape import Collector, Leveller, clean_tape, survivors
from pytest_apiauth.recording.vault import Vault, is_looked_for, placeholder_for
from pytest_apiauth.recording.walking import Walk
from pytest_apiauth.recording.writing import EXTRA, Persister

OTHERS: Final = "others"
"""The key of the provenance under which the further profiles of a test stand."""


class CassetteTest:
    """One test that is recorded or replayed.

    ``is_live`` tells that it may reach the network; ``profiles`` are those of the test, its own first. ``rewrites``
    starts the cassette anew; the old one stays until the test has passed. ``stamp`` is what the cassette is to say
    about itself, instead of the usual, ``most`` how many bytes of one body it may have.

    ``names`` tell what is secret, ``claims`` which claims of JWTs stay as they are,
    ``token_requests`` which requests ask for a token.

    ``belonging`` tells whether the test is ours; what is not goes on as pytest-recording has it. ``lets_through``
    leaves requests to a profile's host to the network, unrecorded; ``unwritable`` says why no cassette of ours may be
    written.
    """

    def __init__(
        self,
        nodeid: str,
        root: Path,
        redactor: OutputRedactor,
        *,
        is_live: bool,
        profiles: Sequence[Profile] = (),
        names: Names = NAMES,
        claims: frozenset[str] = jwts.KEPT,
        token_requests: episodes.TokenRequests | None = None,
        rewrites: bool = False,
        stamp: Mapping[str, Any] | None = None,
        most: int = LARGEST,
        belonging: Belonging | None = None,
        lets_through: bool = False,
        unwritable: str | None = None,
    ) -> None:
        self.nodeid = nodeid
        self.belonging = belonging or Belonging(Hosts(), is_certain=True)
        self.unwritable = unwritable
        self.is_live = is_live
        self.has_failed = False
        self.keeps_old = False
        """Whether the cassette stays as it is, whatever is asked."""
        self.refusal: str | None = None
        self.provenance: dict[str, Any] = {}
        """What the cassette that was read says about itself."""
        self._root = root
        self._redactor = redactor
        self._profiles = tuple(profiles)
        self._rewrites = rewrites
        self._stamp = stamp
        self._most = most
        self._lets_through = lets_through
        self._is_settled = False
        self._is_of_a_fixture = False
        self._old = 0
        """How many exchanges the cassette had that new ones are added to."""
        self._names = names
        self._claims = claims
        self._asks_for_token = token_requests or episodes.TokenRequests()
        self._seen: set[str] = set()
        self._put_by_hooks: set[str] = set()
        self._on_tape: set[str] = set()
        self._walk = Walk(Collector(self._learn), self._names, most)
        self._environment = Environment()
        for profile in self._profiles:
            if is_live:
                # What the profile finds in .env production code finds too, as it will when it is replayed.
                self._environment.fill(configured(profile, root))
                continue
            self._environment.fill(placeholders(profile, Credentials(None)))
            if isinstance(profile.api_url, Reference) and profile.api_url.env is not None:
                # Until a cassette says where it was recorded; without one, asking there leads to how it is recorded.
                self._environment.fill({profile.api_url.env: profile.base_url})

    def of_a_fixture(self, *, keeps_old: bool) -> CassetteTest:
        """Return the like for a fixture that is set up for this test; the hosts' answers alone are on its tape."""
        made = CassetteTest(
            self.nodeid,
            self._root,
            self._redactor,
            is_live=self.is_live,
            profiles=self._profiles,
            names=self._names,
            claims=self._claims,
            token_requests=self._asks_for_token,
            most=self._most,
            belonging=Belonging(self.belonging.hosts, is_certain=True),
            unwritable=self.unwritable,
        )
        made.keeps_old = keeps_old
        made._is_of_a_fixture = True
        # What the test finds in the environment ends with the test.
        made._environment = self._environment
        return made

    # Hooks of pytest-recording

    def configure(self, vcr: Any) -> None:
        """Put everything in place in a ``VCR`` that pytest-recording has made, behind the user's own settings."""
        merge = vcr.get_merged_config
        vcr.get_merged_config = lambda **options: self._merged(merge(**options), "record_mode" in options)
        put_in_place = vcr.use_cassette
        vcr.use_cassette = lambda *path, **options: self._in_place(put_in_place(*path, **options))

    @contextlib.contextmanager
    def _in_place(self, use: AbstractContextManager[Any]) -> Iterator[Any]:
        with use as cassette, mended(cassette, self.belonging.would_be_ours):
            if self.is_live and cassette.record_mode.value == episodes.MODE:
                self._old = len(cassette)
                episodes.ask_anew(cassette, self._asks_for_token, self.belonging.would_be_ours)
            yield cassette

    def _merged(self, config: dict[str, Any], has_own_mode: bool) -> dict[str, Any]:
        from vcr.record_mode import RecordMode

        # What the project says about one test comes before what is said of the run.
        rewrites = self._rewrites and not has_own_mode
        self._settle(config, rewrites)
        if self.belonging.is_certain:
            if not self.is_live:
                config["record_mode"] = RecordMode.NONE
            if self._rewrites:
                config["drop_unused_requests"] = True
            level = Level(Walk(Leveller(self._vault()), self._names))
            config["match_on"] = [levelled(matcher, level) for matcher in config["match_on"]]
        elif rewrites:
            config["record_mode"] = RecordMode.NEW_EPISODES
        config["before_record_request"] = self._meeting(config["before_record_request"])
        config["before_record_response"] = self._learning(config["before_record_response"], response_message)
        config["persister"] = Persister(config["persister"], self)
        return config

    def _settle(self, config: dict[str, Any], rewrites: bool) -> None:
        """Look at the cassettes for the last time before they are read; one that is not ours is rewritten as ever."""
        if self._is_settled:
            return
        self._is_settled = True
        path = Path((config.get("path_transformer") or str)(config["path"]))
        self.belonging.look_at((path, *map(Path, getattr(config["persister"], "extra_paths", ()))))
        if rewrites and not self.belonging.is_certain:
            path.unlink(missing_ok=True)

    def _meeting(self, hook: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Look at every request, before the user's hooks, for where it goes."""
        learning = self._learning(hook, request_message)

        def met(request: Any) -> Any:
            if is_of_login():
                return None
            goes_there = self.belonging.meets(str(request.uri))
            if (goes_there and self._lets_through) or (self._is_of_a_fixture and not goes_there):
                return None
            return learning(request)

        return met

    def _learning(self, hook: Callable[[Any], Any], message_of: Callable[[Any], Message]) -> Callable[[Any], Any]:
        """Learn from what goes into the user's hooks, and tell their placeholders by what comes out of them.

        vcrpy calls these hooks often, and with messages that have been through them before.
        """

        def learnt(message: Any) -> Any:
            if not self.belonging.is_ours:
                return hook(message)
            before = self._secrets_of(message_of(message))
            for value, kind in before.items():
                if value not in self._put_by_hooks:
                    self._learn(kind, value)
            changed = hook(message)
            if changed is not None:
                self._put_by_hooks |= self._secrets_of(message_of(changed)).keys() - before.keys()
            return changed

        return learnt

    def _secrets_of(self, message: Message) -> dict[str, str]:
        found: dict[str, str] = {}
        # A body that cannot be looked into is for the moment of writing.
        with contextlib.suppress(CassetteError):
            note = Collector(lambda kind, value: found.setdefault(value, kind))
            Walk(note, self._names, self._most).message(message)
        return found

    # What is learnt on the way

    def _learn(self, kind: str, value: str) -> None:
        self._seen.add(value)
        if self.is_live and is_looked_for(value):
            self._redactor.learn(value, f"recorded.{kind}")

    def _learn_request(self, request: Any) -> None:
        self._walk.message(request_message(request))

    def _learn_response(self, response: Any) -> None:
        self._walk.message(response_message(response))

    def watch(self, record: logging.LogRecord) -> None:
        """Learn from what a library logs before it is seen anywhere else, and keep answers out of the log."""
        if not (self.is_live and self.belonging.is_ours):
            return
        try:
            if record.args and isinstance(record.args, tuple):
                record.args = tuple(self._logged(argument) for argument in record.args)
            elif "return_value=" in str(record.msg):
                _, _, value = str(record.msg).partition("return_value=")
                for name, header in _headers_in(ast.literal_eval(value)):
                    self._walk.header(name, header)
        except (CassetteError, ValueError, SyntaxError, RecursionError):
            # The message itself is redacted all the same; the tape is refused if it cannot be looked into.
            return

    def _logged(self, argument: object) -> object:
        if isinstance(argument, Mapping) and "headers" in argument:
            self._learn_response(argument)
            status = argument.get("status")
            return f"<Response {status.get('code') if isinstance(status, Mapping) else ''}>"
        if hasattr(argument, "uri") and hasattr(argument, "headers"):
            self._learn_request(argument)
        elif "://" in (text := str(argument)):
            self._walk.url(text)
        return argument

    # What is read and written

    def read(self, data: Any) -> None:
        """Take note of a cassette that was read."""
        self._on_tape |= asked_on(data)
        extra = data.get(EXTRA) if isinstance(data, dict) else None
        if not isinstance(extra, dict) or self.provenance:
            return
        self.provenance = extra
        for profile in () if self.is_live else self._profiles:
            place, url = profile.api_url, self._recorded_of(profile).get("api_url")
            if url:
                # Without its variable nobody else knows that host.
                with contextlib.suppress(ValueError):
                    self.belonging.hosts |= Hosts.of([Origin.of(str(url))])
            if url and isinstance(place, Reference) and place.env is not None:
                # Whatever the surroundings say: the tape answers for no other host.
                self._environment.fill({place.env: str(url)}, is_final=True)

    def has_asked(self, url: str) -> bool:
        """Whether a cassette that was read has a request to a URL, whatever its query."""
        return url in self._on_tape

    def _recorded_of(self, profile: Profile) -> Mapping[str, Any]:
        """Return what the cassette that was read says about one of the profiles that it was recorded with."""
        others = self.provenance.get(OTHERS)
        others = others if isinstance(others, list) else []
        named = (each for each in others if isinstance(each, dict) and each.get("profile") == profile.name)
        is_other = bool(others) and self.provenance.get("profile") != profile.name
        return next(named, {} if is_other else self.provenance)

    def cleaned(self, cassette: Mapping[str, Any]) -> tuple[dict[str, Any], Vault]:
        """Return a cassette without the secrets in it, and what was replaced. Raises CassetteError."""
        vault = Vault(self._claims, self._standing())
        known = [(value, label) for value, label in self._redactor.known() if is_looked_for(value)]
        tape = list(zip(cassette["requests"], cassette["responses"], strict=True))
        if self._old:
            tape = episodes.joined(tape, self._old, vault, self._asks_for_token, self._names)
        clean = clean_tape(tape, vault, known, self._names, self._is_users_own, self._most)
        requests, responses = [request for request, _ in clean], [response for _, response in clean]
        return {**cassette, "requests": requests, "responses": responses}, vault

    def _standing(self) -> dict[str, str]:
        """Return what is no secret and has a placeholder in replay all the same, by its value."""
        look = Surroundings(self._root)
        every = (named for profile in self._profiles for named in references(profile))
        found = ((look(label, reference), label) for label, reference in every if reference.env is not None)
        return {value: placeholder_for(label) for value, label in found if value}

    def stamp(self) -> dict[str, Any]:
        """Return what a new cassette says about itself."""
        if self._stamp is not None:
            return dict(self._stamp)
        found = {
            "provenance": "live",
            "recorded": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "recorder": f"pytest-apiauth {version('pytest-apiauth')}",
        }
        if not self._profiles or not self.belonging.is_ours:
            return found
        own, *others = map(self._recording_of, self._profiles)
        return {**found, **own, **({OTHERS: others} if others else {})}

    def _recording_of(self, profile: Profile) -> dict[str, Any]:
        from pytest_apiauth.credentials.located import with_base_url

        return {
            "profile": profile.name,
            "api_url": with_base_url(profile, self._root).base_url,
            "credentials": credentials_set(profile, self._root),
        }

    def is_clean(self, data: Any) -> bool:
        """Whether no value that the run knows is in a cassette, as it is about to be written."""
        vault = Vault()
        known = [(value, label) for value, label in self._redactor.known() if is_looked_for(value)]
        for of_profiles in (True, False):
            vault.note_known(known, credentials=of_profiles)
        return next(survivors(data, vault), None) is None

    def _is_users_own(self, value: str) -> bool:
        """Whether a value in the place of a secret is a placeholder that the project's own hooks have put there."""
        is_theirs = value in self._put_by_hooks or value not in self._seen
        return is_theirs and is_own_placeholder(value)

    def _vault(self) -> Vault:
        vault = Vault()
        if self.is_live:
            vault.note_known(((v, label) for v, label in self._redactor.known() if is_looked_for(v)), credentials=True)
        return vault

    # The fixtures' side

    def identities(self, profile: Profile, redactor: Redactor) -> Identities:
        """Return who a replayed test acts as: placeholders, in the place of what was set when it was recorded.

        Their profile has the base URL that was recorded, if it has none of its own.
        """
        recorded = self._recorded_of(profile)
        labels, url = recorded.get("credentials"), recorded.get("api_url")
        look = Credentials(frozenset(labels) if isinstance(labels, list) else None)
        is_open = isinstance(profile.api_url, Reference) or profile.api_url is None
        here = profile.replaced(api_url=str(url)) if is_open and url else profile
        return Identities(here, look, redactor)

    def explain(self, error: BaseException) -> str | None:
        """Say in one line what the tape lacks, if that is what an error is about and the tape is ours."""
        return (
            explain(error, self.nodeid, self._root, self._names, self._asks_for_token)
            if self.belonging.is_ours
            else None
        )

    def close(self) -> None:
        """Take back what was set for the test."""
        self._environment.restore()


def asked_on(data: Any) -> set[str]:
    """Return the URLs that a cassette has requests to, without their queries; none of one that is damaged."""
    found = data.get("interactions") if isinstance(data, dict) else None
    requests = (each.get("request") for each in found or () if isinstance(each, dict))
    return {str(each.get("uri")).partition("?")[0] for each in requests if isinstance(each, dict)}


def _headers_in(value: object) -> Iterable[tuple[str, str]]:
    """Yield the header lines in what httpcore logs."""
    if isinstance(value, tuple | list):
        if len(value) == 2 and all(isinstance(each, bytes) for each in value):
            yield tuple(each.decode("latin-1") for each in value)
        else:
            for each in value:
                yield from _headers_in(each)
