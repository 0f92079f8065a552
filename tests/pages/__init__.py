"""HTML reports in a real browser: whether they work there, for everybody, and ask for nothing."""
