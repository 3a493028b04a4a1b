"""CSV cells: text from outside must not become a formula in a spreadsheet."""

# Spreadsheets read a cell that begins with one of these as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def text_cell(text: str) -> str:
    """Return the text, with an apostrophe before it if it would be a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
