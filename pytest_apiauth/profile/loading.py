"""From a TOML file to a `Profile`: finding, ``extends``, merging, and errors that say what to do.

All errors of a file are collected and reported at once, each with file and key. Validation messages are
rewritten in the words of the file format, and never contain the value that was refused.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, get_origin

from pydantic import BaseModel, ValidationError

from pytest_apiauth import bundled
from pytest_apiauth.bounded import read_bounded
from pytest_apiauth.errors import ProfileError
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.endpoints import ENDPOINTS
from pytest_apiauth.profile.finding import DEEPEST_EXTENDS, SUFFIX, nearest, profiles_under, root_above
from pytest_apiauth.profile.inherited import inherited_urls
from pytest_apiauth.profile.model import Profile, Reference

LONGEST_NAME: Final = 100
"""Letters of a name that is compared with others: the time of it grows with the square."""
LARGEST: Final = 1_000_000
"""Bytes of a profile's file."""
NOT_INHERITED: Final = ("name", "examine")
"""Keys that a profile says of itself and of no other."""
PATHS: Final = ("rules",)
"""Keys whose paths are relative to the file that has them, whoever extends it."""
WORDS: Final = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "tuple_type": "a list, in brackets",
    "dict_type": "a table",
    "model_type": "a table",
}
"""What is expected by each kind of mistake in a type, as the file format calls it."""
A_REFERENCE: Final = '{ env = "NAME" }'
ALSO_CALLED: Final = {
    **{name: row.key for row in ENDPOINTS for name in (row.metadata, row.openapi) if name},
    "prefix": "scheme",
    "security": "needs",
    "requires": "needs",
    "token_endpoint_auth_method": "client_auth",
}
"""What keys are called in metadata, in OpenAPI and by people, where that is not spelt like the key."""
Table = dict[str, Any]
Detail = Mapping[str, Any]
"""One mistake, as validation tells it."""


@lru_cache
def builtin_profiles() -> dict[str, Path]:
    """Return the files of the profiles that come with the suite, by name."""
    return {path.name.removesuffix(SUFFIX): path for path in sorted(bundled.folder().glob(f"*{SUFFIX}"))}


def find(
    name: str,
    *,
    folder: Path,
    place: Path | None = None,
    bases: Iterable[Path] | None = None,
    files: Callable[[], Iterable[Path]] | None = None,
) -> Path:
    """Return the file that a name means: a path, a profile of the project, or a built-in one, in this order.

    Of several of one name it is the one nearest to ``place``. A path is relative to any of ``bases``. Both are
    ``folder``, the project's root, if they are not given; ``files`` gives the project's profiles, which are looked for
    below ``folder`` otherwise. Raises ProfileError, in one line, if nothing is meant, or several are.
    """
    is_path = "/" in name or os.sep in name or name.endswith(".toml")
    by_path = [path for path in dict.fromkeys(_absolute(base / name) for base in bases or (folder,)) if _is_file(path)]
    if is_path and by_path:
        return _only(name, by_path, folder)
    known = tuple(profiles_under(folder) if files is None else files())
    own = [file for file in known if file.name.removesuffix(SUFFIX) == name]
    if own:
        return _only(name, nearest(own, _absolute(place or folder)), folder)
    if name in builtin_profiles():
        return builtin_profiles()[name]
    if by_path:
        return _only(name, by_path, folder)
    names = sorted({*builtin_profiles(), *(file.name.removesuffix(SUFFIX) for file in known)})
    raise ProfileError(f"no profile {one_line(name)!r}{did_you_mean(name, names)}; known are: {', '.join(names)}")


def find_from(place: Path, name: str) -> Path:
    """Return the file that a name means to somebody who stands in a folder: what it would mean to pytest there.

    Raises ProfileError, as `find` does.
    """
    root = root_above(place)
    return find(name, folder=root, place=place, bases=(place, root))


def _only(name: str, found: Sequence[Path], folder: Path) -> Path:
    if len(found) == 1:
        return found[0]
    raise ProfileError(
        f"profile {one_line(name)!r}: several are equally near: {listed(found, folder)};"
        f" name one by its path from {folder}"
    )


def listed(files: Iterable[Path], folder: Path) -> str:
    """Return files as people read them, by their paths from a folder."""
    return ", ".join(one_line(os.path.relpath(file, folder)) for file in files)


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))


