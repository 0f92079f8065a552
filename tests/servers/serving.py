"""Serve a project's ``serve.app`` with waitress; run in the project's folder.

It serves on a free port of the loopback interface, and says so in one line: ``ready http://127.0.0.1:PORT``.
"""

from __future__ import annotations

import importlib
import sys

import waitress  # type: ignore[import-not-found,import-untyped,unused-ignore]

if __name__ == "__main__":
    sys.path.insert(0, "")
    server = waitress.create_server(importlib.import_module("serve").app, host="127.0.0.1", port=0)
    print(f"ready http://127.0.0.1:{server.effective_port}", flush=True)
    server.run()
