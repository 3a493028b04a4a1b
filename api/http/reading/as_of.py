"""Past states of the log, which clients name by a time or a position."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from api.http.query import invalid_query
from api.http.reading.instants import EARLIEST
from projections.engine.log_end import END, log_end, own_event
from projections.engine.reader import Reader

_MOST_DIGITS = 18
_NOT_YOURS = (
    "must be the position of an event of your organization, or lie before one about "
    "its creators or settings"
)
_INSTANT = timedelta(microseconds=1)


class AsOf(Struct, frozen=True, kw_only=True):
    """The past state that a request reads: the log up to a position, and its time.

    ``position`` may belong to an event of another organization and must not be in
    answers. ``end`` is the position of the organization's own newest event until then,
    0 if the organization had none.
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

    The position of another organization's event means the newest own event before it.
    ``name`` is the query parameter with the time or position.

    Raises:
        ApiError: ``invalid_query``, if the text is neither a time nor a position, or
            lies in the future: an answer about the past must not change.
    """
    named = _position_or_time(text, name)
    if isinstance(named, int):
        own = await own_event(reader, organization_id, until=named)
        if not own.is_known:
            raise invalid_query(name, _NOT_YOURS)
        return AsOf(position=named, now=own.recorded_at, end=own.position)
    if named > now:
        raise invalid_query(name, "must not lie in the future")
    position = await log_end(reader, organization_id, named)
    own = await own_event(reader, organization_id, until=position)
    return AsOf(position=position, now=named, end=own.position)


async def positions_between(
    reader: Reader, organization_id: UUID, first: str | None, last: str | None
) -> tuple[int, int]:
    """Return the first and the last position of what was recorded between two points.

    Each point is a time or a position, None without a bound. A time in the future is
    allowed and means now.

    Raises:
        ApiError: ``invalid_query``, if a text is neither a time nor a position.
    """
    now = datetime.now(UTC)
    begin, end = 0, END
    if first is not None:
        begin = _position_or_time(first, "from")
    if isinstance(begin, datetime):
        begin = 1 + await log_end(reader, organization_id, min(begin, now) - _INSTANT)
    if last is not None:
        end = _position_or_time(last, "to")
    if isinstance(end, datetime):
        end = await log_end(reader, organization_id, min(end, now))
    return begin, end


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
    return max(at, EARLIEST)
