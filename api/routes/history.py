"""/creators/{id}/history and /diff: the change log of a creator."""

from datetime import UTC, datetime
from operator import itemgetter
from typing import Annotated, Any, ClassVar
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from msgspec import Struct

from api.http.query import invalid_query
from api.http.reading.as_of import AsOf, positions_between, resolve_as_of
from api.http.reading.paging import ListRequest, caught_up, reached
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route
from api.routes.field_changes import FieldChange, field_changes
from domain.errors import NotFoundError
from projections.creator_history.entries import HistoryEntry
from projections.creator_history.queries import (
    EVENTS,
    HistoryPlace,
    HistoryQuery,
    page_of_history,
)
from projections.creators.as_of import creator_as_of
from projections.creators.creator import CreatorRow
from projections.creators.queries import one_creator
from projections.engine.reader import Reader

MOST_EVENTS = 100
READ_MODEL = "creator_history"

_ENTRY: dict[str, Any] = {
    "position": 51207,
    "version": 2,
    "event": "handle_changed",
    "about": "creator",
    "stream": "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a40",
    "at": "2026-11-24T14:30:00Z",
    "recorded_at": "2026-11-24T14:30:00Z",
    "actor": "key:0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a41",
    "actor_name": "key Ops",
    "summary": "Renamed from @kid-and-kettle to @kid-and-kettle-bakery by key Ops.",
    "data": {"old": "kid-and-kettle", "new": "kid-and-kettle-bakery"},
    "is_derived": False,
    "correlation_id": "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a42",
    "causation_id": "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a43",
}


HistoryStart = Annotated[
    str | None,
    QueryParameter(
        name="from",
        max_length=64,
        description="A time or a position of the log; include only what was recorded "
        "then or later.",
    ),
]
HistoryEnd = Annotated[
    str | None,
    QueryParameter(
        max_length=64,
        description="A time or a position of the log; include only what was recorded "
        "then or earlier.",
    ),
]


class LogPoint(Struct, frozen=True, kw_only=True):
    """A time, and the position of the organization's newest event at that time.

    The position is 0 before its first event.
    """

    position: int
    at: datetime


class CreatorDiff(Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """The changes of a creator between two positions of the log.

    ``changes`` has the fields that differ, in the order of a creator's fields, without
    the results of scrapes. Before the creator was added (``was_there`` is false) every
    value is null, and metadata and tags that were left empty are no change. ``events``
    has at most 100 events after ``from`` and up to ``to``, newest first.
    ``has_more_events`` is true if there are more, which the history shows page by page.
    """

    creator_id: UUID
    from_: LogPoint
    to: LogPoint
    was_there: bool
    changes: list[FieldChange]
    events: list[HistoryEntry]
    has_more_events: bool


class HistoryRoutes(Controller):
    """The change log of a creator, and two states compared."""

    tags = ("Creators",)
    entities: ClassVar = {"history_entry": HistoryEntry}

    @read_route(
        "/creators/{creator_id:uuid}/history",
        "listCreatorHistory",
        example=[_ENTRY],
    )
    async def list_creator_history(
        self,
        creator_id: FromPath[UUID],
        listing: NamedDependency[ListRequest],
        event: Annotated[
            str | None,
            QueryParameter(
                max_length=1_000,
                description="Names of events, separated by commas; all events if left "
                f"out. Names: {', '.join(sorted(EVENTS))}.",
            ),
        ] = None,
        from_: HistoryStart = None,
        to: HistoryEnd = None,
    ) -> ListPage[HistoryEntry]:
        """List the events of a creator, and of their scrapes and videos, newest first.

        The list is sorted and filtered by the time of recording (`recorded_at`, in the
        order of `position`). `at` is the time of the event itself; for an observation
        it is the time at which it was observed. Milestones of followers follow from the
        observations.
        """
        reader, organization_id = listing.reader, listing.organization_id
        events = None if event is None else event_names(event, known=EVENTS)
        await listing.caught_up("creator_list", READ_MODEL)
        if await one_creator(reader, organization_id, creator_id) is None:
            raise NotFoundError("creator")
        first, last = await positions_between(reader, organization_id, from_, to)
        rows, next_cursor = await listing.rows(
            "history",
            lambda limit, after: page_of_history(
                reader,
                HistoryQuery(
                    organization_id=organization_id,
                    creator_id=creator_id,
                    first=first,
                    last=last,
                    events=events,
                    limit=limit,
                    after=after,
                ),
            ),
            filters={"creator_id": creator_id, "event": event, "from": from_, "to": to},
            key=itemgetter(0),
            after=HistoryPlace,
        )
        entries = [entry for _, entry in rows]
        return ListPage(entries, limit=listing.limit, next_cursor=next_cursor)

    @read_route("/creators/{creator_id:uuid}/diff", "getCreatorDiff", versioned=False)
    async def get_creator_diff(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        reader: NamedDependency[Reader],
        from_: Annotated[
            str,
            QueryParameter(
                name="from",
                max_length=64,
                description="A time or a position of the log: the first state.",
            ),
        ],
        to: Annotated[
            str | None,
            QueryParameter(
                max_length=64,
                description="A time or a position of the log: the second state; by "
                "default now.",
            ),
        ] = None,
    ) -> Answer[CreatorDiff]:
        """Compare a creator as recorded at two times, field by field.

        The events between them are shown as well, newest first. ``from`` must not come
        after ``to``.
        """
        organization_id = request.organization_id
        await caught_up(request, reader, READ_MODEL)
        now = datetime.now(UTC)
        start = await resolve_as_of(
            reader, organization_id, from_, now=now, name="from"
        )
        last = now.isoformat() if to is None else to
        end = await resolve_as_of(reader, organization_id, last, now=now, name="to")
        if start.position > end.position:
            raise invalid_query("from", "must not come after to")
        after = await known_creator(
            reader, organization_id, creator_id, end, waits=to is not None
        )
        if after is None:
            raise NotFoundError("creator")
        before = await creator_as_of(
            reader, organization_id, creator_id, at=start.position
        )
        rows = await page_of_history(
            reader,
            HistoryQuery(
                organization_id=organization_id,
                creator_id=creator_id,
                first=start.position + 1,
                last=end.position,
                limit=MOST_EVENTS + 1,
            ),
        )
        return Answer(
            CreatorDiff(
                creator_id=creator_id,
                from_=LogPoint(position=start.end, at=start.now),
                to=LogPoint(position=end.end, at=end.now),
                was_there=before is not None,
                changes=field_changes(before, after),
                events=[entry for _, entry in rows[:MOST_EVENTS]],
                has_more_events=len(rows) > MOST_EVENTS,
            )
        )


async def known_creator(
    reader: Reader,
    organization_id: UUID,
    creator_id: UUID,
    at: AsOf,
    *,
    waits: bool = True,
) -> CreatorRow | None:
    """Return a creator in a past state, None if the creator did not exist.

    ``waits``: wait until the read model has reached the state, which never changes
    then.

    Raises:
        ApiError: ``projection_behind``, if the read model does not reach it in time.
    """
    if waits:
        await reached(reader, READ_MODEL, at.position)
    return await creator_as_of(reader, organization_id, creator_id, at=at.position)


def event_names(text: str, *, known: frozenset[str]) -> frozenset[str]:
    """Return the names of events in a parameter that filters a history.

    Raises:
        ApiError: ``invalid_query``, if a name is unknown.
    """
    names = text.split(",")
    if unknown := sorted(set(names) - known):
        message = f"knows no {unknown[0]!r}; it knows {', '.join(sorted(known))}"
        raise invalid_query("event", message)
    return frozenset(names)
