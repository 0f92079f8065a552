"""Values of ``.env``, read within bounds: a name may stand for a stream, and values that hold each other have no end.

Theory of operation. What is written in the file is python-dotenv's to say, and so is what ``${NAME}`` stands for. How
long a value becomes is reckoned before that: each takes in those of lines above it, and ten lines that double ten times
are more than memory holds. A folder of that name is none of ours: it is somebody's virtual environment.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pytest_apiauth.bounded import read_bounded

LARGEST: Final = 200_000
"""Bytes of the file, and letters of all its values."""
_NAMED: Final = re.compile(r"\$\{([^}:]*)")


def values_of(file: Path) -> Mapping[str, str | None]:
    """Return the values of a file; none if there is none, or if python-dotenv is not installed.

    Raises OSError, its reason in ``strerror``, if it cannot be read or is too large, and UnicodeDecodeError.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, ".env").write_text("NAME=shop")
    ...     dict(values_of(Path(folder, ".env")))
    {'NAME': 'shop'}
    """
    if not file.exists() or file.is_dir():
        return {}
    try:
        from dotenv import dotenv_values
    except ImportError:
        return {}
    text = read_bounded(file, LARGEST).decode()
    lengths: dict[str, int] = {}
    for name, value in dotenv_values(stream=io.StringIO(text), interpolate=False).items():
        names = _NAMED.findall(value or "")
        lengths[name] = len(value or "") + sum(lengths.get(each, 0) for each in names)
        if lengths[name] > LARGEST:
            raise OSError(0, f"a value of more than {LARGEST // 1000} kB, of values in values")
    return dotenv_values(stream=io.StringIO(text))
