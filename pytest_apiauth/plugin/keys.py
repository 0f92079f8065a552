"""Where pytest keeps what is ours of one test: in its item's stash. What a run shares has its key in `run`.

Standard library and pytest only at import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_apiauth.recording.taping import CassetteTest
    from pytest_apiauth.report.record import Entry

ENTRY: pytest.StashKey[Entry] = pytest.StashKey()
"""Of a rule's item: what the reports need."""
CASSETTE: pytest.StashKey[CassetteTest] = pytest.StashKey()
"""Of a test that is recorded or replayed: what it may do, and what is learnt while it runs."""
