"""Reads values from JSON of unknown shape.

Each function reads one value and returns None for one that it cannot read. No
function guesses, replaces a value by 0, or raises.
"""

import json
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import cast

import msgspec
from msgspec import Struct

_LARGEST = 2**63 - 1
_SMALLEST = -(2**63)

_WHOLE = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_ABBREVIATED = re.compile(r"([0-9]{1,4})(?:[.,]([0-9]{1,3}))?\s?([KMBkmb])", re.ASCII)
_POWER = {"k": 3, "m": 6, "b": 9}

_ID = re.compile(r"[0-9]{1,20}", re.ASCII)
_SEC_UID = re.compile(r"MS4wLjABAAAA[A-Za-z0-9_-]{43,64}", re.ASCII)
_CODE = re.compile(r"-?[0-9]{1,9}", re.ASCII)
_LONGEST_ADDRESS = 4_096

# No video is older than 2014; smaller numbers are not seconds since 1970.
_FIRST_SECOND = 1_300_000_000
_LAST_SECOND = 4_102_444_800  # the year 2100


class Count(Struct, frozen=True):
    """A counter as written; ``rounded`` if it was written like 1.2M."""

    value: int
    rounded: bool = False


def decode(text: bytes) -> object | None:
    """Return the JSON value, None if it cannot be read.

    msgspec stops at half of a character, and titles that were cut off in the middle of
    one are common: Python's own decoder reads them.
    """
    with suppress(msgspec.DecodeError, RecursionError):
        return msgspec.json.decode(text)
    try:
        return cast("object", json.loads(text.decode(errors="replace")))
    except (ValueError, RecursionError):
        return None


def within(tree: object, *path: str) -> object | None:
    """Return the value in nested objects under these keys."""
    for key in path:
        if not isinstance(tree, dict):
            return None
        tree = cast("dict[str, object]", tree).get(key)
    return tree


def items_of(tree: object) -> list[object]:
    """Return the elements of a list, and none for anything else."""
    return cast("list[object]", tree) if isinstance(tree, list) else []


def count_of(value: object) -> Count | None:
    """Return a counter written as a number, as digits, or abbreviated like 1.2M.

    A number that does not fit into signed 64 bits is not read, because it cannot be
    stored.
    """
    if isinstance(value, str):
        return _written(value.strip())
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return Count(value) if _SMALLEST <= value <= _LARGEST else None


def code_of(value: object) -> int | None:
    """Return a status code, which is a small whole number."""
    if isinstance(value, str):
        return int(value) if _CODE.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if abs(value) < 10**9 else None


def id_of(value: object) -> str | None:
    """Return an id of up to 20 digits; 0 is not an id."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if 0 < value < 10**20 else None
    if isinstance(value, str) and _ID.fullmatch(value) and value.strip("0"):
        return value
    return None


def sec_uid_of(value: object) -> str | None:
    """Return a secUid, which mostly has 76 characters, and 55 for some accounts."""
    if isinstance(value, str) and _SEC_UID.fullmatch(value):
        return value
    return None


def text_of(value: object, *, longest: int) -> str | None:
    """Return a text, cut off after ``longest`` characters."""
    return value[:longest] if isinstance(value, str) else None


def address_of(value: object) -> str | None:
    """Return a web address; it is stored and never requested."""
    if not isinstance(value, str) or len(value) > _LONGEST_ADDRESS:
        return None
    return value if value.startswith(("https://", "http://")) else None


def time_of(value: object) -> datetime | None:
    """Return the time of seconds since 1970; 0 means unknown."""
    seconds = count_of(value)
    if seconds is None or seconds.rounded:
        return None
    if not _FIRST_SECOND <= seconds.value < _LAST_SECOND:
        return None
    return datetime.fromtimestamp(seconds.value, UTC)


def _written(text: str) -> Count | None:
    if _WHOLE.fullmatch(text):
        value = int(text)
        return Count(value) if _SMALLEST <= value <= _LARGEST else None
    if short := _ABBREVIATED.fullmatch(text):
        whole, fraction, unit = short.groups(default="")
        # With whole numbers, because 1.1 * 10**6 is not exact in floats.
        digits = int(whole + fraction)
        return Count(
            digits * 10 ** (_POWER[unit.lower()] - len(fraction)), rounded=True
        )
    return None
