"""Shared links: a read-only page about one thing, for people without an account."""
