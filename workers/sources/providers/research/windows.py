"""Windows: the spans of days that a search covers, at most 30 days each."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from msgspec import Struct

# The API takes a start and an end, both included, at most 30 days apart.
WINDOW_DAYS = 30
# The number of ids in one request: as many as one page can answer.
MOST_IDS = 100

_DAY = timedelta(days=1)
_FIRST_DAY = date(2016, 1, 1)  # TikTok did not exist before.


class DateWindow(Struct, frozen=True):
    """The days from ``start`` to ``end``, both included, in UTC."""

    start: date
    end: date


class IdWindow(Struct, frozen=True):
    """Ids of videos that were made within the window."""

    window: DateWindow
    ids: tuple[str, ...]


def windows_back(today: date, *, amount: int) -> list[DateWindow]:
    """Return that many windows, newest first, which cover each day once."""
    ends = [today - number * WINDOW_DAYS * _DAY for number in range(amount)]
    return [DateWindow(start=end - (WINDOW_DAYS - 1) * _DAY, end=end) for end in ends]


def id_windows(ids: Iterable[str], *, today: date) -> list[IdWindow]:
    """Return windows, newest first, that contain each id with a date once.

    A window begins a day before its oldest id and ends a day after its newest, because
    the id of a scheduled video is made some hours before it is shown. Ids without a
    date are in no window: see ``day_of``.
    """
    days = {video_id: day_of(video_id, today=today) for video_id in ids}
    rest = sorted(
        ((day, video_id) for video_id, day in days.items() if day), reverse=True
    )
    found: list[IdWindow] = []
    while rest:
        end = min(rest[0][0] + _DAY, today)
        earliest = end - (WINDOW_DAYS - 1) * _DAY
        taken = [pair for pair in rest[:MOST_IDS] if pair[0] - _DAY >= earliest]
        window = DateWindow(start=taken[-1][0] - _DAY, end=end)
        found.append(IdWindow(window, tuple(video_id for _, video_id in taken)))
        rest = rest[len(taken) :]
    return found


def day_of(video_id: str, *, today: date) -> date | None:
    """Return the UTC day on which the video's id was made, if the id contains it.

    The upper half of a 19-digit id is a Unix time. Shorter ids are from musical.ly and
    have no time in them. They, and ids of impossible days, return None.
    """
    if len(video_id) != 19 or not (video_id.isascii() and video_id.isdecimal()):
        return None
    day = datetime.fromtimestamp(int(video_id) >> 32, UTC).date()
    return day if _FIRST_DAY <= day <= today + _DAY else None
