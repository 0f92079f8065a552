"""From the one to the other."""

from __future__ import annotations

from acme.crm import Crm
from acme.shop import Shop


def move_cards(shop: Shop, crm: Crm) -> list[int]:
    """Make a workspace of each card that has none yet; returns the new ones' numbers."""
    known = {workspace["label"] for workspace in crm.workspaces()}
    return [crm.add_workspace(card["label"]) for card in shop.cards() if card["label"] not in known]
