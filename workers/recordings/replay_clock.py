"""When the replay of a recording started, which is kept with the data."""

from datetime import datetime

from infra.database import Pool

# Two statements, because a row that another process inserts meanwhile is in no one's
# snapshot yet.
_START = """
INSERT INTO replay_start (recording) VALUES (%s) ON CONFLICT (recording) DO NOTHING
"""
_STARTED_AT = "SELECT started_at FROM replay_start WHERE recording = %s"


def replay_started_at(pool: Pool, recording: str) -> datetime:
    """Return when the recording's replay started: now, if nobody asked before.

    Whoever asks later, in whichever process, gets the same moment.
    """
    with pool.connection() as connection:
        connection.execute(_START, (recording,))
        return connection.execute(_STARTED_AT, (recording,)).fetchall()[0][0]
