"""Erasures of a person: their data, the wiped copies, and the search for remains."""
