"""What stands before vcrpy's persister and serializer: nothing unclean is written, nothing of a test that failed."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from pytest_apiauth.recording.belonging import Belonging
from pytest_apiauth.recording.contents import CassetteError
from pytest_apiauth.recording.reading import check_exchanges, check_nodes
from pytest_apiauth.recording.tape import survivors
from pytest_apiauth.recording.vault import Vault
from pytest_apiauth.whole import write_whole

EXTRA: Final = "apiauth"
"""The key of a cassette under which its provenance stands; vcrpy passes over what it does not know."""


class Taped(Protocol):
    """What writing asks of the test whose tape it is."""

    belonging: Belonging
    has_failed: bool
    keeps_old: bool
    """Whether the cassette stays as it was."""
    unwritable: str | None
    """Why no cassette can be written in this run, if so."""
    refusal: str | None
    """Why nothing was written, for the end of the test."""

    def read(self, data: Any) -> None:
        """Take note of a cassette that was read."""

    def cleaned(self, cassette: Mapping[str, Any]) -> tuple[dict[str, Any], Vault]:
        """Return a cassette without the secrets in it, and what was replaced. Raises CassetteError."""

    def is_clean(self, data: Any) -> bool:
        """Whether no value that the run knows is in a cassette."""

    def stamp(self) -> dict[str, Any]:
        """Return what a new cassette says about itself."""


class Persister:
    """Stands before the persister that writes: nothing unclean passes, and nothing of a test that failed."""

    def __init__(self, inner: Any, test: Taped) -> None:
        self._inner = inner
        self._test = test

    def load_cassette(self, cassette_path: Any, serializer: Any) -> Any:
        """Read a cassette (vcrpy's interface). Raises CassetteError, in one line, for one of ours that is damaged."""
        # The first is what vcrpy takes for none, and records anew.
        from vcr.persisters.filesystem import CassetteDecodeError, CassetteNotFoundError

        reading = _Serializer(serializer, self._test)
        try:
            return self._inner.load_cassette(cassette_path, serializer=reading)
        except (CassetteDecodeError, CassetteNotFoundError):
            raise
        except Exception as error:
            if not self._test.belonging.is_certain:
                raise
            told = str(error) if isinstance(error, CassetteError) else f"not a cassette: {type(error).__name__}"
        raise CassetteError(f"{cassette_path}: {told}; delete it and record it again")

    def save_cassette(self, cassette_path: Any, cassette_dict: Mapping[str, Any], serializer: Any) -> None:
        """Write a cassette (vcrpy's interface).

        Never raises: vcrpy would leave the HTTP libraries patched. What went wrong is for the end of the test.
        """
        belonging = self._test.belonging
        is_ours = belonging.is_certain or any(belonging.meets(str(each.uri)) for each in cassette_dict["requests"])
        if not is_ours:
            with contextlib.suppress(_Unclean):
                watched = _Watch(serializer, self._test)
                self._inner.save_cassette(cassette_path, cassette_dict, serializer=watched)
                return
        if self._test.has_failed or self._test.keeps_old:
            return
        if self._test.unwritable is not None:
            self._test.refusal = f"{cassette_path}: not written: {self._test.unwritable}"
            return
        try:
            clean, vault = self._test.cleaned(cassette_dict)
            self._save(cassette_path, clean, _Serializer(serializer, self._test, vault))
        except CassetteError as error:
            self._test.refusal = f"{cassette_path}: not written: {error}"
        except OSError as error:
            self._test.refusal = f"{cassette_path}: not written: {error.strerror or type(error).__name__}"
        except Exception as error:
            self._test.refusal = f"{cassette_path}: not written: {type(error).__name__} while it was made clean"

    def _save(self, path: Any, cassette: dict[str, Any], serializer: _Serializer) -> None:
        """Write by the project's own persister, or else whole or not at all, which vcrpy's does not."""
        from vcr.persisters.filesystem import FilesystemPersister
        from vcr.serialize import serialize

        # That of pytest-recording reads more files than one, and writes as vcrpy does.
        if self._inner.save_cassette is FilesystemPersister.save_cassette:
            write_whole(Path(path), serialize(cassette, serializer))
        else:
            self._inner.save_cassette(path, cassette, serializer=serializer)


class _Unclean(Exception):
    """A cassette that is not ours holds a value that this run knows."""


class _Watch:
    """Stands before the serializer of a cassette that is not ours, and changes nothing."""

    def __init__(self, inner: Any, test: Taped) -> None:
        self._inner = inner
        self._test = test

    def serialize(self, data: dict[str, Any]) -> Any:
        """Return a cassette's text (vcrpy's interface). Raises _Unclean."""
        if not self._test.is_clean(data):
            raise _Unclean
        return self._inner.serialize(data)


class _Serializer:
    """Stands before the serializer: adds the provenance, and searches what is about to be written."""

    def __init__(self, inner: Any, test: Taped, vault: Vault | None = None) -> None:
        self._inner = inner
        self._test = test
        self._vault = vault

    def deserialize(self, text: str) -> Any:
        """Read a cassette's text (vcrpy's interface). Raises CassetteError for one that memory would not hold."""
        from vcr.serializers import yamlserializer

        if isinstance(text, str) and self._inner is yamlserializer:
            check_nodes(text)
        data = self._inner.deserialize(text)
        if self._test.belonging.is_certain:
            check_exchanges(data, to_play=True)
        self._test.read(data)
        return data

    def serialize(self, data: dict[str, Any]) -> str:
        """Return a cassette's text (vcrpy's interface). Raises CassetteError if a known value survives in it."""
        assert self._vault is not None
        text: str = self._inner.serialize({EXTRA: self._test.stamp(), **data})
        place = next(survivors(self._inner.deserialize(text), self._vault), None)
        if place is not None:
            raise CassetteError(
                f"a known secret survives in {place}; put it where its name tells what it is, or remove it with"
                " before_record_request or before_record_response"
            )
        return text
