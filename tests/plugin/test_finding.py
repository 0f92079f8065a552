"""Which profile a test uses: what its name, its place and the project's folders say."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.plugin.projects import SMALL, Run


def write(name: str) -> Path:
    """Write a small profile, with its folders."""
    path = Path(f"{name}.apiauth.toml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SMALL, encoding="utf-8")
    return path


# Looking for them


MANY = """
    import pytest

    @pytest.mark.parametrize("number", range(20))
    def test_it(apiauth_client, number):
        assert apiauth_client.get("/user/me").status_code == 200

    @pytest.mark.apiauth("shop")
    def test_by_name(apiauth_client):
        assert apiauth_client.get("/user/me").status_code == 200
"""


@pytest.mark.parametrize("way", ["only", "option", "ini"])
def test_profiles_are_looked_for_once_a_run(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """However many tests ask for a profile, by whatever name, the project is walked once, and not where it is told."""
    write("profiles/deep/shop")
    for folder in ("node_modules/deep", "left-out", "by-option", "env"):
        write(f"{folder}/shop")
    Path("env/pyvenv.cfg").touch()
    ini = "apiauth_profile = shop" if way == "ini" else ""
    pytester.makeini(f"[pytest]\nnorecursedirs = left-*\n{ini}\n")
    entered: Counter[str] = Counter()
    scandir = os.scandir

    def counting(path: str = ".") -> object:
        entered[os.path.relpath(path, pytester.path)] += 1
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counting)
    result = run(
        pytester.makepyfile(MANY).name, "--ignore=by-option", *(["--apiauth-profile=shop"] if way == "option" else [])
    )

    result.assert_outcomes(passed=21)
    assert entered["profiles/deep"] == 1
    assert not [path for path in entered if path.split("/")[0] in ("node_modules", "left-out", "by-option", "env")]
