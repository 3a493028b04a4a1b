"""Erasing a person: what belongs to it, what is wiped with it, and what is left."""
