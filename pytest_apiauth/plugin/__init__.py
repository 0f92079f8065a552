"""Pytest's door: options, hooks, fixtures, collection, and what the terminal shows."""
