"""Authentication as generators, without I/O: tokens, grants, flows, single flight."""
