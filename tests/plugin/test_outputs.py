"""Every way out of a run is clean of the values that a project's profiles name, used or not; nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.plugin.projects import SMALL, Run, output, told

VALUE = "Zq7Lw2Xk9Vb4Nc8Mt3Rj6Hd5Gs1Fp0"
MARK = "[apiauth:shop.credentials.api_key]"
READ = "import os\nVALUE = os.environ['SHOP_KEY']\n"
ESCAPE = "\x1b"


@pytest.fixture(autouse=True)
def shop(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a profile that no test uses; the key that it names is set."""
    (pytester.path / "shop.apiauth.toml").write_text(SMALL, encoding="utf-8")
    monkeypatch.setenv("SHOP_KEY", VALUE)
    return pytester.path


def seen(folder: Path, result: pytest.RunResult) -> list[str]:
    """Give the places that have the value: the terminal, and every file that the run has written."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    texts = {"terminal": output(result)} | {path.name: path.read_bytes().decode("utf-8", "replace") for path in files}
    return [name for name, text in texts.items() if VALUE in text or VALUE[:14] in text or VALUE[-14:] in text]


WAYS = {
    "traceback": "def test_it():\n    secret = VALUE\n    assert False",
    "comparison": "def test_it():\n    assert [b'x' * 40 + VALUE.encode()] == [VALUE, {VALUE: 'y' * 90}]",
    "print": "def test_it():\n    print(VALUE)\n    assert False",
    "logger": "import logging\ndef test_it():\n    logging.getLogger('acme').warning('key %s', VALUE)",
    "root logger": "import logging\ndef test_it():\n    logging.warning('key ' + VALUE)",
    "exception in a log": (
        "import logging\ndef test_it():\n    try:\n        {}[VALUE]\n    except KeyError:\n"
        "        logging.getLogger('acme').exception('no key', stack_info=True)"
    ),
    "warning": "import warnings\ndef test_it():\n    warnings.warn('old key ' + VALUE)",
    "warning while collecting": "import warnings\nwarnings.warn('old key ' + VALUE)\ndef test_it(): pass",
    "skip": "import pytest\ndef test_it():\n    pytest.skip('no ' + VALUE)",
    "xfail": "import pytest\ndef test_it():\n    pytest.xfail('no ' + VALUE)",
    "property": "def test_it(record_property):\n    record_property('key', {'deep': VALUE.encode()})",
    "property of the suite": (
        "def test_it(record_testsuite_property):\n    record_testsuite_property('key', '<' + VALUE + '>')"
    ),
    "name": "import pytest\n@pytest.mark.parametrize('key', [VALUE, VALUE.encode()])\ndef test_it(key): assert not key",
    "given name": (
        "import pytest\n@pytest.mark.parametrize('key', [VALUE, pytest.param(1, id=VALUE)], ids=str)\n"
        "def test_it(key): assert not key"
    ),
    "name of a fixture": (
        "import pytest\n@pytest.fixture(params=[VALUE], ids=lambda key: 'for ' + key)\ndef key(request): pass\n"
        "def test_it(key): assert key"
    ),
    "collection": "raise RuntimeError(VALUE)",
    "setup": "import pytest\n@pytest.fixture\ndef broken():\n    raise RuntimeError(VALUE)\ndef test_it(broken): pass",
    "thread": (
        "import threading\ndef test_it():\n    def work():\n        raise RuntimeError(VALUE)\n"
        "    thread = threading.Thread(target=work)\n    thread.start()\n    thread.join()"
    ),
}
EVERYWHERE = (
    "-l", "-rA", "-vv", "--log-file=log.txt", "--log-file-level=DEBUG", "--log-cli-level=DEBUG",
    "--junit-xml=junit.xml", "-o", "junit_logging=all",
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_value_that_no_fixture_has_touched_goes_nowhere(
    pytester: pytest.Pytester, run: Run, shop: Path, way: str
) -> None:
    """Whatever a test does with a configured value, terminal, log, JUnit and cache show a mark in its place."""
    pytester.makepyfile(test_it=READ + WAYS[way])

    result = run("test_it.py", *EVERYWHERE)

    assert seen(shop, result) == []
    assert "apiauth" in output(result) + (shop / "junit.xml").read_text(encoding="utf-8")


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="subtests came with pytest 9")
def test_what_a_subtest_prints_goes_nowhere(pytester: pytest.Pytester, run: Run, shop: Path) -> None:
    """What is captured within a subtest comes to its report late, and is clean all the same."""
    pytester.makepyfile(
        test_it=READ
        + "def test_it(subtests):\n    with subtests.test('one'):\n        print(VALUE)\n        assert False"
    )

    result = run("test_it.py", "-rA")

    assert MARK in output(result)
    assert seen(shop, result) == []


@pytest.mark.parametrize(
    "options", [("--tb=native",), ("--tb=line",), ("--color=yes", "-vv"), ("-W", "error")], ids=str
)
def test_every_style_is_clean(pytester: pytest.Pytester, run: Run, shop: Path, options: tuple[str, ...]) -> None:
    """Other styles of tracebacks, colours and warnings that are errors show nothing either."""
    ways = [f"def test_{number}():\n" for number in range(3)]
    bodies = [
        "    assert {'a': VALUE, 'b': 'x' * 80} == {'a': b'y' + VALUE.encode()}",
        "    raise ExceptionGroup('several', [ValueError(VALUE), KeyError(VALUE)])",
        "    import warnings\n    warnings.warn(VALUE)",
    ]
    pytester.makepyfile(test_it=READ + "\n".join(map("".join, zip(ways, bodies, strict=True))))

    result = run("test_it.py", "-ra", *options)

    assert MARK in output(result)
    assert seen(shop, result) == []


def test_hooks_of_the_project_print_nothing(pytester: pytest.Pytester, run: Run, shop: Path) -> None:
    """What a conftest.py of the project writes to the terminal passes too."""
    pytester.makeconftest(
        READ + "def pytest_report_header(): return VALUE\n"
        "def pytest_terminal_summary(terminalreporter):\n"
        "    terminalreporter.write_line(VALUE)\n    terminalreporter.section(VALUE)"
    )
    pytester.makepyfile(test_it="def test_it(): pass")

    result = run("test_it.py")

    assert output(result).count(MARK) == 3
    assert seen(shop, result) == []


def test_internal_error_is_clean(pytester: pytest.Pytester, run: Run, shop: Path) -> None:
    """An error of a plug-in, which pytest prints line by line, shows no value over two lines either."""
    pytester.makeconftest(
        READ + "import pprint\ndef pytest_collection_finish():\n"
        "    raise RuntimeError(pprint.pformat([VALUE.encode() * 2], width=24))"
    )
    pytester.makepyfile(test_it="def test_it(): pass")

    result = run("test_it.py")

    assert "INTERNALERROR" in output(result)
    assert VALUE[4:10] not in output(result)


def test_values_of_every_kind_are_learnt(
    pytester: pytest.Pytester, run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Second clients and users, what a profile extends, .env, and a value that a fixture sets are known; names stay."""
    (shop / "sub").mkdir()
    (shop / "sub" / "own.apiauth.toml").write_text(
        'schema = 1\nextends = "base.apiauth.toml"\n[users.second]\nusername = { env = "OWN_USER" }\n'
        'password = { env = "OWN_PASSWORD" }\n[clients.second]\nclient_id = { env = "OWN_ID" }\n'
        'client_secret = { env = "OWN_SECRET" }\n',
        encoding="utf-8",
    )
    (shop / "sub" / "base.apiauth.toml").write_text(
        'schema = 1\nextends = "dastra"\napi_url = { env = "OWN_URL" }\n[keys.third]\napi_key = { env = "OWN_KEY" }\n',
        encoding="utf-8",
    )
    (shop / ".env").write_text("OWN_KEY=third key of env\n", encoding="utf-8")
    values = {
        "OWN_USER": "name of the user", "OWN_ID": "id of the client", "OWN_URL": "https://own.example/base",
        "OWN_PASSWORD": "second password", "DASTRA_CLIENT_SECRET": "secret of dastra",
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    pytester.makepyfile(
        test_it="import os\ndef test_it(monkeypatch):\n    monkeypatch.setenv('OWN_SECRET', 'set by a fixture')\n"
        "    print('third key of env', *[v for k, v in os.environ.items() if 'OWN_' in k or 'DASTRA' in k])\n"
        "    assert False"
    )

    text = output(run("test_it.py"))

    printed = next(line for line in text.splitlines() if "name of the user" in line)
    for label in ("clients.second.client_secret", "users.second.password", "keys.third.api_key"):
        assert f"[apiauth:own.{label}]" in printed or f"[apiauth:base.{label}]" in printed
    assert "credentials.client_secret]" in printed
    assert all(value in printed for value in ("name of the user", "id of the client", "https://own.example/base"))
    for value in ("second password", "secret of dastra", "third key of env", "set by a fixture"):
        assert value not in text.replace(next(line for line in text.splitlines() if "monkeypatch.setenv" in line), "")


def test_order_of_tests_does_not_matter(pytester: pytest.Pytester, run: Run, shop: Path) -> None:
    """A live test without a fixture of ours is clean when it runs alone."""
    pytester.makepyfile(test_it=READ + "def test_own():\n    secret = VALUE\n    assert False")

    result = run("test_it.py", "-l", "--apiauth-live", "--apiauth-profile", "shop")

    assert f"secret     = '{MARK}'" in output(result)
    assert seen(shop, result) == []


def test_caplog_and_own_handlers_have_what_was_logged(pytester: pytest.Pytester, run: Run) -> None:
    """Records, messages and text of caplog, and a project's own handler, are as the test has made them."""
    pytester.makepyfile(
        test_it=READ
        + """
import io
import logging

def test_caplog(caplog):
    stream = io.StringIO()
    log = logging.getLogger("acme")
    log.addHandler(logging.StreamHandler(stream))
    with caplog.at_level("INFO"):
        log.info("key %s", VALUE, extra={"key": VALUE})
    record = caplog.records[0]
    assert (record.msg, record.args, record.key) == ("key %s", (VALUE,), VALUE)
    assert caplog.messages == [f"key {VALUE}"]
    assert caplog.record_tuples == [("acme", logging.INFO, f"key {VALUE}")]
    assert VALUE in caplog.text
    assert stream.getvalue() == f"key {VALUE}\\n"

def test_warns():
    import warnings
    import pytest
    with pytest.warns(UserWarning, match=VALUE):
        warnings.warn(VALUE)
"""
    )

    run("test_it.py", "--log-cli-level=DEBUG").assert_outcomes(passed=2)


def test_formatter_of_the_live_log_may_be_changed(pytester: pytest.Pytester, run: Run, shop: Path) -> None:
    """What pytest documents for colours of levels works: the handler's formatter is pytest's own."""
    pytester.makeconftest(
        "import logging, pytest\n@pytest.hookimpl(trylast=True)\ndef pytest_collection(session):\n"
        "    handler = session.config.pluginmanager.get_plugin('logging-plugin').log_cli_handler\n"
        "    handler.formatter.add_color_level(logging.ERROR, 'cyan')\n"
        "    handler.setFormatter(logging.Formatter('mine: %(message)s'))\n"
    )
    pytester.makepyfile(test_it=READ + "import logging\ndef test_it():\n    logging.error(VALUE)")

    result = run("test_it.py", "--log-cli-level=DEBUG", "--color=yes")

    assert f"mine: {MARK}" in output(result)
    assert seen(shop, result) == []


def test_run_without_a_profile_is_left_alone(pytester: pytest.Pytester, run: Run, shop: Path) -> None:
    """Where no profile names a variable, its value is shown."""
    (shop / "shop.apiauth.toml").unlink()
    pytester.makepyfile(test_it=READ + "def test_it():\n    print(VALUE)\n    assert False")

    assert VALUE in output(run("test_it.py"))


HOSTILE = """
schema = 1
title = "a\\u001b[2Jtitle"
api_url = "https://api.shop.example"
[api_key]
header = "X-Shop-Key"
[credentials]
api_key = { env = "SHOP_KEY" }
[zones."us\\u001b[31mer"]
path = "/user/"
needs = ["api_key"]
probe = ["/user/me"]
[expected_failures]
key-missing = "ticket \\u001b]0;title\\u0007 OPS-1"
"""


def test_names_of_a_profile_bring_no_control_characters(pytester: pytest.Pytester, run: Run, shop: Path) -> None:
    """Escapes in names of zones and in reasons reach neither the terminal nor the reports."""
    (shop / "shop.apiauth.toml").write_text(HOSTILE, encoding="utf-8")

    result = run(
        "shop.apiauth.toml", "-v", "-rA", "--apiauth-report=out.json", "--apiauth-report=out.md", "--apiauth-fault",
        "key-optional", "-k", "key-missing or zone",
    )  # fmt: skip

    text = output(result)
    assert "key-missing" in text, text
    for shown in (text, (shop / "out.md").read_text("utf-8"), json.dumps(json.loads((shop / "out.json").read_text()))):
        assert ESCAPE not in shown
        assert "\x07" not in shown
        assert "\\u001b" not in shown


def test_a_junit_file_that_cannot_be_cleaned_is_removed(run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a disk that is full there is rather no file than one with a value in it, and a line that says so."""
    (shop / "test_it.py").write_text(f"{READ}{WAYS['property of the suite']}", encoding="utf-8")

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    result = run("--junit-xml=out.xml")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told(result, "out.xml: removed, since it holds a known value, and cannot be cleaned: No space left on device")
    assert seen(shop, result) == []
    assert not (shop / "out.xml").exists()


@pytest.mark.parametrize("option", ["--apiauth-profile=a\x1b[2Jb", "--apiauth-fault=a\x1b[2Jb"])
def test_names_in_options_bring_no_control_characters(run: Run, option: str) -> None:
    """A name that is refused is shown without what a terminal obeys."""
    text = output(run(option))

    assert ESCAPE not in text
    assert "ERROR" in text
