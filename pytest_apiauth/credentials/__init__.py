"""Where secrets come from, and how none gets out."""
