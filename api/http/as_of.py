"""Past states of the log, which clients name by a time or a position."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from api.http.query import invalid_query
from projections.engine.log_end import log_end
from projections.engine.reader import Reader

_MOST_DIGITS = 18
_LAST = 2**63 - 1
_INSTANT = timedelta(microseconds=1)
# Earlier than any log, and late enough to subtract a time span from.
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


class AsOf(Struct, frozen=True, kw_only=True):
    """The past state that a request reads: the log up to a position, and its time.

    ``end`` is the newest existing position at or before it, 0 if there is none.
    """

    position: int
    now: datetime
    end: int


async def resolve_as_of(
    reader: Reader,
    organization_id: UUID,
    text: str,
    *,
    now: datetime,
    name: str = "as_of",
) -> AsOf:
    """Return the past state that a time or a position names.

    ``name`` is the query parameter that holds it.

    Raises:
        ApiError: ``invalid_query``, if it is neither, or lies in the future.
    """
    named = _position_or_time(text, name)
    if isinstance(named, int):
        end = await log_end(reader, organization_id, until=named)
        if end is None or end.position < named:
            await _refuse_future(reader, organization_id, named, name)
        return AsOf(
            position=named,
            now=now if end is None else end.recorded_at,
            end=0 if end is None else end.position,
        )
    if named > now:
        raise invalid_query(name, "must not lie in the future")
    end = await log_end(reader, organization_id, at=named)
    position = 0 if end is None else end.position
    return AsOf(position=position, now=named, end=position)


async def _refuse_future(
    reader: Reader, organization_id: UUID, position: int, name: str
) -> None:
    """Refuse a position beyond the log, whose state would still change."""
    head = await log_end(reader, organization_id, until=_LAST)
    reached = 0 if head is None else head.position
    if position > reached:
        raise invalid_query(
            name, f"must not lie beyond the log, which ends at {reached}"
        )


async def first_position(
    reader: Reader, organization_id: UUID, text: str, *, now: datetime, name: str
) -> int:
    """Return the first position recorded at or after a time or position.

    Raises:
        ApiError: ``invalid_query``, if the text is neither.
    """
    named = _position_or_time(text, name)
    if isinstance(named, int):
        return named
    end = await log_end(reader, organization_id, at=min(named, now) - _INSTANT)
    return 0 if end is None else end.position + 1


async def last_position(
    reader: Reader, organization_id: UUID, text: str, *, now: datetime, name: str
) -> int:
    """Return the last position recorded at or before a time or position.

    A time in the future is allowed and means now.

    Raises:
        ApiError: ``invalid_query``, if the text is neither.
    """
    named = _position_or_time(text, name)
    if isinstance(named, int):
        return named
    end = await log_end(reader, organization_id, at=min(named, now))
    return 0 if end is None else end.position


def _position_or_time(text: str, name: str) -> datetime | int:
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        return int(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        message = "must be a position of the log, or an ISO 8601 time with its zone"
        raise invalid_query(name, message)
    return max(at, _EARLIEST)
