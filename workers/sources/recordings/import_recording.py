"""Imports a recording's observations into the log, as the runs that made them."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import groupby
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow

from application.progress import Advance
from application.running_imports import running_import
from domain.creator.decider import creator_of
from domain.scrape.handlers.import_observations import (
    NewInGroup,
    import_observations,
    new_observations,
)
from domain.scrape.importing import KnownDetails, ObservationGroup
from domain.streams import Names
from infra.database import run_read
from infra.eventstore.append import Context
from infra.eventstore.execute import execute
from infra.eventstore.store import Store, plain_events
from infra.ids import new_id
from infra.locks import AdvisoryLock
from projections.scraped_runs import scraped_runs
from projections.videos.erased import names_after_erasures
from workers.sources.recordings.sorted_recording import (
    GroupLocation,
    SortedRecording,
)

# An append makes all others wait for a moment, so neither number may be very large.
_GROUPS_AT_ONCE = 350
_OBSERVATIONS_AT_ONCE = 80_000
_POLL_SECONDS = 0.05
_TRIES_BEFORE_NOTICE = 2
# An erasure appends just after it has let go of the lock, and may have to try again.
_FREE_POLLS = 10
_NO_ERASURE = "SELECT pg_try_advisory_xact_lock(%s)"


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an import of a recording.

    ``there_already`` observations were stored before, and ``repeated`` ones are the
    same as another line. ``left_out`` have handles without a creator. ``position`` is
    that of the last new event, None if there is none.
    """

    observations: int
    stored: int
    there_already: int
    repeated: int
    left_out: int
    runs: int
    position: int | None


def store_recording(
    store: Store,
    recording: SortedRecording,
    creators: dict[str, UUID],
    *,
    organization_id: UUID,
    project_id: UUID,
    context: Context,
    advance: Advance,
    on_wait: Callable[[], None] = lambda: None,
) -> Imported:
    """Store the observations that are not stored yet, batch by batch.

    ``creators`` maps handles to creators; lines with other handles are left out. After
    an interruption the stored part stays, and the next import of the same recording
    continues after it. Before each batch the import lets erasures go first, which need
    read models that have caught up; ``on_wait`` is called when it waits.

    Raises:
        BusyError: another process imports the same recording at the same time.
    """
    grouping = _Grouping(store, recording, creators, organization_id, project_id)
    storing = _Storing(store, context, advance, on_wait)
    # A batch is read while the previous one is stored: one after the other, an import
    # takes a sixth longer.
    url = str(store.pool.conninfo)
    with running_import(url, project_id), ThreadPoolExecutor(1) as executor:
        before: Future[None] | None = None
        for locations in _batches(recording, creators):
            groups = grouping.groups(locations)
            if before is not None:
                before.result()
            observations = sum(location.observations for location in locations)
            before = executor.submit(storing.store, groups, observations)
        if before is not None:
            before.result()
    left_out = recording.observations - storing.taken
    return Imported(
        observations=recording.observations,
        stored=storing.stored,
        there_already=storing.there_already,
        repeated=storing.taken - storing.there_already - storing.stored,
        left_out=left_out,
        runs=storing.runs,
        position=storing.position,
    )


def new_in_recording(
    store: Store,
    recording: SortedRecording,
    creators: dict[str, UUID],
    *,
    organization_id: UUID,
    project_id: UUID,
    context: Context,
) -> Iterator[tuple[GroupLocation, NewInGroup]]:
    """Yield what ``store_recording`` would store of each group, and store nothing."""
    grouping = _Grouping(store, recording, creators, organization_id, project_id)
    for locations in _batches(recording, creators):
        groups = grouping.groups(locations)
        for origin, pairs in groupby(
            zip(locations, groups, strict=True), key=lambda pair: pair[1].project_id
        ):
            part = [*pairs]
            names = _names(store, [group for _, group in part], origin)
            found = execute(
                store,
                partial(new_observations, [group for _, group in part], names=names),
                context=context,
            )
            yield from zip(
                [location for location, _ in part], found.result, strict=True
            )


