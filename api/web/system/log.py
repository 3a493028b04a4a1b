"""/system/log: the log as operators browse it, traces, and the stored types."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any, Final

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template

from api.http.error_codes import Code
from api.http.errors import ApiError
from api.routes.log.routes import EventMetadata, StoredType
from api.system.trace import State, Trace
from api.web.kit.forms.as_of_fields import to_api_time
from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext
from api.web.kit.page_query import PageQuery
from api.web.system.layout import show_system
from api.web.system.projections import name_of
from domain.events import STORED_NAMES

PATH: Final = "/system/log"

_PER_PAGE = 50
_TONES: Final[Mapping[State, str]] = {
    "applied": "good",
    "waiting": "",
    "dead letter": "bad",
    "held back": "warn",
    "skipped": "warn",
}


class LogQuery(PageQuery, frozen=True, kw_only=True):
    """The events to show; an empty field does not filter."""

    type: str = ""
    stream: str = ""
    actor: str = ""
    correlation: str = ""
    after: str = ""
    before: str = ""
    cursor: str = ""


class LogPages(Controller):
    """The log of the whole installation, without payloads."""

    path = PATH

    @page_route(query=LogQuery, scope="admin", operator=True)
    async def log(
        self, page: NamedDependency[PageContext], choices: NamedDependency[LogQuery]
    ) -> Template:
        """List the events that fit, newest first."""
        context: dict[str, Any] = {
            "query": choices,
            "types": sorted(STORED_NAMES),
            "events": [],
            "more_url": None,
        }
        try:
            got = await page.get(
                "/admin/log",
                list[EventMetadata],
                **_api_query(page, choices),
                limit=_PER_PAGE,
            )
        except ApiError as error:
            if error.code is not Code.INVALID_QUERY:
                raise
            return await show_system(
                page, "system/log.html", context, tab=PATH, error=error
            )
        following = got.meta["nextCursor"]
        context |= {
            "events": got.data,
            "examined": (got.meta["examinedFrom"], got.meta["examinedTo"]),
            "more_url": following and PATH + choices.address(cursor=following),
        }
        return await show_system(page, "system/log.html", context, tab=PATH)

    @page_route("/types", scope="admin", operator=True)
    async def types(self, page: NamedDependency[PageContext]) -> Template:
        """List the types of stored events by the things that they are about."""
        got = await page.get("/admin/log/types", list[StoredType])
        by_thing = groupby(sorted(got.data, key=_thing), key=_thing)
        context = {"things": [(name, list(types)) for name, types in by_thing]}
        return await show_system(page, "system/log_types.html", context, tab=PATH)

    @page_route("/types/{event:str}", scope="admin", operator=True)
    async def one_type(
        self, page: NamedDependency[PageContext], event: FromPath[str]
    ) -> Template:
        """Show the fields of a type of stored events."""
        got = await page.get("/admin/log/types", list[StoredType])
        stored = next((each for each in got.data if each.name == event), None)
        if stored is None:
            raise ApiError(Code.NOT_FOUND)
        context = {"type": stored}
        return await show_system(page, "system/log_type.html", context, tab=PATH)

    @page_route("/{position:int}", scope="admin", operator=True)
    async def trace(
        self, page: NamedDependency[PageContext], position: FromPath[int]
    ) -> Template:
        """Show all that the request of an event caused."""
        got = await page.get(f"/admin/log/{position}/trace", Trace)
        context = {
            "trace": got.data,
            "position": position,
            "name_of": name_of,
            "tones": _TONES,
        }
        return await show_system(page, "system/log_trace.html", context, tab=PATH)


def _api_query(page: PageContext, choices: LogQuery) -> dict[str, str]:
    """Return the parameters of the API, with times in the time zone of the page."""
    params = {name: text.strip() for name, text in choices.pairs().items()}
    for name, is_end in (("after", True), ("before", False)):
        if name in params:
            params[name] = to_api_time(
                params[name], time_zone=page.time_zone, is_end=is_end
            )
    return params


def _thing(stored: StoredType) -> str:
    return stored.aggregate
