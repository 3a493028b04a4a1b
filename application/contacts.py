"""Contact addresses of creators: they are kept outside of the log, encrypted."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from msgspec import Struct
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.creator.decider import creator_of
from domain.events import CreatorContactChanged
from infra.eventstore.execute import Executed, InTransaction
from infra.eventstore.store import Store, plain_events
from infra.keys.sealed_addresses import CREATOR_CONTACTS

T = TypeVar("T")


class Contact(Struct, frozen=True, kw_only=True):
    """The address of a creator, and the time at which they opted out of mails."""

    email: str | None
    opted_out_at: datetime | None

    def __repr__(self) -> str:
        return "Contact(***)"


def storing_contacts(
    store: Store, addresses: Callable[[Executed[T]], Mapping[UUID, str | None]]
) -> InTransaction[T]:
    """Return the hook that stores the addresses of events about them.

    ``addresses`` returns the new address of each creator from the result.
    """
    # The key is opened before the transaction, which would need a second connection.
    master_key = store.keyring.master_key()

    def follow(cursor: Cursor[TupleRow], done: Executed[T]) -> None:
        for recorded in done.events:
            if not isinstance(recorded.event, CreatorContactChanged):
                continue
            email = addresses(done)[recorded.stream]
            if email is None:
                CREATOR_CONTACTS.remove(cursor, [recorded.stream])
            else:
                CREATOR_CONTACTS.put(cursor, master_key, recorded.stream, email)

    return follow


def contact_of(store: Store, creator_id: UUID) -> Contact:
    """Return the contact of a creator; an erased one has none."""
    with store.pool.connection() as connection:
        master_key = store.keyring.master_key(connection)
        email = CREATOR_CONTACTS.get(connection.cursor(), master_key, creator_id)
    # The log is read last, so that a wish of this moment counts.
    creator = creator_of(plain_events(store.load(creator_id)[creator_id]))
    opted_out_at = None if creator is None else creator.opted_out_at
    return Contact(email=email, opted_out_at=opted_out_at)
