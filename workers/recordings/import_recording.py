"""Imports a recording's observations into the log, as the runs that made them."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.scrape.importing import KnownDetails, ObservationGroup
from infra.eventstore.append import Context
from infra.eventstore.recorder import AppendConflictError
from infra.eventstore.store import Store
from infra.handlers.import_observations import (
    ImportResult,
    PreparedAppend,
    append_prepared,
    prepare,
    read_stored,
    store_groups,
)
from infra.ids import new_id
from projections.event_log import scraped_runs
from workers.recordings.sorted_recording import Advance, GroupLocation, SortedRecording

# An append makes all others wait for a moment, so neither number may be very large.
_GROUPS_AT_ONCE = 350
_OBSERVATIONS_AT_ONCE = 80_000


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """How many observations of a recording were stored.

    ``there_already`` were stored before, and ``repeated`` are the same as another line.
    ``position`` is that of the last new event, None if there is none.
    """

    observations: int
    stored: int
    there_already: int
    repeated: int
    runs: int
    position: int | None


class _ImportBatch(msgspec.Struct, frozen=True, kw_only=True):
    """One append that is ready to be made: its groups, and the number of their lines.

    ``known`` has the details of their creators' videos before it.
    """

    groups: Sequence[ObservationGroup]
    observations: int
    known: dict[UUID, KnownDetails]
    context: Context
    prepared: PreparedAppend

    def left(self, result: ImportResult) -> dict[UUID, KnownDetails]:
        """Return the details that the next batch needs from this one."""
        # Only the groups of the last creator can continue in the next batch.
        last = self.groups[-1].creator_id
        return {last: result.known[last]}


def store_recording(
    store: Store,
    recording: SortedRecording,
    creators: dict[str, UUID],
    *,
    organization_id: UUID,
    project_id: UUID,
    context: Context,
    advance: Advance,
) -> Imported:
    """Store the observations that are not stored yet, batch by batch.

    ``creators`` maps handles to creators. If it is interrupted, the stored part stays,
    and the next import of the same recording continues after it.

    Raises:
        BusyError: another process imports the same recording at the same time.
    """
    with store.pool.connection() as connection:
        scraped = scraped_runs(connection, project_id)
    with ThreadPoolExecutor(1) as executor:
        storing = _Storing(store, executor, context=context, advance=advance)
        for locations in _batches(recording):
            groups = [
                ObservationGroup(
                    organization_id=organization_id,
                    project_id=project_id,
                    creator_id=creators[location.handle],
                    handle=location.handle,
                    observed_at=location.observed_at,
                    content=recording.content(location),
                    read_lines=partial(recording.lines, location),
                    scraped=scraped.get((location.handle, location.observed_at), ()),
                )
                for location in locations
            ]
            storing.add(
                groups,
                observations=sum(location.observations for location in locations),
            )
        storing.finish()
    return Imported(
        observations=recording.observations,
        stored=storing.stored,
        there_already=storing.there_already,
        repeated=recording.observations - storing.there_already - storing.stored,
        runs=storing.runs,
        position=storing.position,
    )


class _Storing:
    """Appends one batch while the next one is prepared.

    Both stay in order: the database gets one request at a time, and a batch is appended
    only after the one before it.
    """

    def __init__(
        self,
        store: Store,
        executor: ThreadPoolExecutor,
        *,
        context: Context,
        advance: Advance,
    ) -> None:
        self.stored = self.there_already = self.runs = 0
        self.position: int | None = None
        self._store = store
        self._executor = executor
        self._context = context
        self._advance = advance
        self._ready: _ImportBatch | None = None
        self._under_way: tuple[_ImportBatch, Future[ImportResult]] | None = None

    def add(self, groups: Sequence[ObservationGroup], *, observations: int) -> None:
        """Prepare the next batch, and meanwhile append the one before."""
        self._wait_for_append()
        readings = read_stored(self._store, groups)
        before = self._ready
        self._send()
        known = before.left(before.prepared.result) if before else {}
        self._ready = _ImportBatch(
            groups=groups,
            observations=observations,
            known=known,
            context=Context(
                actor=self._context.actor,
                command_id=new_id(),
                correlation_id=self._context.command_id,
            ),
            prepared=prepare(readings, known=known),
        )

    def finish(self) -> None:
        """Append what is left."""
        self._wait_for_append()
        self._send()
        self._wait_for_append()

    def _send(self) -> None:
        if self._ready is None:
            return
        batch, self._ready = self._ready, None
        appending = self._executor.submit(
            append_prepared, self._store, batch.prepared, context=batch.context
        )
        self._under_way = batch, appending

    def _wait_for_append(self) -> None:
        """Wait for the append, and count what it stored."""
        if self._under_way is None:
            return
        (batch, appending), self._under_way = self._under_way, None
        try:
            result = appending.result()
        except AppendConflictError:
            result = self._store_again(batch)
        self.stored += result.stored
        self.there_already += result.there_already
        self.runs += result.runs
        self.position = result.position or self.position
        self._advance(batch.observations)

    def _store_again(self, batch: _ImportBatch) -> ImportResult:
        """Store an interrupted batch again, and prepare the next one again."""
        result = store_groups(
            self._store, batch.groups, known=batch.known, context=batch.context
        )
        if after := self._ready:
            # It was prepared for the details that this batch would have added.
            known = batch.left(result)
            readings = read_stored(self._store, after.groups)
            prepared = prepare(readings, known=known)
            self._ready = replace(after, known=known, prepared=prepared)
        return result


def _batches(recording: SortedRecording) -> Iterator[list[GroupLocation]]:
    locations: list[GroupLocation] = []
    observations = 0
    for location in recording.groups():
        if locations and (
            len(locations) == _GROUPS_AT_ONCE
            or observations + location.observations > _OBSERVATIONS_AT_ONCE
        ):
            yield locations
            locations, observations = [], 0
        locations.append(location)
        observations += location.observations
    if locations:
        yield locations