def _resolved(path: Path) -> Path:
    """Return a file without the links to it. Those that lead to each other stay, and opening the file says so."""
    return Path(os.path.realpath(path))


def load(path: Path, *, changes: Iterable[Table] = (), where: str = "") -> Profile:
    """Read and check a profile, with everything it extends. Raises ProfileError, one line per mistake.

    ``changes`` are what files that extend it, one upon the other, would say; mistakes are told as of ``where``.
    """
    file = _resolved(path)
    chain: list[tuple[Path, Table]] = []
    table = _merged(file, (), chain)
    table.setdefault("name", path.name.removesuffix(SUFFIX))
    for each in changes:
        chain.insert(0, (file, each))
        table = _overlay(table, each)
    with explained(where or _shown(path)):
        profile = Profile.model_validate(table)
    return profile.read_from(file, inherited_urls([(_called(each), own) for each, own in chain]))


def _called(path: Path) -> str:
    """Return what people call a profile's file: a built-in one has a name."""
    return next((name for name, file in builtin_profiles().items() if file.resolve() == path), _shown(path))


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn what validation refuses into ProfileError, one line per mistake, each beginning with ``where``."""
    lines: list[str] = []
    try:
        yield
    except ValidationError as error:
        lines = [f"{where}: {line}" for line in _explain(error)]
    if lines:
        raise ProfileError("\n".join(lines))


def _merged(path: Path, above: tuple[Path, ...], chain: list[tuple[Path, Table]]) -> Table:
    """Return a file's table upon what it extends, and enter the table of each file into ``chain``."""
    if len(above) > DEEPEST_EXTENDS:
        raise ProfileError(f"{_shown(above[0])}: extends: more than {DEEPEST_EXTENDS} profiles, one upon the other")
    if path in above:
        circle = " -> ".join(_shown(each) for each in (*above[above.index(path) :], path))
        raise ProfileError(f"{_shown(above[0])}: extends: goes in a circle: {circle}")
    table = _read(path)
    for key in PATHS:
        if isinstance(table.get(key), list):
            table[key] = [str(_absolute(path.parent / each)) if isinstance(each, str) else each for each in table[key]]
    _anchor(table, path.parent)
    if isinstance(table.get("payloads"), str):
        table["payloads"] = str(_absolute(path.parent / table["payloads"]))
    base_name = table.pop("extends", None)
    chain.append((path, table))
    if base_name is None:
        return table
    if not isinstance(base_name, str):
        raise ProfileError(f"{_shown(path)}: extends: expected the name or path of a profile")
    if base_name in builtin_profiles() and builtin_profiles()[base_name].resolve() != path:
        base_path = builtin_profiles()[base_name]
    else:
        base_path = path.parent / base_name
        if not _is_file(base_path):
            known = sorted(builtin_profiles())
            raise ProfileError(
                f"{_shown(path)}: extends: no profile {one_line(base_name)!r}{did_you_mean(base_name, known)};"
                f" give a path, or one of: {', '.join(known)}"
            )
    base = _merged(_resolved(base_path), (*above, path), chain)
    for key in NOT_INHERITED:
        base.pop(key, None)
    return _overlay(base, table)


def _anchor(table: Table, folder: Path) -> None:
    """Make the paths of files that hold credentials absolute: they are relative to the file that names them."""
    rows = [table.get("credentials")]
    for section in ("clients", "users", "keys"):
        further = table.get(section)
        rows += further.values() if isinstance(further, dict) else []
    for row in rows:
        for place in row.values() if isinstance(row, dict) else ():
            if isinstance(place, dict) and isinstance(place.get("file"), str):
                place["file"] = str(_absolute(folder / place["file"]))


