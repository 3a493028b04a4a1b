"""/creators/remove and what else is done to the creators that somebody selected."""

from collections.abc import Sequence
from typing import Any

from litestar import Controller, Response, post
from litestar.di import NamedDependency
from litestar.response import Template
from msgspec import Struct

from api.http.errors import Code
from api.http.request import Request
from api.routes.creator_schemas import QueuedScrape
from api.web.creators.bulk_actions import (
    Outcome,
    bring_back,
    each_project,
    id_in,
    looked_up,
)
from api.web.kit.api_client import RefusedError
from api.web.kit.page import Visit

_LIST = "/creators"
_WRITE: dict[str, Any] = {"scope": "write", "page": True}


class Selected(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form around the list sends.

    ``only`` is the row whose own button was pressed, ``confirmed`` is ``yes`` once it
    was asked whether one is sure, ``back`` where the list was.
    """

    creator_ids: list[str] = []
    only: str = ""
    confirmed: str = ""
    back: str = _LIST


class SelectionPages(Controller):
    """What is done to many creators at once, and to one from its row."""

    path = _LIST

    @post("/remove", opt={**_WRITE, "form": Selected})
    async def remove(
        self, request: Request, visit: NamedDependency[Visit]
    ) -> Response[Any] | Template:
        """Ask whether it is meant, then remove them."""
        sent = request.form_as(Selected)
        found, unknown = await looked_up(visit, sent.creator_ids)
        if not found and not unknown:
            return _nothing_selected(visit, sent)
        if sent.confirmed != "yes":
            creators = [one for one in found if one.status != "removed"]
            return visit.show(
                "creators/sure.html",
                {"creators": creators or found, "back": _back(sent)},
            )
        outcomes = [*await each_project(visit, found, "bulk-remove"), *unknown]
        return _told(visit, sent, outcomes, "removed")

    @post("/reenable", opt={**_WRITE, "form": Selected})
    async def reenable(
        self, request: Request, visit: NamedDependency[Visit]
    ) -> Response[Any] | Template:
        """Give those that were disabled another try."""
        sent = request.form_as(Selected)
        found, unknown = await looked_up(visit, sent.creator_ids)
        if not found and not unknown:
            return _nothing_selected(visit, sent)
        outcomes = [*await each_project(visit, found, "bulk-reenable"), *unknown]
        return _told(visit, sent, outcomes, "re-enabled")

    @post("/bring-back", opt={**_WRITE, "form": Selected})
    async def bring_back(
        self, request: Request, visit: NamedDependency[Visit]
    ) -> Response[Any] | Template:
        """Add removed ones again, tracked as they were."""
        sent = request.form_as(Selected)
        found, unknown = await looked_up(visit, sent.creator_ids)
        if not found and not unknown:
            return _nothing_selected(visit, sent)
        outcomes = [*await bring_back(visit, found), *unknown]
        return _told(visit, sent, outcomes, "brought back")

    @post("/scrape", opt={**_WRITE, "form": Selected})
    async def scrape(
        self, request: Request, visit: NamedDependency[Visit]
    ) -> Response[Any] | Template:
        """Look at one of them now."""
        sent = request.form_as(Selected)
        creator_id = id_in(sent.only, "only")
        try:
            await visit.send(
                "POST",
                f"/creators/{creator_id}/scrape",
                QueuedScrape,
                part=f".{creator_id}",
            )
        except RefusedError as error:
            if error.code is Code.NOT_FOUND:
                raise
            visit.tell(error.message)
            return visit.go_to(_back(sent))
        visit.tell("The scrape is on its way. Reload the list in a moment.")
        return visit.go_to(_back(sent))


def _told(
    visit: Visit, sent: Selected, outcomes: Sequence[Outcome], done: str
) -> Response[Any] | Template:
    """Return to the list if all went well, else say what became of each."""
    amiss = [one for one in outcomes if one.status != "ok"]
    fine = len(outcomes) - len(amiss)
    if not amiss:
        words = "1 creator" if fine == 1 else f"{fine} creators"
        visit.tell(f"{words} {done}.")
        return visit.go_to(_back(sent))
    return visit.show(
        "creators/outcomes.html",
        {"amiss": amiss, "fine": fine, "done": done, "back": _back(sent)},
    )


def _nothing_selected(visit: Visit, sent: Selected) -> Response[Any]:
    visit.tell("Select at least one creator first.")
    return visit.go_to(_back(sent))


def _back(sent: Selected) -> str:
    """Return where the list was, if that is what the form says."""
    is_list = sent.back == _LIST or sent.back.startswith(f"{_LIST}?")
    return sent.back if is_list and sent.back.isprintable() else _LIST
