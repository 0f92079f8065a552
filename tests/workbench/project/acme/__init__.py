"""A client of two APIs, as a team would write it: workspaces of a CRM, cards of a shop."""

from acme.client import ApiError, Client, Invalid, LoginFailed, NotFound
from acme.crm import Crm
from acme.engines import Answer, Engine, Unreachable, engine_named
from acme.moving import move_cards
from acme.shop import Shop

__all__ = [
    "Answer", "ApiError", "Client", "Crm", "Engine", "Invalid", "LoginFailed", "NotFound", "Shop", "Unreachable",
    "engine_named", "move_cards",
]  # fmt: skip
