"""/campaigns/compare and the other forms for the campaigns that were selected."""

from litestar import Controller
from litestar.di import NamedDependency
from msgspec import Struct

from api.http.error_codes import Code
from api.web.campaigns.list import PATH, chosen_file
from api.web.campaigns.rows import CampaignsQuery
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.handlers import form_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.selection import (
    compare_selected,
    id_in,
    list_address,
    query_of_list,
)
from domain.phrases import counted
from projections.campaigns.queries import Campaign


class CampaignSelectionForm(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """The selected campaigns; ``back`` is the address of the list.

    ``confirmed`` is ``yes`` after the question.
    """

    campaign_ids: list[str] = []
    confirmed: str = ""
    back: str = PATH


class CampaignBulkPages(Controller):
    """Forms for several campaigns at once."""

    path = PATH

    @form_route("/compare", form=CampaignSelectionForm, scope="read")
    async def compare(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Go to the comparison of the campaigns."""
        form = page.form(CampaignSelectionForm)
        ids = [id_in(text, "campaign_ids") for text in form.campaign_ids]
        back = list_address(form.back, PATH)
        return compare_selected(page, "campaign", ids, back=back)

    @form_route("/chosen.csv", form=CampaignSelectionForm, scope="read")
    async def chosen(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Answer with the campaigns as a CSV file, over the days of the list."""
        form = page.form(CampaignSelectionForm)
        ids = {id_in(text, "campaign_ids") for text in form.campaign_ids}
        back = list_address(form.back, PATH)
        if not ids:
            page.flash("Select at least one campaign first.")
            return page.go_to(back)
        return await chosen_file(page, query_of_list(back, CampaignsQuery), ids)

    @form_route("/delete", form=CampaignSelectionForm)
    async def delete(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Ask for a confirmation, then delete the campaigns; members stay tracked."""
        form = page.form(CampaignSelectionForm)
        ids = dict.fromkeys(id_in(text, "campaign_ids") for text in form.campaign_ids)
        back = list_address(form.back, PATH)
        if not ids:
            page.flash("Select at least one campaign first.")
            return page.go_to(back)
        if form.confirmed != "yes":
            found = [(await page.get(f"{PATH}/{id_}", Campaign)).data for id_ in ids]
            context = {"campaigns": found, "back": back}
            return page.show("campaigns/confirm_delete.html", context)
        deleted = 0
        for id_ in ids:
            try:
                await page.send("DELETE", f"{PATH}/{id_}", Campaign)
            except ApiRefusedError as error:
                # Somebody else deleted it meanwhile, or this form was sent twice.
                if error.code is not Code.NOT_FOUND:
                    raise
                continue
            deleted += 1
        page.flash(f"{counted(deleted, 'campaign')} deleted.")
        return page.go_to(back)
