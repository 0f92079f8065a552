"""Every kind of credential in every place, in each room that has to know it: one table, each cell a check.

``python -m tests.kinds`` runs every cell and prints the table; ``test_kinds.py`` runs each as a test of its own.
"""
