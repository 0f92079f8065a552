"""The suite as it comes, from a clone: it needs no network, and says what it did."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
AUDIT = """
import json, os, socket, sys

EVENTS = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
seen = []

def hear(event, arguments):
    if event in EVENTS:
        seen.append(event)

sys.addaudithook(hear)

def pytest_unconfigure():
    before = list(seen)
    # The hook hears what it is to hear.
    socket.getaddrinfo("127.0.0.1", 9)
    with open(os.environ["AUDIT_FILE"], "w") as file:
        json.dump({"before": before, "after": seen}, file)
"""


@pytest.mark.slow
def test_suite_of_a_clone_touches_no_network(tmp_path: Path) -> None:
    """`pytest conformance` looks up no name, opens no port and connects to nothing; three APIs, 24 rules or more."""
    (tmp_path / "offline_audit.py").write_text(AUDIT, encoding="utf-8")
    report = tmp_path / "report.json"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV_"))},
        "PYTHONPATH": str(tmp_path),
        "AUDIT_FILE": str(tmp_path / "heard.json"),
    }

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "offline_audit", "conformance", f"--apiauth-report={report}"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip

    assert run.returncode == 0, run.stdout + run.stderr
    heard = json.loads((tmp_path / "heard.json").read_text(encoding="utf-8"))
    assert heard == {"before": [], "after": ["socket.getaddrinfo"]}
    assert re.search(r"^=+ \d+ passed, .* in \d+\.\d+s", run.stdout, re.MULTILINE)
    profiles = {profile["name"]: profile for profile in json.loads(report.read_text(encoding="utf-8"))["profiles"]}
    assert set(profiles) == {"dastra", "jindexe", "digishare"}
    for name, profile in profiles.items():
        assert re.search(rf"^{name} \(embedded\): \d+ rules: .* \d+\.\d s$", run.stdout, re.MULTILINE)
        assert len(profile["rules"]) >= 24
        assert {"pass"} <= {rule["verdict"] for rule in profile["rules"]} <= {"pass", "skip"}
        assert profile["requests"] > 100
