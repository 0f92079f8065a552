"""Who may import whom: the rooms of the house, and which of them know which library."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "pytest_apiauth"
BASE = {
    "errors", "messages", "printable", "bounded", "codings", "interrupts", "scratch", "whole", "bundled", "standards",
    "installed", "same",
}  # fmt: skip
PROMISE = BASE | {"profile", "credentials"}
CLIENT = PROMISE | {"auth", "http"}
UNDER_TEST = CLIENT | {"embedded", "recording", "targets"}
ALLOWED: dict[str, set[str]] = {
    "printable": set(),
    "messages": {"printable"},
    "bounded": set(),
    "codings": set(),
    "interrupts": set(),
    "scratch": set(),
    "whole": set(),
    "bundled": set(),
    "standards": set(),
    "installed": set(),
    "same": set(),
    "errors": {"printable"},
    "profile": BASE,
    "credentials": BASE | {"profile"},
    "auth": PROMISE,
    "offline": BASE,
    "http": PROMISE | {"auth"},
    "embedded": PROMISE,  # the double leans on nothing that is examined with it
    "recording": CLIENT | {"embedded", "offline"},
    "targets": CLIENT | {"embedded", "recording"},
    "suite": UNDER_TEST - {"embedded", "recording"},
    "rules": PROMISE | {"auth", "suite"},
    "discover": PROMISE | {"http"},
    "login": CLIENT,
    "report": {"whole", "printable", "bounded", "standards"},
    "conformance": {"rules"},
}
"""What each room may import, beside itself. Rooms that are not named here are doors: they see everything."""
DOORS = {"plugin", "__main__", "__init__"}
REVEALING = {
    "suite.obtaining", "auth.person", "auth.filling", "auth.requester", "auth.answers", "auth.shared", "auth.tokens",
    "credentials.secrets", "credentials.redaction", "credentials.certificates",
    "credentials.refresh_tokens",
}  # fmt: skip
"""Where a secret becomes a request, where one is shared or kept, and where it is looked for in what is printed."""


@cache
def tree_of(path: Path) -> ast.Module:
    """Read a file of source."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def sources(*folders: str) -> list[Path]:
    """Give the files of source under some folders."""
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    assert found
    return found


def module_of(path: Path) -> str:
    """Give a file's module: ``flow``, ``embedded.server``, ``conformance.zones``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[1:] if parts[0] == PACKAGE else parts).removesuffix(".__init__") or PACKAGE


@cache
def imports_of(path: Path) -> tuple[str, ...]:
    """Return what a file imports at run time; read once, since every test asks."""
    return tuple(_imports_of(path))


def _imports_of(path: Path, *, for_types: bool = False) -> Iterator[str]:
    """Yield what a file imports at run time, in functions too: ``httpx``, and of ours ``.profile``, ``.http.guard``.

    ``for_types`` adds what it imports for type hints only.
    """
    left_out = {
        id(inner)
        for node in ast.walk(tree_of(path))
        if not for_types and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    home = module_of(path).split(".")
    for node in ast.walk(tree_of(path)):
        if id(node) in left_out:
            continue
        if isinstance(node, ast.Import):
            yield from (_ours(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                module = ".".join([*home[: len(home) - node.level], *([module] if module else [])])
            for alias in node.names:
                whole = f"{module}.{alias.name}"
                yield _ours(whole) if module == PACKAGE or _is_module(whole) else _ours(module)


def _ours(name: str) -> str:
    """Write a module of ours with a dot in front, so that our ``http`` is not the library's."""
    first, _, rest = name.partition(".")
    return f".{rest}" if first == PACKAGE else f".{name}" if first == "conformance" else name


def _is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


def lies_in(module: str, rooms: set[str]) -> bool:
    """Whether a module is one of the rooms, or inside one."""
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def room_of(module: str) -> str:
    """Return the room that a module lies in."""
    return module.partition(".")[0]


def test_the_door_for_rules_is_what_it_says() -> None:
    """``pytest_apiauth.rules`` gives the names that it lists, each documented, and the book takes no others."""
    from pytest_apiauth import rules

    tree = tree_of(ROOT / PACKAGE / "rules.py")
    imported = {
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assigned = {
        name.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for name in ast.walk(node.targets[0])
        if isinstance(name, ast.Name)
    }

    assert sorted(set(rules.__all__)) == sorted(rules.__all__)
    assert set(rules.__all__) == (imported | assigned) - {"annotations", "__all__"}
    taken = {
        alias.name
        for path in sources("conformance")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom) and node.module == f"{PACKAGE}.rules"
        for alias in node.names
    }
    assert taken <= set(rules.__all__)


def test_reading_of_imports() -> None:
    """The reading itself sees imports at the top, inside functions, relative ones, and those of single names."""
    assert {".rules", ".conformance.parts"} <= set(imports_of(ROOT / "conformance" / "zones.py"))
    hooks = set(imports_of(ROOT / PACKAGE / "plugin" / "hooks.py"))
    assert {"pytest", ".plugin.terminal", ".recording.drift", ".plugin.collection"} <= hooks
    assert "httpx" not in set(imports_of(ROOT / PACKAGE / "plugin" / "clients.py"))
    assert "httpx" in set(imports_of(ROOT / PACKAGE / "http" / "respx_router.py"))
    assert "httpx" not in set(imports_of(ROOT / PACKAGE / "http" / "router.py"))


def test_every_room_is_in_the_table() -> None:
    """A new room takes a row, and no row outlives its room."""
    rooms = {room_of(module_of(path)) for path in sources(PACKAGE, "conformance")}

    assert rooms - DOORS == ALLOWED.keys()


