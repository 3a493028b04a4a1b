"""Table passkeys: public keys with which people sign in, and the names they gave them.

The names and the keys are encrypted with the master key.
"""

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import Cursor

from infra.keys.master_key import MasterKey

_INSERT: LiteralString = """
INSERT INTO passkeys (id, credential_id, person_id, sealed, sign_count)
VALUES (%s, %s, %s, %s, %s)
"""


class PasskeySecret(Struct, frozen=True, kw_only=True):
    """The encrypted part of a row: the name, and the public key in COSE."""

    name: str
    public_key: bytes


class PasskeyRow(Struct, frozen=True, kw_only=True):
    """A row of the table; ``sign_count`` is the authenticator's counter."""

    id: UUID
    person_id: UUID
    sealed: bytes
    sign_count: int
    created_at: datetime
    last_used_at: datetime | None


def wrapping_name(passkey_id: UUID) -> str:
    """Return the name under which the master key wraps a passkey's secret."""
    return f"passkey {passkey_id}"


def insert_passkey(
    cursor: Cursor[Any],
    master_key: MasterKey,
    *,
    id_: UUID,
    credential_id: bytes,
    person_id: UUID,
    secret: PasskeySecret,
    sign_count: int,
) -> None:
    """Store a new passkey.

    Raises:
        UniqueViolation: somebody has a passkey with this id of a credential.
    """
    sealed = master_key.wrap(wrapping_name(id_), msgspec.json.encode(secret))
    cursor.execute(_INSERT, (id_, credential_id, person_id, sealed, sign_count))


def opened_passkey(master_key: MasterKey, row: PasskeyRow) -> PasskeySecret:
    """Return the encrypted part of a row.

    Raises:
        MasterKeyError: another key encrypted it, or it is of another passkey.
    """
    opened = master_key.unwrap(wrapping_name(row.id), row.sealed)
    return msgspec.json.decode(opened, type=PasskeySecret)
