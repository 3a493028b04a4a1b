"""Commands of an import: add its creators, and store its observations as scrapes."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain import events as e
from domain.creator.decider import creator_of
from domain.creator.handle_ban import is_banned
from domain.creator.handle_claim import claim_of
from domain.handlers.add_creators import Additions, RequestedCreator
from domain.organization.plans import Limits
from domain.scrape import importing
from domain.scrape.importing import KnownDetails, ObservationGroup, ObservationLine
from domain.streams import ban_stream, claim_stream, imported_run_stream
from infra.eventstore.append import Context
from infra.eventstore.codec import NewEvent
from infra.eventstore.execute import Executed
from infra.eventstore.store import Store, plain_events, retry_conflicts
from infra.handlers.creators import add_creators

_HANDLES_AT_ONCE = 2_000


class Holders(msgspec.Struct, frozen=True, kw_only=True):
    """Which creator of a project has which handle.

    No creator has the handles in ``missing``. Removed creators had those in
    ``removed``, and those in ``banned`` are banned; both are also in ``missing``.
    """

    creators: dict[str, UUID]
    missing: list[str]
    removed: list[str]
    banned: list[str]


class ImportResult(msgspec.Struct, frozen=True, kw_only=True):
    """What an append of observation groups stored.

    ``stored`` and ``runs`` count new observations and runs, and ``there_already``
    counts observations that were stored before. ``position`` is that of the last new
    event, None if there is none. ``known`` holds the known details of videos by
    creator, those of this append included.
    """

    stored: int
    there_already: int
    runs: int
    position: int | None
    known: dict[UUID, KnownDetails]


class PreparedAppend(msgspec.Struct, frozen=True, kw_only=True):
    """An append that is ready, and the result it will have."""

    entries: list[NewEvent]
    result: ImportResult


class PendingGroup(msgspec.Struct, kw_only=True):
    """An observation group of which only a part is stored.

    ``new`` holds the observations that are not stored yet; None means all of the
    group's ``content``. ``next_part`` is the number of the first unused part.
    """

    group: ObservationGroup
    new: Sequence[ObservationLine] | None = None
    there_already: int = 0
    stored: list[list[e.Event]] = []
    next_part: int = 0

    @property
    def stream(self) -> UUID:
        """The stream of the next part."""
        group = self.group
        return imported_run_stream(
            group.project_id, group.creator_id, group.observed_at, self.next_part
        )

    def runs(self, known: KnownDetails) -> Iterator[list[e.ScrapeEvent]]:
        """Yield the events of each new run, and add its video details to ``known``."""
        for events in self.stored:
            importing.learn(known, events)
        if self.new is not None:
            yield from importing.runs_of(self.group, self.new, known)
        elif self.group.content is not None:
            yield importing.run_of(self.group, self.group.content, known)

    @property
    def missing(self) -> int:
        """How many observations are not stored yet."""
        if self.new is not None:
            return len(self.new)
        content = self.group.content
        assert content is not None, "without content, the lines were read"
        return len(content.videos.video_ids) + (content.profile is not None)


def find_holders(store: Store, project_id: UUID, handles: Sequence[str]) -> Holders:
    """Return which creators of the project have ``handles``, given without ``@``."""
    found = Holders(creators={}, missing=[], removed=[], banned=[])
    for start in range(0, len(handles), _HANDLES_AT_ONCE):
        _find_holders(
            store, project_id, handles[start : start + _HANDLES_AT_ONCE], found
        )
    return found


def add_for_import(
    store: Store,
    handles: Sequence[str],
    *,
    organization_id: UUID,
    project_id: UUID,
    plans: Mapping[str, Limits],
    now: datetime,
    context: Context,
) -> Executed[Additions]:
    """Track all of the handles or none: new ones in mode auto, without start or runs.

    Raises:
        DomainError: one of them is banned, or another creator took it meanwhile.
        NotFoundError: the organization has no such project.
        LimitReachedError: the plan has no room for all of them.
        BusyError: too many writers at the same time.
    """
    return add_creators(
        store,
        [
            RequestedCreator(tiktok_handle=handle, tracking_start_date=None)
            for handle in handles
        ],
        organization_id=organization_id,
        project_id=project_id,
        plans=plans,
        now=now,
        context=context,
        job_types=(),
        all_or_none=True,
    )


def store_groups(
    store: Store,
    groups: Sequence[ObservationGroup],
    *,
    known: Mapping[UUID, KnownDetails],
    context: Context,
) -> ImportResult:
    """Store the observations of the groups that are not stored yet, in one append.

    ``known`` has the details of videos from earlier groups of the import and is not
    changed. A creator's groups must be in order of time.

    Raises:
        BusyError: another process imports the same groups at the same time.
    """

    def attempt() -> ImportResult:
        prepared = prepare(read_stored(store, groups), known=known)
        return append_prepared(store, prepared, context=context)

    return retry_conflicts(attempt)


def read_stored(store: Store, groups: Sequence[ObservationGroup]) -> list[PendingGroup]:
    """Read what is stored of each group, part by part, and return what is new."""
    readings = [_pending(group) for group in groups]
    _leave_out_scraped(store, readings)
    open_ones = [reading for reading in readings if reading.new != []]
    while open_ones:
        open_ones = list(_one_part_on(store, open_ones))
    return readings


def prepare(
    readings: Sequence[PendingGroup], *, known: Mapping[UUID, KnownDetails]
) -> PreparedAppend:
    """Return the append that stores what is new; it reads no database.

    For ``known`` see ``store_groups``.
    """
    learned = {
        creator_id: dict(known.get(creator_id, {}))
        for creator_id in {reading.group.creator_id for reading in readings}
    }
    entries: list[NewEvent] = []
    stored = runs = 0
    for reading in readings:
        stored += reading.missing
        for events in reading.runs(learned[reading.group.creator_id]):
            stream = reading.stream
            entries += [
                NewEvent(stream, version, event)
                for version, event in enumerate(events, 1)
            ]
            reading.next_part += 1
            runs += 1
    kept = ImportResult(
        stored=stored,
        there_already=sum(reading.there_already for reading in readings),
        runs=runs,
        position=None,
        known=learned,
    )
    return PreparedAppend(entries=entries, result=kept)


def append_prepared(
    store: Store, prepared: PreparedAppend, *, context: Context
) -> ImportResult:
    """Make the append, and return what it stored.

    Raises:
        AppendConflictError: another process stored one of the groups since it was read.
    """
    if not prepared.entries:
        return prepared.result
    position = store.append(prepared.entries, context=context)[-1].position
    return replace(prepared.result, position=position)


def _pending(group: ObservationGroup) -> PendingGroup:
    if group.content is not None:
        return PendingGroup(group=group)
    lines = group.read_lines()
    if not importing.are_distinct(lines):
        lines = list(importing.distinct(lines).values())
    return PendingGroup(group=group, new=lines)


def _leave_out_scraped(store: Store, readings: Sequence[PendingGroup]) -> None:
    """Leave out what runs of our own observed, as an export has it."""
    histories = store.load(*(run for r in readings for run in r.group.scraped))
    for reading in readings:
        for run in reading.group.scraped:
            _leave_out(reading, plain_events(histories[run]))


def _leave_out(reading: PendingGroup, events: list[e.Event]) -> None:
    unseen = importing.distinct(
        reading.group.read_lines() if reading.new is None else reading.new
    )
    before = len(unseen)
    importing.take_out(unseen, events)
    reading.there_already += before - len(unseen)
    reading.new = list(unseen.values())
    reading.stored.append(events)


def _one_part_on(
    store: Store, readings: Sequence[PendingGroup]
) -> Iterator[PendingGroup]:
    streams = [reading.stream for reading in readings]
    histories = store.load(*streams)
    for reading, stream in zip(readings, streams, strict=True):
        events = plain_events(histories[stream])
        if not events:
            continue
        _leave_out(reading, events)
        reading.next_part += 1
        if reading.new:
            yield reading


def _find_holders(
    store: Store, project_id: UUID, handles: Sequence[str], found: Holders
) -> None:
    claims = [claim_stream(project_id, handle) for handle in handles]
    histories = store.load(*claims)
    former: dict[str, UUID] = {}
    missing: list[str] = []
    for handle, stream in zip(handles, claims, strict=True):
        claim = claim_of(plain_events(histories[stream]))
        if claim.holder is not None:
            found.creators[handle] = claim.holder
            continue
        missing.append(handle)
        if claim.last_holder is not None:
            former[handle] = claim.last_holder
    found.missing.extend(missing)
    bans = {handle: ban_stream(handle) for handle in missing}
    histories = store.load(*bans.values(), *former.values())
    found.banned.extend(
        handle
        for handle, ban in bans.items()
        if is_banned(plain_events(histories[ban]))
    )
    for handle, creator_id in former.items():
        creator = creator_of(plain_events(histories[creator_id]))
        # A creator that was renamed has another handle now.
        if creator and creator.status == "removed" and creator.handle == handle:
            found.removed.append(handle)
