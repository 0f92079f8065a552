"""Tokens that are signed anew: good by the key, and the same from a shell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import jwt
import pytest

from pytest_apiauth.auth.bash import assignment
from pytest_apiauth.auth.minting import Minted
from pytest_apiauth.embedded.keys import invented_key, public_half
from pytest_apiauth.errors import CredentialError

MINTED = Minted((("typ", "JWT"),), (("aud", ["it's another"]), ("exp", None)))
SECRET = "apiauth-secret-apiauth-secret-apiauth-secret"


@pytest.mark.parametrize("alg", ["HS256", "EdDSA"])
def test_a_token_says_something_else_under_a_good_signature(alg: str) -> None:
    """Members are set, or left out, and both the suite and the shell sign it with the key."""
    key = SECRET if alg == "HS256" else invented_key(alg, "test")
    token = jwt.encode({"sub": "1", "exp": 1}, key, alg, headers={"kid": "1"})
    environment = {"TOKEN": token, "KEY": key, "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    line = f'{assignment("MADE", MINTED, "TOKEN", "KEY")}; printf %s "${{MADE}}"'
    shown = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, check=True)

    for made in (MINTED.made(token, key), shown.stdout.decode()):
        read = jwt.decode_complete(made, public_half(key) or key, [alg], options={"verify_aud": False})
        assert read["header"] == {"alg": alg, "kid": "1", "typ": "JWT"}
        assert read["payload"] == {"sub": "1", "aud": ["it's another"]}


def test_a_key_that_does_not_fit_is_told() -> None:
    """A secret signs nothing that is signed by a private key."""
    token = jwt.encode({}, invented_key("EdDSA", "test"), "EdDSA")

    with pytest.raises(CredentialError, match="signing_key: expected a private key for EdDSA"):
        MINTED.made(token, "no key of that kind")
