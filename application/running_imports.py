"""Running imports: each holds a lock of its project, which ends with its process."""

from collections.abc import Collection, Generator
from contextlib import contextmanager
from typing import Final, LiteralString
from uuid import UUID

import psycopg

from infra.database import Pool
from infra.locks import AdvisoryLock

# Several imports of a project may run together.
_HOLD: Final = "SELECT pg_advisory_lock_shared(hashtextextended(%s, %s))"
_ARE_FREE: LiteralString = """
SELECT bool_and(pg_try_advisory_xact_lock(hashtextextended(project::text, %s)))
FROM unnest(%s::uuid[]) AS project
"""


@contextmanager
def running_import(url: str, project_id: UUID) -> Generator[None]:
    """Let others see that an import of a project runs, until the block ends."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_HOLD, (str(project_id), AdvisoryLock.IMPORT))
        yield


def is_importing(pool: Pool, project_ids: Collection[UUID]) -> bool:
    """Tell whether an import of one of the projects runs."""
    with pool.connection() as connection:
        params = (AdvisoryLock.IMPORT, [*project_ids])
        row = connection.execute(_ARE_FREE, params).fetchone()
    return row is not None and row[0] is False
