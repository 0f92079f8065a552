"""Test files of users who let values out in every way there is. They read the values; none stands in a source."""

from __future__ import annotations

VALUES = '''
    """Where the tests have the values from."""

    import base64
    import os
    from pathlib import Path
    from urllib.parse import quote

    NAMES = os.environ["CANARY_NAMES"].split()
    DOTENV = dict(
        line.split("=", 1) for line in Path(".env").read_text().splitlines() if "=" in line
    ) if Path(".env").exists() else {}

    def value_of(name, request=None):
        if name in ("access_token", "refresh_token"):
            token = request.getfixturevalue("apiauth_token")
            return getattr(token, name).reveal()
        return os.environ.get(name) or DOTENV[name]

    def pair(value):
        return base64.b64encode(f"shop-client:{value}".encode()).decode()

    def percent_pair(value):
        return base64.b64encode(f"shop-client:{quote(value, safe='')}".encode()).decode()
'''

CONFTEST = """
    import pytest
    from values import NAMES, value_of

    @pytest.fixture(params=range(len(NAMES)), ids=[f"slot{number}" for number in range(len(NAMES))])
    def value(request):
        return value_of(NAMES[request.param], request)
"""

COMPARISONS = """
    import dataclasses
    import json

    from values import pair

    def test_dict(value):
        assert {"token": value} == {"token": "another"}

    def test_long_dict(value):
        left = {"accept": "x" * 70, "headers": {"authorization": f"Bearer {value}", "host": "h" * 60}, "z": [1] * 40}
        assert left == {"accept": "x" * 70, "headers": {}, "z": [1] * 41}

    def test_str(value):
        assert value == "another"

    def test_same_beginning(value):
        assert "x" * 60 + value == "x" * 60 + "another"

    def test_same_value_and_more(value):
        assert f"{'x' * 40}{value} and a little more" == f"{'x' * 40}{value}!"

    def test_same_end(value):
        assert f"a{value}{'x' * 60}" == f"b{value}{'x' * 60}"

    def test_lines(value):
        assert f"one\\n{value}\\nthree\\n" == f"one\\ntwo {value}\\nthree"

    def test_list(value):
        assert [value, "b" * 80, 3] == ["a", value + "x", 4]

    def test_set(value):
        assert {value, "b"} == {"b", "c"}

    def test_bytes(value):
        assert value.encode() == b"another"

    def test_long_bytes(value):
        assert [b"x" * 50 + value.encode() + b"y" * 50] == [b""]

    def test_bytes_like_other_bytes(value):
        assert [b"x" * 50 + value.encode()] == [b"x" * 50 + value[::-1].encode()]

    @dataclasses.dataclass
    class Credentials:
        name: str
        secret: str
        raw: bytes = b""

    def test_dataclass(value):
        assert Credentials("a", value, value.encode()) == Credentials("b", "another")

    def test_membership(value):
        assert "x" not in f"some x words before {value}"

    def test_not_in(value):
        assert value in ["a", "b"]

    def test_falsehood(value):
        assert not value, f"the value is {value}"

    def test_json_of_json(value):
        text = json.dumps({"inner": json.dumps({"deep": json.dumps(value)})})
        assert text == "{}"

    def test_repr_of_repr(value):
        assert [repr(repr(value))] == [repr([repr(value.encode())])]

    def test_basic(value):
        assert {"Authorization": "Basic " + pair(value)} == {"Authorization": "Basic"}

    def test_call(value):
        def check(given, other=None):
            return False
        assert check(value, other=[value])

    def test_many_lines(value):
        assert {f"key {number}": f"{value} {number}" for number in range(30)} == {}

    def test_words(value):
        assert f"{'many words ' * 30}{value}{' and more words' * 40}" == "few words"
"""

LOCALS = """
    import base64
    import html
    import json
    from types import SimpleNamespace
    from urllib.parse import quote, quote_plus, urlencode

    from values import pair, percent_pair

    def test_containers(value):
        in_list = [value, [value, {"deep": (value,)}]]
        in_dict = {"a": value, value: "b", "raw": value.encode()}
        in_space = SimpleNamespace(secret=value)
        raw = value.encode()
        more = bytearray(raw)
        sentence = f"{'something long before ' * 9}{value}{' something long after' * 9}"
        assert False

    def test_encodings(value):
        percent, twice = quote(value, safe=""), quote(quote(value, safe=""), safe="")
        form = urlencode({"client_secret": value, "other": urlencode({"x": value})})
        plus = quote_plus(quote_plus(value))
        in_json, in_json_twice = json.dumps({"s": value}), json.dumps(json.dumps([json.dumps(value)]))
        shown, shown_twice = repr([value]), repr(repr([repr(value)]))
        in_html, in_html_of_json = html.escape(value), html.escape(json.dumps(value))
        coded, for_urls = base64.b64encode(value.encode()), base64.urlsafe_b64encode(value.encode()).decode()
        lines = base64.encodebytes(b"some words before it " + value.encode() + b" and after it, many words, really")
        basic, of_percent = pair(value), percent_pair(value)
        in_hex, in_large_hex = value.encode().hex(), value.encode().hex().upper()
        in_percent_json = quote(json.dumps({"s": value}), safe="")
        assert False

    def test_arguments(value):
        def inner(given, *more, **named):
            raise ValueError("no")
        inner(value, value.encode(), named=value)

    def test_comprehension(value):
        rows = [{"number": number, "value": value, "text": "x" * number} for number in range(40)]
        assert not rows
"""

