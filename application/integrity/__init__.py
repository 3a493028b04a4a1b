"""Integrity: makes and signs roots, and checks the whole log against them."""
