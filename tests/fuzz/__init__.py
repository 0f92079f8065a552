"""Fuzz: whatever a file or a header says, it is read within bounds, or refused in a line."""
