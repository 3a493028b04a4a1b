"""Rollback: the tables that the last swap replaced become the live ones again."""

from typing import Any
from uuid import UUID

import msgspec

from infra.eventstore.store import Store
from projections.engine.projection import ReadModel
from projections.rebuild.catch_up import CatchUp
from projections.rebuild.errors import AlreadyRebuildingError, NoPreviousTablesError
from projections.rebuild.lock import rebuild_lock
from projections.rebuild.state import rebuild_of
from projections.rebuild.swap import Incoming, Swapped, swap

_PREVIOUS = """
SELECT version, position, dead_letters::text FROM projection_previous WHERE name = %s
"""


class RolledBack(msgspec.Struct, frozen=True, kw_only=True):
    """A read model whose previous tables are the live ones again.

    ``is_followed`` is false if only the release with ``version`` can follow the log for
    them.
    """

    name: str
    version: int
    position: int
    is_followed: bool
    swap: Swapped


def rollback(store: Store, projection: ReadModel) -> RolledBack:
    """Make the tables that the last swap replaced the live ones again.

    Tables of the current rules catch up first. Other tables come back as they are, with
    their version, and only a release with that version can follow the log for them.

    Raises:
        NoPreviousTablesError: there are no previous tables.
        AlreadyRebuildingError: a rebuild is running, or waits to be resumed.
        RefusedEventError: an event could not be applied.
    """
    name = projection.name
    with rebuild_lock(store.pool, name):
        with store.pool.connection() as connection:
            row = connection.execute(_PREVIOUS, (name,)).fetchone()
            rebuild = rebuild_of(connection, name)
        if row is None:
            msg = f"{name} has no previous tables to go back to."
            raise NoPreviousTablesError(msg)
        if rebuild is not None and rebuild.is_unfinished:
            msg = f"A rebuild of {name} is {rebuild.status}: cancel it first."
            raise AlreadyRebuildingError(msg)
        version, position, dead_letters = row
        is_followed = version == projection.version
        held = _held_streams(dead_letters)
        catch_up = (
            CatchUp(store, projection, is_previous=True, held=held)
            if is_followed
            else None
        )
        swapped = swap(
            store,
            projection,
            Incoming(
                version=version,
                catch_up=catch_up,
                is_previous=True,
                position=position,
                dead_letters=dead_letters,
            ),
            prepare=catch_up.run if catch_up else _nothing,
            finish=_nothing,
        )
    return RolledBack(
        name=name,
        version=version,
        position=swapped.position,
        is_followed=is_followed,
        swap=swapped,
    )


def _held_streams(dead_letters: str) -> list[UUID]:
    """Return the streams that stored dead letters hold back.

    Letters of earlier releases have no stream.
    """
    stored = msgspec.json.decode(dead_letters, type=list[list[Any]])
    return [UUID(letter[3]) for letter in stored if letter[3:] and letter[3]]


def _nothing(*_: object) -> None:
    pass
