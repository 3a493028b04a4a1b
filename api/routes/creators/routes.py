"""/creators: the list, and one creator."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, ClassVar, cast
from uuid import UUID

from litestar import Controller, delete, patch, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Response
from msgspec import UNSET, UnsetType
from msgspec.structs import asdict

from api.http.errors import ApiError, Code, field_error
from api.http.reading.as_of import resolve_as_of
from api.http.reading.paging import ListRequest, caught_up, found
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter
from api.routes.creators import responses as answers
from api.routes.creators.schemas import CreatorChange, CreatorContact, check_sizes
from api.routes.history import READ_MODEL, known_creator
from api.routes.lists.creator_parameters import (
    CreatorListParameters,
    provide_creator_list,
)
from api.routes.lists.creators import (
    CreatorListMeta,
    CreatorWithFigures,
    creators_with_figures,
    health_rules,
    with_posting,
)
from application.contacts import contact_of, storing_contacts
from domain import commands as c
from domain.creator.handlers import change as creators
from domain.email import checked_email
from domain.errors import InvalidEmailError, NotFoundError
from infra.structs import shared_fields
from projections.analytics.read.members import members_of
from projections.creators.counting import CreatorAmounts, creator_amounts
from projections.creators.creator import Creator, creator_from_row
from projections.creators.filter import CreatorFigureFilter
from projections.creators.queries import (
    CreatorQuery,
    CreatorSort,
    creator_sort_value,
    one_creator,
    page_of_creators,
)
from projections.engine.reader import Reader

_CONFLICTS = [
    Code.HANDLE_TAKEN,
    Code.CREATOR_BANNED,
    Code.ERASED_AND_BANNED,
    Code.CREATOR_REMOVED,
    Code.INVALID_HANDLE,
    Code.NO_CHANGE,
    Code.GONE,
]


_LISTING = {"creator_list": Provide(provide_creator_list, sync_to_thread=False)}


class CreatorRoutes(Controller):
    """The list of creators, and one creator."""

    tags = ("Creators",)
    entities: ClassVar = {"creator": Creator}
    dependencies = _LISTING

    @read_route(
        "/creators",
        "listCreators",
        errors=[Code.RETENTION_EXCEEDED],
        meta=CreatorListMeta,
    )
    async def list_creators(
        self,
        listing: NamedDependency[ListRequest],
        creator_list: NamedDependency[CreatorListParameters],
    ) -> ListPage[CreatorWithFigures]:
        """List creators, newest first unless another sort is requested.

        Each creator has `health` and `figures` if the request has a period, dates, an
        order, health, creator_ids or stopped_posting, or sorts by a figure. `meta` then
        has `totalCount`, the days, and `totals` of the whole list, in which an account
        that several projects track counts once. A named period is cut to the days that
        the plan shows. With a project_id, figures are what counts in the project;
        creators who moved may have left a part in another project.
        """
        sort, chosen = creator_list.sort, creator_list.filter
        if creator_list.asks_for_figures:
            return await creators_with_figures(listing, creator_list)
        by: CreatorSort = cast("CreatorSort", sort)
        await listing.caught_up("creator_list")
        rows, next_cursor = await listing.rows(
            "creators",
            lambda limit, after: page_of_creators(
                listing.reader.alone,
                CreatorQuery(
                    organization_id=listing.organization_id,
                    limit=limit,
                    after=after,
                    sort=by,
                    **asdict(chosen),
                ),
            ),
            filters={**asdict(chosen), "sort": sort},
            key=lambda row: (creator_sort_value(row, by), row.id),
            after=_AFTER[by],
        )
        shown = await with_posting(listing, rows)
        return ListPage(shown, limit=listing.limit, next_cursor=next_cursor)

    @read_route("/creators/amounts", "getCreatorAmounts")
    async def get_amounts(
        self,
        request: Request,
        reader: NamedDependency[Reader],
        project_id: FromQuery[UUID | None] = None,
        campaign_id: Annotated[
            UUID | None,
            QueryParameter(
                description="Count only creators of this campaign or of campaigns "
                "below it."
            ),
        ] = None,
    ) -> Answer[CreatorAmounts]:
        """Count the tracked creators by health, and those who stopped posting.

        The words mean the same as in the list of creators.
        """
        organization_id, now = request.organization_id, datetime.now(UTC)
        await caught_up(request, reader, "creator_list", "analytics", "api_keys")
        rules, _ = await health_rules(request, reader, now=now)
        ids = None
        if campaign_id is not None:
            its = await members_of(reader, organization_id, campaign_id)
            ids = tuple(its.creators)
        chosen = CreatorFigureFilter(rules=rules, project_id=project_id, ids=ids)
        return Answer(await creator_amounts(reader, organization_id, chosen, now=now))

    @read_route("/creators/{creator_id:uuid}", "getCreator")
    async def get_creator(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        reader: NamedDependency[Reader],
        as_of: Annotated[
            str | None,
            QueryParameter(
                max_length=64,
                description="A time or a position of the log; the creator as recorded "
                "then.",
            ),
        ] = None,
    ) -> Answer[Creator]:
        """Show one creator, now or as recorded at `as_of`.

        A past state has the version of that time and no ETag, and is never answered
        with 304.
        """
        organization_id = request.organization_id
        if as_of is not None:
            await caught_up(request, reader, READ_MODEL)
            at = await resolve_as_of(
                reader, organization_id, as_of, now=datetime.now(UTC)
            )
            row = await known_creator(reader, organization_id, creator_id, at)
            if row is None:
                raise NotFoundError("creator")
            return Answer(creator_from_row(row))
        await caught_up(request, reader, "creator_list")
        return found(
            "creator", await one_creator(reader.alone, organization_id, creator_id)
        )

    @write_route(
        patch, "/creators/{creator_id:uuid}", "changeCreator", errors=_CONFLICTS
    )
    def change_creator(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        data: JSONBody[CreatorChange],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Creator]:
        """Change a creator: the handle, the description or the tracking.

        A creator with a new handle keeps everything, and a profile scrape is queued.
        """
        check_sizes(data)
        email = _checked_contact(data)
        commands = _commands(data)
        if email is not UNSET:
            commands.append(c.ChangeContact(has_address=email is not None))
        return writer.perform(
            request,
            lambda: creators.change_creator(
                creator_id,
                commands,
                organization_id=request.organization_id,
                command_id=request.command_id,
                names=writer.store.names,
                expected_versions=writer.expected_versions(request),
            ),
            answers.changed_creator,
            in_transaction=storing_contacts(
                writer.store, lambda _: {creator_id: email or None}
            ),
        )

    @read_route(
        "/creators/{creator_id:uuid}/contact",
        "getCreatorContact",
        scope="write",
        versioned=False,
    )
    async def get_contact(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        reader: NamedDependency[Reader],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[CreatorContact]:
        """Show the contact address of a creator, to those who may change it."""
        await caught_up(request, reader, "creator_list")
        if await one_creator(reader, request.organization_id, creator_id) is None:
            raise NotFoundError("creator")
        contact = await asyncio.to_thread(contact_of, writer.store, creator_id)
        return Answer(
            CreatorContact(
                creator_id=creator_id,
                contact_email=contact.email,
                opted_out_at=contact.opted_out_at,
            )
        )

    @write_route(
        delete, "/creators/{creator_id:uuid}", "removeCreator", errors=[Code.GONE]
    )
    def remove_creator(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Creator]:
        """Stop tracking a creator.

        The history stays, and adding the creator again restores it.
        """
        return writer.perform(
            request,
            lambda: creators.remove_creator(
                creator_id,
                organization_id=request.organization_id,
                names=writer.store.names,
                expected_versions=writer.expected_versions(request),
            ),
            answers.changed_creator,
        )

    @write_route(
        post,
        "/creators/{creator_id:uuid}/disable",
        "disableCreator",
        errors=[Code.CREATOR_REMOVED, Code.GONE],
        status=200,
        conditional=True,
    )
    def disable_creator(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Creator]:
        """Stop scraping a creator until it is enabled again with bulk-reenable.

        The `disabled_reason` is `by_hand`, and runs that were queued before are given
        up. A creator that is disabled already stays as it is, with its reason.
        """
        return writer.perform(
            request,
            lambda: creators.disable_creator(
                creator_id,
                organization_id=request.organization_id,
                expected_versions=writer.expected_versions(request),
            ),
            answers.changed_creator,
        )

    @read_route(
        "/creators/{creator_id:uuid}/stats",
        "getCreatorStats",
        is_gone=True,
        is_deprecated=True,
    )
    async def get_creator_stats(self, creator_id: FromPath[UUID]) -> Response[None]:
        """Gone: use GET /analytics."""
        raise ApiError(
            Code.GONE,
            f"Use GET /api/v1/analytics?entity=creator&entity_id={creator_id} instead.",
        )


_AFTER: dict[CreatorSort, type[tuple[datetime | str | int, UUID]]] = {
    "created_at": tuple[datetime, UUID],
    "tiktok_handle": tuple[str, UUID],
    "follower_count": tuple[int, UUID],
}


def _commands(change: CreatorChange) -> list[c.CreatorCommand]:
    commands: list[c.CreatorCommand] = []
    if change.tiktok_handle is not UNSET:
        commands.append(c.RenameHandle(handle=change.tiktok_handle))
    kinds = (c.ChangeDetails, c.ChangeTracking)
    return [*commands, *(kind(**shared_fields(kind, change)) for kind in kinds)]


def _checked_contact(change: CreatorChange) -> str | UnsetType | None:
    """Return the contact address of a change, UNSET if it is not changed.

    Raises:
        ApiError: ``invalid_body``, if it is no address.
    """
    if not isinstance(change.contact_email, str):
        return change.contact_email
    try:
        return checked_email(change.contact_email)
    except InvalidEmailError as error:
        raise field_error(Code.INVALID_BODY, "/contact_email", str(error)) from None