def _read(path: Path) -> Table:
    try:
        return tomllib.loads(read_bounded(path, LARGEST).decode())
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{_shown(path)}: not TOML: {one_line(str(error))}") from None
    except UnicodeDecodeError:
        raise ProfileError(f"{_shown(path)}: cannot be read: not text in UTF-8") from None
    except OSError as error:
        raise ProfileError(f"{_shown(path)}: cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise ProfileError(f"{_shown(path)}: not TOML that can be read: a number of very many digits") from None
    except RecursionError:
        raise ProfileError(f"{_shown(path)}: not TOML that can be read: nested too deeply") from None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        # A name that is too long, or that no file can have.
        return False


def _overlay(base: Table, top: Table) -> Table:
    """Merge by name: tables into tables, ``false`` removes, everything else replaces.

    A reference (``{ env = … }``) is one value although TOML writes it as a table.
    """
    merged = dict(base)
    for key, value in top.items():
        below = base.get(key)
        if value is False and not isinstance(below, bool):
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(below, dict) and not {"env", "keyring", "file"} & {*value, *below}:
            merged[key] = _overlay(below, value)
        else:
            merged[key] = value
    return merged


def _explain(error: ValidationError) -> Iterator[str]:
    seen = set()
    details = error.errors(include_url=False, include_input=False)
    for detail in details:
        tables = _as_a_table(detail["loc"], details)
        if any(each["type"] not in ("model_type", "dict_type") for each in tables):
            # It is a table, in which something is wrong; that it is no text is no news.
            continue
        line = _line(detail, tables[0] if tables else None)
        # Each member of a union complains for itself; one line a key is enough.
        mark = line if detail["type"] == "value_error" else _key(detail["loc"])
        if mark not in seen:
            seen.add(mark)
            yield from line.splitlines()


def _as_a_table(location: tuple[int | str, ...], details: Sequence[Detail]) -> list[Detail]:
    """Return what is wrong with a value as a table, if it may be a text or a table and is no text."""
    if location[-1:] != ("str",):
        return []
    above = location[:-1]
    return [each for each in details if each["loc"][: len(above)] == above and each["loc"] != location]


def _expected(detail: Detail) -> str | None:
    if detail["type"] == "model_type" and detail["ctx"]["class_name"] == Reference.__name__:
        return A_REFERENCE
    return WORDS.get(detail["type"])


def _line(detail: Detail, table: Detail | None) -> str:
    kind, location, message = detail["type"], detail["loc"], detail["msg"]
    key = _key(location)
    if kind == "extra_forbidden":
        return f"{key}: unknown key{_elsewhere(location) or _meant(str(location[-1]), _known_keys(location[:-1]))}"
    if kind == "missing":
        return f"{key}: missing"
    message = message.removeprefix("Value error, ").removeprefix("Input should be ")
    if kind == "value_error":
        return f"{key}: {message}" if key else message
    expected = _expected(detail) or message
    return f"{key}: expected {expected}" + (f", or {_expected(table)}" if table is not None else "")


def _key(location: tuple[int | str, ...]) -> str:
    """Write a location as the file spells it, without the names of the model's own branches."""
    inner = {"str", "dict[str,str]", "Reference", "[key]"}
    parts = [part for part in location if part not in inner and not str(part).startswith("function-")]
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the table at a location, by walking the models."""
    model: Any = Profile
    for part in location:
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            break
        field = model.model_fields.get(str(part))
        model = _model_in(field.annotation) if field else model
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [field.alias or name for name, field in model.model_fields.items()] + (
            ["extends"] if model is Profile else []
        )
    return []


def _elsewhere(location: tuple[int | str, ...]) -> str:
    """Return which table a key belongs into that stands at the top or in [credentials]; empty if none has it."""
    is_dict = {name: get_origin(field.annotation) is dict for name, field in Profile.model_fields.items()}
    if location[:-1] == ("credentials",):
        tables = [f"{name}.NAME" for name in is_dict if is_dict[name] and location[-1] in _known_keys((name,))]
        return f" (it stands in [{'], ['.join(tables)}])" if tables else ""
    tables = [name for name in is_dict if not is_dict[name] and location[-1] in _known_keys((name,))]
    return f" (it stands in [{tables[0]}])" if len(location) == 1 and tables else ""


def _meant(name: str, known: list[str]) -> str:
    also = ALSO_CALLED.get(name)
    return f" (did you mean {also!r}?)" if also in known else did_you_mean(name, known)


def _model_in(annotation: Any) -> Any:
    """Find the model inside ``dict[str, Model]``, ``Model | None`` and the like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = [_model_in(argument) for argument in getattr(annotation, "__args__", ())]
    return next((model for model in inner if model is not None), None)


def did_you_mean(name: str, known: list[str]) -> str:
    """Return a suggestion for a name that is not known; empty if none is near."""
    if len(name) > LONGEST_NAME:
        return ""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
