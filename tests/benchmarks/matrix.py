"""The auth matrix of Jindexe's four zones: who gets into which with what, in process and over loopback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pytest_apiauth import bundled
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.profile import loading
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, judge
from pytest_apiauth.suite.readiness import make_ready
from pytest_apiauth.targets.embedded import EmbeddedTarget
from pytest_apiauth.targets.loopback import LoopbackTarget

from . import environments
from .figures import NOT_INSTALLED, Measured, Plan, Value

CHAPTERS: Final = ("zones", "api_keys", "resource", "routes", "carry_over")
"""The chapters that say who gets in: with each credential missing, made up, spoilt, of another kind or place."""
PEERS: Final = ("schemathesis",)
CONDITIONS: Final = Conditions(examples=30, seed=0)


def in_process(plan: Plan) -> Measured:
    """Seconds of CPU for the matrix on the embedded server in this process, which waits for nothing."""
    return Measured(_examined(EmbeddedTarget.build, plan, time.process_time))


def over_loopback(plan: Plan) -> Measured:
    """Seconds for the same over a socket, and what schemathesis takes for the operations of the same server."""
    return Measured(_examined(LoopbackTarget, plan, time.perf_counter), None, {PEERS[0]: _schemathesis(plan)})


def _examined(build: Callable[..., Any], plan: Plan, clock: Callable[[], float]) -> Value:
    """Examine so often that one run in peace is likely among them, and return the best."""
    bundled.load_chapters()
    profile = loading.load(loading.builtin_profiles()["jindexe"])
    rules = [rule for rule in REGISTRY if rule.chapter in CHAPTERS and rule.applies.find(profile)]
    taken = []
    for _ in range(plan.rounds(3, 1)):
        redactor = Redactor()
        target = build(profile, redactor=redactor, library="httpx", faults=(), variants=())
        try:
            examination = Examination(target, redactor)
            make_ready(examination)
            began = clock()
            outcomes = [
                judge(rule, examination, argument, CONDITIONS)
                for rule in rules
                for argument in rule.applies.find(profile).values()
            ]
            taken.append(clock() - began)
            requests = target.sent
        finally:
            target.close()
        assert all(outcome.verdict in (Verdict.PASS, Verdict.SKIP) for outcome in outcomes)
    return Value(min(taken), "s", f"{requests} requests, {len(rules)} rules")


def _schemathesis(plan: Plan) -> Value | str:
    """Run it with all its checks and our credentials on every call, against the same server."""
    if plan.quick:
        return "not in a quick run"
    python = environments.python_of("schemathesis", plan)
    if python is None:
        return NOT_INSTALLED
    server = Server(loading.load(loading.builtin_profiles()["jindexe"]))
    environment = {**os.environ, "NO_COLOR": "1"}
    with tempfile.TemporaryDirectory() as folder, serve(server) as url:
        document = Path(folder, "openapi.json")
        document.write_text(json.dumps(_openapi(server)), encoding="utf-8")
        headers = [f"X-API-KEY: {server.environment['JINDEXE_API_KEY']}", f"Authorization: Bearer {_token(server)}"]
        command = [str(Path(python).with_name("schemathesis")), "run", str(document), "--url", url, "--checks", "all"]
        command += [word for header in headers for word in ("-H", header)]
        before, began = len(server.requests), time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)
        seconds, requests = time.perf_counter() - began, len(server.requests) - before
    if not requests:
        return f"did not run: {done.stdout[-200:]}{done.stderr[-200:]}"
    found = re.search(r"(\d+) unique failures?", done.stdout)
    alarms = f", {found.group(1)} failures" if found else ""
    return Value(seconds, "s", f"{requests} requests, 5 operations{alarms}")


def _token(server: Server) -> str:
    token: str = server.issue().reveal()
    return token


def _openapi(server: Server) -> dict[str, Any]:
    """Return a document of the five operations, with what each needs."""
    key: dict[str, list[str]] = {"key": []}
    both: dict[str, list[str]] = {"key": [], "bearer": []}
    needs: dict[str, list[dict[str, list[str]]]] = {
        "/ext/status": [],
        "/public/cards": [key],
        "/user/me": [both],
        "/pro/cards": [both],
    }
    answers = {"200": {"description": "served"}, **{str(code): {"description": "refused"} for code in (400, 401, 403)}}
    paths: dict[str, Any] = {
        path: {"get": {"responses": answers, "security": security}} for path, security in needs.items()
    }
    given = {name: server.environment[f"JINDEXE_{name.upper()}"] for name in ("username", "password")}
    members = {"grant_type": {"const": "password"}, **{name: {"const": value} for name, value in given.items()}}
    asked = {"type": "object", "properties": members, "required": [*members]}
    body = {"required": True, "content": {"application/json": {"schema": asked}}}
    paths["/public/token"] = {"post": {"requestBody": body, "responses": answers, "security": [key]}}
    schemes = {
        "key": {"type": "apiKey", "in": "header", "name": "X-API-KEY"},
        "bearer": {"type": "http", "scheme": "bearer"},
    }
    return {
        "openapi": "3.1.0", "info": {"title": "Jindexe", "version": "1"}, "paths": paths,
        "components": {"securitySchemes": schemes},
    }  # fmt: skip
