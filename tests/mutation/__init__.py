"""Mutation testing of the embedded server's decisions: ``python -m tests.mutation``."""