class _Grouping:
    """Makes the groups of a recording, for creators by their handles."""

    def __init__(
        self,
        store: Store,
        recording: SortedRecording,
        creators: Mapping[str, UUID],
        organization_id: UUID,
        project_id: UUID,
    ) -> None:
        self._recording = recording
        self._creators = creators
        self._organization_id = organization_id
        self._origins = _origins(store, {*creators.values()}, project_id)
        with store.pool.connection() as connection:
            self._scraped = {
                origin: scraped_runs(connection, origin, store.codec)
                for origin in {*self._origins.values()}
            }

    def groups(self, locations: Sequence[GroupLocation]) -> list[ObservationGroup]:
        return [self._group(location) for location in locations]

    def _group(self, location: GroupLocation) -> ObservationGroup:
        creator_id = self._creators[location.handle]
        origin = self._origins[creator_id]
        return ObservationGroup(
            organization_id=self._organization_id,
            project_id=origin,
            creator_id=creator_id,
            handle=location.handle,
            observed_at=location.observed_at,
            content=self._recording.content(location),
            read_lines=partial(self._recording.lines, location),
            scraped=sorted(
                run
                for whom in (location.handle, creator_id)
                for run in self._scraped[origin].get((whom, location.observed_at), ())
            ),
        )


class _Storing:
    """Stores batches one after the other, and counts the stored observations."""

    def __init__(
        self,
        store: Store,
        context: Context,
        advance: Advance,
        on_wait: Callable[[], None],
    ) -> None:
        self.stored = self.there_already = self.taken = self.runs = 0
        self.position: int | None = None
        self._store = store
        self._context = context
        self._advance = advance
        self._on_wait = on_wait
        self._known: dict[UUID, KnownDetails] = {}

    def store(self, groups: Sequence[ObservationGroup], observations: int) -> None:
        """Store the new observations of a batch, which has so many in all."""
        for project_id, part in groupby(groups, key=lambda group: group.project_id):
            self._let_erasures_go_first()
            self._store_part([*part], project_id)
        self.taken += observations
        self._advance(observations)

    def _let_erasures_go_first(self) -> None:
        tries, free = 0, _FREE_POLLS
        while True:
            if run_read(self._store.pool, _is_free):
                free += 1
                if free > _FREE_POLLS:
                    return
            else:
                tries, free = tries + 1, 0
                # At the first try another import may hold the lock for a moment, too.
                if tries == _TRIES_BEFORE_NOTICE:
                    self._on_wait()
            time.sleep(_POLL_SECONDS)

    def _store_part(self, groups: Sequence[ObservationGroup], project_id: UUID) -> None:
        """Store groups of one project, which names videos in its own way."""
        context = replace(
            self._context,
            command_id=new_id(),
            correlation_id=self._context.command_id,
        )
        names = _names(self._store, groups, project_id)
        executed = execute(
            self._store,
            lambda: import_observations(groups, known=self._known, names=names),
            context=context,
        )
        result = executed.result
        self.stored += result.stored
        self.there_already += result.there_already
        self.runs += result.runs
        self.position = executed.position or self.position
        # Only the groups of the last creator can continue in the next batch.
        last = groups[-1].creator_id
        self._known = {last: result.known[last]}


def _names(store: Store, groups: Sequence[ObservationGroup], project_id: UUID) -> Names:
    """Return the way in which a project names the videos of its groups."""
    return names_after_erasures(
        store.pool,
        store.names,
        lambda: {id_ for group in groups for id_ in _videos_of(group)},
        organization_id=groups[0].organization_id,
        project_id=project_id,
    )


def _is_free(connection: Connection[TupleRow]) -> bool:
    """Tell whether no erasure is under way; the lock is held for a moment alone."""
    row = connection.execute(_NO_ERASURE, (AdvisoryLock.ERASE,)).fetchone()
    return row is not None and bool(row[0])


def _videos_of(group: ObservationGroup) -> Iterator[str]:
    """Yield the ids on TikTok of the videos that were observed."""
    if group.content is not None:
        yield from group.content.videos.video_ids
        return
    for _, observed in group.read_lines():
        if observed.video is not None:
            yield observed.video.tiktok_video_id


def _origins(
    store: Store, creator_ids: Collection[UUID], project_id: UUID
) -> dict[UUID, UUID]:
    """Return the projects that the creators were added to, for the ids of runs."""
    histories = store.load(*creator_ids)
    found = {id_: creator_of(plain_events(histories[id_])) for id_ in creator_ids}
    return {
        id_: project_id if creator is None else creator.origin_project_id
        for id_, creator in found.items()
    }


def _batches(
    recording: SortedRecording, creators: Collection[str]
) -> Iterator[list[GroupLocation]]:
    locations: list[GroupLocation] = []
    observations = 0
    for location in recording.groups():
        if location.handle not in creators:
            continue
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
