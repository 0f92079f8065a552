"""Tests of the embedded server. They speak to it in messages of their own making, not through the client's flows."""
