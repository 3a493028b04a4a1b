"""Integrity: roots made and signed, and the whole log checked against them."""
