"""The command ``edit``: whatever is written for it in a curl line, it makes what the suite sends."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import jwt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_apiauth.auth import own_keys
from pytest_apiauth.auth.bash import joined
from pytest_apiauth.auth.editing import EditError, literal, made, word, words_of
from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.auth.forgeries import Forgery
from pytest_apiauth.auth.shell import shown, words_for
from pytest_apiauth.auth.texts import Assertion, Base64, FormEncoded, Ref, Role, Text, Unchanged, reveal
from pytest_apiauth.embedded.keys import invented_key, public_half

ID, SECRET, PASSWORD = Ref(Role.CLIENT_ID), Ref(Role.CLIENT_SECRET), Ref(Role.PASSWORD)
VALUES = {ID: "lab one", SECRET: 's3cret+"%41}{ \xe4', PASSWORD: "pass${WORD}"}
VARIABLES = {ref.name: value for ref, value in VALUES.items()}
EDITS = st.sampled_from(
    [None, Edit("reverse"), Edit("insert", 500, " }"), Edit("cut", 300, "${ID}"), Edit("double"), Edit("base64")]
)
REFS = st.builds(Ref, st.sampled_from([ref.role for ref in VALUES]), edit=EDITS)
LITERALS = st.text("Aa1_ %{}$:\"'\\\xe4\u20ac", max_size=5) | st.sampled_from(["CLIENT_ID", "${CLIENT_ID}", "%41"])
TEXTS = st.recursive(
    LITERALS | REFS,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda parts: tuple(flat(parts)))
        | st.builds(FormEncoded, inner, st.sampled_from(["", "a "]), st.sampled_from(["", "/"]))
        | st.builds(Base64, inner)
    ),
    max_leaves=6,
)


def flat(parts: list[Text]) -> list[Text]:
    """Give the parts of texts as parts of one."""
    return [each for part in parts for each in (part if isinstance(part, tuple) else (part,))]


@given(text=TEXTS)
@example(text=(Ref(Role.CLIENT_ID), "$", "{}"))
@settings(max_examples=400, deadline=None)
def test_what_is_written_is_read(text: Text) -> None:
    """Any text with any names in it, edited and encoded however deep, is made by the words for it."""
    words = words_for(Base64(text))
    try:
        expected = reveal(Base64(text), VALUES)
    except Unchanged:
        return
    assert made(words, VARIABLES) == expected


@given(text=TEXTS)
@settings(max_examples=25, deadline=None)
def test_bash_reads_it_too(text: Text) -> None:
    """Through bash, it is one word, whatever is in it."""
    try:
        expected = reveal(text, VALUES)
    except Unchanged:
        return
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    line = f"printf %s {shown(text, VALUES, 'utf-8')}"
    answer = subprocess.run(["bash", "-c", line], env={**VARIABLES, "PATH": path}, capture_output=True, check=True)
    assert answer.stdout.decode() == expected


@given(text=st.text(max_size=30))
def test_a_word_is_printable_and_stands_for_its_text(text: str) -> None:
    """Whatever a text is, its word is visible ASCII and blanks, and it is read as that text."""
    assert all(" " <= letter <= "~" for letter in word(text))
    assert made([literal(text)], {}) == text
    assert made(["X1", "whole", word(text)], {"X1": "!" * 31}) == text


def test_secrets_that_json_has_to_quote() -> None:
    """In a body of JSON a name stands for its value with JSON's own quotes and escapes."""
    template = '{"password": ${CLIENT_SECRET reverse json}, "n": {"a": 1}}'
    assert json.loads(made([template], VARIABLES)) == {"password": VALUES[SECRET][::-1], "n": {"a": 1}}
    assert made(["CLIENT_SECRET", "json", "utf8=yes"], VARIABLES) == '"s3cret+\\"%41}{ \xe4"'


@pytest.mark.parametrize("alg", ["ES256", "HS256"])
def test_an_assertion_is_made(alg: str) -> None:
    """Whose it is, the key and the name of the key are variables; the rest are options."""
    key = invented_key(alg, "test") if alg == "ES256" else "made-up-secret-made-up-secret-made-up"
    inner = (ID, Ref(Role.PRIVATE_KEY), Ref(Role.KEY_ID, edit=Edit("upper")))
    assertion = Assertion(inner, "https://id.example/t?a=b c", alg, 300, 60, (("typ", "x"),), (("own", [1]),), "one")
    words = words_for(assertion)
    environment = {**VARIABLES, "PRIVATE_KEY": key, "KEY_ID": "k1"}
    header = jwt.get_unverified_header(made(words, environment))
    claims = jwt.decode(made(words, environment), public_half(key) or key, [alg], audience=assertion.audience)
    assert header == {"alg": alg, "typ": "x", "kid": "K1"}
    assert claims["exp"] - claims["iat"] == 300
    assert {**claims, "iat": 0, "exp": 0} == {
        "iss": "lab one", "sub": "lab one", "aud": assertion.audience, "jti": "one", "iat": 0, "exp": 0, "own": [1]
    }  # fmt: skip


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_keys_that_everybody_has_are_words(alg: str) -> None:
    """What a forgery brings along of our own is long, and known to the command."""
    token = jwt.encode({"sub": "1"}, "made-up-secret-made-up-secret-made-up", "HS256")
    brought = (
        ("jwk", own_keys.jwk(alg)),
        ("x5c", [own_keys.certificate(alg)]),
        ("jku", own_keys.key_set_url(alg, "k 1")),
    )
    for member in brought:
        forgery = Forgery((("alg", alg), member), (("sub", "2"),), "forged")
        words = words_of(forgery)
        assert len(" ".join(words)) < 120
        assert made(["T_1", *words], {"T_1": token}) == forgery.apply(token)


