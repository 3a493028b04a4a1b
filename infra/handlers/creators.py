"""Changing creators that are there: rename, settings, removal, disabling."""

from collections.abc import Callable, Collection, Sequence
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import commands as c
from domain import events as e
from domain.creator import handle_claim
from domain.creator.decider import Creator, decide, decide_all
from domain.creator.handle import normalize_handle
from domain.errors import CreatorBannedError, NotFoundError, StaleVersionError
from domain.streams import ban_stream, claim_stream, creators_counter
from infra.eventstore.append import Context, QuotaCounter
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import RecordedEvent, Store, adapt_hook, retry_conflicts
from infra.handlers.handling import (
    History,
    banned_by,
    claim_of,
    creator_of,
    next_entries,
)
from infra.handlers.scrapes import requested


def claim_of_its_handle(creator: Creator) -> UUID:
    """Return the stream of the claim on the handle that a creator has."""
    return claim_stream(creator.project_id, creator.handle)


def released(creator_id: UUID, creator: Creator, past: History) -> list[NewEvent]:
    """Return what frees the handle, given the history of its claim."""
    events = handle_claim.decide(
        claim_of(past),
        c.ReleaseHandle(
            organization_id=creator.organization_id,
            project_id=creator.project_id,
            handle=creator.handle,
            creator_id=creator_id,
        ),
    )
    return next_entries(claim_of_its_handle(creator), past, events)


def places(creator: Creator) -> int:
    """Return how many places of the plan a creator takes: one while it is active."""
    return 1 if creator.status == "active" else 0


def creators_counted(
    organization_id: UUID, delta: int, *, maximum: int | None = None
) -> list[QuotaCounter]:
    """Return the change of the number of active creators, none for 0."""
    if delta == 0:
        return []
    return [
        QuotaCounter(
            key=creators_counter(organization_id),
            delta=delta,
            limit_key="max_creators_per_org",
            maximum=maximum,
        )
    ]


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A creator's whole stream after the command; position None: nothing new."""

    creator_id: UUID
    history: tuple[RecordedEvent, ...]
    position: int | None


ChangedAlongside = Callable[[Cursor[TupleRow], Changed], None]
Asked = c.RenameHandle | c.ChangeDetails | c.ChangeTracking


def change_creator(
    store: Store,
    creator_id: UUID,
    commands: Sequence[Asked],
    *,
    organization_id: UUID,
    context: Context,
    expected_versions: Collection[int] | None = None,
    in_transaction: ChangedAlongside | None = None,
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
        events = decide_all(creator, *commands)
        entries = next_entries(creator_id, past, events)
        guards: list[tuple[UUID, int]] = []
        for event in events:
            if isinstance(event, e.HandleChanged):
                moved, guards = _move_claim(store, creator, creator_id, event)
                renamed = msgspec.structs.replace(creator, handle=event.new)
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
            guards=guards, quota_counters=[], context=context,
            in_transaction=in_transaction,
        )  # fmt: skip

    return retry_conflicts(attempt)


def remove_creator(
    store: Store,
    creator_id: UUID,
    *,
    organization_id: UUID,
    context: Context,
    expected_versions: Collection[int] | None = None,
    in_transaction: ChangedAlongside | None = None,
) -> Changed:
    """Stop tracking a creator and free its handle; a removed one stays as it is.

    Raises:
        NotFoundError: no such creator in the organization.
        StaleVersionError: the present one is not among ``expected_versions``.
        BusyError: too many writers at once.
    """

    def attempt() -> Changed:
        past, creator = _find(store, creator_id, organization_id, expected_versions)
        events = decide(creator, c.SoftDelete())
        entries = next_entries(creator_id, past, events)
        if entries:
            entries += released(
                creator_id,
                creator,
                store.load(claim_of_its_handle(creator))[claim_of_its_handle(creator)],
            )
        return _append_change(
            store, creator_id, past, entries,
            guards=[],
            quota_counters=creators_counted(organization_id, -places(creator)),
            context=context, in_transaction=in_transaction,
        )  # fmt: skip

    return retry_conflicts(attempt)


def disable_creator(
    store: Store, creator_id: UUID, command: c.AutoDisable, *, context: Context
) -> list[RecordedEvent]:
    """Disable a creator whose account cannot be seen any more; once per verdict."""

    def attempt() -> list[RecordedEvent]:
        past = store.load(creator_id)[creator_id]
        creator = creator_of(past)
        events = decide(creator, command)
        if creator is None or not events:
            return []
        return store.append(
            next_entries(creator_id, past, events),
            context=context,
            quota_counters=creators_counted(creator.organization_id, -1),
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
    store: Store, creator: Creator, creator_id: UUID, event: e.HandleChanged
) -> tuple[list[NewEvent], list[tuple[UUID, int]]]:
    """Return the entries that hand the new handle over, and what they rest on."""
    new = claim_stream(creator.project_id, event.new)
    old, ban = claim_of_its_handle(creator), ban_stream(event.new)
    pasts = store.load(new, old, ban)
    if banned_by(pasts[ban]):
        raise CreatorBannedError(event.new)
    claimed = handle_claim.decide(
        claim_of(pasts[new]),
        c.ClaimHandle(
            organization_id=creator.organization_id,
            project_id=creator.project_id,
            handle=event.new,
            creator_id=creator_id,
        ),
    )
    entries = next_entries(new, pasts[new], claimed)
    entries += released(creator_id, creator, pasts[old])
    return entries, [(ban, len(pasts[ban]))]


def _append_change(
    store: Store,
    creator_id: UUID,
    past: History,
    entries: list[NewEvent],
    *,
    guards: list[tuple[UUID, int]],
    quota_counters: list[QuotaCounter],
    context: Context,
    in_transaction: ChangedAlongside | None,
) -> Changed:
    def changed(events: Sequence[RecordedEvent]) -> Changed:
        own = [event for event in events if event.stream == creator_id]
        return Changed(
            creator_id=creator_id,
            history=(*past, *own),
            position=events[-1].position if events else None,
        )

    if not entries:
        return changed([])
    return changed(
        store.append(
            entries,
            context=context,
            guards=guards,
            quota_counters=quota_counters,
            in_transaction=adapt_hook(in_transaction, changed),
        )
    )
