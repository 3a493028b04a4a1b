"""The check of the event log: every event can be read and is unchanged."""

from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli.doctor.finding import WrongError
from api.cli.output import progress_bar
from infra.eventstore.codec import Codec, UnknownEventError

BATCH = 5_000
_NAMED_AT_MOST = 3

_BOUNDS = """
SELECT coalesce(min(notification_id), 1), coalesce(max(notification_id), 0)
FROM goatherd_events
"""
# A digest includes the digest before it in its stream. If an event was changed, swapped
# or removed from the middle, its own digest or the next one does not match.
_BATCH = """
SELECT e.notification_id, e.topic, e.state, e.digest IS NOT DISTINCT FROM goatherd_link(
    CASE WHEN e.originator_version = 1 THEN '' ELSE p.digest END,
    goatherd_moment(e.recorded_at),
    goatherd_ask(e.actor, e.correlation_id, e.causation_id),
    e.originator_id, e.originator_version, e.topic, e.state)
FROM goatherd_events e LEFT JOIN goatherd_events p
    ON p.originator_id = e.originator_id
    AND p.originator_version = e.originator_version - 1
WHERE e.notification_id BETWEEN %s AND %s
ORDER BY e.notification_id
"""


def check_event_log(connection: Connection[TupleRow]) -> str:
    """Read every event, and compare the digest chains of all streams.

    Raises:
        WrongError: one cannot be read, or is not what was recorded.
    """
    codec = Codec()
    broken: list[int] = []
    unreadable: list[UnknownEventError] = []
    row = connection.execute(_BOUNDS).fetchone()
    first, head = row or (1, 0)
    read = 0
    with progress_bar("Reading the event log", total=head - first + 1) as advance:
        for start in range(first, head + 1, BATCH):
            end = min(start + BATCH - 1, head)
            rows = connection.cursor(binary=True).execute(_BATCH, (start, end))
            for position, name, body, is_intact in rows:
                read += 1
                if not is_intact:
                    broken.append(position)
                try:
                    codec.decode(name, body)
                except UnknownEventError as error:
                    unreadable.append(error)
            advance(end - start + 1)
    if broken:
        raise WrongError(
            f"{len(broken)} of {read} events are not what was recorded, or follow one "
            f"that is gone: position {_some(broken)}.",
            advice="Somebody changed the table goatherd_events: restore a backup from "
            "before, and find out who can write there.",
        )
    if unreadable:
        raise WrongError(
            f"{len(unreadable)} of {read} events cannot be read: {unreadable[0]}",
            advice="A newer Goatherd wrote them: run that one.",
        )
    return f"All {read} events can be read and are what was recorded."


def _some(positions: list[int]) -> str:
    named = ", ".join(map(str, positions[:_NAMED_AT_MOST]))
    return f"{named}, ..." if len(positions) > _NAMED_AT_MOST else named
