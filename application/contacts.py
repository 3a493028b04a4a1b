"""Contact addresses of creators: they are kept outside of the log, encrypted."""

from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.events import CreatorContactChanged
from infra.eventstore.execute import Executed, InTransaction
from infra.eventstore.store import Store
from infra.keys.creator_contacts import (
    creator_contact,
    remove_creator_contacts,
    set_creator_contact,
)


def storing_contact(store: Store, email: str | None) -> InTransaction[Any]:
    """Return the hook that stores the address of an event about one."""
    # The key is opened before the transaction, which would need a second connection.
    master_key = store.keyring.master_key()

    def follow(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
        for recorded in done.events:
            if not isinstance(recorded.event, CreatorContactChanged):
                continue
            if email is None:
                remove_creator_contacts(cursor, [recorded.stream])
            else:
                set_creator_contact(cursor, master_key, recorded.stream, email)

    return follow


def contact_of(store: Store, creator_id: UUID) -> str | None:
    """Return the contact address of a creator, None if there is none."""
    with store.pool.connection() as connection:
        master_key = store.keyring.master_key(connection)
        return creator_contact(connection.cursor(), master_key, creator_id)
