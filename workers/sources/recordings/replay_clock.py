"""The time when the replay of a recording started, which is stored with the data."""

from datetime import UTC, datetime

from infra.database import Pool

# Two statements, because a row that another process inserts at the same time is not in
# this statement's snapshot.
_START = """
INSERT INTO replay_start (recording) VALUES (%s) ON CONFLICT (recording) DO NOTHING
"""
_STARTED_AT = "SELECT started_at FROM replay_start WHERE recording = %s"


def replay_started_at(pool: Pool, recording: str) -> datetime:
    """Return the start of the recording's replay: now, on the first call.

    Later calls in any process return the same time.
    """
    with pool.connection() as connection:
        connection.execute(_START, (recording,))
        return connection.execute(_STARTED_AT, (recording,)).fetchall()[0][0]


def known_replay_start(pool: Pool, recording: str) -> datetime:
    """Return the start of the recording's replay, or now if it has not begun."""
    with pool.connection() as connection:
        row = connection.execute(_STARTED_AT, (recording,)).fetchone()
    return datetime.now(UTC) if row is None else row[0]
