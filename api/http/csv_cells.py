"""CSV cells: text from outside must not become a formula, and times are as in JSON."""

from datetime import UTC, datetime

# Spreadsheets read a cell that begins with one of these as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def text_cell(text: str) -> str:
    """Return the text, with an apostrophe before a text that would be a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def time_cell(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
