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
    BulkOutcome,
    bring_back,
    each_project,
    find_selected,
    id_in,
)
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.page import PageContext

_LIST = "/creators"
_WRITE: dict[str, Any] = {"scope": "write", "page": True}


class SelectionForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form around the list sends.

    ``only`` is the row whose own button was pressed, ``confirmed`` is ``yes`` once it
    was asked whether one is sure, ``back`` where the list was.
    """

    creator_ids: list[str] = []
    only: str = ""
    confirmed: str = ""
    back: str = _LIST


class BulkPages(Controller):
    """What is done to many creators at once, and to one from its row."""

    path = _LIST

    @post("/remove", opt={**_WRITE, "form": SelectionForm})
    async def remove(
        self, request: Request, page: NamedDependency[PageContext]
    ) -> Response[Any] | Template:
        """Ask whether it is meant, then remove them."""
        form = request.form_as(SelectionForm)
        found, unknown = await find_selected(page, form.creator_ids)
        if not found and not unknown:
            return _nothing_selected(page, form)
        if form.confirmed != "yes":
            creators = [one for one in found if one.status != "removed"]
            return page.show(
                "creators/confirm_remove.html",
                {"creators": creators or found, "back": _back(form)},
            )
        outcomes = [*await each_project(page, found, "bulk-remove"), *unknown]
        return _result_page(page, form, outcomes, "removed")

    @post("/reenable", opt={**_WRITE, "form": SelectionForm})
    async def reenable(
        self, request: Request, page: NamedDependency[PageContext]
    ) -> Response[Any] | Template:
        """Give those that were disabled another try."""
        form = request.form_as(SelectionForm)
        found, unknown = await find_selected(page, form.creator_ids)
        if not found and not unknown:
            return _nothing_selected(page, form)
        outcomes = [*await each_project(page, found, "bulk-reenable"), *unknown]
        return _result_page(page, form, outcomes, "re-enabled")

    @post("/bring-back", opt={**_WRITE, "form": SelectionForm})
    async def bring_back(
        self, request: Request, page: NamedDependency[PageContext]
    ) -> Response[Any] | Template:
        """Add removed ones again, tracked as they were."""
        form = request.form_as(SelectionForm)
        found, unknown = await find_selected(page, form.creator_ids)
        if not found and not unknown:
            return _nothing_selected(page, form)
        outcomes = [*await bring_back(page, found), *unknown]
        return _result_page(page, form, outcomes, "brought back")

    @post("/scrape", opt={**_WRITE, "form": SelectionForm})
    async def scrape(
        self, request: Request, page: NamedDependency[PageContext]
    ) -> Response[Any] | Template:
        """Look at one of them now."""
        form = request.form_as(SelectionForm)
        creator_id = id_in(form.only, "only")
        try:
            await page.send(
                "POST",
                f"/creators/{creator_id}/scrape",
                QueuedScrape,
                key_suffix=f".{creator_id}",
            )
        except ApiRefusedError as error:
            if error.code is Code.NOT_FOUND:
                raise
            page.flash(error.message)
            return page.go_to(_back(form))
        page.flash("The scrape is on its way. Reload the list in a moment.")
        return page.go_to(_back(form))


def _result_page(
    page: PageContext, form: SelectionForm, outcomes: Sequence[BulkOutcome], done: str
) -> Response[Any] | Template:
    """Return to the list if all went well, else say what became of each."""
    others = [one for one in outcomes if one.status != "ok"]
    fine = len(outcomes) - len(others)
    if not others:
        words = "1 creator" if fine == 1 else f"{fine} creators"
        page.flash(f"{words} {done}.")
        return page.go_to(_back(form))
    return page.show(
        "creators/bulk_result.html",
        {"others": others, "fine": fine, "done": done, "back": _back(form)},
    )


def _nothing_selected(page: PageContext, form: SelectionForm) -> Response[Any]:
    page.flash("Select at least one creator first.")
    return page.go_to(_back(form))


def _back(form: SelectionForm) -> str:
    """Return where the list was, if that is what the form says."""
    is_list = form.back == _LIST or form.back.startswith(f"{_LIST}?")
    return form.back if is_list and form.back.isprintable() else _LIST
