"""Erases removed creators after the days for which their organization keeps them."""

import structlog

from application.erase.erase import ErasureCommand
from domain.errors import DomainError
from infra.eventstore.append import Context
from infra.eventstore.execute import execute
from infra.eventstore.store import BusyError, Store
from infra.ids import new_id
from projections.engine.reader import ProjectionBehindError

ACTOR = "policy:retention"
# At most this many are erased at once; the rest follows in the next round.
MOST_AT_ONCE = 20

# A person who is still tracked elsewhere in the organization, or was removed later
# there, is the same person, and an erasure would erase all of their data.
_DUE = """
WITH removed AS (
    SELECT l.organization_id, l.id, l.tiktok_handle AS handle, i.user_id,
           removal.recorded_at
    FROM organizations o
    JOIN creator_list l
        ON l.organization_id = o.organization_id AND l.status = 'removed'
    LEFT JOIN creator_identity i ON i.creator_id = l.id
    JOIN LATERAL (
        SELECT e.recorded_at FROM goatherd_events e
        WHERE e.originator_id = l.id AND e.topic = 'creator_removed'
        ORDER BY e.originator_version DESC LIMIT 1
    ) AS removal ON removal.recorded_at
        <= clock_timestamp() - make_interval(days => o.erase_removed_after_days)
    WHERE o.erase_removed_after_days IS NOT NULL
)
SELECT organization_id, id, handle FROM removed r
WHERE NOT EXISTS (
    SELECT FROM creator_list l
    WHERE l.organization_id = r.organization_id AND l.tiktok_handle = r.handle
    AND l.status <> 'erased' AND l.id NOT IN (SELECT id FROM removed)
) AND NOT EXISTS (
    SELECT FROM creator_identity i
    JOIN creator_list l ON l.organization_id = i.organization_id AND l.id = i.creator_id
    WHERE i.organization_id = r.organization_id AND i.user_id = r.user_id
    AND l.status <> 'erased' AND l.id NOT IN (SELECT id FROM removed)
)
ORDER BY recorded_at LIMIT %s
"""

_log = structlog.get_logger()


def erase_removed(store: Store) -> int:
    """Erase due creators, keep their figures anonymous, and return their number.

    While a read model does not catch up with the log, no creator is erased.
    """
    with store.pool.connection() as connection:
        due = connection.execute(_DUE, (MOST_AT_ONCE,)).fetchall()
    erased = 0
    for organization_id, creator_id, handle in due:
        command = ErasureCommand(
            store,
            creator_id,
            organization_id=organization_id,
            confirm=handle,
            figures="anonymous",
            only_removed=True,
        )
        try:
            done = execute(
                store,
                command.handler,
                context=Context(actor=ACTOR, command_id=new_id()),
                in_transaction=command.in_transaction,
            )
        except (DomainError, BusyError, ProjectionBehindError) as error:
            # The creator is looked at again in the next round, after any refusal.
            _log.info("retention_put_off", creator=str(creator_id), error=repr(error))
            continue
        erased += len(done.result.creator_ids)
    return erased
