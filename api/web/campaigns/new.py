"""/campaigns/new: the form that makes a campaign with its creators."""

from collections.abc import Sequence
from typing import Final

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromQuery

from api.http.error_codes import Code
from api.http.errors import ApiError
from api.routes.creators.schemas import MOST_AT_ONCE
from api.web.campaigns.creators import (
    ChosenCreators,
    add_new_ones,
    chosen_creators,
)
from api.web.campaigns.forms import SHOWN_ERRORS, CampaignForm, body_of
from api.web.kit.filters import in_words
from api.web.kit.forms.project_choices import all_projects
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from domain.money import CURRENCIES
from projections.campaigns.queries import Campaign
from projections.creators.creator import Creator

_PICKED_FROM: Final = 100


class NewCampaignPage(Controller):
    path = "/campaigns"

    @page_route("/new", scope="write")
    async def new(
        self, page: NamedDependency[PageContext], project_id: FromQuery[str] = ""
    ) -> PageResponse:
        """Show the form for a campaign of the project, by default the last chosen."""
        return await _show(page, CampaignForm(project_id=project_id))

    @form_route(form=CampaignForm)
    async def create(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Create a campaign with its creators, and go to its page.

        New creators are shown first, and added once that is chosen.
        """
        form = page.form(CampaignForm)
        project_id = form.project_id or "none"
        chosen = ChosenCreators()
        try:
            chosen = await chosen_creators(page, form)
            others = {"creators": chosen.problem} if chosen.problem else {}
            body = body_of(form, time_zone=page.time_zone, others=others)
            if chosen.unconfirmed:
                return await _show(page, form, chosen=chosen)
            path = f"/projects/{project_id}/campaigns"
            got = await page.send("POST", path, Campaign, body)
        except ApiError as error:
            if error.code is Code.IDEMPOTENCY_IN_FLIGHT:
                page.flash("The form was sent twice. The campaign is being created.")
                return page.go_to("/campaigns")
            if error.code not in SHOWN_ERRORS:
                raise
            return await _show(page, form, chosen=chosen, error=error)
        page.remember_project(project_id)
        done, then = f"The campaign {got.data.name} was created", ""
        try:
            creators, refused = await add_new_ones(page, project_id, chosen)
            await _add(page, got.data, creators)
            then = f" {refused}" if refused else ""
        except ApiError as error:
            if error.code is Code.IDEMPOTENCY_IN_FLIGHT:
                page.flash(f"{done}. Its creators are being added.")
                return page.go_to(f"/campaigns/{got.data.id}")
            # The campaign is there: the form sent again would make another one.
            then = f" {in_words(error)}"
        if then:
            page.flash(f"{done} without all its creators.{then} Add its members now.")
            return page.go_to(f"/campaigns/{got.data.id}/members")
        if chosen.is_empty:
            page.flash(f"{done}. Add its members now.")
            return page.go_to(f"/campaigns/{got.data.id}/members")
        page.flash(f"{done}.")
        return page.go_to(f"/campaigns/{got.data.id}")


async def _add(page: PageContext, campaign: Campaign, creators: Sequence[str]) -> None:
    for start in range(0, len(creators), MOST_AT_ONCE):
        some = creators[start : start + MOST_AT_ONCE]
        items = [{"item_type": "creator", "item_id": one} for one in some]
        await page.send(
            "POST",
            f"/campaigns/{campaign.id}/items",
            Campaign,
            {"items": items},
            key_suffix=f"-creators-{start}",
        )


async def _show(
    page: PageContext,
    form: CampaignForm,
    *,
    chosen: ChosenCreators | None = None,
    error: ApiError | None = None,
) -> PageResponse:
    projects = await all_projects(page)
    if not projects:
        return page.go_to("/campaigns")
    known = {str(one.id) for one in projects}
    project_id = form.project_id
    if project_id not in known:
        project_id = page.project_id or str(projects[0].id)
    got = await page.get(
        "/creators",
        list[Creator],
        project_id=project_id,
        sort="follower_count",
        limit=_PICKED_FROM,
    )
    context = {
        "form": form,
        "chosen": chosen or ChosenCreators(),
        "project": next((x.name for x in projects if str(x.id) == project_id), ""),
        "projects": projects,
        "project_id": project_id,
        "creators": got.data,
        "more": got.meta["nextCursor"] is not None,
        "currencies": sorted(CURRENCIES),
    }
    return page.show("campaigns/new.html", context, error=error)
