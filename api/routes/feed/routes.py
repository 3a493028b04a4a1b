"""/events and /event-types: public events in the order of the log, and their types."""

from typing import Annotated, Any, cast

import msgspec
from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import ServerSentEvent

from api.http.reading.paging import caught_up
from api.http.request import Request
from api.http.responses import Answer, PositionPage
from api.http.routes import read_route
from api.openapi.schemas import give_meanings
from api.routes.feed.parameters import (
    EventTypes,
    MinMilestone,
    OfCampaign,
    OfCreator,
    OfProject,
    OfTag,
    feed_filter,
)
from api.routes.feed.stream import FeedStreams, read_place
from domain.errors import NotFoundError
from domain.feed.event import PublicEvent
from domain.feed.types import (
    BY_NAME,
    TYPES,
    EventType,
    Filter,
    example_of,
    schema_of,
    typed,
)
from domain.messages import copied
from projections.engine.reader import Reader
from projections.feed.queries import FeedPlace, newest_event, public_events

_MOST_AT_ONCE = 1_000
_DEFAULT_LIMIT = 100
_LAST_POSITION = 10**18 - 1

_EXAMPLE = msgspec.to_builtins(example_of(BY_NAME["creator.milestone"]))


_TYPE = BY_NAME["video.milestone"]


class EventTypeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A type of public event.

    ``schema`` is the JSON Schema of whole events of the type, without references, and
    ``example`` such an event about invented things. ``text_fields`` are the paths of
    texts that strangers wrote. ``filters`` are the filters that the type takes, and
    ``*`` includes the type if ``in_wildcard`` is true.
    """

    type: str
    version: int
    summary: str
    schema: dict[str, Any]
    example: PublicEvent
    text_fields: tuple[str, ...]
    filters: tuple[Filter, ...]
    in_wildcard: bool


class SampleEvent(PublicEvent, frozen=True, kw_only=True):
    """An event of the organization's own, or an example if it has none yet."""

    is_example: bool


