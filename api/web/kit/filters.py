"""The filters of the templates: the formats of numbers and times."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from math import floor
from typing import Any
from zlib import crc32
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from api.http.errors import ApiError
from api.web.kit.counting import why_left_out
from api.web.kit.scrape_labels import failing_shortly
from domain.phrases import counted

UNKNOWN = "\N{EN DASH}"

# tokens.css has as many.
TONES = 8
_TWO, _TEN = 2, 10
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_UNITS = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))


def number(value: float | None) -> str:
    """Return a number in full, with commas; a dash if it is unknown."""
    if value is None:
        return UNKNOWN
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def money(amount: Decimal) -> str:
    """Return an amount with all its decimals, at least two."""
    whole, _, decimals = f"{amount:,.6f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def short(value: float | None) -> str:
    """Return a number in three digits, cut off, never rounded up: 84,120 as 84.1K."""
    if value is None:
        return UNKNOWN
    size = abs(value)
    for unit, letter in _UNITS:
        if size >= unit:
            # 999,950 has not reached a million.
            whole = floor(size / unit)
            digits = max(0, 3 - len(str(whole)))
            cut = floor(size * 10**digits / unit) / 10**digits
            sign = "-" if value < 0 else ""
            shown = f"{cut:.{digits}f}"
            if digits:
                shown = shown.rstrip("0").rstrip(".")
            return f"{sign}{shown}{letter}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def tilde(text: str, *, is_rounded: bool) -> str:
    """Return a number that its source may have rounded: ~3.8M."""
    return f"~{text}" if is_rounded else text


def signed(value: float | None) -> str:
    """Return a change with its sign, in three digits."""
    if value is None:
        return UNKNOWN
    return f"+{short(value)}" if value > 0 else short(value)


def percent(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.2f}%"


def percent_shortly(value: float | None) -> str:
    """Return a percentage in significant digits: 45%, 4.5%."""
    if value is None:
        return UNKNOWN
    digits = 0 if abs(value) >= _TEN else 1 if abs(value) >= 1 else 2
    return f"{value:,.{digits}f}%"


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
        f"{(name or 'the form').replace('_', ' ').capitalize()} {message}."
        for name, message in error.problems.items()
    )


FILTERS: dict[str, Any] = {
    "ago": ago,
    "counted": counted,
    "day": day,
    "failing_shortly": failing_shortly,
    "in_words": in_words,
    "initials": initials,
    "lines": lines,
    "local_day": local_day,
    "timestamp": timestamp,
    "money": money,
    "number": number,
    "percent": percent,
    "percent_shortly": percent_shortly,
    "short": short,
    "signed": signed,
    "tilde": tilde,
    "tone": tone,
    "why_left_out": why_left_out,
}


def _zone(context: Context) -> ZoneInfo:
    page = context.get("page")
    return ZoneInfo("UTC" if page is None else page.time_zone)


def _distance(seconds: float) -> str:
    if abs(seconds) < _MINUTE:
        return "just now"
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if abs(seconds) >= unit:
            amount = f"{int(abs(seconds) // unit)} {name}"
            return f"{amount} ago" if seconds > 0 else f"in {amount}"
    return "just now"
