"""``goatherd projection``: a stream folded on trial, and decisions on dead letters."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from cyclopts import Parameter

from api.cli import CommandError, UsageError
from api.cli.kit.databases import opened_store
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import plain, print_json
from api.system.all_projections import ALL_PROJECTIONS
from domain.phrases import counted
from infra.eventstore.store import Store
from projections.engine.dead_letters import (
    DeadLetterDecision,
    FailedAgainError,
    NoDeadLetterError,
)
from projections.engine.follower import Follower
from projections.engine.projection import ReadModel
from projections.engine.try_stream import TriedEvent, try_streams
from projections.registry import PROJECTIONS

_ACTOR = "cli"

_TriedRow = dict[str, Any]
# The last row of each table, by its id.
_Seen = dict[tuple[str, str], _TriedRow]

ProjectionName = Annotated[str, Parameter(help="The projection.")]
Position = Annotated[int, Parameter(help="The position of the dead letter's event.")]
DecisionReason = Annotated[
    str, Parameter(help="The reason, which is stored with the decision.")
]


def try_stream(
    name: Annotated[str, Parameter(help="The read model.")],
    /,
    *,
    stream: Annotated[
        list[UUID],
        Parameter(
            negative="",
            help="The id of a creator, video, scrape or other stream; repeat it to "
            "fold several in the order of the log.",
        ),
    ],
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Fold a stream into empty tables, and print the rows after each event.

    Nothing is kept: the live tables stay as they are. Rows show the events of these
    streams alone, so a creator's row lacks its figures without the streams of its
    scrapes.
    """
    read_model = _read_model(name)
    tried: list[TriedEvent] = []
    seen: _Seen = {}
    with opened_store(read_settings(data_dir=data_dir)) as store:
        for event in try_streams(store, read_model, stream):
            tried.append(event)
            if not json:
                _print_tried(event, seen)
    if json:
        print_json(tried)
    if not tried:
        raise CommandError(f"The log has no event of {stream[0]}.")
    failed = [event for event in tried if event.error is not None]
    if failed:
        raise CommandError(
            f"{name} could not apply {counted(len(failed), 'event')} of "
            f"{len(tried)}, the first at position {failed[0].position}."
        )


def retry(
    name: ProjectionName,
    position: Position,
    /,
    *,
    reason: DecisionReason,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Apply the event of a dead letter, then the events that it held back.

    If the event fails again, nothing changes but the reason of the dead letter.
    """
    with opened_store(read_settings(data_dir=data_dir)) as store:
        follower = _follower(store, name)
        try:
            done = follower.retry(position, by=_ACTOR, reason=reason)
        except (NoDeadLetterError, FailedAgainError) as error:
            raise CommandError(_why_not(name, position, error)) from error
    _print_decision(done, as_json=json)


def skip(
    name: ProjectionName,
    position: Position,
    /,
    *,
    reason: DecisionReason,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Leave the event of a dead letter out for good; apply those that it held back.

    A rebuild tries the event again, and stops at it if it fails still.
    """
    with opened_store(read_settings(data_dir=data_dir)) as store:
        follower = _follower(store, name)
        try:
            done = follower.skip(position, by=_ACTOR, reason=reason)
        except NoDeadLetterError as error:
            raise CommandError(str(error)) from error
    _print_decision(done, as_json=json)


def _follower(store: Store, name: str) -> Follower:
    known = {projection.name: projection for projection in ALL_PROJECTIONS}
    if name not in known:
        raise UsageError(
            f"There is no projection {name!r}; there are {', '.join(known)}."
        )
    return Follower(known[name], pool=store.pool, codec=store.codec)


def _read_model(name: str) -> ReadModel:
    known = {projection.name: projection for projection in PROJECTIONS}
    if name not in known:
        raise UsageError(
            f"There is no read model {name!r}; there are {', '.join(known)}."
        )
    return known[name]


def _why_not(name: str, position: int, error: Exception) -> str:
    if isinstance(error, NoDeadLetterError):
        return str(error)
    return f"{name} failed again at position {position}: {error}"


def _print_decision(done: DeadLetterDecision, *, as_json: bool) -> None:
    if as_json:
        print_json(done)
        return
    rows = ", ".join(f"{table} {count}" for table, count in done.rows.items())
    print(
        f"{done.projection}: {done.name} at position {done.position} was "
        f"{done.decision}, and {counted(done.events, 'event')} applied. Rows written: "
        f"{plain(rows) or 'none'}."
    )
    if done.next_position is not None:
        print(
            f"The stream stops now at position {done.next_position}, the next to try."
        )


def _print_tried(event: TriedEvent, seen: _Seen) -> None:
    print(f"{event.position} {event.name} (version {event.version} of {event.stream})")
    if event.error is not None:
        print(f"    failed: {plain(event.error)}")
    elif not event.is_read:
        print("    not read by this projection")
    elif not event.rows and not event.removed:
        print("    no row changed")
    for table, rows in event.rows.items():
        for row in rows:
            key = (table, str(row.get("id")))
            shown = _changed_columns(row, seen.get(key))
            seen[key] = row
            print(f"    {table}: {plain(msgspec.json.encode(shown).decode())}")
    if event.removed:
        print(f"    {counted(event.removed, 'row')} removed")


def _changed_columns(row: _TriedRow, before: _TriedRow | None) -> _TriedRow:
    """Return the columns that changed; of a new row those that are not null."""
    if before is None or "id" not in row:
        return {name: value for name, value in row.items() if value is not None}
    changed = {name: row[name] for name in row if row[name] != before.get(name)}
    return {"id": row["id"]} | changed
