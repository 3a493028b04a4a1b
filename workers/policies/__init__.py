"""Policies: what follows from events without anybody asking for it."""