RAISING = """
    import json
    import subprocess
    import sys
    import threading
    from urllib.parse import quote

    import httpx
    import pytest

    def test_message(value):
        raise RuntimeError(f"no good: {value}")

    def test_key(value):
        return {}[value]

    def test_notes(value):
        error = RuntimeError("no good")
        error.add_note(f"because of {value}")
        raise error

    def test_cause(value):
        try:
            raise ValueError(value)
        except ValueError as error:
            raise RuntimeError("outer") from error

    def test_context(value):
        try:
            int(value + "x")
        except ValueError:
            {}[value.encode()]

    def test_group(value):
        raise ExceptionGroup(f"several {value}", [ValueError(value), ExceptionGroup("inner", [KeyError(value)])])

    def test_match(value):
        with pytest.raises(ValueError, match=value[:3] + "nothing like it"):
            raise ValueError(value)

    def test_raises_nothing(value):
        with pytest.raises(ValueError, match=value):
            pass

    def test_fail(value):
        pytest.fail(f"failed with {value}")

    def test_fail_without_trace(value):
        pytest.fail(f"failed with {value}", pytrace=False)

    def test_status(value):
        request = httpx.Request("GET", f"http://127.0.0.1/?key={quote(value, safe='')}", headers={"X-Key": "x"})
        httpx.Response(418, request=request, text=value).raise_for_status()

    def test_process(value):
        subprocess.run([sys.executable, "-c", "import sys; sys.exit(3)", value.replace("\\0", "")], check=True)

    def test_json_error(value):
        json.loads("{" + value)

    def test_thread(value):
        def work():
            raise RuntimeError(f"in a thread: {value}")
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    class Broken:
        def __init__(self, value):
            self.value = value
        def __del__(self):
            raise RuntimeError(f"unraisable: {self.value}")

    def test_unraisable(value):
        Broken(value)

    @pytest.fixture
    def broken_setup(value):
        raise RuntimeError(f"in the setup: {value}")

    def test_setup(broken_setup):
        pass

    @pytest.fixture
    def broken_teardown(value):
        yield value
        raise RuntimeError(f"in the teardown: {value}")

    def test_teardown(broken_teardown):
        pass

    class Odd:
        def __init__(self, value):
            self.value = value
        def __repr__(self):
            return f"<Odd {self.value!r}>"

    def test_custom_repr(value):
        assert Odd(value) == Odd("x")
"""

PRINTING = """
    import json
    import os
    import pprint
    import subprocess
    import sys
    import textwrap

    from values import pair, percent_pair

    def test_print(value):
        print("printed", value, [value], value.encode())
        print(json.dumps({"v": value}), pair(value), percent_pair(value), value.encode().hex(), file=sys.stderr)
        assert False

    def test_passes(value):
        print("printed while passing", value)

    def test_pretty(value):
        pprint.pprint({"a": value, "b": [value.encode() * 3], "c": "words before it " * 9 + value}, width=30)
        print(textwrap.fill(f"{'some words ' * 4}{value}", width=40))
        print(textwrap.fill(value, width=16))
        assert False

    def test_descriptor(value):
        os.write(1, f"to the descriptor {value}\\n".encode())
        os.write(2, value.encode() + b"\\n")
        assert False

    def test_process(value):
        subprocess.run([sys.executable, "-c", "import sys; print('from a process', sys.argv[1])", value], check=True)
        assert False

    def test_capsys(value, capsys):
        print("captured", value)
        assert capsys.readouterr().out == ""

    def test_capsys_left(value, capsys):
        print("captured and left", value)
        assert False

    def test_subtests(value, subtests):
        with subtests.test(msg="within"):
            print("in a subtest", value)
            assert value == "another"
"""

