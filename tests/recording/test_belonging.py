"""Recordings that have to do with no profile are pytest-recording's own, and those of a profile's hosts are ours."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.messages import Origin
from pytest_apiauth.offline import Hosts
from pytest_apiauth.recording.belonging import Belonging, cassettes_of
from tests.here import USUAL, has, needs
from tests.plugin.projects import Run, output, served, told
from tests.recording.taping import Loopback, Reply

pytestmark = pytest.mark.slow  # a run of pytest each

SECRET = "other-s3cret-0123456789"


@dataclass
class Surroundings:
    """An API that a project has a profile for, and another that it has none for."""

    api: str
    server: Server
    other: Loopback
    folder: Path
    monkeypatch: pytest.MonkeyPatch

    @property
    def other_url(self) -> str:
        """Where the other API is."""
        return f"http://127.0.0.1:{self.other.port}"

    def cassettes(self) -> dict[str, bytes]:
        """Give the cassettes by file name."""
        return {path.name: path.read_bytes() for path in sorted(self.folder.rglob("cassettes/**/*.*"))}

    def clear(self) -> None:
        """Remove every cassette."""
        for path in self.folder.rglob("cassettes/**/*.*"):
            path.unlink()

    def add_profile(self) -> None:
        """Give the project its profile."""
        text = f'schema = 1\nextends = "jindexe"\napi_url = "{self.api}"\n'
        (self.folder / "shop.apiauth.toml").write_text(text, encoding="utf-8")


@pytest.fixture
def around(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Surroundings]:
    """Serve both; the secrets of the one are in the environment."""
    other = Loopback()
    other.next = Reply(f'{{"access_token": "{SECRET}"}}'.encode())
    with served("jindexe") as (url, server):
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OTHER", f"http://127.0.0.1:{other.port}")
        monkeypatch.setenv("API", url)
        yield Surroundings(url, server, other, pytester.path, monkeypatch)
    other.close()


def write(pytester: pytest.Pytester, source: str, **files: str) -> None:
    """Write the project's tests."""
    first = f"""
import os
import httpx
import pytest

def other(path="/token"):
    answer = httpx.post(os.environ["OTHER"] + path, headers={{"Authorization": "Bearer {SECRET}"}})
    return answer.json()["access_token"]

def shop():
    return httpx.get(os.environ["API"] + "/public/cards", headers={{"X-API-KEY": os.environ["JINDEXE_API_KEY"]}})
"""
    pytester.makepyfile(test_it=first + textwrap.dedent(source), **files)


MOCK = "respx_mock" if has("respx") else "own_mock"
"""A mock beside a cassette: that of respx, or without that one of the project's own."""
PLAIN = f"""
@pytest.fixture
def own_mock(monkeypatch):
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", lambda self, request: httpx.Response(204))

@pytest.mark.vcr
def test_one():
    assert other() == "{SECRET}"

@pytest.mark.vcr
def test_mocked({MOCK}):
    if {MOCK} is not None:
        {MOCK}.get("https://elsewhere.example/").respond(204)
    assert httpx.get("https://elsewhere.example/").status_code == 204

def test_unmarked():
    assert other() == "{SECRET}"
"""
SETTINGS = '@pytest.fixture\ndef vcr_config():\n    return {"record_mode": "once"}\n'
REWRITES = PLAIN + "\n@pytest.mark.vcr(record_mode='rewrite')\ndef test_rewritten(): other()\n"
TIMES = re.compile(r"in \d+\.\d+s|^plugins: .*$|apiauth-[\d.]+|0x[0-9a-f]+", re.MULTILINE)


