"""The handler that adds up to fifty creators, with their claims, bans and limits."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import reduce
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, UnsetType

from domain import commands as c
from domain import events as e
from domain.creator.decider import CreatorState, creator_of, decide, evolve
from domain.creator.erased_bans import ErasedBans
from domain.creator.handle import normalize_handle
from domain.creator.handle_ban import is_banned
from domain.creator.handle_claim import claim_of
from domain.creator.handlers.change import BOTH_SCRAPES, active_creators
from domain.creator.handlers.claims import claim_handle, claims_of
from domain.decisions import (
    Decision,
    Handler,
    Histories,
    StreamEvent,
    decide_all,
    on,
    whole_history,
)
from domain.errors import (
    CreatorBannedError,
    DomainError,
    ErasedAndBannedError,
    HandleTakenError,
    InvalidHandleError,
)
from domain.messages import copied
from domain.organization.decider import owner_of_open_project
from domain.organization.plans import Limits
from domain.scrape.requests import creator_runs
from domain.streams import Names, erased_bans_stream


class RequestedCreator(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a creator to add.

    Unset settings of a removed creator stay as they were. A new creator is tracked in
    mode auto, from today in the organization's time zone, without an end.
    ``tracking_start_date_if_new`` is the first day of a new creator, in place of today.
    ``has_address`` says that the caller stores a contact address.
    """

    tiktok_handle: str
    tracking_mode: e.TrackingMode | UnsetType = UNSET
    tracking_start_date: date | UnsetType | None = UNSET
    tracking_start_date_if_new: date | UnsetType | None = UNSET
    tracking_end_date: date | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    readme: str | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    has_address: bool = False


class Addition(msgspec.Struct, frozen=True, kw_only=True):
    """The result for one requested creator; ``refusal`` is set if it was not added.

    ``tiktok_handle`` is null if the account was erased and is banned.
    """

    index: int
    tiktok_handle: str | None
    status: Literal["created", "reactivated", "failed"]
    refusal: DomainError | None = None
    creator_id: UUID | None = None


Additions = tuple[Addition, ...]


class _Item(msgspec.Struct, frozen=True, kw_only=True):
    """One requested creator, with the id that it gets if it is new.

    ``claim`` and ``ban`` are the streams of its handle.
    """

    index: int
    requested: RequestedCreator
    handle: str
    project_id: UUID
    fresh_id: UUID
    claim: UUID
    ban: UUID


def add_creators(
    requested: Sequence[RequestedCreator],
    *,
    fresh_ids: Sequence[UUID],
    organization_id: UUID,
    project_id: UUID,
    plans: Mapping[str, Limits],
    now: datetime,
    command_id: UUID,
    names: Names,
    job_types: Sequence[e.JobType] = BOTH_SCRAPES,
    all_or_none: bool = False,
) -> Handler[Additions]:
    """Track each requested creator that can be tracked; the others fail alone.

    With ``all_or_none``, the first refusal refuses all creators. The first scrapes of
    each creator, one of each of ``job_types``, are requested in the same append.
    """
    refusals: dict[int, DomainError] = {}
    items = _items(requested, fresh_ids, project_id, refusals, names)
    bans = erased_bans_stream(organization_id)
    histories = yield (
        organization_id,
        bans,
        *(stream for item in items for stream in (item.claim, item.ban)),
    )
    organization = owner_of_open_project(histories[organization_id], project_id)
    today = now.astimezone(ZoneInfo(organization.time_zone)).date()
    erased_bans = ErasedBans(organization_id, histories[bans], names)
    last_holders: dict[int, UUID] = {}
    handles: dict[int, str | None] = {}
    for item in items:
        handles[item.index] = item.handle
        if erased_bans.of_handle(item.handle):
            refusals[item.index] = ErasedAndBannedError()
            handles[item.index] = None
        if item.index in refusals:
            continue
        claim = claim_of(histories[item.claim])
        if is_banned(histories[item.ban]):
            refusals[item.index] = CreatorBannedError(item.handle)
        elif claim.holder is not None:
            refusals[item.index] = HandleTakenError(item.handle)
        elif claim.last_holder is not None:
            last_holders[item.index] = claim.last_holder
    formers = yield last_holders.values()
    former_claims = yield [
        claim
        for creator_id in last_holders.values()
        if (former := creator_of(formers[creator_id])) is not None
        and former.status != "erased"
        for claim in claims_of(former, names)
    ]
    events: list[StreamEvent] = []
    additions: dict[int, Addition] = {}
    for item in items:
        if item.index in refusals:
            continue
        former_id = last_holders.get(item.index)
        former = _former(item, former_id, formers)
        if _is_elsewhere(former, item):
            refusals[item.index] = HandleTakenError(item.handle)
            continue
        creator_id = item.fresh_id if former is None or not former_id else former_id
        commands = [
            *(
                _new_commands(item, organization_id, today)
                if former is None
                else _former_commands(item.requested)
            ),
            *([c.ChangeContact(has_address=True)] * item.requested.has_address),
        ]
        try:
            own = decide_all(former, commands, decide=decide, evolve=evolve)
            after = reduce(evolve, own, former)
            assert after is not None, "a new creator has an event"
            claimed = claim_handle(
                after, creator_id, {**histories, **former_claims}, names
            )
        except DomainError as error:
            refusals[item.index] = error
            continue
        additions[item.index] = Addition(
            index=item.index,
            tiktok_handle=item.handle,
            status="created" if former is None else "reactivated",
            creator_id=creator_id,
        )
        events += [*on(creator_id, own), *claimed]
        events += creator_runs(
            after,
            creator_id,
            job_types=job_types,
            trigger="added" if former is None else "reactivated",
            command_id=command_id,
        )
    if all_or_none and refusals:
        raise refusals[min(refusals)]
    limits = plans[organization.plan]
    return Decision(
        tuple(
            additions.get(index)
            or Addition(
                index=index,
                tiktok_handle=handles.get(index, each.tiktok_handle),
                status="failed",
                refusal=refusals[index],
            )
            for index, each in enumerate(requested)
        ),
        events=events,
        guards=[*(item.ban for item in items if item.index in additions), bans]
        if additions
        else [],
        quota_counters=active_creators(
            organization_id, len(additions), maximum=limits.max_creators_per_org
        ),
    )


