"""Changing creators that are there: rename, settings, removal, second chances."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import claims
from domain import commands as c
from domain import events as e
from domain.creator import Creator, decide, decide_all, is_cooling_down
from domain.errors import CreatorBannedError, NotFoundError, StaleVersionError
from domain.handles import normalize_handle
from domain.plans import Limits
from domain.streams import ban_stream, claim_stream, creators_tally
from infra.handlers.folding import (
    History,
    banned_by,
    claim_of,
    creator_of,
    next_entries,
    organization_of,
)
from infra.handlers.scrapes import requested
from infra.mapper import Entry
from infra.recorder import Context, Tally
from infra.store import Recorded, Store, relayed, retry_conflicts

BOTH_SCRAPES: tuple[e.JobType, ...] = ("creator_profiles", "discover_videos")


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A creator's whole stream after the command; position None: nothing new."""

    creator_id: UUID
    history: tuple[Recorded, ...]
    position: int | None


class BulkResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one creator of a bulk command; ``reason`` where not ok."""

    creator_id: UUID
    status: Literal["ok", "skipped", "failed"]
    reason: str | None = None


class BulkDone(msgspec.Struct, frozen=True, kw_only=True):
    """What became of all of them, in the order asked; position None: nothing new."""

    results: tuple[BulkResult, ...]
    position: int | None


ChangedAlongside = Callable[[Cursor[TupleRow], Changed], None]
BulkAlongside = Callable[[Cursor[TupleRow], BulkDone], None]
Asked = c.RenameHandle | c.ChangeDetails | c.ChangeTracking


def change_creator(
    store: Store,
    creator_id: UUID,
    commands: Sequence[Asked],
    *,
    organization_id: UUID,
    context: Context,
    expected_versions: Collection[int] | None = None,
    alongside: ChangedAlongside | None = None,
) -> Changed:
    """Carry out the commands as one; a rename claims, releases and scrapes anew.

    Raises:
        NotFoundError: no such creator in the organization.
        StaleVersionError: the present one is not among ``expected_versions``.
        InvalidHandleError, HandleTakenError, CreatorBannedError, NoChangeError,
        CreatorRemovedError, InvalidWindowError: the domain refuses.
        BusyError: too many writers at once.
    """
    commands = [
        c.RenameHandle(handle=normalize_handle(command.handle))
        if isinstance(command, c.RenameHandle)
        else command
        for command in commands
    ]

    def attempt() -> Changed:
        past, creator = _find(store, creator_id, organization_id, expected_versions)
        facts = decide_all(creator, *commands)
        entries = next_entries(creator_id, past, facts)
        guards: list[tuple[UUID, int]] = []
        for fact in facts:
            if isinstance(fact, e.HandleChanged):
                moved, guards = _move_claim(store, creator, creator_id, fact)
                renamed = msgspec.structs.replace(creator, handle=fact.new)
                entries += moved
                entries += requested(
                    renamed,
                    creator_id,
                    job_types=("creator_profiles",),
                    trigger="renamed",
                    context=context,
                )
        return _append_change(
            store, creator_id, past, entries,
            guards=guards, tallies=[], context=context, alongside=alongside,
        )  # fmt: skip

    return retry_conflicts(attempt)


def remove_creator(
    store: Store,
    creator_id: UUID,
    *,
    organization_id: UUID,
    context: Context,
    expected_versions: Collection[int] | None = None,
    alongside: ChangedAlongside | None = None,
) -> Changed:
    """Stop tracking a creator and free its handle; a removed one stays as it is.

    Raises:
        NotFoundError: no such creator in the organization.
        StaleVersionError: the present one is not among ``expected_versions``.
        BusyError: too many writers at once.
    """

    def attempt() -> Changed:
        past, creator = _find(store, creator_id, organization_id, expected_versions)
        facts = decide(creator, c.SoftDelete())
        entries = next_entries(creator_id, past, facts)
        if entries:
            entries += _release(
                creator_id, creator, store.load(_claim(creator))[_claim(creator)]
            )
        return _append_change(
            store, creator_id, past, entries,
            guards=[], tallies=_tally(organization_id, -_counted(creator)),
            context=context, alongside=alongside,
        )  # fmt: skip

    return retry_conflicts(attempt)


def remove_creators(
    store: Store,
    creator_ids: Sequence[UUID],
    *,
    organization_id: UUID,
    project_id: UUID,
    context: Context,
    alongside: BulkAlongside | None = None,
) -> BulkDone:
    """Remove many creators of one project in one append.

    Raises:
        NotFoundError: no such project in the organization.
        BusyError: too many writers at once.
    """

    def attempt() -> BulkDone:
        pasts = store.load(organization_id, *creator_ids)
        _check_project(pasts[organization_id], project_id)
        living: dict[UUID, Creator] = {}
        results: list[BulkResult] = []
        for creator_id in creator_ids:
            creator = creator_of(pasts[creator_id])
            if creator is None or creator.project_id != project_id:
                results.append(_unknown(creator_id))
            elif creator.status == "removed" or creator_id in living:
                results.append(_skipped(creator_id, "already removed"))
            else:
                living[creator_id] = creator
                results.append(BulkResult(creator_id=creator_id, status="ok"))
        held = store.load(*map(_claim, living.values())) if living else {}
        entries: list[Entry] = []
        for creator_id, creator in living.items():
            facts = decide(creator, c.SoftDelete())
            entries += next_entries(creator_id, pasts[creator_id], facts)
            entries += _release(creator_id, creator, held[_claim(creator)])
        freed = sum(map(_counted, living.values()))
        return _append_bulk(
            store, results, entries, tallies=_tally(organization_id, -freed),
            context=context, alongside=alongside,
        )  # fmt: skip

    return retry_conflicts(attempt)


def reenable_creators(
    store: Store,
    creator_ids: Sequence[UUID],
    *,
    organization_id: UUID,
    project_id: UUID,
    plans: Mapping[str, Limits],
    now: datetime,
    context: Context,
    alongside: BulkAlongside | None = None,
) -> BulkDone:
    """Give auto-disabled creators of one project another try, in one append.

    Raises:
        NotFoundError: no such project in the organization.
        LimitReachedError: the plan has no room for all of them; none was re-enabled.
        BusyError: too many writers at once.
    """

    def attempt() -> BulkDone:
        pasts = store.load(organization_id, *creator_ids)
        limits = plans[_check_project(pasts[organization_id], project_id)]
        results: list[BulkResult] = []
        entries: list[Entry] = []
        woken: set[UUID] = set()
        for creator_id in creator_ids:
            creator = creator_of(pasts[creator_id])
            if creator is None or creator.project_id != project_id:
                results.append(_unknown(creator_id))
            elif creator.status != "disabled" or creator_id in woken:
                results.append(_skipped(creator_id, "not auto-disabled"))
            elif is_cooling_down(creator, now):
                results.append(_skipped(creator_id, "re-enabled within 24 hours"))
            else:
                woken.add(creator_id)
                results.append(BulkResult(creator_id=creator_id, status="ok"))
                facts = decide(creator, c.Reenable(at=now))
                entries += next_entries(creator_id, pasts[creator_id], facts)
                entries += requested(
                    creator,
                    creator_id,
                    job_types=BOTH_SCRAPES,
                    trigger="reenabled",
                    context=context,
                )
        maximum = limits.max_creators_per_org
        return _append_bulk(
            store, results, entries,
            tallies=_tally(organization_id, len(woken), maximum=maximum),
            context=context, alongside=alongside,
        )  # fmt: skip

    return retry_conflicts(attempt)


def disable_creator(
    store: Store, creator_id: UUID, command: c.AutoDisable, *, context: Context
) -> list[Recorded]:
    """Disable a creator whose account cannot be seen any more; once per verdict."""

    def attempt() -> list[Recorded]:
        past = store.load(creator_id)[creator_id]
        creator = creator_of(past)
        facts = decide(creator, command)
        if creator is None or not facts:
            return []
        return store.append(
            next_entries(creator_id, past, facts),
            context=context,
            tallies=_tally(creator.organization_id, -1),
        )

    return retry_conflicts(attempt)


def _find(
    store: Store,
    creator_id: UUID,
    organization_id: UUID,
    expected_versions: Collection[int] | None,
) -> tuple[History, Creator]:
    past = store.load(creator_id)[creator_id]
    creator = creator_of(past)
    if creator is None or creator.organization_id != organization_id:
        raise NotFoundError("creator")
    if expected_versions is not None and len(past) not in expected_versions:
        raise StaleVersionError(len(past))
    return past, creator


def _move_claim(
    store: Store, creator: Creator, creator_id: UUID, fact: e.HandleChanged
) -> tuple[list[Entry], list[tuple[UUID, int]]]:
    """Return the entries that hand the new handle over, and what they rest on."""
    new = claim_stream(creator.project_id, fact.new)
    old, ban = _claim(creator), ban_stream(fact.new)
    pasts = store.load(new, old, ban)
    if banned_by(pasts[ban]):
        raise CreatorBannedError(fact.new)
    claimed = claims.decide(
        claim_of(pasts[new]),
        c.ClaimHandle(
            organization_id=creator.organization_id,
            project_id=creator.project_id,
            handle=fact.new,
            creator_id=creator_id,
        ),
    )
    entries = next_entries(new, pasts[new], claimed)
    entries += _release(creator_id, creator, pasts[old])
    return entries, [(ban, len(pasts[ban]))]


def _claim(creator: Creator) -> UUID:
    return claim_stream(creator.project_id, creator.handle)


def _release(creator_id: UUID, creator: Creator, past: History) -> list[Entry]:
    released = claims.decide(
        claim_of(past),
        c.ReleaseHandle(
            organization_id=creator.organization_id,
            project_id=creator.project_id,
            handle=creator.handle,
            creator_id=creator_id,
        ),
    )
    return next_entries(_claim(creator), past, released)


def _counted(creator: Creator) -> int:
    return 1 if creator.status == "active" else 0


def _tally(
    organization_id: UUID, delta: int, *, maximum: int | None = None
) -> list[Tally]:
    if delta == 0:
        return []
    return [
        Tally(
            key=creators_tally(organization_id),
            delta=delta,
            limit_key="max_creators_per_org",
            maximum=maximum,
        )
    ]


def _check_project(past: History, project_id: UUID) -> str:
    """Return the organization's plan, once the project is known to be its own."""
    organization = organization_of(past)
    if organization is None or project_id not in organization.projects:
        raise NotFoundError("project")
    return organization.plan


