"""Identity: whose account a creator's handle was at first, and whether it still is."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from msgspec.structs import astuple, replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from infra.database import Pool
from infra.eventstore.store import RecordedEvent
from workers.provider import Ok, Target, Verdict, another_account

_COLUMNS = "creator_id, organization_id, user_id, sec_uid, position"
_LOAD = f"SELECT {_COLUMNS} FROM creator_identity WHERE creator_id = ANY(%b::uuid[])"  # noqa: S608
_SAVE = f"""
INSERT INTO creator_identity ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (creator_id) DO UPDATE SET user_id = excluded.user_id,
    sec_uid = excluded.sec_uid, position = excluded.position
"""  # noqa: S608


class Identity(msgspec.Struct, frozen=True, gc=False):
    """A creator's stable ids; ``position`` is of the last event that changed them."""

    creator_id: UUID
    organization_id: UUID
    user_id: str | None
    sec_uid: str | None
    position: int


class CreatorIdentities:
    """The projection that pins a creator to the account it was first seen as."""

    name = "creator_identities"
    version = 1
    events = frozenset({"profile_snapshot_recorded", "creator_reactivated"})

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Pin, fill in or forget, in log order."""
        creators = {_creator(recorded) for recorded in events}
        rows = cursor.execute(_LOAD, (list(creators),), prepare=True).fetchall()
        before = {row[0]: Identity(*row) for row in rows}
        after = dict(before)
        for recorded in events:
            creator_id = _creator(recorded)
            identity = pinned(after.get(creator_id), recorded)
            if identity is not None:
                after[creator_id] = identity
        changed = [row for key, row in after.items() if row is not before.get(key)]
        if changed:
            cursor.executemany(_SAVE, [astuple(row) for row in changed])


def pinned(identity: Identity | None, recorded: RecordedEvent) -> Identity | None:
    """Return a creator's identity after an event; None while it never had one.

    The first user id stays, whatever is seen later; a rename does not touch it. A
    creator that comes back was added anew, and may be somebody else by then.
    """
    if identity is not None and identity.position >= recorded.position:
        return identity
    event = recorded.event
    if isinstance(event, e.CreatorReactivated):
        if identity is None:
            return None
        return replace(identity, user_id=None, sec_uid=None, position=recorded.position)
    if not isinstance(event, e.ProfileSnapshotRecorded) or event.user_id is None:
        return identity
    if identity is None or identity.user_id is None:
        return Identity(
            event.creator_id,
            event.organization_id,
            event.user_id,
            event.sec_uid,
            recorded.position,
        )
    # Of the same account only; what came through before the pin must not mix in.
    if event.user_id != identity.user_id or identity.sec_uid or not event.sec_uid:
        return identity
    return replace(identity, sec_uid=event.sec_uid, position=recorded.position)


def known(
    pool: Pool, creator_id: UUID, past: Sequence[RecordedEvent]
) -> Identity | None:
    """Return the creator's identity if it is pinned; ``past`` is the creator's stream.

    The table follows the log, so it may be late. A pin from before the creator came
    back is found out by its position. A pin that is not there yet is accepted: the
    first runs of a new creator may be under way together, and are then not compared.
    """
    with pool.connection() as connection:
        row = connection.execute(_LOAD, ([creator_id],)).fetchone()
    identity = Identity(*row) if row else None
    if identity is None or identity.user_id is None:
        return None
    came_back = (r for r in past if isinstance(r.event, e.CreatorReactivated))
    if any(recorded.position > identity.position for recorded in came_back):
        return None
    return identity


def checked(verdict: Verdict, target: Target) -> Verdict:
    """Return the verdict, or IdentityChanged if it is of another account than known."""
    if not isinstance(verdict, Ok) or verdict.profile is None or not target.user_id:
        return verdict
    seen = verdict.profile.user_id
    if seen is None or seen == target.user_id:
        return verdict
    return another_account(target.handle, seen=seen, known=target.user_id)


def _creator(recorded: RecordedEvent) -> UUID:
    event = recorded.event
    if isinstance(event, e.ProfileSnapshotRecorded):
        return event.creator_id
    return recorded.stream
