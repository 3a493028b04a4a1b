"""``goatherd creators add``: as ``POST /projects/{id}/creators``."""

from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from cyclopts import Parameter
from msgspec import UNSET, UnsetType

from api.cli import UsageError
from api.cli.kit.databases import cli_context, fitting, opened_store
from api.cli.kit.names import ProjectOption, project_named
from api.cli.kit.options import DataDir, Ids, Json, read_settings
from api.cli.kit.output import print_list
from api.routes.creators.schemas import MOST_NEW
from domain.creator.handlers.add import Addition, RequestedCreator, add_creators
from domain.messages import TrackingMode
from infra.eventstore.execute import execute
from infra.ids import new_id

_EVER = "ever"
_RESULTS = {"created": "added", "reactivated": "restored"}


class AddedByHandle(msgspec.Struct, frozen=True, kw_only=True):
    """The result for one handle; ``code`` and ``error`` if it failed.

    ``tiktok_handle`` is null if the account was erased and is banned.
    """

    index: int
    tiktok_handle: str | None
    status: str
    code: str | None
    error: str | None
    creator_id: UUID | None


def add(
    *handles: Annotated[
        str, Parameter(help="Handles, or URLs of profiles: up to 50 at once.")
    ],
    project: ProjectOption,
    tracking_mode: Annotated[
        TrackingMode | None,
        Parameter(help="The mode in which new videos are tracked; auto by default."),
    ] = None,
    tracking_start_date: Annotated[
        str | None,
        Parameter(
            help="The day from which videos count, or ever for all videos; today by "
            "default."
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        Parameter(
            negative="", help="A tag of the creators; repeat the option for several."
        ),
    ] = None,
    ids: Ids = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Track creators in a project, and scrape them at once.

    A removed creator is restored with all earlier data. An invalid handle among several
    fails alone, and the exit status is then 1. If the plan has no room for all of them,
    none is added.
    """
    if not 1 <= len(handles) <= MOST_NEW:
        raise UsageError(f"Name 1 to {MOST_NEW} creators.")
    settings = read_settings(data_dir=data_dir)
    start = _day(tracking_start_date)
    requested = [
        RequestedCreator(
            tiktok_handle=handle,
            tracking_mode=tracking_mode or UNSET,
            tracking_start_date=start,
            tags=tag or UNSET,
        )
        for handle in handles
    ]
    context = cli_context()
    with fitting(settings) as connection:
        project_id, organization_id = project_named(connection, project)
    with opened_store(settings) as store:
        done = execute(
            store,
            lambda: add_creators(
                requested,
                fresh_ids=[new_id() for _ in requested],
                organization_id=organization_id,
                project_id=project_id,
                plans=settings.all_plans,
                now=datetime.now(UTC),
                command_id=context.command_id,
                names=store.names,
            ),
            context=context,
        )
    added = [_added(each) for each in done.result]
    print_list(
        added,
        "creator result",
        ids="id=creator_id" if ids else "",
        json=json,
        creator=_name,
        result=lambda one: _RESULTS.get(one.status) or f"not added: {one.error}",
    )
    return int(any(one.status == "failed" for one in added))


def _day(text: str | None) -> date | UnsetType | None:
    """Return the first day whose videos count; None is ever, and unset the default.

    Raises:
        CommandError: the text is no day.
    """
    if text is None:
        return UNSET
    if text == _EVER:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--tracking-start-date is a day, such as 2026-11-29, or {_EVER}."
        ) from None


def _added(addition: Addition) -> AddedByHandle:
    refusal = addition.refusal
    return AddedByHandle(
        index=addition.index,
        tiktok_handle=addition.tiktok_handle,
        status=addition.status,
        creator_id=addition.creator_id,
        code=None if refusal is None else refusal.code,
        error=None if refusal is None else str(refusal),
    )


def _name(added: AddedByHandle) -> str:
    handle = added.tiktok_handle
    if handle is None:
        return "(erased)"
    return handle if added.status == "failed" else f"@{handle}"
