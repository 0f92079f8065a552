"""What is killed: a command in a project of its own, and the files in it that are whole afterwards or as before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.login.browser import PROFILE

SHOP: Final = 'schema = 1\nextends = "jindexe"\napi_url = "{url}"\n'
LOGIN: Final = PROFILE.replace("https://shop.example", "{url}").replace("PORT", "8/not-used")
TEST: Final = """
def test_me(apiauth_client):
    assert apiauth_client.get("/user/me").status_code == 200
"""
TAPED: Final = f"import pytest\n\npytestmark = pytest.mark.vcr\n{TEST}"
PYTEST: Final = ("pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:cov")
REPORTS: Final = ("--apiauth-report=report.json", "--apiauth-report=report.md")
RULES: Final = ("-k", "key-missing or tok-no-store or zone-truth-table")
LIVE: Final = ("--apiauth-live", "--apiauth-profile=shop")


@dataclass(frozen=True)
class Scene:
    """A command of Python's ``-m``, the project that it runs in, and the patterns of the files that it writes.

    ``logs_in`` has a kept refresh token in it, at a server on this machine that replaces it with each use; ``is_live``
    goes to such a server too, without one.
    """

    name: str
    command: tuple[str, ...]
    results: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    logs_in: bool = False
    is_live: bool = False

    @property
    def profile(self) -> str:
        """The text of its profile; the URL is left open."""
        return LOGIN if self.logs_in else SHOP


SCENES: Final = (
    Scene("suite", (*PYTEST, "shop.apiauth.toml", *REPORTS, *RULES), ("report.*",)),
    Scene("suite -n 2", (*PYTEST, "shop.apiauth.toml", *REPORTS, *RULES, "-n", "2"), ("report.*",)),
    Scene(
        "recording",
        (*PYTEST, "test_shop.py", *LIVE, "--record-mode=rewrite"),
        ("cassettes/**/*.yaml",),
        {"test_shop.py": TAPED},
        is_live=True,
    ),
    Scene("record", ("pytest_apiauth", "record", "shop", "--force"), ("cassettes/**/*.yaml", "cassettes/README.md")),
    Scene("token", ("pytest_apiauth", "token", "shop", "--grant", "refresh_token"), logs_in=True),
    Scene("test, kept token", (*PYTEST, "test_shop.py", *LIVE), files={"test_shop.py": TEST}, logs_in=True),
    Scene(
        "suite, kept token",
        (*PYTEST, "shop.apiauth.toml", *LIVE, *REPORTS, "-k", "res-no-cred-401 or res-mutated-token"),
        ("report.*",),
        logs_in=True,
    ),
    Scene(
        "record, kept token",
        ("pytest_apiauth", "record", "shop", "--live", "--force"),
        ("cassettes/**/*.yaml", "cassettes/README.md"),
        logs_in=True,
    ),
)
