"""Fixtures, marks and arguments that ask for what cannot be: one line each."""

from __future__ import annotations

import pytest

from tests.here import USUAL
from tests.plugin.projects import SHOP, Run, output, told


@pytest.fixture(autouse=True)
def _shop(pytester: pytest.Pytester) -> None:
    """Give the project one profile of its own."""
    (pytester.path / "shop.apiauth.toml").write_text(SHOP, encoding="utf-8")


@pytest.mark.parametrize(
    ("fixtures", "options", "words"),
    [
        ("apiauth_client", ["--apiauth-live"], ["shop", "JINDEXE_", "is not set"]),
    ],
)
def test_what_cannot_be_is_one_line(
    pytester: pytest.Pytester, run: Run, fixtures: str, options: list[str], words: list[str]
) -> None:
    """What a fixture cannot give is one line."""
    source = f"def test_it({fixtures}):\n    {fixtures}.get('/user/me')\n"
    path = pytester.makepyfile(source)
    result = run(path.name, *options)

    assert result.ret == 1
    told(result, *words)


@pytest.mark.parametrize("fixture", ["apiauth_server", "apiauth_mock"])
def test_live_runs_skip_what_is_embedded(pytester: pytest.Pytester, run: Run, fixture: str) -> None:
    """In a live run the tests of the embedded server are skipped, with a reason."""
    path = pytester.makepyfile(f"def test_it({fixture}): raise AssertionError")

    result = run(path.name, "--apiauth-live", "-rs")

    result.assert_outcomes(skipped=1)
    assert "this is a live run" in output(result)


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ('"jindexe", "dastr"', ["no profile 'dastr'", "did you mean 'dastra'"]),
        ('"jindexe", usr="second"', ["unknown argument 'usr'"]),
        ('"jindexe", profile="dastra"', ["profile is given twice"]),
        ("1", ["profile", "expected a name"]),
        ('"jindexe", user=2', ["user", "expected a name"]),
        ('"jindexe", user="third"', ["no 'third' in [users]", "default, second"]),
        ('"jindexe", client="third"', ["no 'third' in [clients]"]),
        ('"jindexe", key="third"', ["no 'third' in [keys]", "default, second"]),
        ('"jindex"', ["no profile 'jindex'", "did you mean 'jindexe'", "dastra, digishare, jindexe, shop"]),
    ],
)
def test_wrong_mark_is_one_line(pytester: pytest.Pytester, run: Run, mark: str, words: list[str]) -> None:
    """A mark with wrong arguments is one line that says which."""
    path = pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.apiauth({mark})
        def test_it(apiauth_client):
            apiauth_client.get("/user/me")
        """
    )

    result = run(path.name)

    assert result.ret == 1
    told(result, *words)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ('zone="usr"', ["shop: no zone 'usr'", "ext, public, user, pro"]),
        ('credentials=["token"]', ["no kind of credential 'token'", "bearer"]),
        ('credentials="bearer"', ["credentials", "['bearer']"]),
        ('zone="user", credentials=()', ["zone or credentials, not both"]),
        ('user="third"', ["no 'third' in [users]"]),
        ('base_url="https://evil.example"', ["base_url: https://evil.example is none of the profile's origins"]),
        ('auth=("someone", "a password")', ["auth: ", "credentials=()"]),
        ("transport=object()", ["transport: object would take the place of the API", "transport=lambda inner: "]),
        ('mounts={"all://": None}', ["mounts: it would take the guard's place"]),
        ('prox="http://proxy.example"', [f"prox: no option of {USUAL}.Client; did you mean proxy?"]),
    ],
)
def test_wrong_factory_argument_is_one_line(pytester: pytest.Pytester, run: Run, call: str, words: list[str]) -> None:
    """A factory that is called wrongly says so in one line."""
    path = pytester.makepyfile(
        f"""
        def test_it(apiauth_client_factory):
            apiauth_client_factory({call}).get("/user/me")
        """
    )

    result = run(path.name)

    assert result.ret == 1
    told(result, *words)
