"""Spreadsheets: text of others in a CSV file must not become a formula there."""

# What a spreadsheet would take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def text_cell(text: str) -> str:
    """Return the text for a cell, led by an apostrophe where it would be a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
