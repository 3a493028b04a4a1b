"""Characters: letter case, and those that nobody sees or that break lines."""

import re
import unicodedata

# NUL, which PostgreSQL refuses; halves of surrogate pairs, which are not characters;
# and the controls that change the order in which text is displayed (U+202A to U+202E,
# U+2066 to U+2069). The marks U+061C, U+200E and U+200F belong in Arabic and Hebrew
# text and are allowed.
FORBIDDEN = re.compile("[\0\ud800-\udfff\u202a-\u202e\u2066-\u2069]")

# Control characters, and characters that break lines and paragraphs.
_CONTROL = {"Cc", "Zl", "Zp"}


def folded(text: str) -> str:
    """Return the text in the one spelling that all its spellings in capitals share."""
    return unicodedata.normalize("NFC", text.strip()).casefold()


def is_visible(text: str) -> bool:
    """Tell whether the text has a character that people see."""
    return any(char.isprintable() and not char.isspace() for char in text)


def has_control_character(text: str) -> bool:
    """Tell whether the text breaks a line or steers a terminal.

    Line breaks are among the control characters; U+2028 and U+2029 have categories of
    their own. Joiners of emoji and of scripts are no control characters.
    """
    return any(unicodedata.category(char) in _CONTROL for char in text)
