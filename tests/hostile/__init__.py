"""A server that means no good, and everything of ours against it: ``python -m tests.hostile``."""