@pytest.mark.parametrize(
    ("source", "options"),
    [
        (PLAIN, ["--record-mode=once"]),
        (PLAIN, ["--record-mode=rewrite"]),
        (PLAIN, ["--record-mode=once", "--co"]),
        (SETTINGS + PLAIN, []),
        pytest.param(PLAIN, [], marks=pytest.mark.slow),
        pytest.param(REWRITES, ["--disable-recording"], marks=pytest.mark.slow),
        pytest.param(REWRITES, [], marks=pytest.mark.slow),
    ],
    ids=["once", "rewrite", "collect", "vcr-config", "no-cassette", "disabled", "mark"],
)
def test_project_without_a_profile_is_left_alone(
    pytester: pytest.Pytester, around: Surroundings, run: Run, source: str, options: list[str]
) -> None:
    """Without any profile a run prints and writes what it does without this plug-in, twice over."""
    write(pytester, source)
    seen = []
    for without in (["-p", "no:apiauth"], []):
        around.clear()
        around.other.asked = 0
        for _ in range(2):
            result = run("test_it.py", "-p", "no:cacheprovider", *without, *options)
            seen.append((result.ret, TIMES.sub("", output(result)), around.cassettes(), around.other.asked))
    assert seen[:2] == seen[2:]


def test_live_option_leaves_other_cassettes_on(pytester: pytest.Pytester, around: Surroundings, run: Run) -> None:
    """--apiauth-live means the project's profiles: what was recorded of others is replayed, without or beside one."""
    write(pytester, PLAIN)
    run("test_it.py", "--record-mode=once").assert_outcomes(passed=3)
    around.other.asked = 0
    run("test_it.py", "--apiauth-live", "-k", "one").assert_outcomes(passed=1)
    around.add_profile()
    run("test_it.py", "--apiauth-live", "-k", "one").assert_outcomes(passed=1)
    assert around.other.asked == 0


@pytest.mark.parametrize(
    "mode", ["rewrite", *(pytest.param(mode, marks=pytest.mark.slow) for mode in ("once", "all", "new_episodes"))]
)
@pytest.mark.parametrize("live", [[], ["--apiauth-live"]], ids=["offline", "live"])
def test_recordings_of_others_are_unchanged_beside_a_profile(
    pytester: pytest.Pytester, around: Surroundings, run: Run, mode: str, live: list[str]
) -> None:
    """A cassette without a request to a profile's host is recorded, replayed and added to as pytest-recording does."""
    write(pytester, PLAIN)
    seen = []
    for without in (True, False):
        around.clear()
        if not without:
            around.add_profile()
        for failing in ("", "\n    assert other('/more') == 'nothing'\n"):
            write(
                pytester,
                PLAIN.replace(
                    "\n\n@pytest.mark.vcr\ndef test_mocked", failing + "\n\n@pytest.mark.vcr\ndef test_mocked"
                ),
            )
            options = ["-p", "no:apiauth"] if without else live
            result = run("test_it.py", "-p", "no:cacheprovider", f"--record-mode={mode}", *options)
            seen.append((result.parseoutcomes(), around.cassettes()))
    assert seen[:2] == seen[2:]
    assert SECRET in seen[0][1]["test_one.yaml"].decode()


def test_request_to_a_profiles_host_is_refused_offline(
    pytester: pytest.Pytester, around: Surroundings, run: Run
) -> None:
    """A test that nothing tied to a profile, and that would record its host, is refused with what to do."""
    around.add_profile()
    write(pytester, SETTINGS + "@pytest.mark.vcr\ndef test_one(): shop()\n")
    for options in ([], ["--record-mode=all"]):
        result = run("test_it.py", *options)
        result.assert_outcomes(failed=1)
        told(
            result,
            f"{USUAL} reached for 127.0.0.1: a run without --apiauth-live lets nothing out",
            "record it: pytest test_it.py::test_one --apiauth-live",
        )
    assert around.server.requests == []
    assert around.cassettes() == {}


