"""Shared links outside of the log: their tokens, passwords and visits."""
