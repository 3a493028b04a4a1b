"""Integrity: the chains of streams checked, and signed roots that hold all of them."""