def _unknown(creator_id: UUID) -> BulkResult:
    return BulkResult(creator_id=creator_id, status="failed", reason="not_found")


def _skipped(creator_id: UUID, reason: str) -> BulkResult:
    return BulkResult(creator_id=creator_id, status="skipped", reason=reason)


def _append_change(
    store: Store,
    creator_id: UUID,
    past: History,
    entries: list[Entry],
    *,
    guards: list[tuple[UUID, int]],
    tallies: list[Tally],
    context: Context,
    alongside: ChangedAlongside | None,
) -> Changed:
    def changed(facts: Sequence[Recorded]) -> Changed:
        own = [fact for fact in facts if fact.stream == creator_id]
        return Changed(
            creator_id=creator_id,
            history=(*past, *own),
            position=facts[-1].position if facts else None,
        )

    if not entries:
        return changed([])
    return changed(
        store.append(
            entries,
            context=context,
            guards=guards,
            tallies=tallies,
            alongside=relayed(alongside, changed),
        )
    )


def _append_bulk(
    store: Store,
    results: Sequence[BulkResult],
    entries: list[Entry],
    *,
    tallies: list[Tally],
    context: Context,
    alongside: BulkAlongside | None,
) -> BulkDone:
    def done(facts: Sequence[Recorded]) -> BulkDone:
        position = facts[-1].position if facts else None
        return BulkDone(results=tuple(results), position=position)

    if not entries:
        return done([])
    return done(
        store.append(
            entries,
            context=context,
            tallies=tallies,
            alongside=relayed(alongside, done),
        )
    )
