"""/notifications: the news of the bell, and marking them as read."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta, Struct

from api.http.reading.paging import ListRequest
from api.http.request import Request
from api.http.responses import Answer, UnreadMeta, UnreadPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter
from application.notifications.news import (
    NewsReader,
    Notification,
    mark_read,
    page_of_news,
    unread_count,
)
from infra.eventstore.execute import Executed


class ReadNotifications(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The news to mark as read; without ``ids`` all of them."""

    ids: Annotated[list[UUID], Meta(max_length=100)] | None = None


class Unread(Struct, frozen=True, kw_only=True):
    """The number of news that are left unread."""

    unread_count: int


class NotificationRoutes(Controller):
    """The bell of the person who asks, or of a key of the organization."""

    path = "/notifications"
    tags = ("Alerts",)
    entities: ClassVar = {"notification": Notification}

    @read_route("/", "listNotifications", meta=UnreadMeta)
    async def list_notifications(
        self, request: Request, listing: NamedDependency[ListRequest]
    ) -> UnreadPage[Notification]:
        """List the news of the last 30 days, newest first.

        A person has news of their own besides those of the organization. `unreadCount`
        of the meta counts all of them that were not marked as read.
        """
        # News are stored with the event that they tell of: no read model is awaited.
        await listing.caught_up()
        of = news_reader(request)
        rows, next_cursor = await listing.rows(
            "notifications",
            lambda limit, after: page_of_news(
                listing.reader, of, limit=limit, after=after
            ),
            key=lambda row: (row.at, row.id),
            after=tuple[datetime, UUID],
        )
        unread = await unread_count(listing.reader, of)
        return UnreadPage(
            rows, limit=listing.limit, next_cursor=next_cursor, unread_count=unread
        )

    @write_route(post, "/read", "readNotifications", scope="read", status=200)
    def read_notifications(
        self,
        request: Request,
        writer: NamedDependency[CommandWriter],
        data: JSONBody[ReadNotifications | None] = None,
    ) -> Answer[Unread]:
        """Mark news as read for the person or key that asks, and for nobody else.

        Without a body all news are read. Unknown ids change nothing. Marking twice
        changes nothing either.
        """
        ids = None if data is None else data.ids

        def run(_: object) -> Executed[int]:
            with writer.store.pool.connection() as connection:
                left = mark_read(connection.cursor(), news_reader(request), ids)
            return Executed(left, events=[], loaded={})

        return writer.answer(
            request, run, lambda _, done: Answer(Unread(unread_count=done.result))
        )


def news_reader(request: Request) -> NewsReader:
    """Return the person or key of the request, as the bell knows it."""
    principal = request.principal
    return NewsReader(
        organization_id=principal.organization_id,
        name=principal.actor,
        person_id=None if principal.person is None else principal.person.id,
        is_admin="admin" in principal.scopes,
        project_ids=principal.project_ids,
    )
