"""Real runs that are killed at random moments, and what has to be true afterwards: ``python -m tests.kills``."""
