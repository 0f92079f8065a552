"""The project's own tests run in a run of their own."""

from __future__ import annotations

collect_ignore = ["project"]
