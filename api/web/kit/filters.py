"""The filters of the templates: the formats of numbers and times."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any, cast
from zlib import crc32
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from api.http.errors import ApiError
from api.web.kit.counting import why_left_out
from api.web.kit.parts.markup import html
from api.web.kit.parts.pictures import initials, tone
from api.web.kit.plain_names import field_label
from api.web.kit.scrape_labels import failing_shortly
from domain.alert.words import evidence_in_words, limit_in_words
from domain.money import money as amount_of
from domain.phrases import counted
from domain.written import (
    UNKNOWN,
    day,
    not_known_before,
    number,
    percent,
    percent_shortly,
    short,
    signed,
    whole,
    with_about,
)

_SINCE = '<time datetime="{}" title="{}">{}</time>'
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def money(amount: Decimal) -> str:
    """Return an amount with all its decimals, at least two."""
    whole, _, decimals = f"{amount:,.6f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def price(minor: float, currency: str) -> str:
    """Return an amount in a currency's smallest unit, such as "1,200.50 EUR"."""
    return amount_of(Decimal(str(minor)), currency)


def time_in(zone: tzinfo, value: datetime) -> str:
    """Return a time in a zone, to the minute."""
    local = value.astimezone(zone)
    return f"{day(local.date())}, {local:%H:%M}"


def time_since(zone: tzinfo, value: datetime) -> Markup:
    """Return the time since a time, with the time itself in a zone as a tooltip."""
    return time_with_age(zone, value, age_of(value, now=datetime.now(UTC)))


def time_with_age(zone: tzinfo, value: datetime, age: str) -> Markup:
    """Return an age in words, with the time itself in a zone as a tooltip."""
    at = value.isoformat(timespec="seconds")
    return html(_SINCE, at, time_in(zone, value), age)


def age_of(value: datetime, *, now: datetime) -> str:
    """Return the time since a time in words."""
    return _distance((now - value).total_seconds())


@pass_context
def timestamp(context: Context, value: datetime | None) -> str:
    """Return a time in the organization's zone, to the minute."""
    return UNKNOWN if value is None else time_in(_zone(context), value)


@pass_context
def local_day(context: Context, value: datetime | None) -> str:
    """Return the date of a time in the organization's zone."""
    return day(None if value is None else value.astimezone(_zone(context)).date())


@pass_context
def ago(context: Context, value: datetime | None) -> Markup | str:
    """Return the time since a time, with the time itself as a tooltip."""
    return "never" if value is None else time_since(_zone(context), value)


def lines(value: str | None) -> Markup:
    """Return text with its line breaks."""
    return Markup("<br>").join(escape(line) for line in (value or "").split("\n"))


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


def choices(
    things: Mapping[str, str] | Iterable[Any], nothing: str = ""
) -> list[tuple[Any, str]]:
    """Return what a select offers: things by id and name, or words by value.

    ``nothing`` are the words for the choice of none of them.
    """
    offered: list[tuple[Any, str]]
    if isinstance(things, Mapping):
        words = cast("Mapping[str, str]", things)
        offered = [(key, f"{text[0].upper()}{text[1:]}") for key, text in words.items()]
    else:
        offered = [(thing.id, thing.name) for thing in things]
    return [("", nothing), *offered] if nothing else offered


FILTERS: dict[str, Any] = {
    "ago": ago,
    "choices": choices,
    "counted": counted,
    "day": day,
    "evidence_in_words": evidence_in_words,
    "failing_shortly": failing_shortly,
    "field_label": field_label,
    "fingerprint": fingerprint,
    "in_words": in_words,
    "initials": initials,
    "limit_in_words": limit_in_words,
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
    "with_about": with_about,
    "not_known_before": not_known_before,
    "tone": tone,
    "whole": whole,
    "why_left_out": why_left_out,
}


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
