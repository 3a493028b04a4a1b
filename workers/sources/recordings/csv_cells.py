"""Cells of CSV files: counts, times and texts, as other tools write them."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from domain.analytics.buckets import midnight
from domain.creator.handle import normalize_handle
from domain.errors import InvalidHandleError, InvalidVideoUrlError
from domain.video.url import read_video_url

_SHOWN = 60
_NOTHING = frozenset({"", "-", "null", "none", "undefined", "n/a", "nan"})
_COUNT = re.compile(r"(-?\d+)(?:\.0+)?", re.ASCII)
_IN_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+", re.ASCII)
_SECONDS = re.compile(r"\d{9,10}", re.ASCII)
_MILLISECONDS = re.compile(r"\d{12,13}", re.ASCII)
_MONTH_FIRST = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2})(?:,? (\d{4}))?", re.ASCII)
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august"),
    *("september", "october", "november", "december"),
)
_A_DAY = timedelta(days=1)
_A_SECOND = timedelta(seconds=1)


class CellError(Exception):
    """The problem with a cell, in words that follow the heading.

    ``column`` is the heading, None if the row as a whole has the problem.
    """

    def __init__(self, message: str, column: str | None = None) -> None:
        super().__init__(message)
        self.column = column


class Cells(msgspec.Struct, frozen=True, kw_only=True):
    """The meaning of times in a file.

    ``zone`` is that of times and days without one. ``last_day`` is the last day of a
    file whose days have no year. A cell is read at the time ``now``.
    """

    zone: ZoneInfo
    now: datetime
    last_day: date | None = None


def text(cell: str, _: Cells) -> str:
    return cell


def count(cell: str, _: Cells) -> int | None:
    """Return a whole number; nothing is guessed of a rounded one, such as 1.2K.

    Raises:
        CellError: the cell has another text.
    """
    if cell.lower() in _NOTHING:
        return None
    if _IN_THOUSANDS.fullmatch(cell):
        return int(cell.replace(",", ""))
    whole = _COUNT.fullmatch(cell)
    if whole is None:
        message = f"must be a whole number, not '{cell[:_SHOWN]}'"
        raise CellError(message)
    return int(whole[1])


def flag(cell: str, _: Cells) -> bool | None:
    word = cell.lower()
    if word in _NOTHING:
        return None
    if word not in {"true", "false"}:
        message = f"must be true or false, not '{cell[:_SHOWN]}'"
        raise CellError(message)
    return word == "true"


def texts(cell: str, _: Cells) -> list[str]:
    try:
        return msgspec.json.decode(cell, type=list[str])
    except msgspec.MsgspecError:
        message = f"must be a list of texts in JSON, not '{cell[:_SHOWN]}'"
        raise CellError(message) from None


def handle(cell: str, _: Cells) -> str:
    try:
        return normalize_handle(cell)
    except InvalidHandleError as error:
        raise CellError(str(error)) from None


def video_id(cell: str, _: Cells) -> str:
    """Return the id in the address of a video, or the cell if it is no address."""
    try:
        return read_video_url(cell).tiktok_video_id
    except InvalidVideoUrlError as error:
        if "/" in cell:
            raise CellError(str(error)) from None
        return cell


def moment_of_observation(cell: str, file: Cells) -> datetime:
    """Return the time at which the numbers of a row were seen.

    A day stands for its end, because tools write the numbers that a day ended with.

    Raises:
        CellError: the cell is no time, or the day is not over.
    """
    at = _time(cell, file)
    if isinstance(at, datetime):
        return at
    end = midnight(at + _A_DAY, file.zone) - _A_SECOND
    if end > file.now:
        message = (
            f"'{cell[:_SHOWN]}' is not over: say with --observed-at when the file was "
            "made"
        )
        raise CellError(message)
    return end


def moment_of_posting(cell: str, file: Cells) -> datetime | None:
    """Return the time of posting, None if the cell has only the day.

    The first known time counts for ever, so a day is no substitute.

    Raises:
        CellError: the cell is neither a time nor a day.
    """
    if cell.lower() in _NOTHING:
        return None
    at = _time(cell, file, needs_year=False)
    return at if isinstance(at, datetime) else None


def _time(cell: str, file: Cells, *, needs_year: bool = True) -> datetime | date:
    if _SECONDS.fullmatch(cell):
        return datetime.fromtimestamp(int(cell), UTC)
    if _MILLISECONDS.fullmatch(cell):
        return datetime.fromtimestamp(int(cell) / 1000, UTC)
    try:
        if len(cell) == len("2026-01-31"):
            return date.fromisoformat(cell)
        if len(cell) > len("2026-01-31"):
            at = datetime.fromisoformat(cell)
            return at if at.tzinfo else at.replace(tzinfo=file.zone)
    except ValueError:
        pass
    named = _MONTH_FIRST.fullmatch(cell)
    months = [
        number
        for number, name in enumerate(_MONTHS, 1)
        if named and name.startswith(named[1].lower())
    ]
    if named is None or len(months) != 1:
        message = (
            "must be a day or a time, such as 2026-01-31 or 2026-01-31T18:00:00Z, not "
            f"'{cell[:_SHOWN]}'"
        )
        raise CellError(message)
    day = int(named[2])
    if named[3] is not None:
        return _date(int(named[3]), months[0], day, cell)
    if file.last_day is None:
        if not needs_year:
            return _date(2000, months[0], day, cell)
        message = (
            f"'{cell[:_SHOWN]}' has no year: say with --last-day which day is the last "
            "one of the file, such as --last-day 2026-01-31"
        )
        raise CellError(message)
    year = file.last_day.year
    if (months[0], day) > (file.last_day.month, file.last_day.day):
        year -= 1
    return _date(year, months[0], day, cell)


def _date(year: int, month: int, day: int, cell: str) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        message = f"'{cell[:_SHOWN]}' is not a day of {year}"
        raise CellError(message) from None