LOGGING = """
    import json
    import logging

    from values import pair

    log = logging.getLogger("acme.client")

    def test_loggers(value):
        log.warning("token %s", value)
        log.debug("headers %r", {"authorization": value, "raw": value.encode()})
        logging.warning("root: " + value)
        logging.getLogger("acme").error(json.dumps({"s": value}), extra={"secret": value})
        log.info("basic %s\\nover lines\\n%s", pair(value), value)

    def test_exception(value):
        try:
            raise RuntimeError(value)
        except RuntimeError:
            log.exception("it went wrong", stack_info=True)
        log.error(ValueError(value))
        assert False

    def test_caplog(value, caplog):
        with caplog.at_level("DEBUG"):
            log.debug("captured %s", value)
        assert caplog.records[-1].args == (value,)
        assert caplog.messages == []

    def test_mute_logger(value):
        own = logging.getLogger("acme.own")
        own.propagate = False
        own.error("does not propagate: %s", value)
        own.propagate = True
"""

WARNING = """
    import pprint
    import warnings

    import pytest

    class Odd(UserWarning):
        def __init__(self, one, other):
            super().__init__(one, other)

    def test_warn(value):
        warnings.warn("deprecated: " + value)

    def test_category(value):
        warnings.warn(Odd(value, [value]))

    def test_pieces(value):
        warnings.warn(pprint.pformat([value.encode() * 2], width=24))

    def test_lines(value):
        warnings.warn(f"first\\n{value}\\nlast", DeprecationWarning, stacklevel=1)
"""

REPORTING = """
    import pytest

    def test_skip(value):
        pytest.skip(f"skipped for {value}")

    def test_xfail(value):
        pytest.xfail(f"expected for {value}")

    def test_xfail_mark(value, request):
        request.applymarker(pytest.mark.xfail(reason=f"marked for {value}"))
        assert False

    def test_xpass(value, request):
        request.applymarker(pytest.mark.xfail(reason=f"passes for {value}", strict=False))

    def test_xpass_strict(value, request):
        request.applymarker(pytest.mark.xfail(reason=f"passes strictly for {value}", strict=True))

    class Holder:
        def __init__(self, value):
            self.value = value
        def __str__(self):
            return f"Holder {self.value}"

    def test_property(value, record_property):
        record_property("text", value)
        record_property(value, 1)
        record_property("list", [value, {"deep": value}])
        record_property("raw", value.encode())

    def test_suite_property(value, record_testsuite_property):
        record_testsuite_property("suite", f"for all: {value}")
"""
OWN_OBJECT = """
    import pytest

    class Holder:
        def __init__(self, value):
            self.value = value
        def __str__(self):
            return f"Holder {self.value}"

    def test_property(value, record_property):
        holder = Holder(value)
        record_property("object", holder)
        assert holder.value == value

    def test_object_is_as_it_was(value, record_property, request):
        holder = Holder(value)
        record_property("object", holder)
        request.addfinalizer(lambda: pytest.fail("changed") if holder.value != value else None)

    def test_attribute(value, record_xml_attribute):
        record_xml_attribute("odd", value)
"""

NAMES = """
    import pytest
    from values import NAMES, value_of

    SECRETS = [value_of(name) for name in NAMES]

    @pytest.mark.parametrize("secret", SECRETS)
    def test_plain(secret):
        assert len(secret) == 1

    @pytest.mark.parametrize("secret", [secret.encode() for secret in SECRETS])
    def test_bytes(secret):
        pass

    @pytest.mark.parametrize("secret", SECRETS, ids=str)
    def test_function(secret):
        pass

    @pytest.mark.parametrize("secret", SECRETS, ids=[f"for {secret}" for secret in SECRETS])
    def test_list(secret):
        pass

    @pytest.mark.parametrize("secret", [pytest.param(secret, id=f"as {secret}") for secret in SECRETS])
    def test_param(secret):
        pass

    @pytest.fixture(params=SECRETS)
    def keyed(request):
        return request.param

    def test_fixture(keyed):
        pass
"""

HYPOTHESIS = """
    import hypothesis
    from hypothesis import HealthCheck, given, settings, strategies as st
    from hypothesis.database import DirectoryBasedExampleDatabase
    from values import NAMES, value_of

    SECRETS = [value_of(name) for name in NAMES]
    usual = settings(
        max_examples=5, deadline=None, database=DirectoryBasedExampleDatabase(".hypothesis/examples"),
        suppress_health_check=list(HealthCheck), print_blob=True,
    )

    @usual
    @given(st.sampled_from(SECRETS), st.integers())
    def test_example(secret, number):
        hypothesis.note(f"noted: {secret}")
        hypothesis.event(f"event {secret}")
        assert secret == "another"

    @usual
    @given(st.data())
    def test_data(data):
        drawn = data.draw(st.lists(st.sampled_from(SECRETS), min_size=3))
        print("drawn", drawn)
        raise RuntimeError(drawn[0])

    @usual
    @given(st.fixed_dictionaries({"key": st.sampled_from(SECRETS)}).map(lambda each: {**each, "more": "x" * 60}))
    def test_dictionary(given):
        assert given == {}
"""

