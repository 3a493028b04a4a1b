"""A creator's change log: the history, the state as of a time, and comparisons."""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Template

from api.http.error_codes import Code
from api.http.errors import ApiError
from api.http.query import invalid_query
from api.routes.history import MOST_EVENTS, CreatorDiff
from api.web.creator.changes.kinds import EVERYTHING, GROUPS, OWN, events_of
from api.web.creator.changes.log import UnlistedScrapes, by_day, to_line
from api.web.creator.fields import changed_fields, side_by_side
from api.web.creator.layout import get_creator, show_creator
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.forms.as_of_fields import (
    given,
    is_backwards,
    is_today_or_later,
    to_api_time,
)
from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext
from projections.creator_history.entries import HistoryEntry
from projections.creators.creator import Creator

MOST_STEPS = 100
_MOST_COUNTED = 100

OptionalText = Annotated[str | None, QueryParameter(max_length=100)]
OptionalFrom = Annotated[str | None, QueryParameter(name="from", max_length=100)]


class ChangesPages(Controller):
    """The tab Change log of a creator."""

    path = "/creators/{creator_id:uuid}/changes"

    @page_route()
    async def log(
        self,
        page: NamedDependency[PageContext],
        creator_id: FromPath[UUID],
        kind: OptionalText = None,
        from_: OptionalFrom = None,
        to: OptionalText = None,
        cursor: Annotated[str | None, QueryParameter(max_length=500)] = None,
        day: OptionalText = None,
    ) -> Template:
        """Show the history, newest first.

        ``day`` is the last day of the page before.
        """
        chosen = {"kind": given(kind), "from": given(from_), "to": given(to)}
        creator = await get_creator(page, creator_id)
        context = {
            "chosen": chosen,
            "everything": EVERYTHING,
            "groups": GROUPS,
            "continued": given(day),
        }
        try:
            query = _log_query(page, chosen)
            got = await page.get(
                f"/creators/{creator_id}/history",
                list[HistoryEntry],
                **query,
                cursor=given(cursor),
            )
        except ApiError as error:
            if error.code is not Code.INVALID_QUERY:
                raise
            context |= {"days": [], "more": None, "unlisted": None}
            return show_creator(
                page, "creator/changes/log.html", creator, context, error=error
            )
        shown = by_day(got.data, time_zone=page.time_zone)
        following = got.meta.get("nextCursor")
        more = {**chosen, "cursor": following, "day": shown and shown[-1].day}
        counts = chosen["kind"] is None and given(cursor) is None
        context |= {
            "days": shown,
            "more": following and f"?{_query(more)}",
            "unlisted": await _unlisted(page, creator_id, query) if counts else None,
        }
        return show_creator(page, "creator/changes/log.html", creator, context)

    @page_route("/as-of")
    async def as_of(
        self,
        page: NamedDependency[PageContext],
        creator_id: FromPath[UUID],
        as_of: OptionalText = None,
    ) -> Template:
        """Show the creator as of a time, next to its present state."""
        as_of = given(as_of)
        creator = await get_creator(page, creator_id)
        steps = await _own_changes(page, creator_id)
        earlier: Creator | None = creator
        after: HistoryEntry | None = None
        problem = ""
        if as_of is not None:
            at = to_api_time(as_of, time_zone=page.time_zone)
            try:
                got = await page.get(f"/creators/{creator_id}", Creator, as_of=at)
                earlier = got.data
                after = await _newest_until(page, creator_id, as_of)
            except ApiRefusedError as error:
                earlier, problem = None, _problem_of(error, "as_of")
        return show_creator(
            page,
            "creator/changes/as_of.html",
            creator,
            {
                "as_of": as_of,
                "problem": problem,
                "earlier": earlier,
                "after": after,
                "rows": [] if earlier is None else side_by_side(earlier, creator),
                "steps": [to_line(entry) for entry in steps],
                "step": _step(steps, as_of, page.time_zone),
                "most_steps": MOST_STEPS,
            },
            status=400 if problem else 200,
        )

    @page_route("/diff")
    async def diff(
        self,
        page: NamedDependency[PageContext],
        creator_id: FromPath[UUID],
        from_: OptionalFrom = None,
        to: OptionalText = None,
    ) -> Template:
        """Show the changes of the creator between two times."""
        chosen = {"from": given(from_), "to": given(to)}
        creator = await get_creator(page, creator_id)
        steps = await _own_changes(page, creator_id)
        diff: CreatorDiff | None = None
        problems: dict[str, str] = {}
        if chosen["from"] is not None:
            try:
                got = await page.get(
                    f"/creators/{creator_id}/diff",
                    CreatorDiff,
                    **_bounds(page, chosen),
                )
                diff = got.data
            except ApiRefusedError as error:
                problems = {name: _problem_of(error, name) for name in ("from", "to")}
        return show_creator(
            page,
            "creator/changes/diff.html",
            creator,
            {
                "chosen": chosen,
                "diff": diff,
                **(await _between(page, creator_id, diff) if diff else {}),
                "rows": changed_fields(diff.changes) if diff else [],
                "steps": [to_line(entry) for entry in steps],
                "problems": problems,
            },
            status=400 if any(problems.values()) else 200,
        )


