"""The page: what templates make of a run. All that a policy allows it is its own style and script, by their hashes.

Theory of operation. Whatever is put into a template passes `printable`, since it may come from a server, and then the
escaping of the template library, which is on for everything. Only the style and the script, which are files of ours, go
in as they are. The page asks for nothing, from nowhere: its policy allows no request, no frame and no form, and no
style or script but those two.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_apiauth.printable import printable
from pytest_apiauth.report import summary
from pytest_apiauth.report.html import lifelines
from pytest_apiauth.report.html.view import view
from pytest_apiauth.report.record import RunRecord
from pytest_apiauth.standards import link

if TYPE_CHECKING:
    import jinja2

HERE: Final = Path(__file__).parent


def text(run: RunRecord) -> str:
    """Return a run as a page of HTML."""
    style, script = _static("report.css"), _static("report.js")
    page = environment().get_template("page.html")
    made = page.render(
        run=view(run), style=style, script=script, style_hash=_hash(style), script_hash=_hash(script),
        version=run.versions.get("pytest-apiauth", ""),
    )  # fmt: skip
    # Attributes stand in double quotes, so that an apostrophe ends none, and lines to paste are full of them.
    return made.replace("&#39;", "'")


@cache
def environment() -> jinja2.Environment:
    """Return what makes pages of our templates."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        finalize=_shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"summary": summary, "link": link, "duration": lifelines.duration}
    environment.filters |= {"slug": _slug, "words": _words}
    return environment


def _shown(value: Any) -> Any:
    """Return a value fit to be shown: text of anybody's without what a reader would obey."""
    return printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _slug(text: str) -> str:
    """Write a verdict, or another word of ours, as a name of a class."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower())


def _words(name: str) -> str:
    """Write a name of a chapter as words."""
    return name.replace("_", " ")


@cache
def _static(name: str) -> str:
    """Return a file of ours to stand in the page as it is."""
    return (HERE / "static" / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    """Return what a policy calls a style or script by."""
    digest = hashlib.sha256(content.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
