"""/admin/log: events of the whole log, their traces, and the stored types."""

import asyncio
from functools import cache, partial
from typing import Annotated, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from api.http.query import invalid_query
from api.http.reading.instants import position_or_instant
from api.http.reading.paging import ListRequest, caught_up
from api.http.request import Request, correlation_of
from api.http.responses import Answer, ListPage, PageMeta
from api.http.routes import read_route
from api.http.writer import CommandWriter
from api.routes.audit.routes import ActorOfEvents
from api.system.trace import Trace, trace_of_position
from domain.events import STORED_NAMES
from infra.database import run_read
from infra.eventstore.catalogue import StoredType, catalogue
from infra.eventstore.envelope import EventMetadata
from infra.eventstore.log_page import LogFilter, LogPage, log_page
from projections.audit import actors_named
from projections.engine.reader import Reader
from projections.organizations.queries import one_organization

_OPERATOR: Final[dict[str, Any]] = {"scope": "admin", "operator": True}
_LIST: Final = "log"
_MOST_TEXT = 64
_EVENT: Final[dict[str, Any]] = {
    "position": 51207,
    "stream": "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a40",
    "version": 2,
    "name": "handle_changed",
    "actor": "key:0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a41",
    "recorded_at": "2026-11-24T14:30:00Z",
    "correlation_id": "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a42",
    "causation_id": "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a43",
}
_TRACE: Final[dict[str, Any]] = {
    "request_id": _EVENT["correlation_id"],
    "commands": [
        {
            "command_id": _EVENT["causation_id"],
            "actor": _EVENT["actor"],
            "events": [
                {
                    "position": 51207,
                    "name": "handle_changed",
                    "stream": _EVENT["stream"],
                    "version": 2,
                    "recorded_at": _EVENT["recorded_at"],
                    "projections": [
                        {
                            "name": "creator_list",
                            "position": 51207,
                            "state": "applied",
                            "rows": {"creator_list": 1},
                            "why": None,
                        }
                    ],
                    "scrape": None,
                }
            ],
        }
    ],
}


class ExaminedMeta(PageMeta, frozen=True, kw_only=True, rename="camel"):
    """The meta of a page of the log, and the positions that were examined for it.

    Every event from `examinedFrom` to `examinedTo` that fits the filters is on the
    page. Both are null if there was nothing to examine.
    """

    examined_from: int | None
    examined_to: int | None


class ExaminedPage(ListPage[EventMetadata]):
    """One page of the log."""

    def __init__(self, page: LogPage, *, limit: int, next_cursor: str | None) -> None:
        super().__init__(page.events, limit=limit, next_cursor=next_cursor)
        self.meta = ExaminedMeta(
            next_cursor=next_cursor,
            limit=limit,
            examined_from=page.examined_from,
            examined_to=page.examined_to,
        )


class LogRoutes(Controller):
    """The log as operators browse it."""

    path = "/admin/log"
    tags = ("Administration",)

    @read_route("/", "listLog", **_OPERATOR, meta=ExaminedMeta, example=[_EVENT])
    async def list_log(
        self,
        listing: NamedDependency[ListRequest],
        writer: NamedDependency[CommandWriter],
        stream: Annotated[
            UUID | None,
            QueryParameter(description="The stream, such as the id of a creator."),
        ] = None,
        type_: Annotated[
            str | None,
            QueryParameter(
                name="type",
                max_length=1_000,
                description="Names of stored events, separated by commas; all events "
                "if left out. `GET /admin/log/types` has the names.",
            ),
        ] = None,
        actor: ActorOfEvents = None,
        correlation: Annotated[
            str | None,
            QueryParameter(
                max_length=200,
                description="The request that caused the event: `correlation_id`, or "
                "the header `X-Request-Id` of its answer.",
            ),
        ] = None,
        after: Annotated[
            str | None,
            QueryParameter(
                max_length=_MOST_TEXT,
                description="A position, a time, or a day in the organization's time "
                "zone: include only what was recorded later.",
            ),
        ] = None,
        before: Annotated[
            str | None,
            QueryParameter(
                max_length=_MOST_TEXT,
                description="A position, a time, or a day in the organization's time "
                "zone: include only what was recorded earlier.",
            ),
        ] = None,
    ) -> ListPage[EventMetadata]:
        """List events of the whole log without their payloads, newest first.

        The log has indexes of positions and streams alone. For other filters a page
        examines at most 20,000 positions, so it may have few events or none although
        there is a next page. `examinedFrom` and `examinedTo` of the meta say how far it
        came. `goatherd events show` opens a payload.
        """
        # The log itself is never behind.
        await listing.caught_up("bans")
        names = None if type_ is None else _names(type_)
        organization = await one_organization(listing.reader, listing.organization_id)
        zone = ZoneInfo(organization.time_zone if organization else "UTC")
        sought = LogFilter(
            stream=stream,
            names=names,
            actors=None if actor is None else actors_named(actor),
            correlation_id=None if correlation is None else correlation_of(correlation),
            after=position_or_instant("after", after, zone, is_end=True),
            before=position_or_instant("before", before, zone),
        )
        filters = {
            "stream": stream,
            "type": type_,
            "actor": actor,
            "correlation": correlation,
            "after": after,
            "before": before,
        }
        read = partial(
            log_page,
            sought=sought,
            limit=listing.limit,
            below=listing.start(_LIST, after=int, filters=filters),
        )
        page = await asyncio.to_thread(run_read, writer.store.pool, read)
        next_cursor = (
            None
            if page.is_last
            else listing.cursor(_LIST, page.examined_from, filters=filters)
        )
        return ExaminedPage(page, limit=listing.limit, next_cursor=next_cursor)

    @read_route(
        "/{position:int}/trace",
        "traceEvent",
        **_OPERATOR,
        versioned=False,
        example=_TRACE,
    )
    async def trace_event(
        self,
        request: Request,
        position: FromPath[int],
        reader: NamedDependency[Reader],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Trace]:
        """Trace an event: the commands of its request, with projections and scrapes.

        The event of a scrape's result leads to the command that requested the scrape.
        The texts of sources about an account are left out, and so are the rows that an
        error quotes.
        """
        await caught_up(request, reader, "bans")
        read = partial(trace_of_position, position=position)
        return Answer(await asyncio.to_thread(run_read, writer.store.pool, read))

    @read_route("/types", "listStoredTypes", **_OPERATOR, versioned=False)
    async def list_types(
        self, request: Request, reader: NamedDependency[Reader]
    ) -> Answer[list[StoredType]]:
        """List the types of stored events, with their fields and versions."""
        await caught_up(request, reader, "bans")
        return Answer(_types())


_types = cache(catalogue)


def _names(text: str) -> list[str]:
    names = sorted({*text.split(",")})
    if unknown := [name for name in names if name not in STORED_NAMES]:
        message = f"knows no {unknown[0]!r}; GET /admin/log/types has the names"
        raise invalid_query("type", message)
    return names
