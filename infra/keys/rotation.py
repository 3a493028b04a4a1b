"""Changes the master key: every key in the database is wrapped anew, or none is."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from psycopg import Connection

from infra.keys.channel_addresses import (
    RESEAL_ADDRESS,
    STORED_ADDRESSES,
    channel_address_name,
)
from infra.keys.creator_contacts import (
    RESEAL_CONTACT,
    STORED_CONTACTS,
    creator_contact_name,
)
from infra.keys.installation_keys import check_master_key
from infra.keys.keyring import wrapping_name
from infra.keys.master_key import MasterKey, MasterKeyError
from infra.keys.passkeys import wrapping_name as name_of_passkey
from infra.keys.person_secrets import secret_name
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
        for name, wrapped in connection.execute(_INSTALLATION).fetchall():
            rewrapped = new.wrap(name, old.unwrap(name, wrapped))
            connection.execute(_SET_INSTALLATION, (rewrapped, name))
            changed += 1
        for person_id, kind, sealed in connection.execute(_SECRETS).fetchall():
            name = secret_name(person_id, kind)
            resealed = new.wrap(name, old.unwrap(name, sealed))
            connection.execute(_RESEAL, (resealed, person_id, kind))
            changed += 1
        for mail_id, sealed in connection.execute(WAITING_MAILS).fetchall():
            name = mail_name(mail_id)
            resealed = new.wrap(name, old.unwrap(name, sealed))
            connection.execute(RESEAL_MAIL, (resealed, mail_id))
        for passkey_id, sealed in connection.execute(_PASSKEYS).fetchall():
            name = name_of_passkey(passkey_id)
            resealed = new.wrap(name, old.unwrap(name, sealed))
            connection.execute(_RESEAL_PASSKEY, (resealed, passkey_id))
            changed += 1
        for share_id, sealed in connection.execute(SHARE_PASSWORDS).fetchall():
            name = name_of_share_password(share_id)
            resealed = new.wrap(name, old.unwrap(name, sealed))
            connection.execute(RESEAL_SHARE, (resealed, share_id))
            changed += 1
        for secret_id, sealed in connection.execute(STORED_SECRETS).fetchall():
            name = webhook_secret_name(secret_id)
            resealed = new.wrap(name, old.unwrap(name, sealed))
            connection.execute(RESEAL_SECRET, (resealed, secret_id))
            changed += 1
        for organization_id, sealed in connection.execute(STORED_KEYS).fetchall():
            name = webhook_key_name(organization_id)
            resealed = new.wrap(name, old.unwrap(name, sealed))
            connection.execute(RESEAL_KEY, (resealed, organization_id))
            changed += 1
        for channel_id, sealed in connection.execute(STORED_ADDRESSES).fetchall():
            name = channel_address_name(channel_id)
            resealed = new.wrap(name, old.unwrap(name, sealed))
            connection.execute(RESEAL_ADDRESS, (resealed, channel_id))
            changed += 1
        for creator_id, sealed in connection.execute(STORED_CONTACTS).fetchall():
            name = creator_contact_name(creator_id)
            resealed = new.wrap(name, old.unwrap(name, sealed))
            connection.execute(RESEAL_CONTACT, (resealed, creator_id))
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