def _entry(type_: EventType) -> EventTypeEntry:
    schema = schema_of(type_)
    give_meanings(schema["$defs"], [typed(type_)])
    return EventTypeEntry(
        type=type_.name,
        version=type_.version,
        summary=type_.summary,
        schema=_inlined(schema),
        example=example_of(type_),
        text_fields=type_.text_fields,
        filters=type_.filters,
        in_wildcard=type_.in_wildcard,
    )


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with its ``$defs`` in the places that refer to them.

    The example in the OpenAPI document has the schema. Generators of clients follow
    references wherever they stand, and these would lead nowhere there.
    """
    defined = schema["$defs"]

    def inline(part: Any) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(part, list):
            return [inline(each) for each in cast("list[Any]", part)]
        if not isinstance(part, dict):
            return part
        found = cast("dict[str, Any]", part)
        if "$ref" in found:
            target = inline(defined[found["$ref"].rpartition("/")[2]])
            return {**target, **{k: v for k, v in found.items() if k != "$ref"}}
        return {key: inline(value) for key, value in found.items()}

    return inline({key: value for key, value in schema.items() if key != "$defs"})


_ENTRIES = [_entry(each) for each in TYPES]


class FeedRoutes(Controller):
    """The feed of public events."""

    tags = ("Events",)

    @read_route("/events", "listEvents", example=[_EXAMPLE])
    async def list_events(
        self,
        request: Request,
        reader: NamedDependency[Reader],
        after: Annotated[
            int,
            QueryParameter(
                ge=0,
                le=_LAST_POSITION,
                description="The meta.nextAfter of the page before; 0 is the beginning "
                "of the log.",
            ),
        ] = 0,
        types: EventTypes = None,
        project_id: OfProject = None,
        creator_id: OfCreator = None,
        campaign_id: OfCampaign = None,
        tag: OfTag = None,
        min_milestone: MinMilestone = None,
        limit: Annotated[
            int,
            QueryParameter(
                ge=1,
                le=_MOST_AT_ONCE,
                description="The number of events after which a page ends. Events of "
                "the same position are on the same page, so it may have a few more.",
            ),
        ] = _DEFAULT_LIMIT,
    ) -> PositionPage[PublicEvent]:
        """List public events after a position, in order and without gaps.

        Begin with `after=0`, go on with `meta.nextAfter`, and repeat the request later
        for what happens next: no event ever turns up before a position that was read.
        docs/events.md describes the types. After an erasure the events of the person
        have no texts any more, and those with dropped figures are gone.
        """
        await caught_up(request, reader, "feed")
        requested = feed_filter(
            types,
            principal=request.principal,
            project_id=project_id,
            creator_id=creator_id,
            campaign_id=campaign_id,
            tag=tag,
            min_milestone=min_milestone,
        )
        page = await public_events(
            reader,
            request.organization_id,
            requested,
            after=FeedPlace(after),
            limit=limit,
        )
        events = [each.event for each in page.events]
        return PositionPage(events, limit=limit, next_after=page.next_after)

    @read_route("/events/stream", "streamEvents", messages=PublicEvent)
    async def stream_events(
        self,
        request: Request,
        feed_streams: NamedDependency[FeedStreams],
        after: Annotated[
            int,
            QueryParameter(
                ge=0,
                le=_LAST_POSITION,
                description="The position of the last event that is known. The header "
                "Last-Event-ID has precedence.",
            ),
        ] = 0,
        types: EventTypes = None,
        project_id: OfProject = None,
        creator_id: OfCreator = None,
        campaign_id: OfCampaign = None,
        tag: OfTag = None,
        min_milestone: MinMilestone = None,
    ) -> ServerSentEvent:
        """Stream public events as they happen, as server-sent events.

        A message has the type as its `event`, the public event as its `data`, and a
        place as its `id`. A client that comes back with the last id in the header
        Last-Event-ID misses nothing and gets nothing twice. A comment every 15 s shows
        that the stream is open. The stream ends within seconds after the key was
        revoked. An organization may have 20 streams at a time in each server process,
        and a key 5 of them.
        """
        requested = feed_filter(
            types,
            principal=request.principal,
            project_id=project_id,
            creator_id=creator_id,
            campaign_id=campaign_id,
            tag=tag,
            min_milestone=min_milestone,
        )
        last = request.raw_header(b"last-event-id")
        principal = request.principal
        return ServerSentEvent(
            feed_streams.watch(
                principal,
                requested,
                after=FeedPlace(after) if last is None else read_place(last),
                is_allowed=feed_streams.is_allowed(
                    principal, request.raw_header(b"authorization")
                ),
            ),
            # A proxy that buffers would hold the events back.
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @read_route(
        "/event-types", "listEventTypes", example=[msgspec.to_builtins(_entry(_TYPE))]
    )
    async def list_event_types(
        self, request: Request, reader: NamedDependency[Reader]
    ) -> Answer[list[EventTypeEntry]]:
        """List the types of public events, each with its schema and an example.

        A type keeps its name. New fields may be added to its data; another change
        raises its version.
        """
        await caught_up(request, reader)
        return Answer(_ENTRIES)

    @read_route(
        "/event-types/{event_type:str}/sample",
        "getSampleEvent",
        example={**_EXAMPLE, "is_example": False},
        versioned=False,
    )
    async def sample_event(
        self,
        request: Request,
        reader: NamedDependency[Reader],
        event_type: FromPath[str],
    ) -> Answer[SampleEvent]:
        """Show the organization's newest event of a type, or else the example.

        `is_example` is true if the organization has no event of the type yet.
        Types about members need the scope admin.
        """
        type_ = BY_NAME.get(event_type)
        if type_ is None:
            raise NotFoundError("event type")
        if type_.needs_admin:
            request.principal.require("admin")
        await caught_up(request, reader, "feed")
        own = await newest_event(reader, request.organization_id, event_type)
        event = example_of(type_) if own is None else own
        return Answer(copied(event, SampleEvent, is_example=own is None))
