"""The end of a restore: keys and log are compared, and erasures are repeated."""

import time
from collections.abc import Sequence
from contextlib import closing

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli import CommandError
from api.cli.databases import cli_context, connected
from api.cli.seal_history import seal_all
from api.system.all_projections import ALL_PROJECTIONS
from application.erase.erased import ErasedCreator
from application.erase.idle_rebuilds import cancel_idle_rebuilds
from application.erase.repeat import ACTOR, repeat_erasures
from application.erase.repeat_texts import repeat_forgettings, unapplied_forgettings
from application.erase.texts import ForgottenAnswer
from application.integrity.kept_keys import erased_subjects, key_faults
from application.integrity.log import head_of
from application.integrity.seal_history import clear_history, others_at_work
from domain.phrases import counted
from infra.database import migrate as migrate_database
from infra.eventstore.store import Store, open_store
from infra.keys.erasures import note_logged_erasures, unapplied_erasures
from infra.keys.installation_keys import check_keys_there
from infra.keys.keyring import destroy
from infra.keys.master_key import master_key_path
from infra.keys.opened import opened_master_key
from infra.restoring import end_restore, is_half_loaded
from infra.settings import Settings
from projections.engine.follower import Follower
from projections.rebuild.rebuild import CONNECTIONS, rebuild
from projections.rebuild.state import outdated
from projections.registry import PROJECTIONS

_PATIENCE_SECONDS = 5.0
_POLL_SECONDS = 0.1


class Repeated(msgspec.Struct, frozen=True, kw_only=True):
    """People and texts that were erased after the backup, and are erased again."""

    erased: Sequence[ErasedCreator] = ()
    forgotten: Sequence[ForgottenAnswer] = ()


def finish_restore(
    url: str, settings: Settings, *, has_keys: bool = True, is_resumed: bool = False
) -> Repeated:
    """Make what was restored fit to be read; return what is erased again.

    Keys of people who were erased before the data were backed up are destroyed, and
    people who were erased afterwards, as the keys know, are erased again. So are texts
    that were forgotten. Read models follow, and until then the mark of the restore
    keeps everybody out. ``is_resumed`` is for one that was broken off, wherever that
    was.

    Raises:
        CommandError: the keys are not those of the data, or Goatherd runs.
        MasterKeyError: the master key is missing, or not that of the keys.
    """
    repeated = Repeated()
    with connected(url) as connection:
        if others := _others(connection):
            raise CommandError(
                f"Goatherd runs on this database ({', '.join(sorted(others))}): stop "
                "it first, so that nobody reads who was erased."
            )
        if is_half_loaded(connection):
            raise CommandError(
                "The restore was broken off before all of its files were in the "
                "database: restore them anew, into an empty place."
            )
        migrate_database(url)
        with connection.transaction(), connection.cursor() as cursor:
            destroy(cursor, erased_subjects(connection))
            note_logged_erasures(cursor)
        if has_keys:
            check_keys_there(connection)
            _check_keys(connection, settings)
            is_behind = bool(
                unapplied_erasures(connection) or unapplied_forgettings(connection)
            )
            if is_resumed or is_behind:
                opened = open_store(
                    url, pool_size=CONNECTIONS, settings=settings, even_restoring=True
                )
                with closing(opened.pool):
                    if is_behind and clear_history(connection):
                        # Erased people could be read in it.
                        head, context = head_of(connection), cli_context(ACTOR)
                        seal_all(opened, url, head=head, context=context)
                    repeated = Repeated(
                        erased=repeat_erasures(opened),
                        forgotten=repeat_forgettings(opened),
                    )
                    _catch_up(opened, connection)
        # Without ANALYZE the planner would take the tables for empty.
        connection.execute("ANALYZE")
        end_restore(connection)
    return repeated


def _others(connection: Connection[TupleRow]) -> list[str]:
    """Return which other processes use the database, after a while for them to end.

    The server notices a little later that a process was killed.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (others := others_at_work(connection)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return others


def _check_keys(connection: Connection[TupleRow], settings: Settings) -> None:
    """Check that the keys are those of the data, and that they open.

    Destroyed ones without an event are what is repeated then.
    """
    master_key = None
    if settings.master_key or master_key_path(settings.data_dir).exists():
        master_key = opened_master_key(settings, connection)
    for fault in key_faults(connection, master_key):
        if fault.fault == "lacking":
            raise CommandError(
                "The file of keys lacks those of "
                f"{counted(len(fault.subjects), 'person')} in the log: it was made "
                "before the backup of the data, or elsewhere. Restore both into an "
                "empty place, with keys from after it, or with older data."
            )
        if fault.fault != "lost":
            raise CommandError(
                f"{fault.text} Restore into an empty place, with another file of keys."
            )


def _catch_up(store: Store, connection: Connection[TupleRow]) -> None:
    """Let every projection take the erasures in, by the rules of this release."""
    for projection in outdated(connection, PROJECTIONS):
        rebuild(store, projection, by="restore")
    for each in ALL_PROJECTIONS:
        follower = Follower(each, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()
    cancel_idle_rebuilds(store.pool, PROJECTIONS)
