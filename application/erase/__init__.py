"""Erasing a person: their things, the wiped copies, and the search for remains."""
