"""What a run is asked for: every option and ini key in one table, read and checked once.

`pytest_addoption` declares the table, `pytest_configure` reads it. Whoever needs an option takes it from `Options`, so
that a mistake is told once, in one line, before anything else happens. Standard library and pytest only at import; the
tables are named tuples, which are made in a tenth of the time that a dataclass takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

import pytest

from pytest_apiauth import installed
from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.report import formats

Walk = Literal["none", "servers", "all"]
Scope = Literal["function", "class", "module", "session"]
SAFETY_CLASSES: Final = ("consume", "revoke", "lockout", "load")
WALKS: Final[tuple[Walk, ...]] = ("none", "servers", "all")
"""What ``apiauth_collect`` may say."""
SCOPES: Final[tuple[Scope, ...]] = ("function", "class", "module", "session")
"""What ``apiauth_server_scope`` may say. pytest has a plug-in's fixture of package scope last for the whole run."""
USUAL_HTTP: Final = "the one that is installed; of both, httpx"
EXAMPLES: Final = 30
LIVE_EXAMPLES: Final = 5


def _nothing_wrong(value: Any) -> str | None:
    return None


def _positive(value: float) -> str | None:
    return None if 0 < value < math.inf else f"expected a positive number, got {value}"


def _safety_classes(entries: list[str]) -> str | None:
    unknown = next((name for name in _names(entries) if name not in SAFETY_CLASSES), None)
    return None if unknown is None else f"no safety class {unknown!r}; there are {', '.join(SAFETY_CLASSES)}"


def _http(name: str) -> str | None:
    return installed.lacking(name) or None


def _report_files(files: list[str]) -> str | None:
    wrong = next((file for file in files if not formats.writes(file)), None)
    if wrong is not None:
        return f"{wrong!r} should end with one of: {formats.told()}"
    return next(filter(None, map(formats.lacking, files)), None)


class Option(NamedTuple):
    """One option of the command line, ``--apiauth-NAME``.

    ``type`` is `bool` for a switch. ``check`` says what is wrong with a value that was given, or None.
    """

    name: str
    help: str
    type: Callable[[str], Any] = bool
    metavar: str | None = None
    choices: tuple[str, ...] | None = None
    is_repeatable: bool = False
    check: Callable[[Any], str | None] = _nothing_wrong

    @property
    def flag(self) -> str:
        """How a user types it."""
        return f"--apiauth-{self.name}"

    def declare(self, group: pytest.OptionGroup) -> None:
        """Tell pytest of it."""
        if self.type is bool:
            group.addoption(self.flag, action="store_true", help=self.help)
        elif self.is_repeatable:
            group.addoption(self.flag, action="append", default=[], metavar=self.metavar, help=self.help)
        else:
            group.addoption(self.flag, type=self.type, metavar=self.metavar, choices=self.choices, help=self.help)

    def read(self, config: pytest.Config) -> Any:
        """Return what was given. Raises UsageError, in one line."""
        value = config.getoption(f"apiauth_{self.name.replace('-', '_')}")
        wrong = None if value is None else self.check(value)
        if wrong is not None:
            raise pytest.UsageError(f"{self.flag}: {wrong}")
        return value


class Ini(NamedTuple):
    """One key of pytest's own configuration file, ``apiauth_NAME``. ``choices`` are all that it may say, if it has any.

    ``expected`` tells of them. ``default`` None is for what is found out when it is needed. ``check`` says what is
    wrong with a value that the file has, or None.
    """

    name: str
    help: str
    default: str | None = ""
    choices: tuple[str, ...] = ()
    expected: str = ""
    check: Callable[[Any], str | None] = _nothing_wrong

    @property
    def key(self) -> str:
        """How a user writes it."""
        return f"apiauth_{self.name}"

    def declare(self, parser: pytest.Parser) -> None:
        """Tell pytest of it."""
        parser.addini(self.key, self.help, default=self.default)

    def read(self, config: pytest.Config) -> Any:
        """Return what it says. Raises UsageError, in one line."""
        value = config.getini(self.key)
        if value == self.default:
            return value
        if self.choices and value not in self.choices:
            raise pytest.UsageError(f"{self.key}: expected {self.expected.format(value)}")
        wrong = self.check(value)
        if wrong is not None:
            raise pytest.UsageError(f"{self.key}: {wrong}")
        return value


