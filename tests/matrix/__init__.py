"""The tests where one HTTP library is installed, or the other, or both: ``python -m tests.matrix``."""
