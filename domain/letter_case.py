"""Letter case: searches and tags treat capital and small letters alike."""

import unicodedata


def folded(text: str) -> str:
    """Return the text in the one spelling that all its spellings in capitals share."""
    return unicodedata.normalize("NFC", text.strip()).casefold()
