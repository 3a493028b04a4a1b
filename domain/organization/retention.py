"""Retention: how long after its removal an organization may have a creator erased."""

LEAST_DAYS = 1
MOST_DAYS = 3_650
