"""What is fuzzed: each way by which a file, or a header, comes in, up to all that is made of it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from pytest_apiauth.__main__ import main
from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.printable import printable
from tests.here import USUAL

from .cases import Case
from .watching import Breach, check_said, watched

SHOP: Final = """
schema = 1
api_url = { env = "FUZZ_URL" }
token_url = "https://id.shop.example/token"
[credentials]
client_id = { env = "FUZZ_CLIENT" }
client_secret = { env = "FUZZ_SECRET" }
username = { env = "FUZZ_USER" }
password = { env = "FUZZ_PASSWORD" }
certificate = { file = "case.pem" }
[token]
client_auth = "client_secret_post"
[grants.client_credentials]
[grants.refresh_token]
[zones.api]
path = "/"
needs = ["bearer"]
probe = ["/me"]
"""


@dataclass(frozen=True, slots=True)
class Target:
    """One way in. ``run`` says whether what stands in the file was taken; if not, an ApiAuthError has said why."""

    name: str
    file: str
    """Where a case is put, in a folder of its own."""
    run: Callable[[Path], bool]
    before: Callable[[Path], None] = lambda folder: None
    """Makes the folder ready."""
    reads_elsewhere: bool = False
    """Whether what stands in the file may name other files: only a profile, whose author is trusted."""
    only_files: bool = False
    lines: int = field(default=1)
    """How many lines a refusal has at most: a profile's has one for each mistake."""


def run_case(target: Target, case: Case, folder: Path) -> bool:
    """Return whether a case is taken. Raises Breach if anything is done, or said, that must not be."""
    place = folder / target.file
    target.before(folder)
    case.put(place)
    before = os.getcwd()
    os.chdir(folder)
    tempfile.tempdir = str(folder)
    try:
        with watched(folder, reads_elsewhere=target.reads_elsewhere), _quick_pipes():
            return target.run(place)
    except ApiAuthError as error:
        _check_refusal(target, str(error))
        return False
    except Exception as error:
        raise Breach(f"{type(error).__name__}: {str(error)[:200]}, in {_where(error)}") from error
    finally:
        tempfile.tempdir = None
        os.chdir(before)


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    found = "?"
    while trace is not None:
        code = trace.tb_frame.f_code
        found = f"{code.co_qualname}:{trace.tb_lineno}" if "pytest_apiauth" in code.co_filename else found
        trace = trace.tb_next
    return found


def _check_refusal(target: Target, text: str) -> None:
    check_said(text)
    lines = text.split("\n")
    if not text.strip() or len(lines) > target.lines:
        raise Breach(f"a refusal of {len(lines)} lines: {text[:200]!r}")


@contextlib.contextmanager
def _quick_pipes() -> Iterator[None]:
    """Wait a moment for a pipe that nobody writes to, and not for seconds."""
    from pytest_apiauth.bounded import read_bounded

    named = read_bounded.__kwdefaults__
    assert named is not None
    before = dict(named)
    named["patience"] = 0.05
    try:
        yield
    finally:
        named.update(before)


def command(*words: str) -> bool:
    """Run a command of ours as a shell does, and check all that it says. Returns whether it did what was asked."""
    out, err = io.BytesIO(), io.BytesIO()
    with (
        contextlib.redirect_stdout(io.TextIOWrapper(out, encoding="utf-8", write_through=True)),
        contextlib.redirect_stderr(io.TextIOWrapper(err, encoding="utf-8", write_through=True)),
    ):
        status = main(words)
        said, complaint = out.getvalue().decode(), err.getvalue().decode()
    check_said(said)
    if status == 2:
        raise ApiAuthError(complaint.removesuffix("\n"))
    if status or complaint:
        raise Breach(f"exit status {status}, and {complaint[:200]!r}")
    return True


def _profile(place: Path) -> bool:
    from pytest_apiauth.credentials.configured import Configured
    from pytest_apiauth.embedded import Server
    from pytest_apiauth.profile import loading
    from pytest_apiauth.profile.references import references
    from pytest_apiauth.recording.scenes import scenes

    Configured(place.parent, lambda value, label: None).add(place)
    profile = loading.load(place)
    for label, reference in references(profile):
        check_said(printable(f"{label} {reference}"))
    Server(profile)
    for scene in scenes(profile):
        check_said(scene.name)
    return True


