"""What is imported when, and who may import whom."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "pytest_apiauth"
FOREIGN = (
    "httpx", "httpx2", "pydantic", "hypothesis", "respx", "filelock", "ssl", "vcr", "keyring", "dotenv", "anyio",
    "platformdirs", "yaml",
)  # fmt: skip
NEIGHBOURS = (
    "hypothesispytest", "anyio", "respx", "recording", "randomly", "pytest_cov", "xdist", "xdist.looponfail",
)  # fmt: skip
PROBE = """
import json, sys
def pytest_collection_finish(session):
    with open("modules.json", "w") as file:
        json.dump(sorted(sys.modules), file)
"""
REVEALING = {"examination.py", "grants.py", "plans.py", "secrets.py", "redaction.py", "sharing.py", "kept.py"}
"""Where a secret becomes a request, where one is shared or kept, and where it is looked for in what is printed."""


# At start-up


def modules_of(pytester: pytest.Pytester, *options: str) -> set[str]:
    """Give the modules that a run has imported once an unrelated test is collected."""
    off = [word for name in NEIGHBOURS for word in ("-p", f"no:{name}")]
    result = pytester.runpytest_subprocess(*off, "-p", "probe", "test_unrelated.py", *options)
    result.assert_outcomes(passed=1)
    return set(json.loads((pytester.path / "modules.json").read_text(encoding="utf-8")))


def test_unrelated_run_imports_nothing_heavy(pytester: pytest.Pytester) -> None:
    """A test that uses nothing of ours pays for the standard library and pytest, even beside a profile."""
    pytester.makepyfile(test_unrelated="def test_it(): pass", probe=PROBE)
    (pytester.path / "shop.apiauth.toml").write_text('schema = 1\napp = "shop:app"', encoding="utf-8")
    pytester.syspathinsert()

    without = modules_of(pytester, "-p", "no:apiauth")
    ours = modules_of(pytester) - without

    assert f"{PACKAGE}.plugin" in ours
    roots = {name.partition(".")[0] for name in ours}
    assert roots <= {PACKAGE, *sys.stdlib_module_names}
    assert not {name for name in ours if name.partition(".")[0] in FOREIGN}


# Who may import whom


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


def imports_of(path: Path) -> Iterator[str]:
    """Give what a file imports at run time, in functions too: ``httpx``, and of ours ``.profile``, ``.http.guard``."""
    for_types = {
        id(inner)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    home = module_of(path).split(".")
    for node in ast.walk(tree_of(path)):
        if id(node) in for_types:
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


def breaches(paths: list[Path], forbidden: set[str]) -> list[str]:
    """List the imports that a rule forbids."""
    return [f"{module_of(path)} -> {name}" for path in paths for name in imports_of(path) if lies_in(name, forbidden)]


def test_reading_of_imports() -> None:
    """The reading itself sees imports at the top, inside functions, relative ones, and those of single names."""
    assert {".rules", ".exchange", ".conformance.parts"} <= set(imports_of(ROOT / "conformance" / "zones.py"))
    assert {"pytest", ".report.terminal", ".embedded", ".collection"} <= set(imports_of(ROOT / PACKAGE / "plugin.py"))
    assert "httpx" not in set(imports_of(ROOT / PACKAGE / "bench.py"))
    assert "httpx" in set(imports_of(ROOT / PACKAGE / "http" / "mock.py"))


@pytest.mark.parametrize(
    ("rooms", "forbidden"),
    [
        (
            ["conformance"],
            {
                "httpx", "httpx2", "respx", "pytest", ".embedded", ".target", ".http", ".session", ".plugin", ".flow",
                ".cassettes",
            },
        ),
        (
            [f"{PACKAGE}/embedded"],
            {
                ".rules", ".exchange", ".examination", ".judge", ".conformance", ".drafts", ".edits", ".target",
                ".flow", ".grants", ".plans", ".http", ".cassettes", "httpx", "httpx2", "pytest",
            },
        ),
        (
            [f"{PACKAGE}/discover"],
            {
                ".rules", ".exchange", ".examination", ".judge", ".conformance", ".embedded", ".target", ".flow",
                ".session", ".plugin", "httpx", "httpx2", "pytest",
            },
        ),
        (
            [f"{PACKAGE}/apps"],
            {
                ".rules", ".exchange", ".examination", ".judge", ".conformance", ".drafts", ".edits", ".target",
                ".embedded", ".session", "httpx", "httpx2", "pytest", "asgiref", "django",
            },
        ),
        (
            [f"{PACKAGE}/offline"],
            {
                ".rules", ".exchange", ".examination", ".judge", ".conformance", ".embedded", ".target", ".flow",
                ".http", ".cassettes", ".apps", "httpx", "httpx2", "respx",
            },
        ),
        ([PACKAGE, "conformance"], {"_pytest"}),
    ],
    ids=["conformance", "embedded", "discover", "apps", "offline", "everybody"],
)  # fmt: skip
def test_room_keeps_away_from(rooms: list[str], forbidden: set[str]) -> None:
    """The suite sees no client and no server, the server no rules, documents neither; nobody sees pytest's insides."""
    assert breaches(sources(*rooms), forbidden) == []


