"""Cells of pasted rows: their values, or the reason why they have none."""

import re
from datetime import date
from typing import Any, cast

import msgspec
from msgspec import UNSET, UnsetType

from domain.creator.handle import normalize_handle
from domain.email import checked_email
from domain.errors import (
    InvalidEmailError,
    InvalidHandleError,
    InvalidTagError,
    InvalidVideoUrlError,
)
from domain.messages import TrackingMode
from domain.tags import read_tags
from domain.video.url import is_short_link, read_video_url

_BETWEEN_TAGS = re.compile(r"[,;\n]")
_MODES: dict[str, TrackingMode] = {"auto": "auto", "selective": "selective"}
# Browsers show addresses in this form, and people copy them.
_NO_SCHEME = re.compile(r"(?:www\.|m\.)?tiktok\.com/@", re.ASCII | re.IGNORECASE)
_GERMAN_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
SHOWN = 60

_SHORT = (
    "is a short link, which hides the handle: open it in a browser, and paste "
    "the address of the profile, like https://www.tiktok.com/@handle"
)
_VIDEO = "is the address of a video: paste the address of the profile"


class LineProblemError(Exception):
    """The problem with a line, in words."""


def read_handle(text: str) -> str:
    if is_short_link(text):
        msg = f"'{text[:SHOWN]}' {_SHORT}"
        raise LineProblemError(msg)
    try:
        read_video_url(text)
    except InvalidVideoUrlError:
        pass
    else:
        msg = f"'{text[:SHOWN]}' {_VIDEO}"
        raise LineProblemError(msg)
    address = f"https://{text}" if _NO_SCHEME.match(text) else text
    try:
        return normalize_handle(address)
    except InvalidHandleError as error:
        raise LineProblemError(str(error)) from None


def account(name: str) -> str:
    """Return the handle that a text means, or the text itself if it means none."""
    try:
        return read_handle(name)
    except LineProblemError:
        return name


def tags_in(text: str | None) -> list[str] | UnsetType:
    if text is None:
        return UNSET
    try:
        return read_tags(part for part in _BETWEEN_TAGS.split(text) if part.strip())
    except InvalidTagError as error:
        raise LineProblemError(str(error).rstrip(".")) from None


def mode_in(text: str | None) -> TrackingMode | UnsetType:
    if text is None:
        return UNSET
    mode = _MODES.get(text.lower())
    if mode is None:
        msg = f"mode must be auto or selective, not '{text[:SHOWN]}'"
        raise LineProblemError(msg)
    return mode


def day_in(text: str | None, name: str) -> date | UnsetType:
    if text is None:
        return UNSET
    german = _GERMAN_DATE.fullmatch(text)
    try:
        if german:
            day, month, year = map(int, german.groups())
            return date(year, month, day)
        if len(text) == len("2026-01-31"):
            return date.fromisoformat(text)
    except ValueError:
        pass
    msg = f"{name} must be a day like 2026-01-31, not '{text[:SHOWN]}'"
    raise LineProblemError(msg)


def email_in(text: str | None) -> str | UnsetType:
    if text is None:
        return UNSET
    try:
        return checked_email(text)
    except InvalidEmailError as error:
        msg = f"email {error}, not '{text[:SHOWN]}'"
        raise LineProblemError(msg) from None


def metadata_in(text: str | None) -> dict[str, Any] | UnsetType:
    if text is None:
        return UNSET
    try:
        read: Any = msgspec.json.decode(text)
    except msgspec.DecodeError:
        read = None
    if not isinstance(read, dict):
        msg = 'metadata must be a JSON object, like {"fee": 450}'
        raise LineProblemError(msg)
    return cast("dict[str, Any]", read)