def _document(place: Path) -> bool:
    from pytest_apiauth.discover.examples import examples
    from pytest_apiauth.profile import loading

    with contextlib.suppress(ApiAuthError):
        examples(place, "/v1")
    output = place.parent / "made.apiauth.toml"
    command("init", str(place), "-o", str(output))
    try:
        loading.load(output)
    except ApiAuthError as error:
        raise Breach(f"init wrote a profile that does not load: {error}") from None
    # A URL is written whole, however long it is.
    check_said("\n".join(line[:1000] for line in output.read_text(encoding="utf-8").split("\n")))
    return True


def _with_profile(folder: Path) -> None:
    (folder / "shop.apiauth.toml").write_text(SHOP, encoding="utf-8")


def _cassette(place: Path) -> bool:
    """Scan it, list it as `record` does, compare a live answer with it, answer rules from it, and play it."""
    from vcr.errors import CannotOverwriteExistingCassetteException

    from pytest_apiauth.messages import Request, Response
    from pytest_apiauth.profile import loading
    from pytest_apiauth.recording import library
    from pytest_apiauth.recording.contents import CassetteError
    from pytest_apiauth.recording.drift import Drift
    from pytest_apiauth.recording.reading import read_exchanges
    from pytest_apiauth.recording.scenes import scenes
    from pytest_apiauth.recording.shapes import differences, shapes_of
    from pytest_apiauth.targets.recorded import CassetteTarget

    folder = place.parents[2]
    refused: list[ApiAuthError] = []
    with _refusals(refused):
        command("scan", str(place))
    profile = loading.load(folder / "shop.apiauth.toml").replaced(api_url="https://api.shop.example")
    with _refusals(refused):
        for line in library.table(folder / "cassettes"):
            check_said(line)
    with _refusals(refused):
        shapes = shapes_of(read_exchanges(place))
        for line in differences(shapes, [*shapes[1:], *shapes[:1]]):
            check_said(line)
    drift = Drift(folder)
    token = b'{"access_token":"made-up","token_type":"Bearer","expires_in":3600}'
    asked = Request("POST", profile.token_endpoint, body=b"grant_type=client_credentials")
    drift.see(profile, asked, Response(200, (), token))
    for line in drift.lines:
        check_said(line)
    with _refusals(refused):
        CassetteTarget.build(profile, library=USUAL, root=folder)
    scene = next(each for each in scenes(profile) if each.name == place.stem)
    with _refusals(refused), contextlib.suppress(CannotOverwriteExistingCassetteException):
        for answer in library.replay(scene, profile, place):
            answer.json()
    # A finding of the scanner is no refusal of the cassette.
    for error in refused:
        if not isinstance(error, CassetteError) and "may hold a secret" not in str(error):
            _check_refusal(TARGETS["cassette"], str(error))
    return not refused


@contextlib.contextmanager
def _refusals(found: list[ApiAuthError]) -> Iterator[None]:
    try:
        yield
    except ApiAuthError as error:
        _check_refusal(TARGETS["cassette"], str(error))
        found.append(error)


def _kept(place: Path) -> bool:
    from pytest_apiauth.credentials.refresh_tokens import KeptTokens
    from pytest_apiauth.credentials.secrets import Secret
    from pytest_apiauth.profile import loading

    profile = loading.load(place.parent / "shop.apiauth.toml").replaced(api_url="https://api.shop.example")
    kept = KeptTokens(profile, place.parent / "kept")
    own = kept._path("client", "")
    own.parent.mkdir(mode=0o700)
    os.rename(place, own) if os.path.lexists(place) else None
    if own.is_file():
        own.chmod(0o600)
    found = kept.read("client", "", None, None)
    if found is not None:
        kept.write("client", "", Secret(found, "refresh_token"), None, None)
        if kept.read("client", "", None, None) != found:
            raise Breach("another token came back than was kept")
    return found is not None


