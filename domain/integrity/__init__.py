"""Integrity: the chains of streams, and the signed roots over the whole log."""