def test_rooms_see_what_they_may() -> None:
    """No room imports one that its row does not name; so the server and the rules, say, never see each other."""
    wrong = [
        f"{module_of(path)} -> {name.removeprefix('.')}"
        for path in sources(PACKAGE, "conformance")
        for name in imports_of(path)
        if name.startswith(".") and (room := room_of(module_of(path))) not in DOORS
        if room_of(name.removeprefix(".")) not in ALLOWED[room] | {room}
    ]

    assert wrong == []


def test_the_double_keeps_knowledge_of_its_own() -> None:
    """The embedded server reads neither of the tables that what is held against it reads."""
    tables = {".profile.grants", ".profile.kinds"}

    assert [module_of(path) for path in sources(f"{PACKAGE}/embedded") if tables & set(imports_of(path))] == []


def test_no_file_leads_back_to_itself() -> None:
    """Imports have no circle: at the top, inside functions, and for types only."""
    own = {f".{module_of(path)}": path for path in sources(PACKAGE) if module_of(path) != PACKAGE}
    needs = {module: own.keys() & _imports_of(path, for_types=True) for module, path in own.items()}

    assert list(TopologicalSorter(needs).static_order())


def test_options_are_read_in_one_place() -> None:
    """Nobody but the table asks pytest for an option or ini key of ours."""
    asking = [
        module_of(path)
        for path in sources(f"{PACKAGE}/plugin")
        for node in ast.walk(tree_of(path))
        if (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _asks_for_ours(node))
        or (isinstance(node, ast.Attribute) and node.attr.startswith("apiauth_") and "option" in ast.dump(node.value))
    ]

    assert set(asking) == {"plugin.options"}


def test_targets_are_made_in_one_place() -> None:
    """Nobody else knows the classes of targets, so nobody else decides which of them a run has."""
    knowing = [
        module_of(path)
        for path in sources(PACKAGE, "conformance")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom)
        if any(re.fullmatch(r"[A-Z]\w+Target", alias.name) for alias in node.names)
    ]

    assert set(knowing) == {"targets.choose"}


def _asks_for_ours(call: ast.Call) -> bool:
    """Whether a call asks for an option by a name that begins with ours, or by one that cannot be read here."""
    if not (isinstance(call.func, ast.Attribute) and call.func.attr in ("getoption", "getini")):
        return False
    name = call.args[0]
    return not (isinstance(name, ast.Constant) and not str(name.value).lstrip("-").startswith("apiauth"))


def test_nothing_imports_the_insides_of_pytest() -> None:
    """Public names only: what lies in ``_pytest`` changes without a word."""
    assert [module_of(path) for path in sources(PACKAGE, "conformance") if "_pytest" in _roots(path)] == []


def test_authentication_rests_on_little() -> None:
    """Everything that decides about tokens imports the standard library and its own kind."""
    for path in sources(f"{PACKAGE}/auth"):
        # Two more event loops than asyncio are known by name, where they are installed; workers share by file locks.
        known = {*sys.stdlib_module_names, "trio", "sniffio", "filelock"}
        assert _roots(path) <= known, module_of(path)


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("httpx", {"http"}),
        ("httpx2", {"http"}),
        ("respx", {"http"}),
        ("pydantic", {"profile"}),
        ("hypothesis", {"suite.judging", "conformance", "plugin.given"}),
        ("vcr", {"recording"}),
        ("pytest_recording", {"recording"}),
        ("keyring", {"credentials"}),
        ("dotenv", {"credentials"}),
        ("filelock", {"auth.shared", "credentials.refresh_tokens"}),
        ("anyio", {"http"}),
        ("platformdirs", {"credentials.refresh_tokens"}),
        ("yaml", {"discover.reading", "recording.reading"}),  # documents, and cassettes, which are YAML
        ("trustme", {"embedded.authority"}),
        ("jinja2", {"report.html"}),
        ("jwt", {"credentials.signing", "embedded.keys"}),
        ("cryptography", {"credentials.signing", "credentials.certificates", "embedded.keys"}),
    ],
)
def test_library_is_known_in_one_room(library: str, rooms: set[str]) -> None:
    """Each library that could change is imported in one room only."""
    importing = [path for path in sources(PACKAGE, "conformance") if library in _roots(path)]

    assert [module_of(path) for path in importing if not lies_in(module_of(path), rooms)] == []


def _roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports_of(path) if not name.startswith(".")}


def test_every_import_is_declared() -> None:
    """Every library that the package imports is a dependency of the project."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    declared = {re.split(r"[<>=!\[ ]", line)[0].replace("-", "_").lower() for line in project["dependencies"] + extras}
    spelled = {"vcrpy": "vcr", "python_dotenv": "dotenv", "pyyaml": "yaml", "pyjwt": "jwt"}
    known = {spelled.get(name, name) for name in declared}
    optional = {"trio", "sniffio"}

    foreign = {root for path in sources(PACKAGE, "conformance") for root in _roots(path)}

    assert foreign - set(sys.stdlib_module_names) - known - optional == set()


def test_secrets_are_revealed_in_few_places() -> None:
    """`Secret.reveal` is called where a request is built and where output is redacted, and nowhere else."""
    calling = {
        module_of(path)
        for path in sources(PACKAGE, "conformance")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        # That of a draft's part has an argument: it takes the values from a vault.
        if node.func.attr == "reveal" and not node.args
    }

    assert calling <= REVEALING
