"""Numbers and days as people read them, alike on pages, in mails and on paper."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

UNKNOWN = "\N{EN DASH}"

_TEN = 10
_ONE, _TENTH, _HUNDREDTH = Decimal(1), Decimal("0.1"), Decimal("0.01")
_UNITS = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))


def number(value: float | None) -> str:
    """Return a number in full, with commas; a dash if it is unknown.

    A fraction has at most two decimals.
    """
    if value is None:
        return UNKNOWN
    return _plain(value if isinstance(value, int) else _half_up(value, _HUNDREDTH))


def short(value: float | None) -> str:
    """Return a number in three digits, rounded half up: 3,959,976 as 3.96M.

    Zeros at the end are dropped. ``short`` in numbers.js writes the same.
    """
    if value is None:
        return UNKNOWN
    if isinstance(value, int):
        return _short_whole(value)
    exact = Decimal(str(value))
    rounded = _half_up(exact, Decimal(1).scaleb(exact.adjusted() - 2))
    for unit, letter in _UNITS:
        # The rounded number has the unit: 999,950 is 1M.
        if abs(rounded) >= unit:
            # There is no letter after T.
            return f"{_plain(rounded / unit).replace(',', '')}{letter}"
    return _plain(rounded)


def with_about(text: str, *, is_rounded: bool) -> str:
    """Return a number that its source may have rounded: about 3.8M."""
    return f"about {text}" if is_rounded else text


def signed(value: float | None) -> str:
    """Return a change with its sign, in three digits."""
    if value is None:
        return UNKNOWN
    return f"+{short(value)}" if value > 0 else short(value)


def percent(value: float | None) -> str:
    """Return a percentage in full: 18.77%."""
    return UNKNOWN if value is None else f"{_half_up(value, _HUNDREDTH):,f}%"


def percent_shortly(value: float | None) -> str:
    """Return a percentage without decimals, or with one where it is under 10.

    ``percentShortly`` in numbers.js writes the same.
    """
    if value is None:
        return UNKNOWN
    tenths = _half_up(value, _TENTH)
    shown = tenths if abs(tenths) < _TEN else _half_up(value, _ONE)
    return f"{_plain(shown)}%"


def percent_change(value: float) -> str:
    """Return a change in percent, with its sign."""
    return f"{'+' if value > 0 else ''}{percent_shortly(value)}"


def whole(value: float | None) -> int | None:
    """Return a number without its fraction, rounded half up."""
    return None if value is None else int(_half_up(value, _ONE))


def day(value: date | None) -> str:
    """Return a date: 24 Nov 2026."""
    return UNKNOWN if value is None else f"{value.day} {value:%b %Y}"


def not_known_before(first: date) -> str:
    """Return why a gain is unknown: its number was first seen on this day."""
    return f"not known before {day(first)}"


def days_in_words(first: date, last: date) -> str:
    if first == last:
        return day(first)
    if first.year == last.year:
        return f"{first.day} {first:%b} to {day(last)}"
    return f"{day(first)} to {day(last)}"


def _short_whole(value: int) -> str:
    """Return a whole number as ``short`` does, without decimal arithmetic.

    A list has hundreds of them.
    """
    sign, amount = "-" if value < 0 else "", abs(value)
    step = 10 ** max(0, len(str(amount)) - 3)
    rounded = (amount + step // 2) // step * step
    for unit, letter in _UNITS:
        if rounded >= unit:
            whole_units, rest = divmod(rounded, unit)
            decimals = str(unit + rest)[1:].rstrip("0")
            return f"{sign}{whole_units}{'.' if decimals else ''}{decimals}{letter}"
    return f"{sign}{rounded}"


def _half_up(value: float | Decimal, step: Decimal) -> Decimal:
    """Return the nearest multiple of a step, of two the one farther from 0."""
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    return exact.quantize(step, rounding=ROUND_HALF_UP)


def _plain(value: int | Decimal) -> str:
    """Return a number with commas, and without zeros at the end of its fraction."""
    text = f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
