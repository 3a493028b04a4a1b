"""/notifications: the bell."""

from typing import Final

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from api.routes.notifications import Unread
from api.web.alerts.page import TABS
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from application.notifications.news import Notification

PATH: Final = "/notifications"


class NewsPages(Controller):
    """The news for the person or key that is signed in."""

    path = PATH

    @page_route()
    async def news(
        self, page: NamedDependency[PageContext], cursor: FromQuery[str] = ""
    ) -> Template:
        """List the news, newest first."""
        got = await page.get(PATH, list[Notification], cursor=cursor)
        context = {
            "news": got.data,
            "unread": got.meta["unreadCount"],
            "more_url": got.next_url(PATH),
            "tabs_of": TABS,
        }
        return page.show("alerts/news.html", context)

    @form_route("/read", scope="read")
    async def read(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Mark all news as read."""
        await page.send("POST", "/notifications/read", Unread, {}, key_suffix=None)
        page.forget_unread()
        return page.go_to(PATH)
