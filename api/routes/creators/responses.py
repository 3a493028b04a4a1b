"""Answers to commands about creators: the creator after the command."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from api.http.errors import known_error
from api.http.responses import Answer
from api.http.writer import Rows
from api.routes.creators.schemas import (
    AddedCreator,
    AddedCreators,
    BulkAnswer,
    BulkItem,
)
from domain.creator.handlers.add import Addition, Additions
from domain.decisions import ItemResults
from infra.eventstore.execute import Executed
from infra.eventstore.store import RecordedEvent
from projections.creators.creator import Creator, CreatorRow, creator_from_row
from projections.creators.projection import fold_creator, load_creator_rows

CREATED = 201
OK = 200


def changed_creator(rows: Rows, done: Executed[UUID]) -> Answer[Creator]:
    """Answer with the creator after the command, changed or unchanged."""
    creator = _folded(rows, done.result, done.history(done.result))
    return Answer(creator, version=creator.version)


def added_creator(rows: Rows, done: Executed[Additions]) -> Answer[Creator]:
    """Answer a single addition: 201 for a new creator, 200 for one that was restored.

    Raises:
        DomainError: the reason why the creator was not added.
    """
    addition = done.result[0]
    if addition.refusal is not None or addition.creator_id is None:
        assert addition.refusal is not None
        raise addition.refusal
    creator = _folded(rows, addition.creator_id, done.history(addition.creator_id))
    return Answer(
        creator,
        status=CREATED if addition.status == "created" else OK,
        version=creator.version,
    )


def added_creators(rows: Rows, done: Executed[Additions]) -> Answer[AddedCreators]:
    """Answer an addition of many creators item by item: 201 if any creator is new."""
    results = [_added(rows, addition, done) for addition in done.result]
    counts = {
        status: sum(item.status == status for item in results)
        for status in ("created", "reactivated", "failed")
    }
    return Answer(
        AddedCreators(
            results=results,
            added_count=counts["created"] + counts["reactivated"],
            created_count=counts["created"],
            reactivated_count=counts["reactivated"],
            failed_count=counts["failed"],
        ),
        status=CREATED if counts["created"] else OK,
    )


def bulk_answer(_: Rows, done: Executed[ItemResults]) -> Answer[BulkAnswer]:
    results = [
        BulkItem(
            index=index, creator_id=each.id, status=each.status, reason=each.reason
        )
        for index, each in enumerate(done.result)
    ]
    return Answer(BulkAnswer(**bulk_counts(done.result), results=results))


def bulk_counts(results: ItemResults) -> dict[str, int]:
    statuses = [result.status for result in results]
    return {
        f"{status}_count": statuses.count(status)
        for status in ("ok", "skipped", "failed")
    }


def _added(rows: Rows, addition: Addition, done: Executed[Additions]) -> AddedCreator:
    creator = None
    if addition.creator_id is not None:
        creator = _folded(rows, addition.creator_id, done.history(addition.creator_id))
    refusal = known_error(addition.refusal) if addition.refusal else None
    return AddedCreator(
        index=addition.index,
        tiktok_handle=addition.tiktok_handle,
        status=addition.status,
        code=None if refusal is None else str(refusal.code),
        error=None if refusal is None else refusal.message,
        creator=creator,
    )


def _folded(rows: Rows, creator_id: UUID, history: Sequence[RecordedEvent]) -> Creator:
    """Apply the creator's history to their row in the read model.

    The read model may lag behind: it then lacks the last events of the history, but is
    otherwise right.
    """
    row = None
    first: Any = history[0].event
    if len(history) > 1:
        row = rows.ask(lambda cursor: _row(cursor, first.organization_id, creator_id))
    for recorded in history:
        row = fold_creator(row, recorded)
    assert row is not None
    return creator_from_row(row)


def _row(
    cursor: Cursor[TupleRow], organization_id: UUID, creator_id: UUID
) -> CreatorRow | None:
    return load_creator_rows(cursor, [(organization_id, creator_id)]).get(creator_id)
