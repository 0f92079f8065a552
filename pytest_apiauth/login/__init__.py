"""Grants that take a person: the browser, the callback, the token that is kept."""
