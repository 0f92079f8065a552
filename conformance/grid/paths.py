"""Ways to spell a path that some router, proxy or filter takes for the same, and another one does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

SEGMENT: Final[tuple[Callable[[str], str], ...]] = (
    lambda part: f"%{ord(part[0]):02x}{part[1:]}",
    lambda part: f"{part[:-1]}%{ord(part[-1]):02X}",
    lambda part: f"%25{ord(part[0]):02x}{part[1:]}",
    lambda part: f"{part};x",
    lambda part: f"{part};a=b",
    lambda part: part.upper(),
    lambda part: part.capitalize(),
    lambda part: f"{part}%20",
    lambda part: f"{part}%00",
    lambda part: f"{part}.",
    lambda part: f"./{part}",
    lambda part: f"%2e/{part}",
    lambda part: f"x/../{part}",
    lambda part: f"x/%2e%2e/{part}",
    lambda part: f"x/..;/{part}",
    lambda part: f"/{part}",
)
"""Changes of one segment: a letter encoded, once or twice, parameters, another case, dots, doubled slashes."""
END: Final = (
    "/", "//", "/.", "/./", "/..;/", ".json", ";.json", ".html", "%20", "%09", "%0a", "%00", "%2f", "%5c", "%3f", "%23",
    "?", "??", "?x.css", ".css", "/x.css", ";x.css", ";jsessionid=1", ";", "~", "*", "/x/..", "\\",
)  # fmt: skip
"""What may stand behind a path."""
FRONT: Final = ("/", "/.", "/%2e", "/x/..", "/%2f", "\\", "/;", "/.;")
"""What may stand before it."""


def spellings(path: str) -> Iterator[str]:
    """Yield other spellings of a path, each once.

    >>> "/User/me" in list(spellings("/user/me")), "/user/me" in list(spellings("/user/me"))
    (True, False)
    >>> [each in list(spellings("/notes/")) for each in ("/notes", "/notes.json", "/note%73/", "/notes/")]
    [True, True, True, False]
    """
    parts, bare = path.strip("/").split("/"), path.rstrip("/")
    # A path that ends with a slash keeps it: without, most servers know nothing but a redirection.
    slash = "/" * (bare != path)
    found: list[str] = []
    for place, part in enumerate(parts):
        if part:
            changed = (change(part) for change in SEGMENT)
            found += ["/" + "/".join((*parts[:place], each, *parts[place + 1 :])) + slash for each in changed]
    found += [bare, *(f"{each}{end}" for each in dict.fromkeys((bare, path)) for end in END)]
    found += [f"{front}{path}" for front in FRONT]
    found += [path.replace("/", "//"), path.replace("/", "\\"), path.replace("/", "/./"), path.upper(), path.swapcase()]
    found += [f"{'/'.join(bare.split('/')[:-1])}%2f{parts[-1]}{slash}", path.replace("/", "%2f").replace("%2f", "/", 1)]
    yield from (each for each in dict.fromkeys(found) if each not in (path, ""))


def brief_spellings(path: str) -> Iterator[str]:
    """Yield the spellings that every probe is asked in."""
    bare = path.rstrip("/")
    slash = "/" * (bare != path)
    head, _, last = bare.rpartition("/")
    other = f"{head}/./{last}{slash}"
    found = (f"/{path}", bare if slash else f"{path}/", f"{path}/.", f"{bare};x", f"{bare}.json", path.upper(), other)
    yield from (each for each in dict.fromkeys(found) if each != path)


def is_path(target: str) -> bool:
    """Whether a request target is a path, or a URL, by its letters (RFC 9112 3.2.1, RFC 3986 3.3).

    >>> is_path("/user;x/me"), is_path("\\\\user/me"), is_path("/user\\\\me")
    (True, False, False)
    """
    return target.startswith(("/", "http")) and "\\" not in target
