"""Texts in one spelling, so that searches and tags ignore upper and lower case."""

import unicodedata


def folded(text: str) -> str:
    """Return what all spellings of a text in upper and lower case have in common."""
    return unicodedata.normalize("NFC", text.strip()).casefold()
