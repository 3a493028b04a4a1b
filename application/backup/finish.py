"""The end of a restore, which compares keys with the log and repeats erasures."""

import time
from collections.abc import Sequence
from contextlib import closing

import msgspec
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from application.accounts.invitations import (
    end_invitations_again,
    invitations_to_end_again,
)
from application.accounts.operators import erase_again, people_to_erase_again
from application.backup.errors import BackupError
from application.erase.erased import ErasedCreator
from application.erase.idle_rebuilds import cancel_idle_rebuilds
from application.erase.repeat import ACTOR, repeat_erasures
from application.erase.repeat_texts import repeat_forgettings, unapplied_forgettings
from application.erase.texts import ForgottenAnswer
from application.integrity.kept_keys import erased_subjects, key_faults
from domain.phrases import counted
from infra.database import COMMAND_NAME
from infra.database import migrate as migrate_database
from infra.eventstore.append import Context
from infra.eventstore.store import Store, open_store
from infra.ids import new_id
from infra.keys.erasures import note_logged_erasures, unapplied_erasures
from infra.keys.installation_keys import check_keys_there
from infra.keys.keyring import destroy
from infra.keys.master_key import master_key_path
from infra.keys.opened import opened_master_key
from infra.restoring import end_restore, is_half_loaded
from infra.settings import Settings
from projections.engine.follower import Follower
from projections.engine.projection import Projection
from projections.rebuild.rebuild import CONNECTIONS, rebuild
from projections.rebuild.state import outdated
from projections.registry import PROJECTIONS

# Some sessions and links of the backup were ended or used up after it, and mails and
# messages sent.
_ENDED = (
    "person_sessions",
    "pending_sign_ins",
    "password_links",
    "email_links",
    "sign_in_links",
    "mails",
    "channel_messages",
)
# A link that was replaced or used after the backup must not work again. The rows stay:
# an erasure finds invitations to an address by them.
_END_INVITATION_LINKS = """
UPDATE invitation_links
SET digest = sha256(uuid_send(gen_random_uuid())), mail_digest = NULL
"""
# People may have signed out of sessions with a key since. A session with a key has no
# row, so one row without a nonce ends all that began before this moment.
END_KEY_SESSIONS = """
INSERT INTO ended_sessions (nonce, expires_at)
VALUES ('', date_trunc('second', clock_timestamp()))
ON CONFLICT (nonce) DO UPDATE SET expires_at = excluded.expires_at
"""
# Issues of reports from after the backup are made again, and their mails were sent.
_NOTE = "INSERT INTO restores VALUES (clock_timestamp())"
# All other processes except the server's own.
_OTHERS = """
SELECT DISTINCT application_name FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND application_name LIKE 'goatherd%%' AND application_name <> %s
"""
_PATIENCE_SECONDS = 5.0
_POLL_SECONDS = 0.1


class Repeated(msgspec.Struct, frozen=True, kw_only=True):
    """The people and texts that were erased after the backup and are erased again."""

    erased: Sequence[ErasedCreator] = ()
    forgotten: Sequence[ForgottenAnswer] = ()


def finish_restore(
    connection: Connection[TupleRow],
    url: str,
    settings: Settings,
    *,
    projections: Sequence[Projection],
    has_keys: bool = True,
    is_resumed: bool = False,
) -> Repeated:
    """Complete a restore, and return the people and texts that are erased again.

    Keys of people who were erased before the backup of the data are destroyed. People
    who were erased afterwards, according to the keys, are erased again, and so are
    texts that were forgotten. All people are signed out, unused links end, and no mail
    is sent of reports that fell due until now. Then the ``projections`` are caught up;
    until that is done, the mark of the restore keeps all other processes out.
    ``connection`` leads to ``url``, in autocommit. ``is_resumed`` is true for a restore
    that was interrupted anywhere.

    Raises:
        BackupError: the keys do not belong to the data, or Goatherd runs.
        MasterKeyError: the master key is missing, or does not belong to the keys.
    """
    repeated = Repeated()
    if others := _others(connection):
        raise BackupError(
            f"Goatherd runs on this database ({', '.join(sorted(others))}): stop "
            "it first, so that nobody reads the data of erased people."
        )
    if is_half_loaded(connection):
        raise BackupError(
            "The restore was interrupted before all of its files were in the "
            "database: restore them again, into an empty place."
        )
    migrate_database(url)
    with connection.transaction(), connection.cursor() as cursor:
        destroy(cursor, erased_subjects(connection))
        note_logged_erasures(cursor)
        for table in _ENDED:
            cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        cursor.execute(_END_INVITATION_LINKS)
        cursor.execute(END_KEY_SESSIONS)
        cursor.execute(_NOTE)
    if has_keys:
        check_keys_there(connection)
        _check_keys(connection, settings)
        is_behind = bool(
            unapplied_erasures(connection)
            or unapplied_forgettings(connection)
            or people_to_erase_again(connection)
            or invitations_to_end_again(connection)
        )
        if is_resumed or is_behind:
            opened = open_store(
                url, pool_size=CONNECTIONS, settings=settings, even_restoring=True
            )
            with closing(opened.pool):
                again = Context(actor=ACTOR, command_id=new_id())
                end_invitations_again(opened, context=again)
                erase_again(opened, context=again)
                repeated = Repeated(
                    erased=repeat_erasures(opened),
                    forgotten=repeat_forgettings(opened),
                )
                _catch_up(opened, connection, projections)
    # Without ANALYZE the planner would assume that the tables are empty.
    connection.execute("ANALYZE")
    end_restore(connection)
    return repeated


def _others(connection: Connection[TupleRow]) -> list[str]:
    """Return the other processes that still use the database after a moment.

    The server notices with a delay that a process was killed.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (others := _at_work(connection)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return others


def _at_work(connection: Connection[TupleRow]) -> list[str]:
    return [name for (name,) in connection.execute(_OTHERS, (COMMAND_NAME,))]


def _check_keys(connection: Connection[TupleRow], settings: Settings) -> None:
    """Check that the keys belong to the data and can be opened.

    Destroyed keys without an event mark the erasures that are repeated afterwards.
    """
    master_key = None
    if settings.master_key or master_key_path(settings.data_dir).exists():
        master_key = opened_master_key(settings, connection)
    for fault in key_faults(connection, master_key):
        if fault.fault == "lacking":
            raise BackupError(
                "The file of keys lacks the keys of "
                f"{counted(len(fault.subjects), 'person')} in the log: it was made "
                "before the backup of the data, or elsewhere. Restore both into an "
                "empty place, with newer keys or with older data."
            )
        if fault.fault != "lost":
            raise BackupError(
                f"{fault.text} Restore into an empty place, with another file of keys."
            )


def _catch_up(
    store: Store, connection: Connection[TupleRow], projections: Sequence[Projection]
) -> None:
    """Let every projection apply the erasures, by the rules of this release."""
    for projection in outdated(connection, PROJECTIONS):
        rebuild(store, projection, by="restore")
    for each in projections:
        follower = Follower(each, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()
    cancel_idle_rebuilds(store.pool, PROJECTIONS)
