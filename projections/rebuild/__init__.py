"""Rebuilds: compute a read model anew in shadow tables, compare it, and swap it in."""
