"""What a fixture of wider scope asks while it is set up, on a tape of its own: it is set up once, for many tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_apiauth.recording.contents import CassetteError
from pytest_apiauth.recording.taping import CassetteTest


@contextmanager
def taped(test: CassetteTest, path: Path, mode: str) -> Iterator[None]:
    """Record what the block asks, or replay it. Raises CassetteError if the tape could not be written."""
    from vcr import VCR

    vcr = VCR(record_mode=mode, cassette_library_dir=str(path.parent))
    test.configure(vcr)
    with vcr.use_cassette(path.name, drop_unused_requests=mode == "all"):
        test.has_failed = True
        yield
        test.has_failed = False
    if test.refusal is not None:
        raise CassetteError(test.refusal)
