"""Erasing a person: what belongs to it, and what is wiped in the same transaction."""
