"""Poison: what a terminal, a browser or a CI service would obey is sent through every way that server text comes in."""
