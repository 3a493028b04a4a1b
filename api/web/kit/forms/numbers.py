"""Numbers as people type them: 2,000,000, 2.5k or 2m."""

import re
from decimal import Decimal
from typing import Final

_FACTORS: Final = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}
_TYPED = re.compile(r"([0-9.,]{1,30})([kmb]?)", re.ASCII)
# Blanks, underscores and apostrophes stand between thousands in some countries.
_BETWEEN = re.compile("[\\s_'\N{RIGHT SINGLE QUOTATION MARK}]")
_WITH_COMMAS = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
_WITH_POINTS = re.compile(r"\d{1,3}(\.\d{3})+(,\d+)?", re.ASCII)
_PLAIN = re.compile(r"\d+([.,]\d+)?", re.ASCII)
_THREE: Final = 3
_MOST_COUNTED: Final = 2**53 - 1


def read_count(text: str) -> int:
    """Return the number of things that a text means, at least 1.

    Raises:
        ValueError: it means none, or one too large for JSON.
    """
    number = read_number(text)
    if number is None or not 1 <= number <= _MOST_COUNTED:
        msg = "must be a whole number above 0, such as 2,000,000, 2.5k or 2m"
        raise ValueError(msg)
    return int(number)


def read_number(text: str, *, decimals: int = 0) -> Decimal | None:
    """Return the number that a text means, None if it means none.

    ``decimals`` is how many digits the number may have behind its point. Three digits
    behind a single point or comma are thousands, unless the number may have as many or
    a letter follows: 1.500 is 1,500, and 1.5m is 1,500,000.
    """
    match = _TYPED.fullmatch(_BETWEEN.sub("", text).lower())
    if match is None:
        return None
    digits, letter = match.groups()
    is_whole = not letter and decimals < _THREE
    if _WITH_COMMAS.fullmatch(digits) and (is_whole or "." in digits or not letter):
        plain = digits.replace(",", "")
    elif _WITH_POINTS.fullmatch(digits) and (is_whole or "," in digits):
        plain = digits.replace(".", "").replace(",", ".")
    elif _PLAIN.fullmatch(digits):
        plain = digits.replace(",", ".")
    else:
        return None
    number = Decimal(plain) * _FACTORS[letter]
    return number if number == round(number, decimals) else None
