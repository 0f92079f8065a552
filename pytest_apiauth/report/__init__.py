"""Verdicts to people and machines: the ledger of a run, the terminal, the JSON report."""
