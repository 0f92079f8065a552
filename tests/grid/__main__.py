"""Prints the grid: ``python -m tests.grid``."""

from .test_grid import table

print(table())