def _log_query(
    page: PageContext, chosen: dict[str, str | None]
) -> dict[str, str | None]:
    """Return the parameters of the API; the end of a day may lie in the future.

    Raises:
        ApiError: ``invalid_query``, if the first time is after the second.
    """
    end = chosen["to"]
    bounds = _bounds(page, {**chosen, "to": None})
    if end is not None:
        bounds["to"] = to_api_time(end, time_zone=page.time_zone, is_end=True)
    if is_backwards(bounds["from"], bounds["to"]):
        raise invalid_query("from", "the first day lies after the last")
    return {**bounds, "event": events_of(chosen["kind"])}


def _bounds(page: PageContext, chosen: dict[str, str | None]) -> dict[str, str | None]:
    start, end = chosen["from"], chosen["to"]
    zone = page.time_zone
    if end is not None and is_today_or_later(end, time_zone=zone):
        end = None
    return {
        "from": start and to_api_time(start, time_zone=zone),
        "to": end and to_api_time(end, time_zone=zone, is_end=True),
    }


async def _unlisted(
    page: PageContext, creator_id: UUID, bounds: dict[str, str | None]
) -> UnlistedScrapes:
    """Return the number of scrapes that were requested within the bounds of a log."""
    query = {**bounds, "event": "scrape_requested", "limit": _MOST_COUNTED}
    path = f"/creators/{creator_id}/history"
    got = await page.get(path, list[HistoryEntry], **query)
    return UnlistedScrapes(
        count=len(got.data), is_more=got.meta["nextCursor"] is not None
    )


async def _between(
    page: PageContext, creator_id: UUID, diff: CreatorDiff
) -> dict[str, Any]:
    """Return the events between two times without scrapes, and the number of scrapes.

    The diff's own events include the scrapes.
    """
    first, last = diff.from_.position + 1, diff.to.position
    if first > last:
        return {"days": [], "more": None, "unlisted": None, "bounds": ""}
    bounds: dict[str, str | None] = {"from": str(first), "to": str(last)}
    got = await page.get(
        f"/creators/{creator_id}/history",
        list[HistoryEntry],
        **{**bounds, "event": events_of(None), "limit": MOST_EVENTS},
    )
    return {
        "days": by_day(got.data, time_zone=page.time_zone),
        "more": got.meta["nextCursor"],
        "unlisted": await _unlisted(page, creator_id, bounds),
        "bounds": _query(bounds),
    }


async def _newest_until(
    page: PageContext, creator_id: UUID, as_of: str
) -> HistoryEntry | None:
    """Return the newest entry up to a position; None for a time."""
    if not as_of.isdigit():
        return None
    path = f"/creators/{creator_id}/history"
    got = await page.get(path, list[HistoryEntry], to=as_of, limit=1)
    return got.data[0] if got.data else None


async def _own_changes(page: PageContext, creator_id: UUID) -> list[HistoryEntry]:
    """Return the last changes of the creator itself, newest first."""
    got = await page.get(
        f"/creators/{creator_id}/history",
        list[HistoryEntry],
        event=OWN,
        limit=MOST_STEPS,
    )
    return got.data


def _step(steps: list[HistoryEntry], as_of: str | None, time_zone: str) -> int | None:
    """Return the number of the last change as of a time; None without a time."""
    if as_of is None:
        return None
    if as_of.isdigit():
        return next(
            (n for n, entry in enumerate(steps) if entry.position <= int(as_of)),
            len(steps),
        )
    try:
        at = datetime.fromisoformat(to_api_time(as_of, time_zone=time_zone))
    except ValueError:
        return None
    return next(
        (n for n, entry in enumerate(steps) if entry.recorded_at <= at), len(steps)
    )


def _problem_of(error: ApiRefusedError, name: str) -> str:
    """Return the problem of each field; nothing if the creator did not exist yet.

    Raises:
        ApiRefusedError: the problem is another one.
    """
    if error.code is Code.INVALID_QUERY:
        return error.problems.get(name, "")
    if error.code is Code.NOT_FOUND:
        return ""
    raise error


def _query(values: dict[str, Any]) -> str:
    return urlencode({name: value for name, value in values.items() if value})