def test_request_to_a_profiles_host_is_cleaned(pytester: pytest.Pytester, around: Surroundings, run: Run) -> None:
    """A test of ours that was found out by its requests alone is cleaned, stamped and from then on replayed as ours."""
    around.add_profile()
    write(pytester, "@pytest.mark.vcr\ndef test_one():\n    other()\n    assert shop().status_code == 200\n")
    run("test_it.py", "--apiauth-live", "--record-mode=once").assert_outcomes(passed=1)
    text = around.cassettes()["test_one.yaml"].decode()
    assert "provenance: live" in text
    assert "profile: shop" in text
    assert around.server.environment["JINDEXE_API_KEY"] not in text
    assert SECRET not in text

    for name in around.server.environment:
        around.monkeypatch.delenv(name)
    around.server.requests.clear()
    run("test_it.py").assert_outcomes(passed=1)
    run("test_it.py", "--record-mode=once").assert_outcomes(passed=1)
    told(run("test_it.py", "--record-mode=all"), "--record-mode=all records from the real API: add --apiauth-live")
    assert around.server.requests == []
    assert around.cassettes()["test_one.yaml"].decode() == text


def test_fixture_asked_for_later_makes_a_test_ours(pytester: pytest.Pytester, around: Surroundings, run: Run) -> None:
    """A fixture that the test's own code asks for counts as one that it names."""
    around.add_profile()
    source = """
        @pytest.mark.vcr
        def test_one(request):
            assert request.getfixturevalue("apiauth_client").get("/user/me").status_code == 200
    """
    write(pytester, source)
    told(run("test_it.py"), "test_one.yaml: no such cassette", "--apiauth-live --record-mode=once")
    run("test_it.py", "--apiauth-live", "--record-mode=once").assert_outcomes(passed=1)
    text = around.cassettes()["test_one.yaml"].decode()
    assert "profile: shop" in text
    assert around.server.environment["JINDEXE_PASSWORD"] not in text
    around.server.requests.clear()
    run("test_it.py").assert_outcomes(passed=1)
    assert around.server.requests == []


def test_failed_test_that_asked_a_profiles_host_writes_nothing(
    pytester: pytest.Pytester, around: Surroundings, run: Run
) -> None:
    """What holds for tests of ours holds for those that are found out late: the old cassette stays."""
    around.add_profile()
    write(pytester, "@pytest.mark.vcr\ndef test_one():\n    assert shop().status_code == 404\n")
    run("test_it.py", "--apiauth-live", "--record-mode=once").assert_outcomes(failed=1)
    assert around.cassettes() == {}
    write(pytester, "@pytest.mark.vcr\ndef test_one():\n    assert shop().status_code == 200\n")
    run("test_it.py", "--apiauth-live", "--record-mode=rewrite").assert_outcomes(passed=1)
    before = around.cassettes()
    write(pytester, "@pytest.mark.vcr\ndef test_one():\n    assert shop().status_code == 404\n")
    run("test_it.py", "--apiauth-live", "--record-mode=rewrite").assert_outcomes(failed=1)
    assert around.cassettes() == before


@pytest.mark.parametrize("live", [[], ["--apiauth-live"]], ids=["offline", "live"])
def test_known_credential_is_cleaned_wherever_it_goes(
    pytester: pytest.Pytester, around: Surroundings, run: Run, live: list[str]
) -> None:
    """A profile's secret that is sent to another API does not get into that one's cassette."""
    around.add_profile()
    write(pytester, "@pytest.mark.vcr\ndef test_one(): other('/token?note=' + os.environ['JINDEXE_PASSWORD'])\n")
    run("test_it.py", "--record-mode=once", *live).assert_outcomes(passed=1)
    text = around.cassettes()["test_one.yaml"].decode()
    assert around.server.environment["JINDEXE_PASSWORD"] not in text
    assert "apiauth-password" in text


def test_live_run_asks_the_profiles_host_itself(pytester: pytest.Pytester, around: Surroundings, run: Run) -> None:
    """Without a record mode a live run goes past cassettes for a profile's host, and only for it, recorded or not."""
    around.add_profile()
    write(pytester, SETTINGS + "@pytest.mark.vcr\ndef test_one():\n    other()\n    assert shop().status_code == 200\n")
    run("test_it.py", "--apiauth-live").assert_outcomes(passed=1)
    assert len(around.server.requests) == 1
    assert around.api not in around.cassettes()["test_one.yaml"].decode()
    around.clear()
    run("test_it.py", "--apiauth-live", "--record-mode=once").assert_outcomes(passed=1)
    before = around.cassettes()
    run("test_it.py", "--apiauth-live").assert_outcomes(passed=1)
    assert len(around.server.requests) == 3
    assert around.cassettes() == before


