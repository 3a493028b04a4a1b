"""Checks whether a creator's handle still belongs to its first account."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from infra.eventstore.store import RecordedEvent
from projections.engine.folds import Folds
from projections.engine.table import Table


class Identity(msgspec.Struct, frozen=True, gc=False):
    """A creator's stable ids.

    ``position`` is that of the last event that changed them.
    """

    creator_id: UUID
    organization_id: UUID
    user_id: str | None
    sec_uid: str | None
    position: int


on = Folds[[Identity | None, RecordedEvent], Identity | None]()


@on(e.ProfileSnapshotRecorded)
def _observed(
    event: e.ProfileSnapshotRecorded, identity: Identity | None, recorded: RecordedEvent
) -> Identity | None:
    """Store the first user id, which stays after any later observation."""
    if event.user_id is None:
        return identity
    if identity is None or identity.user_id is None:
        return Identity(
            event.creator_id,
            event.organization_id,
            event.user_id,
            event.sec_uid,
            recorded.position,
        )
    # Only of the same account; values from before the id was stored must not be mixed
    # in.
    if event.user_id != identity.user_id or identity.sec_uid or not event.sec_uid:
        return identity
    return replace(identity, sec_uid=event.sec_uid, position=recorded.position)


@on(e.CreatorReactivated, e.SubjectErased)
def _forgotten(
    _: e.CreatorReactivated | e.SubjectErased,
    identity: Identity | None,
    recorded: RecordedEvent,
) -> Identity | None:
    """Forget the ids: the creator may be another account now, or was erased."""
    if identity is None:
        return None
    return replace(identity, user_id=None, sec_uid=None, position=recorded.position)


class CreatorIdentities:
    """The projection that stores the first account of each creator."""

    name = "creator_identities"
    version = 1
    events = on.events

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Store, add to or forget ids, in the order of the log."""
        changed = _TABLE.fold(cursor, events, key=_key, fold=_fold)
        pinned = [
            new.creator_id
            for old, new in changed
            if new.user_id and new.user_id != (old and old.user_id)
        ]
        if pinned:
            cursor.execute(_MARK_SHARED, (pinned,))


# Lists over several projects look only among these for accounts to count once.
_MARK_SHARED = b"""
UPDATE creator_identity AS this SET is_shared = true
WHERE this.creator_id = ANY(%b) AND NOT this.is_shared AND EXISTS (
    SELECT FROM creator_identity AS other
    WHERE other.organization_id = this.organization_id
    AND other.user_id = this.user_id AND other.creator_id <> this.creator_id
)
"""
_TABLE = Table(Identity, name="creator_identity", key=("creator_id",))


def _key(recorded: RecordedEvent) -> tuple[UUID]:
    event = recorded.event
    if isinstance(event, e.ProfileSnapshotRecorded):
        return (event.creator_id,)
    return (recorded.stream,)


def _fold(identity: Identity | None, recorded: RecordedEvent) -> Identity | None:
    if identity is not None and identity.position >= recorded.position:
        return identity
    return on.fold(recorded.event, identity, recorded)


def still_valid(
    identity: Identity | None, history: Sequence[RecordedEvent]
) -> Identity | None:
    """Return the stored identity of a creator, if its history did not end it.

    The table follows the log, so it may lag: in the append a result is compared with
    the account's own stream. The table also has the second id, and identities from
    before there were such streams or from an import. An identity from before the
    creator came back is recognized by its position.
    """
    if identity is None or identity.user_id is None:
        return None
    came_back = (r for r in history if isinstance(r.event, e.CreatorReactivated))
    if any(recorded.position > identity.position for recorded in came_back):
        return None
    return identity
