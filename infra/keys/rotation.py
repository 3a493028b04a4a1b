"""Changes the master key: every key in the database is wrapped anew, or none is."""

from collections.abc import Callable, Iterator
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.sql import Composed

from infra.keys.installation_keys import check_master_key
from infra.keys.keyring import wrapping_name
from infra.keys.master_key import MasterKey, MasterKeyError
from infra.keys.passkeys import wrapping_name as name_of_passkey
from infra.keys.person_secrets import secret_name
from infra.keys.sealed_addresses import CHANNEL_ADDRESSES, CREATOR_CONTACTS
from infra.keys.share_passwords import (
    RESEAL_SHARE,
    SHARE_PASSWORDS,
)
from infra.keys.share_passwords import wrapping_name as name_of_share_password
from infra.keys.waiting_mails import RESEAL_MAIL, WAITING_MAILS, mail_name
from infra.keys.webhook_secrets import (
    RESEAL_KEY,
    RESEAL_SECRET,
    STORED_KEYS,
    STORED_SECRETS,
    webhook_key_name,
    webhook_secret_name,
)

_AT_ONCE = 5_000

_LOCKS = """
LOCK TABLE installation_keys, subject_keys, person_secrets, mails, passkeys,
    share_links, webhook_secrets, webhook_keys, channel_addresses, creator_contacts
IN ACCESS EXCLUSIVE MODE
"""
_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND application_name LIKE 'goatherd%'
"""
_INSTALLATION = "SELECT name, wrapped FROM installation_keys"
_SUBJECTS = "SELECT subject, wrapped FROM subject_keys WHERE wrapped IS NOT NULL"
_SET_INSTALLATION = "UPDATE installation_keys SET wrapped = %s WHERE name = %s"
_SET_SUBJECTS = """
UPDATE subject_keys AS k SET wrapped = n.wrapped
FROM unnest(%s::uuid[], %s::bytea[]) AS n (subject, wrapped)
WHERE k.subject = n.subject
"""
_SECRETS = "SELECT person_id, kind, sealed FROM person_secrets"
_RESEAL = "UPDATE person_secrets SET sealed = %s WHERE person_id = %s AND kind = %s"
_PASSKEYS = "SELECT id, sealed FROM passkeys"
_RESEAL_PASSKEY = "UPDATE passkeys SET sealed = %s WHERE id = %s"


class _Rows(NamedTuple):
    """Rows that are wrapped one by one: the queries, and the names they have then."""

    stored: LiteralString | Composed
    reseal: LiteralString | Composed
    name_of: Callable[[Any], str]

    def reseal_all(
        self, connection: Connection[Any], old: MasterKey, new: MasterKey
    ) -> int:
        """Wrap all rows anew; return their number."""
        found = connection.execute(self.stored).fetchall()
        for key, sealed in found:
            name = self.name_of(key)
            resealed = new.wrap(name, old.unwrap(name, sealed))
            connection.execute(self.reseal, (resealed, key))
        return len(found)


_KEYED = (
    _Rows(_INSTALLATION, _SET_INSTALLATION, str),
    _Rows(_PASSKEYS, _RESEAL_PASSKEY, name_of_passkey),
    _Rows(SHARE_PASSWORDS, RESEAL_SHARE, name_of_share_password),
    _Rows(STORED_SECRETS, RESEAL_SECRET, webhook_secret_name),
    _Rows(STORED_KEYS, RESEAL_KEY, webhook_key_name),
    *(
        _Rows(addresses.stored, addresses.reseal, addresses.name_of)
        for addresses in (CHANNEL_ADDRESSES, CREATOR_CONTACTS)
    ),
)
# Mails that wait are no keys, and are not counted.
_MAILS = _Rows(WAITING_MAILS, RESEAL_MAIL, mail_name)


class InUseError(Exception):
    """Other processes use the database, and hold the master key."""

    def __init__(self) -> None:
        super().__init__(
            "Goatherd runs on this database: stop all of its processes, and change "
            "the master key then. Nothing was changed."
        )


def is_master_key(connection: Connection[Any], master_key: MasterKey) -> bool:
    """Tell whether the database is used with this master key."""
    try:
        check_master_key(connection, master_key)
    except MasterKeyError:
        return False
    return True


def change_master_key(
    connection: Connection[Any], old: MasterKey, new: MasterKey
) -> int:
    """Wrap all keys with another master key in one transaction; return their number.

    Raises:
        InUseError: another process of Goatherd is connected to the database.
        MasterKeyError: a key was not wrapped with the old master key.
    """
    changed = 0
    with connection.transaction():
        connection.execute(_LOCKS)
        # A process that starts now waits for the lock before it checks its master key.
        row = connection.execute(_OTHERS).fetchone()
        if row is not None and row[0]:
            raise InUseError
        for rows in _KEYED:
            changed += rows.reseal_all(connection, old, new)
        _MAILS.reseal_all(connection, old, new)
        for person_id, kind, sealed in connection.execute(_SECRETS).fetchall():
            name = secret_name(person_id, kind)
            resealed = new.wrap(name, old.unwrap(name, sealed))
            connection.execute(_RESEAL, (resealed, person_id, kind))
            changed += 1
        for part in _parts(connection):
            names = [wrapping_name(subject) for subject, _ in part]
            rewrapped_part = [
                new.wrap(name, old.unwrap(name, wrapped))
                for name, (_, wrapped) in zip(names, part, strict=True)
            ]
            subjects = [subject for subject, _ in part]
            connection.execute(_SET_SUBJECTS, (subjects, rewrapped_part))
            changed += len(part)
    return changed


def _parts(connection: Connection[Any]) -> Iterator[list[tuple[UUID, bytes]]]:
    rows = connection.execute(_SUBJECTS).fetchall()
    for start in range(0, len(rows), _AT_ONCE):
        yield rows[start : start + _AT_ONCE]
