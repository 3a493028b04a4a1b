"""The check that no older, unsealed event would name the person after an erasure."""

from collections.abc import Collection, Sequence
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from application.erase.values import (
    ErasedValue,
    streams_that_belong,
    values_that_belong,
)
from application.integrity.seal_history import clear_history, has_clear_events
from domain.creator.errors import HistoryInClearError
from domain.creator.handlers.erase import CreatorRecords
from domain.streams import Names
from infra.eventstore.store import Store

_PROJECTS = "SELECT id FROM projects WHERE organization_id = %s"


def is_in_clear(
    connection: Connection[TupleRow],
    store: Store,
    organization_id: UUID,
    records: Sequence[CreatorRecords],
) -> bool:
    """Tell whether an event that names one of these creators is not sealed."""
    if not _may_have_people(connection):
        return False
    values = values_that_belong(connection, store.codec, records)
    return _has_clear(connection, store.names, organization_id, records, values)


def check_sealed(
    connection: Connection[TupleRow],
    store: Store,
    organization_id: UUID,
    records: Sequence[CreatorRecords],
    values: Collection[ErasedValue],
) -> None:
    """Refuse an erasure that would leave the person readable in the log.

    ``values`` are the personal values of the creators and their data.

    Raises:
        HistoryInClearError: an event that names one of them is not sealed.
    """
    if _may_have_people(connection) and _has_clear(
        connection, store.names, organization_id, records, values
    ):
        raise HistoryInClearError


def _may_have_people(connection: Connection[TupleRow]) -> bool:
    history = clear_history(connection)
    return history is not None and not history.only_texts


def _has_clear(
    connection: Connection[TupleRow],
    names: Names,
    organization_id: UUID,
    records: Sequence[CreatorRecords],
    values: Collection[ErasedValue],
) -> bool:
    projects = [row[0] for row in connection.execute(_PROJECTS, (organization_id,))]
    # The claim also has creators that held the same handle before.
    claims = {
        names.claim_stream(project, value.text)
        for value in values
        if value.kind == "handle"
        for project in projects
    }
    streams = streams_that_belong(connection, records)
    return has_clear_events(connection, streams | claims)
