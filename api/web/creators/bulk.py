"""/creators/remove and the other forms for the creators that were selected."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from litestar import Controller
from litestar.di import NamedDependency
from msgspec import Struct

from api.web.creators.bulk_actions import (
    BulkOutcome,
    add_again,
    add_to_campaign,
    each_project,
    find_selected,
    move_each,
    reports_to_stop,
    scrape_each,
)
from api.web.creators.query import PATH, CreatorsPageQuery
from api.web.kit.csv_file import csv_file
from api.web.kit.handlers import form_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.selection import (
    compare_selected,
    id_in,
    list_address,
    query_of_list,
)
from domain.phrases import counted
from projections.creators.creator import Creator

BulkAction = Callable[[PageContext, Sequence[Creator]], Awaitable[list[BulkOutcome]]]


class SelectionForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fields of the form around the list.

    ``tags`` have commas between; ``campaign_id`` and ``project_id`` are the place to
    add or move to. ``only`` is the creator whose own button was pressed, ``confirmed``
    is ``yes`` after the confirmation, and ``back`` is the address of the list.
    """

    creator_ids: list[str] = []
    only: str = ""
    tags: str = ""
    campaign_id: str = ""
    project_id: str = ""
    confirmed: str = ""
    back: str = PATH


class BulkPages(Controller):
    """Forms for many creators at once, and for one creator from a row."""

    path = PATH

    @form_route("/remove", form=SelectionForm)
    async def remove(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Ask for a confirmation, then remove the creators."""
        remove = partial(each_project, command="bulk-remove")
        return await _apply(page, remove, "removed", is_confirmed_first=True)

    @form_route("/disable", form=SelectionForm)
    async def disable(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Disable the creators: they are not scraped until they are enabled again."""
        disable = partial(each_project, command="bulk-disable")
        return await _apply(page, disable, "disabled")

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
        """Request the scrapes that fail for each creator, or else a profile scrape."""
        form = page.form(SelectionForm)
        if not form.only:
            return await _apply(page, scrape_each, "waiting for a scrape")
        creator_id = id_in(form.only, "only")
        creator = (await page.get(f"/creators/{creator_id}", Creator)).data
        (outcome,) = await scrape_each(page, [creator])
        if outcome.status != "ok":
            page.flash(outcome.reason or "")
            return page.go_to(_back(form))
        page.flash("The scrape is on its way. The row shows its result.")
        return page.go_to(_back(form))

    @form_route("/tag", form=SelectionForm)
    async def tag(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Add tags to the creators."""
        tags = _tags(page.form(SelectionForm))
        if not tags:
            return _needs_a_tag(page)
        return await _apply(
            page, partial(each_project, command="bulk-tag", add=tags), "tagged"
        )

    @form_route("/untag", form=SelectionForm)
    async def untag(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Take tags from the creators."""
        tags = _tags(page.form(SelectionForm))
        if not tags:
            return _needs_a_tag(page)
        untag = partial(each_project, command="bulk-tag", remove=tags)
        return await _apply(page, untag, "without the tag")

    @form_route("/add-to-campaign", form=SelectionForm)
    async def add_to_campaign(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Add the creators to a campaign of their project."""
        form = page.form(SelectionForm)
        if not form.campaign_id:
            page.flash("Choose a campaign first.")
            return page.go_to(_back(form))
        campaign_id = id_in(form.campaign_id, "campaign_id")
        add = partial(add_to_campaign, campaign_id=campaign_id)
        return await _apply(page, add, "added to the campaign")

    @form_route("/move", form=SelectionForm)
    async def move(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Move the creators with all numbers; ask first if reports stop by it."""
        form = page.form(SelectionForm)
        if not form.project_id:
            page.flash("Choose a project first.")
            return page.go_to(_back(form))
        project_id = id_in(form.project_id, "project_id")
        if form.confirmed != "yes":
            found, _ = await find_selected(page, form.creator_ids)
            reports = await reports_to_stop(page, found, project_id=project_id)
            if reports:
                context = {"reports": reports, "form": form, "back": _back(form)}
                return page.show("creators/confirm_move.html", context)
        move = partial(move_each, project_id=project_id)
        return await _apply(page, move, "moved")

    @form_route("/compare", form=SelectionForm)
    async def compare(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Go to the comparison of the creators."""
        form = page.form(SelectionForm)
        ids = [id_in(text, "creator_ids") for text in form.creator_ids]
        return compare_selected(page, "creator", ids, back=_back(form))

    @form_route("/chosen.csv", form=SelectionForm)
    async def chosen_file(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Answer with the creators as a CSV file, over the days of the list."""
        form = page.form(SelectionForm)
        ids = [str(id_in(text, "creator_ids")) for text in form.creator_ids]
        if not ids:
            page.flash("Select at least one creator first.")
            return page.go_to(_back(form))
        query = query_of_list(_back(form), CreatorsPageQuery).api_query
        query |= {"creator_ids": ",".join(ids), "status": "all", "format": "csv"}
        raw = await page.get_raw(PATH, **query)
        return csv_file(raw.body, disposition=raw.headers["content-disposition"])


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
    return list_address(form.back, PATH)


def _tags(form: SelectionForm) -> list[str]:
    return [one for text in form.tags.split(",") if (one := text.strip())]


def _needs_a_tag(page: PageContext) -> PageResponse:
    page.flash("Type a tag first.")
    return page.go_to(_back(page.form(SelectionForm)))
