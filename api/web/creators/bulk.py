"""/creators/remove and the other forms for the creators that were selected."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from litestar import Controller
from litestar.di import NamedDependency
from msgspec import Struct

from api.http.errors import Code
from api.routes.creators.schemas import QueuedScrape
from api.web.creators.bulk_actions import (
    BulkOutcome,
    add_again,
    each_project,
    find_selected,
    id_in,
)
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.handlers import form_route
from api.web.kit.page import PageContext, PageResponse
from domain.messages import JobType
from domain.phrases import counted
from projections.creators.creator import Creator

_LIST = "/creators"
_USUAL: Sequence[JobType] = ("creator_profiles",)

BulkAction = Callable[[PageContext, Sequence[Creator]], Awaitable[list[BulkOutcome]]]


class SelectionForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fields of the form around the list.

    ``only`` is the creator whose own button was pressed, ``confirmed`` is ``yes`` after
    the confirmation, and ``back`` is the address of the list.
    """

    creator_ids: list[str] = []
    only: str = ""
    confirmed: str = ""
    back: str = _LIST


class BulkPages(Controller):
    """Forms for many creators at once, and for one creator from a row."""

    path = _LIST

    @form_route("/remove", form=SelectionForm)
    async def remove(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Ask for a confirmation, then remove the creators."""
        remove = partial(each_project, command="bulk-remove")
        return await _apply(page, remove, "removed", is_confirmed_first=True)

    @form_route("/reenable", form=SelectionForm)
    async def reenable(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Enable disabled creators again."""
        reenable = partial(each_project, command="bulk-reenable")
        return await _apply(page, reenable, "re-enabled")

    @form_route("/bring-back", form=SelectionForm)
    async def bring_back(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Add removed creators again, with their former tracking."""
        return await _apply(page, add_again, "brought back")

    @form_route("/scrape", form=SelectionForm)
    async def scrape(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Request the scrapes that fail for a creator, or else a profile scrape."""
        form = page.form(SelectionForm)
        creator_id = id_in(form.only, "only")
        path = f"/creators/{creator_id}"
        try:
            failing = (await page.get(path, Creator)).data.failing_kinds
            for job_type in [kind.job_type for kind in failing] or _USUAL:
                await page.send(
                    "POST",
                    f"{path}/scrape",
                    QueuedScrape,
                    {"job_type": job_type},
                    key_suffix=f".{creator_id}.{job_type}",
                )
        except ApiRefusedError as error:
            if error.code is Code.NOT_FOUND:
                raise
            page.flash(error.message)
            return page.go_to(_back(form))
        page.flash("The scrape is on its way. The row shows its result.")
        return page.go_to(_back(form))


async def _apply(
    page: PageContext,
    action: BulkAction,
    done: str,
    *,
    is_confirmed_first: bool = False,
) -> PageResponse:
    """Apply an action to the selected creators.

    The answer is the list if all succeeded, else a page with the result of each
    creator.
    """
    form = page.form(SelectionForm)
    back = _back(form)
    texts = [form.only] if form.only else form.creator_ids
    found, unknown = await find_selected(page, texts)
    if not found and not unknown:
        page.flash("Select at least one creator first.")
        return page.go_to(back)
    if is_confirmed_first and form.confirmed != "yes":
        creators = [one for one in found if one.status not in {"removed", "erased"}]
        context = {"creators": creators or found, "back": back}
        return page.show("creators/confirm_remove.html", context)
    outcomes = [*await action(page, found), *unknown]
    others = [one for one in outcomes if one.status != "ok"]
    fine = len(outcomes) - len(others)
    if not others:
        page.flash(f"{counted(fine, 'creator')} {done}.")
        return page.go_to(back)
    context = {"others": others, "fine": fine, "done": done, "back": back}
    return page.show("creators/bulk_result.html", context)


def _back(form: SelectionForm) -> str:
    """Return the address of the list in the form, if it is an address of the list."""
    is_list = form.back == _LIST or form.back.startswith(f"{_LIST}?")
    return form.back if is_list and form.back.isprintable() else _LIST
