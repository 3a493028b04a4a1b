"""Commands to creators: add, change, remove, disable and re-enable them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from domain import commands as c
from domain import events as e
from domain.decisions import ItemResults
from domain.handlers import add_creators as addition
from domain.handlers import creators as handlers
from domain.handlers.add_creators import Additions, RequestedCreator
from domain.handlers.creators import BOTH_SCRAPES
from domain.organization.plans import Limits
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed, InTransaction, execute
from infra.eventstore.store import RecordedEvent, Store
from infra.ids import new_id


def add_creators(
    store: Store,
    requested: Sequence[RequestedCreator],
    *,
    organization_id: UUID,
    project_id: UUID,
    plans: Mapping[str, Limits],
    now: datetime,
    context: Context,
    job_types: Sequence[e.JobType] = BOTH_SCRAPES,
    all_or_none: bool = False,
    in_transaction: InTransaction[Additions] | None = None,
) -> Executed[Additions]:
    """Start to track each requested creator that can be tracked, in one append.

    Raises:
        DomainError: ``all_or_none`` is set and one of them can't be tracked.
        NotFoundError: the organization has no such project.
        LimitReachedError: the plan has no room for all of them; none was added.
        BusyError: too many writers at the same time.
    """
    fresh_ids = [new_id() for _ in requested]
    return execute(
        store,
        lambda: addition.add_creators(
            requested,
            fresh_ids=fresh_ids,
            organization_id=organization_id,
            project_id=project_id,
            plans=plans,
            now=now,
            command_id=context.command_id,
            job_types=job_types,
            all_or_none=all_or_none,
        ),
        context=context,
        in_transaction=in_transaction,
    )


def change_creator(
    store: Store,
    creator_id: UUID,
    commands: Sequence[c.CreatorCommand],
    *,
    organization_id: UUID,
    context: Context,
    expected_versions: Collection[int] | None = None,
    in_transaction: InTransaction[UUID] | None = None,
) -> Executed[UUID]:
    """Execute several commands to a creator in one append.

    A rename also claims the new handle, releases the old one and requests a scrape.

    Raises:
        NotFoundError: no such creator in the organization.
        StaleVersionError: the present one is not among ``expected_versions``.
        InvalidHandleError, HandleTakenError, CreatorBannedError, NoChangeError,
        CreatorRemovedError, InvalidWindowError: the domain refuses.
        BusyError: too many writers at once.
    """
    return execute(
        store,
        lambda: handlers.change_creator(
            creator_id,
            commands,
            organization_id=organization_id,
            command_id=context.command_id,
            expected_versions=expected_versions,
        ),
        context=context,
        in_transaction=in_transaction,
    )


def remove_creator(
    store: Store,
    creator_id: UUID,
    *,
    organization_id: UUID,
    context: Context,
    expected_versions: Collection[int] | None = None,
    in_transaction: InTransaction[UUID] | None = None,
) -> Executed[UUID]:
    """Stop tracking a creator and free its handle; do nothing if it is removed already.

    Raises:
        NotFoundError: no such creator in the organization.
        StaleVersionError: the present one is not among ``expected_versions``.
        BusyError: too many writers at once.
    """
    return execute(
        store,
        lambda: handlers.remove_creator(
            creator_id,
            organization_id=organization_id,
            expected_versions=expected_versions,
        ),
        context=context,
        in_transaction=in_transaction,
    )


def disable_creator(
    store: Store, creator_id: UUID, command: c.AutoDisable, *, context: Context
) -> list[RecordedEvent]:
    """Disable a creator whose account is unavailable; once for each verdict."""
    return execute(
        store, lambda: handlers.disable_creator(creator_id, command), context=context
    ).events


def remove_creators(
    store: Store,
    creator_ids: Sequence[UUID],
    *,
    organization_id: UUID,
    project_id: UUID,
    context: Context,
    in_transaction: InTransaction[ItemResults] | None = None,
) -> Executed[ItemResults]:
    """Remove many creators of one project in one append.

    Raises:
        NotFoundError: no such project in the organization.
        BusyError: too many writers at once.
    """
    return execute(
        store,
        lambda: handlers.remove_creators(
            creator_ids, organization_id=organization_id, project_id=project_id
        ),
        context=context,
        in_transaction=in_transaction,
    )


def reenable_creators(
    store: Store,
    creator_ids: Sequence[UUID],
    *,
    organization_id: UUID,
    project_id: UUID,
    plans: Mapping[str, Limits],
    now: datetime,
    context: Context,
    in_transaction: InTransaction[ItemResults] | None = None,
) -> Executed[ItemResults]:
    """Enable auto-disabled creators of one project again, in one append.

    Raises:
        NotFoundError: no such project in the organization.
        LimitReachedError: the plan has no room for all of them; none was re-enabled.
        BusyError: too many writers at once.
    """
    return execute(
        store,
        lambda: handlers.reenable_creators(
            creator_ids,
            organization_id=organization_id,
            project_id=project_id,
            plans=plans,
            now=now,
            command_id=context.command_id,
        ),
        context=context,
        in_transaction=in_transaction,
    )
