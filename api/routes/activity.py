"""/activity: what happened to creators, videos and campaigns."""

from collections.abc import Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Annotated, Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from api.http.csv_text import CSV_MEDIA_TYPE, csv_text
from api.http.query import several_of
from api.http.reading.instants import instant_of
from api.http.reading.paging import ListRequest
from api.http.responses import ListPage
from api.http.routes import read_route
from api.routes.aggregate.parameters import ListFormat
from domain.activity import KINDS, ActivityKind
from projections.activity.queries import (
    ActivityEntry,
    ActivityFilter,
    ActivityPlace,
    page_of_activity,
)
from projections.organizations.queries import one_organization

# A file of more rows is no list that somebody reads.
_MOST_IN_A_FILE = 100_000
# The sentences have names and texts of these read models.
_READ_MODELS = (
    *("activity", "annotations", "api_keys", "campaigns"),
    *("creator_list", "projects", "videos"),
)
_COLUMNS = (
    *("kind", "at", "subject_type", "subject_id", "subject_name"),
    *("summary", "data"),
)
_MOST_TEXT = 64

_ENTRY: dict[str, Any] = {
    "kind": "renamed",
    "at": "2026-11-24T14:30:00Z",
    "subject": {
        "type": "creator",
        "id": "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a40",
        "name": "kid-and-kettle-bakery",
    },
    "summary": "@kid-and-kettle was renamed to @kid-and-kettle-bakery by key Ops.",
    "data": {
        "old": "kid-and-kettle",
        "new": "kid-and-kettle-bakery",
        "project_id": "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a44",
        "creator_id": "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a40",
    },
}


class ActivityFile(ListPage[ActivityEntry]):
    """Rows of activity as a CSV file; ``data`` is JSON."""

    sent_media_type = CSV_MEDIA_TYPE

    def __init__(self, rows: Sequence[ActivityEntry]) -> None:
        super().__init__([*rows], limit=len(rows), next_cursor=None)
        self._rows = rows
        self.headers["Content-Disposition"] = 'attachment; filename="activity.csv"'

    def encoded_body(self) -> bytes:
        rows = (
            (
                *(row.kind, row.at, row.subject.type, row.subject.id),
                *(row.subject.name, row.summary),
                msgspec.json.encode(row.data).decode(),
            )
            for row in self._rows
        )
        return csv_text(_COLUMNS, rows).encode()


class ActivityRoutes(Controller):
    """The list of what happened."""

    tags = ("Activity",)
    entities: ClassVar = {"activity": ActivityEntry}

    @read_route("/activity", "listActivity", example=[_ENTRY])
    async def list_activity(
        self,
        listing: NamedDependency[ListRequest],
        kinds: Annotated[
            str | None,
            QueryParameter(
                max_length=400,
                description="One or more kinds, separated by commas; all kinds if left "
                f"out. Kinds: {', '.join(KINDS)}.",
            ),
        ] = None,
        since: Annotated[
            str | None,
            QueryParameter(
                max_length=_MOST_TEXT,
                description="A time, or a day in the organization's time zone: include "
                "only what happened then or later.",
            ),
        ] = None,
        until: Annotated[
            str | None,
            QueryParameter(
                max_length=_MOST_TEXT,
                description="A time, or a day in the organization's time zone: include "
                "only what happened then or earlier.",
            ),
        ] = None,
        project_id: FromQuery[UUID | None] = None,
        campaign_id: Annotated[
            UUID | None,
            QueryParameter(
                description="Include only what happened to the campaign, and to "
                "creators and videos that are in it or in campaigns below it now."
            ),
        ] = None,
        creator_id: FromQuery[UUID | None] = None,
        format_: ListFormat = "json",
    ) -> ListPage[ActivityEntry]:
        """List what happened, newest first.

        `at` is the time at which it happened: the time of posting for a video, the time
        of the observation for a milestone. docs/activity.md lists the kinds and the
        rules by which they follow from the log. A creator that moved is in the list of
        both projects; everything else stays in the project in which it happened. After
        an erasure one row says that somebody was erased, and all others about them are
        gone. A file has at most 100,000 rows.
        """
        await listing.caught_up(*_READ_MODELS)
        reader, organization_id = listing.reader, listing.organization_id
        organization = await one_organization(reader, organization_id)
        zone = ZoneInfo(organization.time_zone if organization else "UTC")
        now = datetime.now(UTC)
        last = (
            now
            if until is None
            else min(now, instant_of("until", until, zone, is_end=True))
        )
        chosen = None if kinds is None else _kinds(kinds)
        requested = ActivityFilter(
            kinds=chosen,
            since=None if since is None else instant_of("since", since, zone),
            until=last,
            project_id=project_id,
            campaign_id=campaign_id,
            creator_id=creator_id,
        )
        if format_ == "csv":
            found = await page_of_activity(
                reader, organization_id, requested, limit=_MOST_IN_A_FILE
            )
            return ActivityFile([entry for _, entry in found])
        rows, next_cursor = await listing.rows(
            "activity",
            lambda limit, after: page_of_activity(
                reader, organization_id, requested, limit=limit, after=after
            ),
            filters={
                "kinds": chosen,
                "since": since,
                "until": until,
                "project_id": project_id,
                "campaign_id": campaign_id,
                "creator_id": creator_id,
            },
            key=itemgetter(0),
            after=ActivityPlace,
        )
        entries = [entry for _, entry in rows]
        return ListPage(entries, limit=listing.limit, next_cursor=next_cursor)


def _kinds(text: str) -> tuple[ActivityKind, ...]:
    return several_of("kinds", text, KINDS)
