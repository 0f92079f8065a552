"""HTTP libraries against the double: a table of who meets it, and how. ``python -m tests.libraries`` prints it."""
