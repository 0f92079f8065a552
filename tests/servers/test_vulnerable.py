"""Published vulnerabilities of libraries: found in the version that has one, and not in the one that mends it.

Each version is installed in a folder of its own, and served as its users had it. PyJWT 1.5.0 (CVE-2017-11424) runs on
no Python that pytest-apiauth does; fast-jwt 3.3.1 (CVE-2023-48223) refuses the good tokens of the key that it confuses.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from pytest_apiauth import bundled
from pytest_apiauth.suite.book import REGISTRY
from tests.servers.test_django_oauth_toolkit import announced, inherited

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parent / "projects" / "vulnerable"
INSTALL_LIMIT = 240
RUN_LIMIT = 240
Verdicts = dict[str, str | None]
"""What the rule said of each version; None if that cannot be installed here."""

bundled.load_chapters()


@dataclass(frozen=True)
class Vulnerability:
    """One published vulnerability, and the rule that finds it."""

    name: str
    library: str
    versions: tuple[str, str]
    """The last that has it, and the first that has not."""
    rule: str
    alg: str = "RS256"
    needs: tuple[str, ...] = ()
    """What has to be installed beside it."""
    is_node: bool = False
    says: tuple[str, ...] = ("fail",)
    """What the rule may say of the version that has it."""
    part: str = "me"
    """Which part of the profile the rule is about: a zone, or a grant."""

    @property
    def is_ssh(self) -> bool:
        """Whether the public key is a line of SSH, which the library does not tell from a secret."""
        return self.alg in ("ES256", "EdDSA")


CONFUSED = "res-jwt-public-key"
SLOW = ("warning", "fail")
"""It takes long to answer, or so long that nobody waits for it, which depends on the machine."""
VULNERABILITIES = (
    Vulnerability("CVE-2022-29217", "pyjwt", ("2.3.0", "2.4.0"), CONFUSED, alg="EdDSA"),
    Vulnerability("CVE-2024-37568", "authlib", ("1.3.0", "1.3.1"), CONFUSED),
    Vulnerability(
        "CVE-2024-33663",
        "python-jose",
        ("3.3.0", "3.4.0"),
        CONFUSED,
        alg="ES256",
        needs=("ecdsa==0.19.1", "rsa==4.9.1", "pyasn1==0.6.1", "six==1.17.0"),
    ),
    Vulnerability(
        "CVE-2022-39227",
        "python-jwt",
        ("3.3.3", "3.3.4"),
        "res-jwt-read-twice",
        needs=("jwcrypto==1.4.2", "deprecated==1.2.18", "wrapt==1.17.3"),
    ),
    Vulnerability(
        "CVE-2023-6681",
        "jwcrypto",
        ("1.5.0", "1.5.1"),
        "res-jwt-bomb",
        alg="A256KW",
        needs=("deprecated==1.2.18", "wrapt==1.17.3"),
        says=SLOW,
    ),
    Vulnerability(
        "CVE-2022-36087", "oauthlib", ("3.2.1", "3.2.2"), "az-redirect-bomb", says=SLOW, part="authorization_code"
    ),
    Vulnerability(
        "CVE-2024-24762",
        "python-multipart",
        ("0.0.6", "0.0.7"),
        "tok-body-bomb",
        says=SLOW,
        part="client_credentials",
    ),
    Vulnerability("CVE-2022-23540", "jsonwebtoken", ("8.5.1", "9.0.2"), "res-jwt-forged", is_node=True),
    Vulnerability("CVE-2025-30144", "fast-jwt", ("5.0.5", "5.0.6"), "res-jwt-issuer", is_node=True),
)
VERSIONS = [(each, version) for each in VULNERABILITIES for version in each.versions]


def profile_of(each: Vulnerability, version: str) -> str:
    """Return what the profile of a version is called."""
    return re.sub(r"\W", "_", f"{each.library}-{version}")


def installed(each: Vulnerability, version: str, folder: Path) -> subprocess.Popen[bytes]:
    """Begin to install a version."""
    folder.mkdir()
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", ".", f"{each.library}=={version}"]
    if each.is_node:
        (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", f"{each.library}@{version}"]
    return subprocess.Popen([*command, *each.needs], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def keys_of(each: Vulnerability) -> tuple[str, str]:
    """Return a private and a public key, as the library takes them."""
    made: dict[str, Any] = {
        "RS256": lambda: rsa.generate_private_key(65537, 2048),
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
    }
    if each.alg not in made:
        secret = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
        return secret, secret
    private = made[each.alg]()
    form = (
        (Encoding.OpenSSH, PublicFormat.OpenSSH) if each.is_ssh else (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    text = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return text.decode(), private.public_key().public_bytes(*form).decode()


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verdicts]:
    """Install and serve every version, and examine each by its rule in one run of another process."""
    folder = tmp_path_factory.mktemp("vulnerable")
    possible = [(each, version) for each, version in VERSIONS if not each.is_node or shutil.which("npm")]
    installing = [(*row, installed(*row, folder / profile_of(*row))) for row in possible]
    environment, asked, found = inherited(), [], dict.fromkeys((profile_of(*row) for row in VERSIONS), None)
    with ExitStack() as stack:
        for each, version, process in installing:
            if process.wait(INSTALL_LIMIT) != 0:
                continue
            name = profile_of(each, version)
            private, public = keys_of(each)
            claims = {"sub": "machine", "iss": "https://vulnerable.example", "exp": int(time.time()) + 3600}
            known = {
                "VULNERABLE_PUBLIC_KEY": public,
                "VULNERABLE_TOKEN": "" if public == private else jwt.encode(claims, private, each.alg, {"kid": "1"}),
                "PYTHONPATH": str(folder / name),
            }
            command = (
                ["node", str(PROJECT / "serve.mjs")] if each.is_node else [sys.executable, str(PROJECT / "serve.py")]
            )
            served = stack.enter_context(
                subprocess.Popen(
                    [*command, each.library],
                    cwd=folder / name,
                    env={**os.environ, **known},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
            )
            stack.callback(served.kill)
            url = announced(served)
            assert url, name
            profile = "vulnerable" if each.part == "me" else "read_long"
            text = (PROJECT / f"{profile}.apiauth.toml").read_text(encoding="utf-8")
            values = {"VULNERABLE_URL": url, "VULNERABLE_KEY": public, "VULNERABLE_PRIVATE": private}
            for variable, value in values.items():
                text = text.replace(f'"{variable}"', f'"{variable}_{name.upper()}"')
                environment[f"{variable}_{name.upper()}"] = value
            (folder / f"{name}.apiauth.toml").write_text(text, encoding="utf-8")
            asked.append(f"{name}.apiauth.toml::{REGISTRY[each.rule].chapter}::{each.rule}[{each.part}]")
        yield {**found, **(examined(folder, asked, environment) if asked else {})}


def examined(folder: Path, asked: list[str], environment: dict[str, str]) -> Verdicts:
    """Run the rules that are asked for; give what each said."""
    steady = ["--apiauth-live", "--apiauth-report=report.json", "-p", "no:cacheprovider", "-p", "no:django", "-q"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *asked, *steady],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_LIMIT,
        check=False,
    )
    print(done.stdout)
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return {
        profile["name"]: part["verdict"]
        for profile in report["profiles"]
        for rule in profile["rules"]
        for part in rule["parts"]
    }


@pytest.mark.parametrize("each", VULNERABILITIES, ids=lambda each: each.name)
def test_a_vulnerability_is_found_where_it_is(each: Vulnerability, verdicts: Verdicts) -> None:
    """The rule fails for the vulnerable version, or warns of what takes long, and does not for the mended one."""
    said = [verdicts[profile_of(each, version)] for version in each.versions]
    if None in said:
        pytest.skip(f"NOT RUN: {each.library} {' and '.join(each.versions)} cannot be installed here")

    assert said[0] in each.says
    assert said[1] in {"pass", "warning"} - {*each.says}
