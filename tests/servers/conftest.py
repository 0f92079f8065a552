"""What several modules need; the projects of users, each with a conftest.py of its own, are no tests of ours."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

collect_ignore = ["projects"]
OIDC_PROVIDER = "oidc-provider@9.13.3"


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install npm's oidc-provider beside the program that runs it, once a process; gives the folder."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        # Not even where servers are required: pip cannot bring Node.js, so a machine may be without it.
        pytest.skip(f"needs {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("oidc")
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", OIDC_PROVIDER]
    done = subprocess.run(install, cwd=folder, check=False, capture_output=True, timeout=300)
    if done.returncode != 0:
        pytest.skip("npm cannot install it here")
    shutil.copy(Path(__file__).parent / "oidc_provider.mjs", folder)
    return folder
