"""The search for remains of an erased person, by the list of their erased values."""

import time
from collections.abc import Collection
from uuid import UUID

from msgspec.structs import replace
from psycopg import Connection
from psycopg.errors import LockNotAvailable, QueryCanceled
from psycopg.rows import TupleRow

from application.erase.sealed_list import ErasedValues, kept_values
from application.erase.search.installation import Findings, SearchedPlaces, search
from application.erase.search.tables import tables_of
from application.erase.search.time_limit import SearchTooLongError, TimeLimit
from application.erase.tidy import behind, tidy
from application.erase.values import ErasedValue
from application.progress import ShowProgress
from infra.keys.opened import opened_keys
from infra.settings import Settings
from projections.creator_streams import erasure_of

PATIENCE_SECONDS = 10.0
_POLL_SECONDS = 0.1


class NotErasedError(Exception):
    """The creator was not erased, so there is nothing to search for."""


class NoValuesError(Exception):
    """The list of erased values is gone, and no texts were given."""


class BehindErasureError(Exception):
    """Some read models have not applied the erasure in time."""

    def __init__(self, names: Collection[str]) -> None:
        super().__init__(", ".join(names))
        self.names = [*names]


def erased_values(
    connection: Connection[TupleRow],
    settings: Settings,
    creator_id: UUID,
    given: Collection[ErasedValue] = (),
) -> ErasedValues:
    """Return the values that an erasure erased; ``given`` ones are added to them.

    Raises:
        NotFoundError: there is no creator with this id.
        NotErasedError: the creator was not erased.
        NoValuesError: the list is gone, and no values were given.
        MasterKeyError: the list was sealed with another master key.
    """
    erasure = erasure_of(connection, creator_id)
    if erasure is None:
        raise NotErasedError
    master_key, _ = opened_keys(settings, connection)
    kept = kept_values(connection, creator_id, master_key)
    if kept is not None:
        return replace(kept, values={*kept.values, *given})
    if not given:
        raise NoValuesError
    position, organization_id = erasure
    return ErasedValues(
        organization_id=organization_id,
        creator_ids=[creator_id],
        position=position,
        values=given,
    )


def find_remains(
    connection: Connection[TupleRow],
    settings: Settings,
    erased: ErasedValues,
    places: SearchedPlaces,
    *,
    projections: Collection[str],
    show: ShowProgress,
    tells_of_others: bool = False,
    within_seconds: float | None = None,
) -> Findings:
    """Search the installation for erased values, without old versions of rows.

    ``connection`` is in autocommit. ``projections`` are the read models that must have
    applied the erasure first. ``tells_of_others`` is for people who run the
    installation: they read of samples that are of other organizations. The search ends
    ``within_seconds``, and names the places that it did not reach.

    Raises:
        BehindErasureError: they have not, even after ten seconds.
    """
    limit = TimeLimit(within_seconds)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while late := behind(connection, erased.position, projections):
        if time.monotonic() > deadline:
            raise BehindErasureError(late)
        time.sleep(_POLL_SECONDS)
    tables = tables_of(connection)
    with show("Removing old versions", total=len(tables)) as advance:
        try:
            tidy(connection, tables, advance=advance, limit=limit)
        except (SearchTooLongError, QueryCanceled, LockNotAvailable):
            if within_seconds is None:
                raise
            # The search then names everything as not searched.
            limit.end()
    _, keys = opened_keys(settings, connection)
    with show("Searching", total=sum(table.rows for table in tables)) as advance:
        return search(
            connection,
            erased,
            places,
            are_ids_kept=keys.names is None,
            tells_of_others=tells_of_others,
            limit=limit,
            advance=advance,
        )
