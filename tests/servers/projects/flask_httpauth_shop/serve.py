import os

from shop import app, register

for name in ("ALICE", "BOB"):
    register(name.lower(), os.environ[f"SITE_{name}"], os.environ[f"SITE_{name}_TOKEN"])
__all__ = ["app"]
