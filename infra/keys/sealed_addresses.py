"""Tables channel_addresses and creator_contacts: addresses by owner, each encrypted."""

from collections.abc import Collection
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg import Cursor
from psycopg.sql import SQL, Composed, Identifier

from infra.keys.master_key import MasterKey


class SealedAddresses(Struct, frozen=True, kw_only=True):
    """A table with one address of each owner, encrypted with the master key.

    ``wrapped_as`` begins the name under which the master key wraps an address.
    """

    table: str
    key: str
    wrapped_as: str

    @property
    def stored(self) -> Composed:
        return self._query("SELECT {key}, sealed FROM {table}")

    @property
    def reseal(self) -> Composed:
        return self._query("UPDATE {table} SET sealed = %s WHERE {key} = %s")

    def name_of(self, owner: UUID) -> str:
        """Return the name under which the master key wraps the address of an owner."""
        return f"{self.wrapped_as} {owner}"

    def put(
        self, cursor: Cursor[Any], master_key: MasterKey, owner: UUID, address: str
    ) -> None:
        sealed = master_key.wrap(self.name_of(owner), address.encode())
        query = self._query(
            "INSERT INTO {table} ({key}, sealed) VALUES (%s, %s) "
            "ON CONFLICT ({key}) DO UPDATE SET sealed = excluded.sealed"
        )
        cursor.execute(query, (owner, sealed))

    def get(
        self, cursor: Cursor[Any], master_key: MasterKey, owner: UUID
    ) -> str | None:
        """Return the address of an owner, None if there is none.

        Raises:
            MasterKeyError: another key encrypted it.
        """
        query = self._query("SELECT sealed FROM {table} WHERE {key} = %s")
        row = cursor.execute(query, (owner,)).fetchone()
        if row is None:
            return None
        return master_key.unwrap(self.name_of(owner), row[0]).decode()

    def remove(self, cursor: Cursor[Any], owners: Collection[UUID]) -> None:
        query = self._query("DELETE FROM {table} WHERE {key} = ANY(%s)")
        cursor.execute(query, ([*owners],))

    def _query(self, text: LiteralString) -> Composed:
        return SQL(text).format(table=Identifier(self.table), key=Identifier(self.key))


CHANNEL_ADDRESSES: Final = SealedAddresses(
    table="channel_addresses", key="channel_id", wrapped_as="address of channel"
)
CREATOR_CONTACTS: Final = SealedAddresses(
    table="creator_contacts",
    key="creator_id",
    wrapped_as="contact address of creator",
)