@needs("respx")
def test_mock_beside_a_cassette_of_ours_is_refused(pytester: pytest.Pytester, around: Surroundings, run: Run) -> None:
    """respx goes with other people's cassettes; one that holds a profile's host is ours, whatever made it."""
    around.add_profile()
    write(pytester, "@pytest.mark.vcr\ndef test_one(respx_mock): pass\n")
    run("test_it.py").assert_outcomes(passed=1)
    folder = around.folder / "cassettes" / "test_it"
    folder.mkdir(parents=True)
    (folder / "test_one.yaml").write_text(TAPE.format(url=around.api), encoding="utf-8")
    told(run("test_it.py"), "respx_mock and @pytest.mark.vcr in one test")


def test_workers_record_what_is_not_ours(pytester: pytest.Pytester, around: Surroundings, run: Run) -> None:
    """Several workers record other people's tests as ever, and hold back what turns out to be ours."""
    around.add_profile()
    write(pytester, "@pytest.mark.vcr\ndef test_one(): other()\n\n@pytest.mark.vcr\ndef test_two(): shop()\n")
    result = run("test_it.py", "-n", "2", "--apiauth-live", "--record-mode=once")
    result.assert_outcomes(passed=2, errors=1)
    assert re.search(r"test_two\.yaml: not written: .*pytest-xdist.*; use -n 0", output(result))
    assert set(around.cassettes()) == {"test_one.yaml"}


# What tells


TAPE = """
interactions:
- request:
    body: null
    headers: {{}}
    method: GET
    uri: {url}/x
  response:
    body: {{string: 'see https://api.shop.example/'}}
    headers: {{}}
    status: {{code: 200, message: OK}}
version: 1
"""
HOSTS = Hosts.of([Origin.of("https://api.shop.example")])


@pytest.mark.parametrize(
    ("text", "is_ours"),
    [
        (TAPE.format(url="https://api.shop.example"), True),
        (TAPE.format(url="https://API.shop.example:443"), True),
        (TAPE.format(url="https://other.example"), False),
        ('{"interactions": [{"request": {"method": "GET", "uri": "https://api.shop.example/x"}}]}', True),
        ('{"interactions": [{"request": {"method": "GET", "uri": "https://other.example/"}}]}', False),
        ("apiauth:\n  provenance: live\n" + TAPE.format(url="https://other.example"), True),
        ('{"apiauth": {"provenance": "live"}, "interactions": []}', True),
        ("\x00 no text at all \xff", False),
    ],
)
def test_cassette_tells_whose_it_is(tmp_path: Path, text: str, is_ours: bool) -> None:
    """A request to a profile's host or our stamp makes a cassette ours, a word in an answer does not."""
    file = tmp_path / "one.yaml"
    file.write_text(text, encoding="utf-8")
    belonging = Belonging(HOSTS, is_certain=False)
    belonging.look_at([tmp_path / "absent.yaml", file])
    assert belonging.is_ours == is_ours


def test_cassettes_are_where_the_settings_say() -> None:
    """The files are those that pytest-recording would read."""
    assert cassettes_of({}, "folder", "one", ["more.yaml"]) == [Path("folder/one.yaml"), Path("folder/more.yaml")]
    assert cassettes_of({"serializer": "json"}, "folder", "one", []) == [Path("folder/one.json")]
    assert cassettes_of({"cassette_library_dir": "there"}, "folder", "one", []) == [Path("there/one.yaml")]
    assert cassettes_of({"path_transformer": "{}.x".format}, "folder", "one", []) == [Path("folder/one.x")]