OPTIONS: Final = (
    Option("live", "use the profiles' real URLs; without it nothing here reaches the network"),
    Option("profile", "profile that the fixtures use by default", str, "NAME"),
    Option("http", f"library of the clients (default: {USUAL_HTTP})", str, choices=installed.LIBRARIES, check=_http),
    Option(
        "examples", f"examples per property (default: {EXAMPLES}; live: {LIVE_EXAMPLES})", int, "N", check=_positive
    ),
    Option("strict", "warnings of the suite fail too"),
    Option(
        "allow",
        f"safety classes that a live run may touch beyond read-only and issue: {', '.join(SAFETY_CLASSES)}",
        str, "CLASS", is_repeatable=True, check=_safety_classes,
    ),
    Option("rate", "requests per second of a live run, for each profile", float, "N", check=_positive),
    Option("max-requests", "requests that a live run may send, for each profile", int, "N", check=_positive),
    Option("skip-missing", "skip what needs a secret that is not set (pull requests from forks) instead of an error"),
    Option(
        "report", f"write a report ({formats.told()}); repeatable", str, "FILE", is_repeatable=True, check=_report_files
    ),
    Option(
        "fault",
        "make the embedded server break one rule, to see the suite catch it; warnings then fail too"
        " (`python -m pytest_apiauth faults` lists them)",
        str, "NAME", is_repeatable=True,
    ),
    Option(
        "prove",
        "show of a profile's own rules that each catches its faults and passes without them; one without any fails",
    ),
    Option("wire", "serve the embedded server on a loopback socket, so that rules about connections can run"),
    Option(
        "variant",
        "make the embedded server differ as a standard allows (`python -m pytest_apiauth variants` lists how)",
        str, "NAME", is_repeatable=True,
    ),
    Option("replay", "examine recorded token exchanges (cassettes/NAME) instead of a server"),
    Option("drift", "compare live token answers with the cassettes of the same grants, and warn of what has changed"),
)  # fmt: skip
INI_KEYS: Final = (
    Ini("profile", "profile that the fixtures use by default"),
    Ini(
        "http",
        f"library of the clients: httpx or httpx2 (default: {USUAL_HTTP})",
        None, installed.LIBRARIES, "httpx or httpx2, got {!r}", _http,
    ),
    Ini(
        "collect",
        "which profiles a folder walk examines: none, servers (default: those with an app, and in a live run those that"
        " say examine = true), or all (on the embedded server)",
        "servers", WALKS, f"one of {', '.join(WALKS)}",
    ),
    Ini(
        "server_scope",
        "scope of the fixtures, and so how many tests share a server: function (default), class, module or session",
        "function", SCOPES, f"one of {', '.join(SCOPES)}; got {{!r}}",
    ),
)  # fmt: skip


class Mark(NamedTuple):
    """One mark of tests: how it is called, and what it does."""

    call: str
    help: str

    @property
    def name(self) -> str:
        """Its name alone."""
        return self.call.partition("(")[0]


MARKS: Final = (
    Mark(
        "apiauth(profile=None, …, *, user='default', client='default', key='default', scope=None, changes={},"
        " variant=None, fault=None, lifetime=None, server_scope='function')",
        "which profile the apiauth fixtures use in this test, or which several, who they act as, which scope they ask"
        " for, what is changed in it, how the embedded server differs, and which tests share it",
    ),
    Mark("apiauth_wire", "a rule about connections and bytes; set by the suite itself"),
    Mark("apiauth_smoke", "a rule that tells in a few requests whether auth still works"),
    Mark("apiauth_writes", "a live test whose clients may use unsafe methods"),
)


