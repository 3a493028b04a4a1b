"""A creator's change log as pages: what happened, as it was, two moments compared."""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Template

from api.http.error_codes import Code
from api.http.errors import ApiError
from api.http.query import invalid_query
from api.routes.history import CreatorDiff
from api.web.creator.change_kinds import GROUPS, OWN, events_of
from api.web.creator.change_log import days, line
from api.web.creator.fields import changed_fields, side_by_side
from api.web.creator.frame import show_creator, the_creator
from api.web.kit.api_client import RefusedError
from api.web.kit.as_of_fields import (
    asked_moment,
    given,
    is_backwards,
    is_today_or_later,
)
from api.web.kit.page import Visit
from projections.creator_history.queries import HistoryEntry
from projections.creators.queries import Creator

MOST_STEPS = 100

_PAGE: dict[str, Any] = {"scope": "read", "page": True}

Text = Annotated[str | None, QueryParameter(max_length=100)]
From = Annotated[str | None, QueryParameter(name="from", max_length=100)]


class ChangesPages(Controller):
    """The tab Change log of a creator."""

    path = "/creators/{creator_id:uuid}/changes"

    @get("/", opt=_PAGE)
    async def log(
        self,
        visit: NamedDependency[Visit],
        creator_id: FromPath[UUID],
        kind: Text = None,
        from_: From = None,
        to: Text = None,
        cursor: Annotated[str | None, QueryParameter(max_length=500)] = None,
        day: Text = None,
    ) -> Template:
        """Show what happened, newest first; ``day`` is the one that goes on."""
        chosen = {"kind": given(kind), "from": given(from_), "to": given(to)}
        creator = await the_creator(visit, creator_id)
        context = {"chosen": chosen, "groups": GROUPS, "continued": given(day)}
        try:
            got = await visit.get(
                f"/creators/{creator_id}/history",
                list[HistoryEntry],
                **_of_the_log(visit, chosen),
                cursor=given(cursor),
            )
        except ApiError as error:
            if error.code is not Code.INVALID_QUERY:
                raise
            context |= {"days": [], "more": None, "problems": error.problems}
            return show_creator(
                visit, "creator/changes/log.html", creator, context, status=error.status
            )
        shown = days(got.data, time_zone=visit.time_zone)
        following = got.meta.get("nextCursor")
        more = {**chosen, "cursor": following, "day": shown and shown[-1].day}
        context |= {
            "days": shown,
            "more": following and f"?{_query(more)}",
            "problems": {},
        }
        return show_creator(visit, "creator/changes/log.html", creator, context)

    @get("/then", opt=_PAGE)
    async def then(
        self,
        visit: NamedDependency[Visit],
        creator_id: FromPath[UUID],
        as_of: Text = None,
    ) -> Template:
        """Show the creator as it was, beside what it is now."""
        asked = given(as_of)
        creator = await the_creator(visit, creator_id)
        steps = await _own_changes(visit, creator_id)
        then: Creator | None = creator
        problem = ""
        if asked is not None:
            moment = asked_moment(asked, time_zone=visit.time_zone)
            try:
                got = await visit.get(f"/creators/{creator_id}", Creator, as_of=moment)
                then = got.data
            except RefusedError as error:
                then, problem = None, _problem_of(error, "as_of")
        return show_creator(
            visit,
            "creator/changes/then.html",
            creator,
            {
                "asked": asked,
                "problem": problem,
                "then": then,
                "rows": [] if then is None else side_by_side(then, creator),
                "steps": [line(entry) for entry in steps],
                "step": _step(steps, asked, visit.time_zone),
                "most_steps": MOST_STEPS,
            },
            status=400 if problem else 200,
        )

    @get("/diff", opt=_PAGE)
    async def diff(
        self,
        visit: NamedDependency[Visit],
        creator_id: FromPath[UUID],
        from_: From = None,
        to: Text = None,
    ) -> Template:
        """Show what became of the creator between two moments."""
        chosen = {"from": given(from_), "to": given(to)}
        creator = await the_creator(visit, creator_id)
        steps = await _own_changes(visit, creator_id)
        diff: CreatorDiff | None = None
        problems: dict[str, str] = {}
        if chosen["from"] is not None:
            try:
                got = await visit.get(
                    f"/creators/{creator_id}/diff",
                    CreatorDiff,
                    **_bounds(visit, chosen),
                )
                diff = got.data
            except RefusedError as error:
                problems = {name: _problem_of(error, name) for name in ("from", "to")}
        return show_creator(
            visit,
            "creator/changes/diff.html",
            creator,
            {
                "chosen": chosen,
                "diff": diff,
                "days": days(diff.events, time_zone=visit.time_zone) if diff else [],
                "rows": changed_fields(diff.changes) if diff else [],
                "steps": [line(entry) for entry in steps],
                "problems": problems,
            },
            status=400 if any(problems.values()) else 200,
        )


def _of_the_log(visit: Visit, chosen: dict[str, str | None]) -> dict[str, str | None]:
    """Return what the API is asked for; the end of a day may still be to come.

    Raises:
        ApiError: ``invalid_query``, if nothing can lie between the two moments.
    """
    end = chosen["to"]
    bounds = _bounds(visit, {**chosen, "to": None})
    if end is not None:
        bounds["to"] = asked_moment(end, time_zone=visit.time_zone, is_end=True)
    if is_backwards(bounds["from"], bounds["to"]):
        raise invalid_query("from", "the first day lies after the last")
    return {**bounds, "event": events_of(chosen["kind"])}


def _bounds(visit: Visit, chosen: dict[str, str | None]) -> dict[str, str | None]:
    start, end = chosen["from"], chosen["to"]
    zone = visit.time_zone
    if end is not None and is_today_or_later(end, time_zone=zone):
        end = None
    return {
        "from": start and asked_moment(start, time_zone=zone),
        "to": end and asked_moment(end, time_zone=zone, is_end=True),
    }


async def _own_changes(visit: Visit, creator_id: UUID) -> list[HistoryEntry]:
    """Return the last changes of the creator itself, newest first."""
    got = await visit.get(
        f"/creators/{creator_id}/history",
        list[HistoryEntry],
        event=OWN,
        limit=MOST_STEPS,
    )
    return got.data


def _step(steps: list[HistoryEntry], asked: str | None, time_zone: str) -> int | None:
    """Return which change was the last one then; None if the present was asked for."""
    if asked is None:
        return None
    if asked.isdigit():
        return next(
            (n for n, entry in enumerate(steps) if entry.position <= int(asked)),
            len(steps),
        )
    try:
        at = datetime.fromisoformat(asked_moment(asked, time_zone=time_zone))
    except ValueError:
        return None
    return next(
        (n for n, entry in enumerate(steps) if entry.recorded_at <= at), len(steps)
    )


def _problem_of(error: RefusedError, name: str) -> str:
    """Return what is wrong with a field; nothing if the creator was not there yet.

    Raises:
        RefusedError: something else is wrong.
    """
    if error.code is Code.INVALID_QUERY:
        return error.problems.get(name, "")
    if error.code is Code.NOT_FOUND:
        return ""
    raise error


def _query(values: dict[str, Any]) -> str:
    return urlencode({name: value for name, value in values.items() if value})
