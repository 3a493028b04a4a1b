"""/audit: what happened to the organization itself, and who did it."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

import msgspec
from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from api.http.csv_text import CSV_MEDIA_TYPE, csv_text
from api.http.reading.instants import position_or_instant
from api.http.reading.paging import ListRequest
from api.http.responses import ListPage
from api.http.routes import read_route
from api.routes.aggregate.parameters import ListFormat
from api.routes.history import event_names
from projections.audit import (
    EVENTS,
    AuditEntry,
    AuditFilter,
    actors_named,
    page_of_audit,
)
from projections.organizations.queries import one_organization

# A file of more rows is no list that somebody reads.
_MOST_IN_A_FILE = 100_000
_AT_ONCE = 1_000
# The sentences have names of these read models.
_READ_MODELS = (
    *("audit", "api_keys", "people", "projects", "webhooks", "channels"),
    *("alerts", "campaigns"),
)
_COLUMNS = ("position", "at", "event", "actor", "summary", "data")
_MOST_TEXT = 64

_ENTRY: dict[str, Any] = {
    "position": 51207,
    "at": "2026-11-24T14:30:00Z",
    "event": "api_key_created",
    "actor": "person:0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a41",
    "summary": 'Key "Reports" created with the scope read by Maria.',
    "data": {
        "key_id": "0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a40",
        "name": "Reports",
        "hint": "3f9c",
        "scopes": ["read"],
    },
}


class AuditFile(ListPage[AuditEntry]):
    """Rows of the audit as a CSV file; ``data`` is JSON."""

    sent_media_type = CSV_MEDIA_TYPE

    def __init__(self, rows: Sequence[AuditEntry]) -> None:
        super().__init__([*rows], limit=len(rows), next_cursor=None)
        self._rows = rows
        self.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'

    def encoded_body(self) -> bytes:
        rows = (
            (
                *(row.position, row.at, row.event, row.actor, row.summary),
                msgspec.json.encode(row.data).decode(),
            )
            for row in self._rows
        )
        return csv_text(_COLUMNS, rows).encode()


ActorOfEvents = Annotated[
    str | None,
    QueryParameter(
        max_length=100,
        description="The person, key or process that caused the event, as `actor` has "
        "it, or the id of a person or key alone.",
    ),
]


class AuditRoutes(Controller):
    """The list of what happened to the organization itself."""

    tags = ("Organization",)
    entities: ClassVar = {"audit_entry": AuditEntry}

    @read_route(
        "/audit", "listAudit", scope="admin", whole_organization=True, example=[_ENTRY]
    )
    async def list_audit(
        self,
        listing: NamedDependency[ListRequest],
        event: Annotated[
            str | None,
            QueryParameter(
                max_length=1_000,
                description="Names of events, separated by commas; all events if left "
                f"out. Names: {', '.join(sorted(EVENTS))}.",
            ),
        ] = None,
        actor: ActorOfEvents = None,
        from_: Annotated[
            str | None,
            QueryParameter(
                name="from",
                max_length=_MOST_TEXT,
                description="A time, a day in the organization's time zone, or a "
                "position: include only what happened then or later.",
            ),
        ] = None,
        to: Annotated[
            str | None,
            QueryParameter(
                max_length=_MOST_TEXT,
                description="A time, a day in the organization's time zone, or a "
                "position: include only what happened then or earlier.",
            ),
        ] = None,
        format_: ListFormat = "json",
    ) -> ListPage[AuditEntry]:
        """List what happened to the organization itself, newest first.

        These are changes of its members, keys, settings, plan, projects, campaigns and
        alert rules, erasures, and sign-ins of people while they are members, with
        changes of how they sign in. A sentence names the address of an invitation
        while it is open, and then the present one of the member who accepted it. The
        addresses of clients are not in it. A file has at most 100,000 rows.
        """
        await listing.caught_up(*_READ_MODELS)
        reader, organization_id = listing.reader, listing.organization_id
        organization = await one_organization(reader, organization_id)
        zone = ZoneInfo(organization.time_zone if organization else "UTC")
        bounds = _start(from_, zone) | _end(to, zone)
        requested = AuditFilter(
            events=None if event is None else event_names(event, known=EVENTS),
            actors=None if actor is None else actors_named(actor),
            **bounds,
        )

        async def page(*, limit: int, after: int | None) -> list[AuditEntry]:
            return await page_of_audit(
                reader, organization_id, requested, limit=limit, after=after
            )

        if format_ == "csv":
            rows: list[AuditEntry] = []
            while len(rows) < _MOST_IN_A_FILE:
                after = rows[-1].position if rows else None
                rows += (found := await page(limit=_AT_ONCE, after=after))
                if len(found) < _AT_ONCE:
                    break
            return AuditFile(rows)
        return await listing.page(
            "audit",
            page,
            filters={"event": event, "actor": actor, "from": from_, "to": to},
            key=lambda row: row.position,
            after=int,
        )


def _start(text: str | None, zone: ZoneInfo) -> dict[str, Any]:
    begin = position_or_instant("from", text, zone)
    return {"first" if isinstance(begin, int) else "since": begin}


def _end(text: str | None, zone: ZoneInfo) -> dict[str, Any]:
    end = position_or_instant("to", text, zone, is_end=True)
    return {"last" if isinstance(end, int) else "until": end}