def test_flow_rests_on_little() -> None:
    """Everything that decides about tokens imports the standard library and its own kind."""
    kin = {
        "errors", "messages", "identities", "profile", "tables", "flow", "tokens", "secrets", "grants", "plans",
        "printable",
    }  # fmt: skip
    for name in ("flow", "tokens", "secrets", "grants", "plans"):
        for imported in imports_of(ROOT / PACKAGE / f"{name}.py"):
            # Two more event loops than asyncio are known by name, where they are installed.
            known = {*sys.stdlib_module_names, *({"trio", "sniffio"} if name == "tokens" else ())}
            is_kin = imported.startswith(".") and imported.split(".")[1] in kin
            assert is_kin or imported.partition(".")[0] in known, f"{name} -> {imported}"


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("httpx", {"http"}),
        ("httpx2", {"http"}),
        ("respx", {"http"}),
        ("pydantic", {"profile", "tables", "loading"}),
        ("hypothesis", {"judge", "edits", "conformance"}),
        ("vcr", {"cassettes"}),
        ("pytest_recording", {"cassettes"}),
        ("keyring", {"identities", "kept"}),
        ("dotenv", {"identities", "configured"}),
        ("filelock", {"sharing", "kept"}),
        ("anyio", {"http"}),
        ("platformdirs", {"kept"}),
        ("yaml", {"discover.reading", "cassettes.reading"}),  # documents, and cassettes, which are YAML
        ("trustme", {"embedded.wire"}),
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
    spelled = {"vcrpy": "vcr", "python_dotenv": "dotenv", "pyyaml": "yaml"}
    known = {spelled.get(name, name) for name in declared}
    optional = {"trio", "sniffio"}

    foreign = {root for path in sources(PACKAGE, "conformance") for root in _roots(path)}

    assert foreign - set(sys.stdlib_module_names) - known - optional == set()


def test_secrets_are_revealed_in_few_places() -> None:
    """`Secret.reveal` is called where a request is built and where output is redacted, and nowhere else."""
    calling = {
        path.name
        for path in sources(PACKAGE, "conformance")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        # That of a draft's part has an argument: it takes the values from a vault.
        if node.func.attr == "reveal" and not node.args
    }

    assert calling <= REVEALING


# Documents


def documents() -> list[Path]:
    """Give what people read."""
    return [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".ci/*"), ROOT / "pyproject.toml"]


def test_links_lead_to_files_of_the_project() -> None:
    """Every relative link of a document leads to a file of this project."""
    for path in documents():
        for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:|#", target):
                place = (path.parent / target.partition("#")[0]).resolve()
                assert place.is_relative_to(ROOT), f"{path.name}: {target}"
                assert place.exists(), f"{path.name}: {target}"


def test_nothing_leads_out_of_the_project() -> None:
    """No document and no source names a place outside of the project."""
    outside = [str(folder) + "/" for folder in ROOT.parents if len(folder.parts) > 1]
    for path in [*documents(), *sources(PACKAGE, "conformance", "tests")]:
        text = path.read_text(encoding="utf-8")
        assert not [place for place in outside if place in text], path
        if path.suffix != ".py":
            assert "../" not in text, path
