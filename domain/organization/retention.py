"""Retention: the days from a removal to an erasure, at least and at most."""

LEAST_DAYS = 1
MOST_DAYS = 3_650
