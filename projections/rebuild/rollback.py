"""Rollback: the tables that the last swap took out become the live ones again."""

import msgspec

from infra.eventstore.store import Store
from projections.engine.projection import ReadModel
from projections.rebuild import state
from projections.rebuild.catch_up import CatchUp
from projections.rebuild.lock import AlreadyRebuildingError, rebuild_lock
from projections.rebuild.shadow_tables import previous_schema
from projections.rebuild.swap import Swapped, TryAgainError, pause, swap_back

_KEPT = "SELECT version FROM projection_previous WHERE name = %s"


class NoPreviousTablesError(Exception):
    """There are no old tables to go back to."""


class RolledBack(msgspec.Struct, frozen=True, kw_only=True):
    """A read model whose old tables are the live ones again.

    ``is_followed`` is false where only the release with ``version`` can follow them.
    """

    name: str
    version: int
    position: int
    is_followed: bool
    swap: Swapped


def rollback(store: Store, projection: ReadModel) -> RolledBack:
    """Bring the tables back that the last swap took out.

    If these rules made them, they are filled up first. Otherwise they come back as they
    are, with their version, and only a release that has it can follow them.

    Raises:
        NothingKeptError: there are none.
        AlreadyRebuildingError: a rebuild runs, or waits to be resumed.
        RefusedEventError: an event could not be taken in.
    """
    name = projection.name
    with rebuild_lock(store.pool, name):
        with store.pool.connection() as connection:
            row = connection.execute(_KEPT, (name,)).fetchone()
            rebuild = state.rebuild_of(connection, name)
        if row is None:
            msg = f"{name} has no old tables to go back to."
            raise NoPreviousTablesError(msg)
        if rebuild is not None and rebuild.is_unfinished:
            msg = f"A rebuild of {name} is {rebuild.status}: cancel it first."
            raise AlreadyRebuildingError(msg)
        is_followed = row[0] == projection.version
        filler = (
            CatchUp(
                projection,
                pool=store.pool,
                codec=store.codec,
                schema=previous_schema(name),
                is_kept=True,
            )
            if is_followed
            else None
        )
        while True:
            try:
                if filler:
                    filler.run()
                version, swapped = swap_back(store, projection, filler)
            except TryAgainError:
                pause()
                continue
            return RolledBack(
                name=name,
                version=version,
                position=swapped.position,
                is_followed=is_followed,
                swap=swapped,
            )
