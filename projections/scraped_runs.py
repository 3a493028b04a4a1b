"""A project's own runs by their observations, read from the log."""

from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.events import ScrapeRequested
from infra.eventstore.codec import Codec

_RUNS_AT_ONCE = 5_000

# Sealed fields, which may be long, precede the time in a snapshot's body. Without a
# time, a failed run counts at its time of recording.
_SCRAPED_RUNS = r"""
SELECT DISTINCT e.originator_id, request.state,
       coalesce(substring(encode(e.state, 'escape')
                          FROM '"observed_at":"([^"]+)"')::timestamptz, e.recorded_at)
FROM goatherd_events request JOIN goatherd_events e
    ON e.originator_id = request.originator_id AND e.originator_version > 1
WHERE request.topic = 'scrape_requested' AND request.originator_version = 1
AND position(%(project)s::bytea IN request.state) > 0
AND position('"trigger":"imported"'::bytea IN request.state) = 0
AND e.topic IN ('profile_snapshot_recorded', 'video_stats_snapshot_recorded',
                'scrape_failed')
"""


def scraped_runs(
    connection: Connection[TupleRow], project_id: UUID, codec: Codec
) -> dict[tuple[str | UUID, datetime], set[UUID]]:
    """Return a project's own runs by the observed creator or handle, and the time.

    The key has both, because the creator may have been renamed since. Imported runs are
    left out.
    """
    found: dict[tuple[str | UUID, datetime], set[UUID]] = {}
    project = f'"project_id":"{project_id}"'.encode()
    with connection.cursor(binary=True) as cursor:
        cursor.execute(_SCRAPED_RUNS.encode(), {"project": project})
        while rows := cursor.fetchmany(_RUNS_AT_ONCE):
            keys = codec.keys_for((row[1] for row in rows), connection)
            for stream, body, observed_at in rows:
                request = codec.decode(ScrapeRequested.stored_name, body, keys)
                assert isinstance(request, ScrapeRequested)
                for whom in (request.handle, request.creator_id):
                    if whom is not None:
                        found.setdefault((whom, observed_at), set()).add(stream)
    return found
