"""/members/invitations: people are invited, and open invitations are managed."""

from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template

from api.http.error_codes import Code
from api.http.errors import ApiError
from api.routes.members.invitations import SentInvitation, WithdrawnInvitation
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.settings.layout import ADMIN, PROVED, show_settings
from api.web.settings.members import (
    PATH,
    InvitationForm,
    chosen_projects,
    show_members,
)

_CREATED = 201
_SHOWN_ERRORS = {
    Code.ALREADY_INVITED,
    Code.ALREADY_MEMBER,
    Code.INVALID_BODY,
    Code.LIMIT_REACHED,
    Code.OWNERS_ONLY,
}


class InvitationForms(Controller):
    """Invitations of the organization, whose links are shown once."""

    path = f"{PATH}/invitations"

    @page_route(**ADMIN)
    async def invitations(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Go to the list, for users who reload the page with the link."""
        return page.go_to(PATH)

    @form_route(form=InvitationForm, **PROVED)
    async def invite(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Invite somebody, and show the link in this answer only."""
        form = page.form(InvitationForm)
        try:
            body = {
                "email": form.email.strip(),
                "role": form.role,
                "project_ids": chosen_projects(form),
                "money": form.money == "yes",
            }
            got = await page.send("POST", "/invitations", SentInvitation, body)
        except ApiError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            return await show_members(page, form=form, error=error)
        return await _show_link(page, got.data, is_new=True)

    @form_route("/{invitation_id:uuid}/resend", **PROVED)
    async def resend(
        self, page: NamedDependency[PageContext], invitation_id: FromPath[UUID]
    ) -> PageResponse:
        """Make a new link, and end the old one."""
        path = f"/invitations/{invitation_id}/resend"
        try:
            got = await page.send("POST", path, SentInvitation)
        except ApiRefusedError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            return await show_members(page, error=error)
        return await _show_link(page, got.data, is_new=False)

    @form_route("/{invitation_id:uuid}/withdraw", **PROVED)
    async def withdraw(
        self, page: NamedDependency[PageContext], invitation_id: FromPath[UUID]
    ) -> PageResponse:
        """Withdraw an invitation, whose link no longer works."""
        path = f"/invitations/{invitation_id}"
        try:
            await page.send("DELETE", path, WithdrawnInvitation)
        except ApiRefusedError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            return await show_members(page, error=error)
        page.flash("The invitation was withdrawn. Its link no longer works.")
        return page.go_to(PATH)


async def _show_link(
    page: PageContext, sent: SentInvitation, *, is_new: bool
) -> Template:
    return await show_settings(
        page,
        "settings/invited.html",
        {"sent": sent, "is_new": is_new},
        tab=PATH,
        status=_CREATED if is_new else 200,
        is_secret=True,
    )
