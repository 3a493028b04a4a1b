"""The filters of the templates: the formats of numbers and times."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zlib import crc32
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from api.http.errors import ApiError
from api.web.kit.counting import why_left_out
from api.web.kit.plain_names import field_label
from api.web.kit.scrape_labels import failing_shortly
from domain.money import money as amount_of
from domain.phrases import counted

UNKNOWN = "\N{EN DASH}"

# tokens.css has as many.
TONES = 8
_TWO, _TEN = 2, 10
_ONE, _TENTH, _HUNDREDTH = Decimal(1), Decimal("0.1"), Decimal("0.01")
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_UNITS = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))


def number(value: float | None) -> str:
    """Return a number in full, with commas; a dash if it is unknown.

    A fraction has at most two decimals.
    """
    if value is None:
        return UNKNOWN
    return _plain(value if isinstance(value, int) else _half_up(value, _HUNDREDTH))


def money(amount: Decimal) -> str:
    """Return an amount with all its decimals, at least two."""
    whole, _, decimals = f"{amount:,.6f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def price(minor: float, currency: str) -> str:
    """Return an amount in a currency's smallest unit, such as "1,200.50 EUR"."""
    return amount_of(Decimal(str(minor)), currency)


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


def tilde(text: str, *, is_rounded: bool) -> str:
    """Return a number that its source may have rounded: ~3.8M."""
    return f"~{text}" if is_rounded else text


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


@pass_context
def timestamp(context: Context, value: datetime | None) -> str:
    """Return a time in the organization's zone, to the minute."""
    if value is None:
        return UNKNOWN
    local = value.astimezone(_zone(context))
    return f"{day(local.date())}, {local:%H:%M}"


@pass_context
def local_day(context: Context, value: datetime | None) -> str:
    """Return the date of a time in the organization's zone."""
    return day(None if value is None else value.astimezone(_zone(context)).date())


@pass_context
def ago(context: Context, value: datetime | None) -> Markup | str:
    """Return the time since a time, with the time itself as a tooltip."""
    if value is None:
        return "never"
    seconds = (datetime.now(UTC) - value).total_seconds()
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        value.isoformat(), timestamp(context, value), _distance(seconds)
    )


def lines(value: str | None) -> Markup:
    """Return text with its line breaks."""
    return Markup("<br>").join(escape(line) for line in (value or "").split("\n"))


def initials(name: str) -> str:
    """Return two letters for a placeholder: of two words, or the first two."""
    words = [word for word in re.split(r"[\W_]+", name) if word]
    if len(words) < _TWO:
        return (words[0] if words else "?")[:_TWO]
    return words[0][0] + words[1][0]


def tone(name: str) -> int:
    """Return the number of the colour of a name, the same everywhere."""
    return crc32(name.encode()) % TONES


def in_words(error: ApiError) -> str:
    """Return the problem, with the names of fields in place of JSON Pointers."""
    # The messages of the domain are sentences already.
    if not error.message.startswith(("/", "body: ")):
        return error.message
    return " ".join(
        # A message with a subject of its own is a sentence.
        f"{message}." if message[:1].isupper() else f"{field_label(name)} {message}."
        for name, message in error.problems.items()
    )


def fingerprint(cells: Iterable[str]) -> str:
    """Return eight characters that change with the HTML of a row's cells."""
    html = "\0".join(map(str, cells))
    return f"{crc32(html.encode()):08x}"


FILTERS: dict[str, Any] = {
    "ago": ago,
    "counted": counted,
    "day": day,
    "failing_shortly": failing_shortly,
    "field_label": field_label,
    "fingerprint": fingerprint,
    "in_words": in_words,
    "initials": initials,
    "lines": lines,
    "local_day": local_day,
    "timestamp": timestamp,
    "money": money,
    "number": number,
    "percent": percent,
    "price": price,
    "percent_shortly": percent_shortly,
    "short": short,
    "signed": signed,
    "tilde": tilde,
    "tone": tone,
    "whole": whole,
    "why_left_out": why_left_out,
}


def _half_up(value: float | Decimal, step: Decimal) -> Decimal:
    """Return the nearest multiple of a step, of two the one farther from 0."""
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    return exact.quantize(step, rounding=ROUND_HALF_UP)


def _plain(value: int | Decimal) -> str:
    """Return a number with commas, and without zeros at the end of its fraction."""
    text = f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _zone(context: Context) -> ZoneInfo:
    page = context.get("page")
    return ZoneInfo("UTC" if page is None else page.own_time_zone)


def _distance(seconds: float) -> str:
    if abs(seconds) < _MINUTE:
        return "just now"
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if abs(seconds) >= unit:
            amount = f"{int(abs(seconds) // unit)} {name}"
            return f"{amount} ago" if seconds > 0 else f"in {amount}"
    return "just now"
