"""Adding creators, one or fifty: claims, bans and limits decided in one append."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, UnsetType
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import commands as c
from domain import events as e
from domain.creator import handle_claim
from domain.creator.decider import Creator, decide_all
from domain.creator.handle import normalize_handle
from domain.errors import (
    CreatorBannedError,
    DomainError,
    HandleTakenError,
    InvalidHandleError,
    NotFoundError,
)
from domain.organization.plans import Limits
from domain.streams import ban_stream, claim_stream
from infra.eventstore.append import Context
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import RecordedEvent, Store, adapt_hook, retry_conflicts
from infra.handlers.creators import creators_counted
from infra.handlers.handling import (
    History,
    banned_by,
    claim_of,
    creator_of,
    next_entries,
    organization_of,
)
from infra.handlers.scrapes import requested
from infra.ids import new_id


class NewCreator(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for one creator; an unset start means today where they are."""

    tiktok_handle: str
    tracking_mode: e.TrackingMode = "auto"
    tracking_start_date: date | UnsetType | None = UNSET
    tracking_end_date: date | None = None
    description: str | UnsetType | None = UNSET
    readme: str | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


class Addition(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one wanted creator.

    ``history`` is the creator's whole stream where it was created or reactivated,
    ``refusal`` says why it was not.
    """

    index: int
    tiktok_handle: str
    status: Literal["created", "reactivated", "failed"]
    refusal: DomainError | None = None
    creator_id: UUID | None = None
    history: tuple[RecordedEvent, ...] = ()


class Additions(msgspec.Struct, frozen=True, kw_only=True):
    """What became of all of them, in the order asked; position None: nothing new."""

    results: tuple[Addition, ...]
    position: int | None


Alongside = Callable[[Cursor[TupleRow], Additions], None]


_NOBODY = UUID(int=0)


class _Plan(msgspec.Struct, kw_only=True):
    """One addition on its way: what it is for, and what it will append.

    ``claim`` and ``ban`` are the streams that decide about its handle.
    """

    index: int
    wanted: NewCreator
    handle: str
    claim: UUID = _NOBODY
    ban: UUID = _NOBODY
    refusal: DomainError | None = None
    creator_id: UUID | None = None
    past: History = ()
    entries: list[NewEvent] = []
    reactivated: bool = False


def add_creators(
    store: Store,
    requested: Sequence[NewCreator],
    *,
    organization_id: UUID,
    project_id: UUID,
    plans: Mapping[str, Limits],
    now: datetime,
    context: Context,
    job_types: Sequence[e.JobType] = ("creator_profiles", "discover_videos"),
    in_transaction: Alongside | None = None,
) -> Additions:
    """Track each wanted creator that can be tracked, all in one append.

    A bad item fails alone. Each creator's runs of ``job_types`` are asked for with it.
    ``in_transaction`` runs in the append's transaction.

    Raises:
        NotFoundError: no such project in the organization.
        LimitReachedError: the plan has no room for all of them; none was added.
        BusyError: too many writers at once.
    """
    fresh_ids = [new_id() for _ in requested]

    def attempt() -> Additions:
        plans_for = _plan(requested, project_id)
        pasts = store.load(organization_id, *_streams(plans_for))
        organization = organization_of(pasts[organization_id])
        if organization is None or project_id not in organization.projects:
            raise NotFoundError("project")
        _check(plans_for, pasts)
        _recall(store, plans_for, pasts)
        today = now.astimezone(ZoneInfo(organization.time_zone)).date()
        for plan in plans_for:
            if plan.refusal is None:
                _decide(
                    plan,
                    pasts,
                    fresh_id=fresh_ids[plan.index],
                    organization_id=organization_id,
                    project_id=project_id,
                    today=today,
                    job_types=job_types,
                    context=context,
                )
        added = [plan for plan in plans_for if plan.refusal is None]
        if not added:
            return _additions(plans_for, [])
        limits = plans[organization.plan]
        recorded = store.append(
            [entry for plan in added for entry in plan.entries],
            context=context,
            guards=[(plan.ban, len(pasts[plan.ban])) for plan in added],
            quota_counters=creators_counted(
                organization_id, len(added), maximum=limits.max_creators_per_org
            ),
            in_transaction=adapt_hook(
                in_transaction, lambda events: _additions(plans_for, events)
            ),
        )
        return _additions(plans_for, recorded)

    return retry_conflicts(attempt)


def _plan(wanted: Sequence[NewCreator], project_id: UUID) -> list[_Plan]:
    plans: list[_Plan] = []
    seen: set[str] = set()
    for index, item in enumerate(wanted):
        plan = _Plan(index=index, wanted=item, handle=item.tiktok_handle)
        plans.append(plan)
        try:
            plan.handle = normalize_handle(item.tiktok_handle)
        except InvalidHandleError as error:
            plan.refusal = error
            continue
        plan.claim = claim_stream(project_id, plan.handle)
        plan.ban = ban_stream(plan.handle)
        if plan.handle in seen:
            plan.refusal = HandleTakenError(plan.handle)
        seen.add(plan.handle)
    return plans


def _streams(plans: Sequence[_Plan]) -> list[UUID]:
    return [
        stream
        for plan in plans
        if plan.refusal is None
        for stream in (plan.claim, plan.ban)
    ]


def _check(plans: Sequence[_Plan], pasts: Mapping[UUID, History]) -> None:
    for plan in plans:
        if plan.refusal is not None:
            continue
        if banned_by(pasts[plan.ban]):
            plan.refusal = CreatorBannedError(plan.handle)
        elif claim_of(pasts[plan.claim]).holder is not None:
            plan.refusal = HandleTakenError(plan.handle)


def _recall(
    store: Store, plans: Sequence[_Plan], pasts: Mapping[UUID, History]
) -> None:
    """Find the removed creators that come back instead of being made anew."""
    former = {
        plan.index: last
        for plan in plans
        if plan.refusal is None and (last := claim_of(pasts[plan.claim]).last_holder)
    }
    if not former:
        return
    histories = store.load(*former.values())
    for plan in plans:
        past = histories.get(former.get(plan.index, _NOBODY), [])
        creator = creator_of(past)
        # Whoever was renamed away from the handle lives on under another one.
        if (
            creator is not None
            and creator.status == "removed"
            and creator.handle == plan.handle
        ):
            plan.creator_id, plan.past = former[plan.index], past
            plan.reactivated = True


def _decide(
    plan: _Plan,
    pasts: Mapping[UUID, History],
    *,
    fresh_id: UUID,
    organization_id: UUID,
    project_id: UUID,
    today: date,
    job_types: Sequence[e.JobType],
    context: Context,
) -> None:
    plan.creator_id = creator_id = plan.creator_id or fresh_id
    claimed = handle_claim.decide(
        claim_of(pasts[plan.claim]),
        c.ClaimHandle(
            organization_id=organization_id,
            project_id=project_id,
            handle=plan.handle,
            creator_id=creator_id,
        ),
    )
    commands = _commands(plan, organization_id, project_id, today)
    try:
        events = decide_all(creator_of(plan.past), *commands)
    except DomainError as error:
        plan.refusal = error
        return
    plan.entries = [
        *next_entries(creator_id, plan.past, events),
        *next_entries(plan.claim, pasts[plan.claim], claimed),
        *requested(
            Creator(
                organization_id=organization_id,
                project_id=project_id,
                handle=plan.handle,
                tracking_mode=plan.wanted.tracking_mode,
                tracking_start_date=None,
                tracking_end_date=None,
            ),
            creator_id,
            job_types=job_types,
            trigger="reactivated" if plan.reactivated else "added",
            context=context,
        ),
    ]


def _commands(
    plan: _Plan, organization_id: UUID, project_id: UUID, today: date
) -> list[c.CreatorCommand]:
    wanted = plan.wanted
    start = wanted.tracking_start_date
    start = today if start is UNSET else start
    if plan.reactivated:
        return [
            c.Reactivate(
                tracking_mode=wanted.tracking_mode,
                tracking_start_date=start,
                tracking_end_date=wanted.tracking_end_date,
            ),
            c.ChangeDetails(
                description=wanted.description,
                readme=wanted.readme,
                metadata=wanted.metadata,
            ),
        ]
    return [
        c.AddCreator(
            organization_id=organization_id,
            project_id=project_id,
            handle=plan.handle,
            tracking_mode=wanted.tracking_mode,
            tracking_start_date=start,
            tracking_end_date=wanted.tracking_end_date,
            description=None if wanted.description is UNSET else wanted.description,
            readme=None if wanted.readme is UNSET else wanted.readme,
            metadata={} if wanted.metadata is UNSET else wanted.metadata,
        )
    ]


def _additions(plans: Sequence[_Plan], recorded: Sequence[RecordedEvent]) -> Additions:
    news: dict[UUID, list[RecordedEvent]] = {}
    for event in recorded:
        news.setdefault(event.stream, []).append(event)
    results: list[Addition] = []
    for plan in plans:
        if plan.refusal is not None or plan.creator_id is None:
            results.append(
                Addition(
                    index=plan.index,
                    tiktok_handle=plan.handle,
                    status="failed",
                    refusal=plan.refusal,
                )
            )
            continue
        results.append(
            Addition(
                index=plan.index,
                tiktok_handle=plan.handle,
                status="reactivated" if plan.reactivated else "created",
                creator_id=plan.creator_id,
                history=(*plan.past, *news[plan.creator_id]),
            )
        )
    position = recorded[-1].position if recorded else None
    return Additions(results=tuple(results), position=position)