def _items(
    requested: Sequence[RequestedCreator],
    fresh_ids: Sequence[UUID],
    project_id: UUID,
    refusals: dict[int, DomainError],
    names: Names,
) -> list[_Item]:
    """Return the requests with a valid handle.

    Refusals of invalid handles and of repetitions go into ``refusals``.
    """
    items: list[_Item] = []
    taken: set[str] = set()
    for index, each in enumerate(requested):
        try:
            handle = normalize_handle(each.tiktok_handle)
        except InvalidHandleError as error:
            refusals[index] = error
            continue
        if handle in taken:
            refusals[index] = HandleTakenError(handle)
        taken.add(handle)
        items.append(
            _Item(
                index=index,
                requested=each,
                handle=handle,
                project_id=project_id,
                fresh_id=fresh_ids[index],
                claim=names.claim_stream(project_id, handle),
                ban=names.ban_stream(handle),
            )
        )
    return items


def _former(
    item: _Item, creator_id: UUID | None, histories: Histories
) -> CreatorState | None:
    """Return the removed creator that comes back instead of a new one, if any."""
    if creator_id is None:
        return None
    # It may be in a project that the one who asks may not see.
    creator = creator_of(whole_history(histories[creator_id]))
    # A renamed creator has another handle now, and a moved one has it in other
    # projects.
    if creator is None or creator.status != "removed" or creator.handle != item.handle:
        return None
    projects = (creator.project_id, creator.origin_project_id)
    return creator if item.project_id in projects else None


def _is_elsewhere(former: CreatorState | None, item: _Item) -> bool:
    """Tell whether a removed creator was moved away, with the ids of its videos."""
    return former is not None and former.project_id != item.project_id


def _new_commands(
    item: _Item, organization_id: UUID, today: date
) -> list[c.CreatorCommand]:
    requested = item.requested
    mode, start = requested.tracking_mode, requested.tracking_start_date
    if start is UNSET:
        start = requested.tracking_start_date_if_new
    end = requested.tracking_end_date
    return [
        c.AddCreator(
            organization_id=organization_id,
            project_id=item.project_id,
            handle=item.handle,
            tracking_mode="auto" if mode is UNSET else mode,
            tracking_start_date=today if start is UNSET else start,
            tracking_end_date=None if end is UNSET else end,
            description=None
            if requested.description is UNSET
            else requested.description,
            readme=None if requested.readme is UNSET else requested.readme,
            metadata={} if requested.metadata is UNSET else requested.metadata,
            tags=[] if requested.tags is UNSET else requested.tags,
        )
    ]


def _former_commands(requested: RequestedCreator) -> list[c.CreatorCommand]:
    return [
        c.Reactivate(
            tracking_mode=requested.tracking_mode,
            tracking_start_date=requested.tracking_start_date,
            tracking_end_date=requested.tracking_end_date,
        ),
        copied(requested, c.ChangeDetails),
    ]
