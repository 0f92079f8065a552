"""Verdicts to people and machines: the typed record of a run, the ledger that makes it, one writer a format."""
