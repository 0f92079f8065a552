"""Where pytest keeps what is ours: of the run in ``config.stash``, of one test in its item's.

Standard library and pytest only at import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_apiauth.plugin.apis import Apis
    from pytest_apiauth.plugin.run import State
    from pytest_apiauth.recording.taping import CassetteTest
    from pytest_apiauth.report.record import Entry

STATE: pytest.StashKey[State] = pytest.StashKey()
"""Of the run."""
APIS: pytest.StashKey[Apis] = pytest.StashKey()
"""Of a test, or of the class, module or run that shares them: the APIs that it talks to, and the clients of each."""
ENTRY: pytest.StashKey[Entry] = pytest.StashKey()
"""Of a rule's item: what the reports need."""
CASSETTE: pytest.StashKey[CassetteTest] = pytest.StashKey()
"""Of a test that is recorded or replayed: what it may do, and what is learnt while it runs."""
