"""The JSON report, version 1: the record of a run as it is, member by member."""

from __future__ import annotations

import json

from pytest_apiauth.report import plain
from pytest_apiauth.report.record import RunRecord


def text(run: RunRecord) -> str:
    """Return a run as JSON."""
    return json.dumps(plain.written(run), indent=2, ensure_ascii=False) + "\n"
