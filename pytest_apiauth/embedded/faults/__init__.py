"""The faults, a file a chapter; importing this package registers them all.

Each fault breaks one thing and leaves the rest alone: a rule is proven by the fault it exists for, and a
fault that broke more would prove the wrong rule. Hence each is a subclass of `Policy` that overrides one or two
decisions and asks ``super()`` for everything else.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from pytest_apiauth.embedded.registry import FAULTS, Fault, UnknownNameError, fault

__all__ = ["FAULTS", "Fault", "UnknownNameError", "fault"]

for _chapter in sorted(module.name for module in iter_modules(__path__)):
    import_module(f"{__name__}.{_chapter}")
