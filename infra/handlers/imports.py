"""Imports: creators for the handles of a recording, and the runs that keep it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain import importing
from domain.importing import Known, Line, Moment
from domain.plans import Limits
from domain.streams import ban_stream, claim_stream, imported_run_stream
from infra.appending import Context
from infra.handlers.added import Additions, NewCreator
from infra.handlers.additions import add_creators
from infra.handlers.folding import banned_by, claim_of, creator_of
from infra.mapper import Entry
from infra.store import Store, retry_conflicts

_LOOKED_UP_AT_ONCE = 2_000


class Holders(msgspec.Struct, frozen=True, kw_only=True):
    """Who has which handle in a project.

    ``missing`` nobody has; of these ``removed`` were had by creators that are removed
    now, and ``banned`` nobody may have.
    """

    creators: dict[str, UUID]
    missing: list[str]
    removed: list[str]
    banned: list[str]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What became of some moments.

    ``stored`` and ``runs`` count what is new, ``there_already`` what was stored before;
    ``position`` is that of the last new fact, None if there is none. ``known`` holds,
    by creator, the details that are told of videos by now.
    """

    stored: int
    there_already: int
    runs: int
    position: int | None
    known: dict[UUID, Known]


class _Reading(msgspec.Struct, kw_only=True):
    """One moment on its way: what is not stored of it, and the part that is free."""

    moment: Moment
    unseen: Sequence[Line]
    there_already: int = 0
    stored: list[list[e.Fact]] = []
    next_part: int = 0

    @property
    def stream(self) -> UUID:
        moment = self.moment
        return imported_run_stream(
            moment.project_id, moment.creator_id, moment.observed_at, self.next_part
        )


def find_holders(store: Store, project_id: UUID, handles: Sequence[str]) -> Holders:
    """Return who has each of the plain ``handles`` in the project."""
    found = Holders(creators={}, missing=[], removed=[], banned=[])
    for start in range(0, len(handles), _LOOKED_UP_AT_ONCE):
        _look_up(store, project_id, handles[start : start + _LOOKED_UP_AT_ONCE], found)
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
) -> Additions:
    """Track all of the handles or none: in mode auto, without bounds or first runs.

    Raises:
        DomainError: one of them is banned, or was taken meanwhile.
        NotFoundError: no such project in the organization.
        LimitReachedError: the plan has no room for all of them.
        BusyError: too many writers at once.
    """

    def insist(cursor: Cursor[TupleRow], additions: Additions) -> None:
        # Raised within the append, so that nothing of it stays.
        del cursor
        for result in additions.results:
            if result.refusal is not None:
                raise result.refusal

    additions = add_creators(
        store,
        [
            NewCreator(tiktok_handle=handle, tracking_start_date=None)
            for handle in handles
        ],
        organization_id=organization_id,
        project_id=project_id,
        plans=plans,
        now=now,
        context=context,
        job_types=(),
        alongside=insist,
    )
    if additions.position is None:
        for result in additions.results:
            if result.refusal is not None:
                raise result.refusal
    return additions


def keep_moments(
    store: Store,
    moments: Sequence[Moment],
    *,
    known: Mapping[UUID, Known],
    context: Context,
) -> Kept:
    """Store what of the moments is not stored yet, in one append.

    ``known`` says what former moments of the same import told of videos; it stays as
    it is. A creator's moments come in the order of time.

    Raises:
        BusyError: others import the same just now.
    """

    def attempt() -> Kept:
        readings = _what_is_unseen(store, moments)
        learned = {
            creator_id: dict(known.get(creator_id, {}))
            for creator_id in {moment.creator_id for moment in moments}
        }
        entries: list[Entry] = []
        runs = 0
        for reading in readings:
            of_creator = learned[reading.moment.creator_id]
            for facts in reading.stored:
                importing.learn(of_creator, facts)
            for facts in importing.runs_of(reading.moment, reading.unseen, of_creator):
                stream = reading.stream
                entries += [
                    Entry(stream, version, fact)
                    for version, fact in enumerate(facts, 1)
                ]
                reading.next_part += 1
                runs += 1
        position = None
        if entries:
            position = store.append(entries, context=context)[-1].position
        return Kept(
            stored=sum(len(reading.unseen) for reading in readings),
            there_already=sum(reading.there_already for reading in readings),
            runs=runs,
            position=position,
            known=learned,
        )

    return retry_conflicts(attempt)


def _what_is_unseen(store: Store, moments: Sequence[Moment]) -> list[_Reading]:
    """Take out what is stored, part by part until there is none or nothing is left."""
    readings = [
        _Reading(
            moment=moment,
            unseen=moment.lines
            if importing.are_distinct(moment.lines)
            else list(importing.distinct(moment.lines).values()),
        )
        for moment in moments
    ]
    open_ones = readings
    while open_ones:
        open_ones = list(_one_part_on(store, open_ones))
    return readings


def _one_part_on(store: Store, readings: Sequence[_Reading]) -> Iterator[_Reading]:
    streams = [reading.stream for reading in readings]
    histories = store.load(*streams)
    for reading, stream in zip(readings, streams, strict=True):
        facts = [past.fact for past in histories[stream]]
        if not facts:
            continue
        unseen = importing.distinct(reading.unseen)
        importing.take_out(unseen, facts)
        reading.there_already += len(reading.unseen) - len(unseen)
        reading.unseen = list(unseen.values())
        reading.stored.append(facts)
        reading.next_part += 1
        if reading.unseen:
            yield reading


def _look_up(
    store: Store, project_id: UUID, handles: Sequence[str], found: Holders
) -> None:
    claims = [claim_stream(project_id, handle) for handle in handles]
    pasts = store.load(*claims)
    former: dict[str, UUID] = {}
    missing: list[str] = []
    for handle, stream in zip(handles, claims, strict=True):
        claim = claim_of(pasts[stream])
        if claim.holder is not None:
            found.creators[handle] = claim.holder
            continue
        missing.append(handle)
        if claim.last_holder is not None:
            former[handle] = claim.last_holder
    found.missing.extend(missing)
    bans = {handle: ban_stream(handle) for handle in missing}
    pasts = store.load(*bans.values(), *former.values())
    found.banned.extend(name for name, ban in bans.items() if banned_by(pasts[ban]))
    for handle, creator_id in former.items():
        creator = creator_of(pasts[creator_id])
        # Whoever was renamed away from the handle lives on under another one.
        if creator and creator.status == "removed" and creator.handle == handle:
            found.removed.append(handle)