def test_what_repeats_itself_is_not_written_out() -> None:
    """Long literals are short where they repeat themselves, and where they are dull enough; others stay."""
    for text in (
        "x" * 90_000,
        f'{{"a":{"[" * 5_000}1{"]" * 5_000}}}',
        "".join(f"{n % 7}{n % 5}&" for n in range(9_000)),
    ):
        line = joined([text])
        assert len(line) < 1_000
        path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        answer = subprocess.run(["bash", "-c", f"printf %s {line}"], env={"PATH": path}, capture_output=True)
        assert answer.stdout.decode() == text
    noise = base64.b64encode(os.urandom(3_000)).decode()
    assert joined([noise]) == f"'{noise}'"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["NOBODY"], "edit: NOBODY is not set in the environment; is it exported?"),
        (["CLIENT_ID", "revers"], "edit: no step is called 'revers'; did you mean 'reverse'?"),
        (["CLIENT_ID", "xyz"], "edit: no step is called 'xyz'"),
        (["CLIENT_ID", "replace", "x"], "edit: replace takes a place, such as 50%, behind it"),
        (["CLIENT_ID", "replace", "50%"], "edit: replace takes a text behind it"),
        (["CLIENT_ID", "first", "many"], "edit: first takes a number behind it"),
        (["CLIENT_ID", "replace", "0%", "l"], "edit: replace leaves this value what it is, or cannot be made of it"),
        (["CLIENT_ID", "jwt", "signature=empty"], "edit: jwt leaves this value what it is, or cannot be made of it"),
        (["CLIENT_ID", "jwt", "signature=odd"], "edit: jwt: no signature='odd'; there are kept, empty, absent, zeros"),
        (["CLIENT_ID", "jwt", "header=no"], "edit: expected header= with an object in JSON"),
        (["CLIENT_ID", "assertion", "alg=ES256"], "edit: assertion takes by="),
        (["CLIENT_ID", "assertion", "by=X1", "alg=ES256", "aud=a"], "edit: X1 is not set in the environment"),
        (["CLIENT_ID", "assertion", "by=CLIENT_ID", "alg=ES256", "aud=a"], "CLIENT_ID: expected a private key for"),
        (["CLIENT_ID", "assertion", "by=PASSWORD", "alg=ES256", "aud=a", "age=x"], "edit: expected age= with a number"),
        (["CLIENT_ID", "signed", "by=CLIENT_ID"], "edit: signed: no signed JWT"),
        (["CLIENT_ID", "digest", "sha0"], "edit: digest:"),
        (["CLIENT_ID", "unpack"], "edit: unpack takes what was packed"),
        (["CLIENT_ID", "member", "of=a"], "edit: what came is no object in JSON with that member"),
        (["CLIENT_ID", "member"], "edit: what came is no object in JSON with that member"),
        (["@/none/pushed.json"], "edit: /none/pushed.json cannot be read"),
        (["${CLIENT_ID reverse"], "edit: a brace is not closed"),
        (["${client reverse}"], "edit: expected the name of a variable in ${...}, got 'client'"),
        (["${}"], "edit: expected the name of a variable in ${...}, got ''"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_one_line(words: list[str], line: str) -> None:
    """A mistake, and a value that a step is not for, is told in a line; the value is not."""
    with pytest.raises(Exception) as raised:
        made(words, VARIABLES)
    assert isinstance(raised.value, EditError) or "private key" in str(raised.value)
    assert str(raised.value).startswith(line)
    assert "\n" not in str(raised.value)
    assert VALUES[ID] not in str(raised.value)


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command with these variables and no others."""
    command = [sys.executable, "-m", "pytest_apiauth", "edit", *words]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


def test_the_command_prints_the_value_alone() -> None:
    """No line break behind it; a mistake is a line on the other stream, and nothing is printed."""
    done, wrong = run("CLIENT_ID", "reverse", CLIENT_ID="lab"), run("CLIENT_ID", "reverse")
    assert (done.returncode, done.stdout, done.stderr) == (0, "bal", "")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "edit: CLIENT_ID is not set in the environment; is it exported?\n"


def test_it_imports_little() -> None:
    """It is started once a value: neither the file format's library nor an HTTP library is imported for it."""
    heavy = ["pydantic", "httpx", "hypothesis", "pytest", "jwt", "cryptography", "asyncio", "ssl"]
    code = f"import sys; from pytest_apiauth.auth import editing; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