def _dotenv(place: Path) -> bool:
    from pytest_apiauth.credentials.configured import Configured
    from pytest_apiauth.credentials.identities import Identities, Surroundings, learn_credentials
    from pytest_apiauth.credentials.located import located_profile
    from pytest_apiauth.credentials.redaction import OutputRedactor
    from pytest_apiauth.profile import loading

    folder = place.parent
    file = folder / "shop.apiauth.toml"
    redactor = OutputRedactor()
    Configured(folder, lambda value, label: None).add(file)
    profile = located_profile(loading.load(file), folder)
    learn_credentials(profile, folder, redactor)
    found = Identities(profile, Surroundings(folder), redactor).client()
    return found.client_id is not None


def _certificate(place: Path) -> bool:
    import ssl

    from pytest_apiauth.credentials.identities import Identities, Surroundings
    from pytest_apiauth.credentials.redaction import OutputRedactor
    from pytest_apiauth.profile import loading

    profile = loading.load(place.parent / "shop.apiauth.toml")
    found = Identities(profile, Surroundings(place.parent), OutputRedactor()).certificate()
    assert found.load is not None
    found.load(ssl.create_default_context())
    return True


DIFFERED: Final[Counter[str]] = Counter()
"""How often werkzeug has read a challenge in another way, by the name of the difference."""


def _challenge(place: Path) -> bool:
    from pytest_apiauth.suite.challenges import read_challenges

    from .comparing import compare

    lines = place.read_bytes().decode("latin-1").split("\n")
    for line in lines:
        DIFFERED[compare(line)] += 1
    try:
        return bool(read_challenges(lines))
    except ValueError as error:
        raise ApiAuthError(error) from None


def _report(place: Path) -> bool:
    """Read it as what came of a rule, as the controller of pytest-xdist does, and as a report; write what is read."""
    from pytest_apiauth.report import github, json_report, markdown, plain, sarif
    from pytest_apiauth.report.ledger import Ledger
    from pytest_apiauth.report.record import Entry, RunRecord

    try:
        data = json.loads(place.read_bytes())
    except (ValueError, RecursionError):
        raise ApiAuthError("no JSON; nothing of ours reads such a file") from None
    try:
        if "version" in data if isinstance(data, dict) else False:
            run = plain.read(RunRecord, data)
        else:
            ledger = Ledger()
            ledger.add("shop.apiauth.toml::rule", plain.read(Entry, data), 0.5)
            run = ledger.record(7, "httpx")
    except plain.DamagedError as error:
        raise ApiAuthError(error) from None
    json.loads(json_report.text(run))
    json.loads(sarif.text(run))
    check_said(markdown.text(run))
    check_said("\n".join(github.commands(run.profiles)))
    if isinstance(data, dict) and "version" in data:
        _shown_again(place)
    return True


@cache
def _compile_templates() -> None:
    """Have every template compiled: what a later case is the first to use is no code that the case has run."""
    from pytest_apiauth.report.html.page import environment

    for name in environment().list_templates():
        environment().get_template(name)


def _shown_again(place: Path) -> None:
    """Read it as the command does, and write all that it can."""
    from pytest_apiauth.report import command, formats

    _compile_templates()
    outputs = [str(place.with_name(f"again{ending}")) for ending in formats.FORMATS if ending != ".svg"]
    for words in ([str(place)], [str(place), str(place)]):
        try:
            check_said("\n".join(map(printable, command.run(words, outputs, is_verbose=True, states=False))))
            check_said("\n".join(command.run(words, [], is_verbose=False, states=True)))
        except command.ReportError as error:
            raise ApiAuthError(error) from None


TARGETS: Final = {
    target.name: target
    for target in (
        Target("profile", "case.apiauth.toml", _profile, reads_elsewhere=True, lines=300),
        Target("openapi", "case.json", _document, lines=30),
        Target("metadata", "case.json", _document, lines=30),
        Target("cassette", "cassettes/shop/client_credentials.yaml", _cassette, _with_profile),
        Target("kept", "kept.json", _kept, _with_profile),
        Target("dotenv", ".env", _dotenv, _with_profile),
        Target("certificate", "case.pem", _certificate, _with_profile),
        Target("challenge", "header.txt", _challenge, only_files=True),
        Target("report", "report.json", _report, only_files=True),
    )
}
