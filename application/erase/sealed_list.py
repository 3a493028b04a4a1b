"""The sealed list of the values that an erasure erased, which is kept for a day.

The list is in one table, and its key, wrapped with the master key, in another: no
backup has both, and both are deleted.
"""

import os
import zlib
from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from application.erase.values import ErasedValue
from infra.database import Pool
from infra.keys.master_key import KEY_BYTES, MasterKey

KEPT_HOURS = 24

_NAME = "erased values"
_ADD_KEY = "INSERT INTO installation_keys (name, wrapped) VALUES (%s, %s)"
_ADD = """
INSERT INTO erased_values (id, organization_id, creator_ids, position, kept_until,
                           sealed)
VALUES (%s, %s, %s, %s, clock_timestamp() + make_interval(hours => %s), %s)
"""
_GET = """
SELECT id, organization_id, creator_ids, position, sealed, wrapped
FROM erased_values JOIN installation_keys ON name = %s || ' ' || id
WHERE %s = ANY(creator_ids) AND kept_until > clock_timestamp() ORDER BY position
"""
_DELETE = "DELETE FROM erased_values WHERE kept_until <= clock_timestamp()"
_DELETE_KEYS = """
DELETE FROM installation_keys WHERE starts_with(name, %s) AND NOT EXISTS (
    SELECT FROM erased_values WHERE name = %s || ' ' || id)
"""
_decode = msgspec.json.Decoder(tuple[ErasedValue, ...]).decode


class ErasedValues(msgspec.Struct, frozen=True, kw_only=True):
    """The erased values of an erasure, with its position and its creators."""

    organization_id: UUID
    creator_ids: Collection[UUID]
    position: int
    values: Collection[ErasedValue]

    def __repr__(self) -> str:
        return "ErasedValues(***)"


def keep(
    cursor: Cursor[TupleRow], erasure_id: UUID, erased: ErasedValues, master: MasterKey
) -> None:
    """Keep the list for a day, in the transaction of the erasure."""
    key = os.urandom(KEY_BYTES)
    plain = zlib.compress(msgspec.json.encode(sorted(erased.values)))
    name = _name_of(erasure_id)
    cursor.execute(_ADD_KEY, (name, master.wrap(name, key)))
    cursor.execute(
        _ADD,
        (
            *(erasure_id, erased.organization_id, [*erased.creator_ids]),
            *(erased.position, KEPT_HOURS, MasterKey(key).wrap(name, plain)),
        ),
    )


def kept_values(
    connection: Connection[Any], creator_id: UUID, master: MasterKey
) -> ErasedValues | None:
    """Return the erased values of a creator, or forgotten ones of other things.

    The result is None a day later, or without an erasure.

    Raises:
        MasterKeyError: the list was sealed with another master key.
    """
    found: ErasedValues | None = None
    # Texts of one thing may be forgotten several times.
    for row in connection.execute(_GET, (_NAME, creator_id)).fetchall():
        erasure_id, organization_id, creator_ids, position, sealed, wrapped = row
        name = _name_of(erasure_id)
        key = MasterKey(master.unwrap(name, wrapped))
        found = ErasedValues(
            organization_id=organization_id,
            creator_ids=creator_ids,
            position=position,
            values={
                *(found.values if found else ()),
                *_decode(zlib.decompress(key.unwrap(name, sealed))),
            },
        )
    return found


def prune(pool: Pool) -> int:
    """Delete lists that are older than a day, and their keys; return their number."""
    with pool.connection() as connection, connection.transaction():
        deleted = connection.execute(_DELETE).rowcount
        connection.execute(_DELETE_KEYS, (f"{_NAME} ", _NAME))
    return deleted


def _name_of(erasure_id: UUID) -> str:
    return f"{_NAME} {erasure_id}"


def texts_given(lines: Iterable[str]) -> set[ErasedValue]:
    """Return the values in lines that a person wrote, one value in each."""
    return {
        ErasedValue("given value", text) for line in lines if (text := line.strip())
    }
