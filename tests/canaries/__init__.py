"""Canaries: whole projects are run with values planted in every slot, and all that comes out is searched."""