COLLECTION = """
    from values import NAMES, value_of

    print("while collecting", [value_of(name).encode() * 3 for name in NAMES])
    found = {name: value_of(name) for name in NAMES}
    assert found == {}
"""
COLLECTION_WARNS = """
    import warnings
    from values import NAMES, value_of

    for name in NAMES:
        warnings.warn("while collecting: " + value_of(name))
    raise RuntimeError([value_of(name) for name in NAMES])
"""
SUMMARY = """
    from values import NAMES, value_of

    def pytest_report_header(config):
        return [f"about to use {value_of(name)}" for name in NAMES]

    def pytest_terminal_summary(terminalreporter):
        for name in NAMES:
            terminalreporter.write_line(f"used {value_of(name)}")
            terminalreporter.section(value_of(name))
"""
INTERNAL = """
    import pprint

    from values import NAMES, value_of

    def pytest_collection_finish(session):
        raise RuntimeError(pprint.pformat([value_of(name).encode() for name in NAMES], width=24))
"""
OWN_REPORT = """
    import json
    from pathlib import Path

    def write(report):
        shown = [report.nodeid, str(report.longrepr), report.sections, getattr(report, "user_properties", [])]
        with Path("out/own.jsonl").open("a") as file:
            print(json.dumps([*shown, getattr(report, "wasxfail", "")], default=str), file=file)

    def pytest_warning_recorded(warning_message):
        with Path("out/warnings.txt").open("a") as file:
            print(warning_message.message, file=file)

    def pytest_runtest_logreport(report):
        write(report)

    def pytest_collectreport(report):
        write(report)
"""
EXIT = """
    import pytest
    from values import NAMES, value_of

    def test_one():
        pytest.exit(" and ".join(value_of(name) for name in NAMES))
"""
LATE = '''
    """An environment that is filled while pytest runs, as from a vault."""

    import os
    import pytest

    @pytest.fixture(scope="session", autouse=True)
    def vault():
        os.environ["REAL_API_KEY"] = os.environ.pop("FROM_VAULT")

    def test_late():
        assert os.environ["REAL_API_KEY"] == "another"
'''

FIXTURES = """
    import json
    import logging
    import os

    import pytest

    log = logging.getLogger("shop")

    def test_client(apiauth_client):
        answer = apiauth_client.get("/items")
        request, headers, raw = answer.request, dict(answer.request.headers), answer.request.headers.raw
        log.warning("sent %s, got %s", headers, answer.text)
        print(json.dumps(headers), answer.json(), answer.content)
        assert answer.json() == {"items": []}

    def test_second(apiauth_client_factory):
        client = apiauth_client_factory(client="second", user="second", key="second")
        answer = client.get("/items")
        headers = dict(answer.request.headers)
        assert headers == {}

    def test_environment(apiauth_client):
        apiauth_client.get("/items")
        print(dict(os.environ), json.dumps(dict(os.environ)))
        assert os.environ == {}

    def test_token(apiauth_token, record_property):
        token, refresh = apiauth_token.access_token.reveal(), apiauth_token.refresh_token
        record_property("token", token)
        log.error("token %s", token)
        assert [token] == [repr(refresh)]

    @pytest.mark.anyio
    async def test_async(apiauth_async_client, anyio_backend_name):
        answer = await apiauth_async_client.get("/items")
        assert answer.text == ""
"""

OWN_CLIENT = """
    import os

    import httpx
    import pytest

    def test_own(value):
        url = os.environ["REAL_URL"]
        answer = httpx.get(f"{url}/items", headers={"X-Shop-Key": value.encode(), "Authorization": "Bearer nobody"})
        sent = dict(answer.request.headers)
        assert answer.json() == {}
"""

CASSETTE = """
    import os

    import httpx
    import pytest

    @pytest.mark.vcr
    def test_fixture(apiauth_client):
        answer = apiauth_client.get("/items")
        print(answer.text, dict(answer.request.headers))
        assert answer.status_code == 200

    @pytest.mark.vcr
    def test_own():
        url = os.environ["REAL_URL"]
        with httpx.Client(base_url=url) as http:
            answer = http.post(
                "/token", auth=("shop-client", os.environ["REAL_CLIENT_SECRET"]),
                data={"grant_type": "password", "username": "alice", "password": os.environ["REAL_PASSWORD"]},
            )
            token = answer.json()["access_token"]
            print("own", token)
            keys = {"X-Shop-Key": os.environ["REAL_API_KEY"], "Authorization": f"Bearer {token}"}
            assert http.get("/items", headers=keys).status_code == 200

    @pytest.mark.vcr
    def test_fails(apiauth_client):
        answer = apiauth_client.get("/items")
        sent = dict(answer.request.headers)
        assert answer.json() == sent
"""
