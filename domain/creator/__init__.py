"""Creators: tracked accounts, the handles they hold, and banned handles."""