class Options(NamedTuple):
    """What a run is asked for, checked, with the defaults in their places."""

    live: bool
    """Whether the profiles' real URLs are asked."""
    profile: str | None
    """The profile that the command line names; a path starts where the user stands."""
    usual_profile: str
    """The profile that the ini names, or nothing; a path starts where that file lies."""
    wanted_http: str | None
    """``httpx`` or ``httpx2``, if somebody says."""
    examples: int
    """Examples per property."""
    strict: bool
    """Whether warnings fail: on request, and in a run that is to show a fault caught."""
    allow: tuple[str, ...]
    """Safety classes that a live run may touch beside the harmless ones."""
    rate: float | None
    max_requests: int | None
    skip_missing: bool
    """Whether a credential that is not set skips a live test."""
    reports: tuple[str, ...]
    """Files to write reports to, as they were typed."""
    faults: tuple[str, ...]
    variants: tuple[str, ...]
    prove: bool
    """Whether a profile's own rules are held to their faults, and nothing is examined."""
    wire: bool
    """Whether rules meet the embedded server on a socket."""
    replay: bool
    """Whether the suite examines recorded exchanges."""
    drift: bool
    collect: Walk
    server_scope: Scope
    """The scope of the fixtures."""

    @property
    def http(self) -> str:
        """``httpx`` or ``httpx2``; what is installed is looked up when this is asked for first."""
        return self.wanted_http or installed.usual()


def declare(parser: pytest.Parser) -> None:
    """Declare every option and ini key, all beginning with apiauth."""
    group = parser.getgroup("apiauth", "API authentication")
    for option in OPTIONS:
        option.declare(group)
    for key in INI_KEYS:
        key.declare(parser)


def read(config: pytest.Config) -> Options:
    """Read and check what a run is asked for. Raises UsageError, in one line, at the first mistake."""
    given = {option.name: option.read(config) for option in OPTIONS}
    ini = {key.name: key.read(config) for key in INI_KEYS}
    _refuse_what_clashes(given)
    is_live = given["live"]
    return Options(
        live=is_live,
        profile=given["profile"],
        usual_profile=ini["profile"],
        wanted_http=given["http"] or ini["http"],
        examples=given["examples"] or (LIVE_EXAMPLES if is_live else EXAMPLES),
        strict=given["strict"] or bool(given["fault"]),
        allow=tuple(_names(given["allow"])),
        rate=given["rate"],
        max_requests=given["max-requests"],
        skip_missing=is_live and given["skip-missing"],
        reports=tuple(given["report"]),
        faults=tuple(given["fault"]),
        variants=tuple(given["variant"]),
        prove=given["prove"],
        wire=given["wire"],
        replay=given["replay"],
        drift=given["drift"],
        collect=ini["collect"],
        server_scope=ini["server_scope"],
    )


def _refuse_what_clashes(given: dict[str, Any]) -> None:
    if given["drift"] and not given["live"]:
        raise pytest.UsageError("--apiauth-drift compares live answers with cassettes: add --apiauth-live")
    for name in ("live", "wire", "fault", "variant"):
        if given["replay"] and given[name]:
            raise pytest.UsageError(f"--apiauth-replay examines cassettes: leave out --apiauth-{name}")
    for name in ("live", "replay", "fault"):
        if given["prove"] and given[name]:
            raise pytest.UsageError(f"--apiauth-prove has faults of its own to show: leave out --apiauth-{name}")
    if not (given["fault"] or given["variant"]):
        return
    if given["live"]:
        raise pytest.UsageError("--apiauth-fault and --apiauth-variant change the embedded server, not a live one")
    from pytest_apiauth.embedded import check_names

    try:
        check_names(given["fault"], given["variant"])
    except ApiAuthError as error:
        raise pytest.UsageError(str(error)) from None


def _names(entries: list[str]) -> list[str]:
    """Return the names in entries of an option that takes several, by commas or one by one."""
    return [name for entry in entries for name in entry.split(",")]
