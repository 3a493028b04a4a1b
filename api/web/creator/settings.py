"""/creators/{id}/settings: the tracking and the names of a creator."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template
from msgspec import Struct
from msgspec.structs import asdict, replace

from api.http.bodies.form_body import NoFields, typed
from api.routes.creators.move import MovePreview
from api.routes.creators.schemas import BulkAnswer, CreatorContact
from api.web.creator.connection import connection_card
from api.web.creator.fields import CREATOR, WINDOW
from api.web.creator.layout import get_creator, show_creator
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.forms.concurrent_edit import (
    CONFLICT_STATUS,
    EditDraft,
    EditForm,
    save_edit,
)
from api.web.kit.forms.project_choices import all_projects
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from application.erase.erased import ErasedCreators
from application.erase.mentions import Mention
from application.erase.preview import ErasurePreview
from application.move.move_creator import RefusedProject
from domain.phrases import counted
from projections.campaigns.leaving import LeftCampaign
from projections.creators.creator import Creator
from projections.projects import Project
from projections.reports.queries import StoppingReport

TRACKING = ("display_name", "tags", *WINDOW)
TrackingForm = CREATOR.form("TrackingForm", TRACKING, EditForm)
HandleForm = CREATOR.form("HandleForm", ["tiktok_handle"], EditForm)
ReturnForm = CREATOR.form("ReturnForm", WINDOW, NoFields)


class MoveForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The project to move to, and the treatment of earlier numbers."""

    project_id: str
    history: str = "whole"


class ContactForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The contact address of a creator; an empty text means no address."""

    contact_email: Annotated[str, typed("Contact address")] = ""


class EraseForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The handle as a confirmation, the future of the figures, and a ban if ticked."""

    confirm: Annotated[str, typed("Handle")]
    figures: str
    ban: str = ""


class CreatorSettings(Controller):
    path = "/creators/{creator_id:uuid}/settings"

    @page_route()
    async def settings(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> Template:
        """Show the tracking of a creator."""
        creator = await get_creator(page, creator_id)
        return await _show_all(page, creator)

    @form_route("/move", form=MoveForm)
    async def move(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Move a creator to another project."""
        body = asdict(page.form(MoveForm))
        path = f"/creators/{creator_id}/move"
        try:
            done = await page.send("POST", path, Creator, body)
        except ApiRefusedError as error:
            creator = await get_creator(page, creator_id)
            return await _show_all(page, creator, refused_move=error)
        handle = done.data.tiktok_handle
        numbers = "all numbers"
        if body["history"] == "stay":
            numbers = "the numbers gained from now on"
        project = await page.get(f"/projects/{done.data.project_id}", Project)
        page.flash(
            f"@{handle} is in {project.data.name} now, with all videos and {numbers}."
        )
        return page.go_to(_path(creator_id))

    @form_route("/erase", form=EraseForm, recent_proof=True)
    async def erase(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        form = page.form(EraseForm)
        body = {**asdict(form), "ban": bool(form.ban)}
        path = f"/creators/{creator_id}/erase"
        try:
            done = await page.send("POST", path, ErasedCreators, body)
        except ApiRefusedError as error:
            creator = await get_creator(page, creator_id)
            return await _show_all(page, creator, refused_erasure=error)
        names = ", ".join(each.tiktok_handle for each in done.data.creators)
        page.flash(
            "The person was erased, and their numbers with them."
            if form.figures == "drop"
            else f'The person was erased. Their anonymous numbers stay as "{names}".'
        )
        return page.go_to(f"/creators/{creator_id}/erased")

    @form_route(form=TrackingForm)
    async def save_tracking(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Store name, tags and tracking."""
        return await _save(page, creator_id, page.form(TrackingForm), "tracking")

    @form_route("/handle", form=HandleForm)
    async def rename(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Change the handle of a creator."""
        return await _save(page, creator_id, page.form(HandleForm), "handle")

    @form_route("/contact", form=ContactForm)
    async def save_contact(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Store the contact address of a creator, or remove it."""
        email = page.form(ContactForm).contact_email.strip()
        path = f"/creators/{creator_id}"
        try:
            await page.send("PATCH", path, Creator, {"contact_email": email or None})
        except ApiRefusedError as error:
            creator = await get_creator(page, creator_id)
            return await _show_all(page, creator, refused_contact=error, contact=email)
        page.flash(f"The contact address was {'saved' if email else 'removed'}.")
        return page.go_to(_path(creator_id))

    @form_route("/remove")
    async def remove(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Stop tracking a creator."""
        done = await page.send("DELETE", f"/creators/{creator_id}", Creator)
        handle = done.data.tiktok_handle
        page.flash(
            f"@{handle} is removed. The history stays, and the creator can be brought "
            "back."
        )
        return page.go_to(_path(creator_id))

    @form_route("/return", form=ReturnForm)
    async def bring_back(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Track a removed creator again."""
        creator = await get_creator(page, creator_id)
        values = asdict(page.form(ReturnForm))
        body = {"tiktok_handle": creator.tiktok_handle, **CREATOR.read(values)}
        path = f"/projects/{creator.project_id}/creators"
        try:
            await page.send("POST", path, Creator, body)
        except ApiRefusedError as error:
            draft = EditDraft(values=values, original="", version=0, error=error)
            return _show(page, creator, {"return": draft})
        page.flash(
            f"@{creator.tiktok_handle} is tracked again, with all their history."
        )
        return page.go_to(_path(creator_id))

    @form_route("/disable")
    async def disable(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        done = await page.send("POST", f"/creators/{creator_id}/disable", Creator)
        page.flash(f"@{done.data.tiktok_handle} is disabled. Scrapes have stopped.")
        return page.go_to(_path(creator_id))

    @form_route("/reenable")
    async def reenable(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Enable a disabled creator again."""
        creator = await get_creator(page, creator_id)
        done = await page.send(
            "POST",
            f"/projects/{creator.project_id}/creators/bulk-reenable",
            BulkAnswer,
            {"creator_ids": [creator_id]},
        )
        (result,) = done.data.results
        if result.status == "ok":
            page.flash("Tracked again; two scrapes are queued.")
        else:
            page.flash(f"Nothing was done: {result.reason}.")
        return page.go_to(_path(creator_id))


async def _save(
    page: PageContext, creator_id: UUID, form: EditForm, which: str
) -> PageResponse:
    """Store the changes, or show the form again with the error."""
    draft = EditDraft.sent(form)
    if form.take in draft.values:
        creator = await get_creator(page, creator_id)
        taken = {**draft.values, form.take: CREATOR.texts(creator)[form.take]}
        return _show(page, creator, {which: replace(draft, values=taken)})
    done = await save_edit(page, CREATOR, creator_id, draft)
    if isinstance(done, EditDraft):
        conflict = done.conflict
        now = conflict.current if conflict else await get_creator(page, creator_id)
        return _show(page, now, {which: done})
    message = done.message
    if done.current is not None and "tiktok_handle" in draft.values:
        message = f"{message} The creator is @{done.current.tiktok_handle} now."
    page.flash(message)
    return page.go_to(_path(creator_id))


async def _show_all(
    page: PageContext,
    creator: Creator,
    *,
    refused_move: ApiRefusedError | None = None,
    refused_erasure: ApiRefusedError | None = None,
    refused_contact: ApiRefusedError | None = None,
    contact: str | None = None,
) -> Template:
    """Return the page with the forms to move and to erase, one of which was refused.

    ``contact`` is a contact address as it was typed.
    """
    known = await _contact(page, creator)
    card = await connection_card(page, creator)
    further = {
        "first": creator.duplicate_of and await get_creator(page, creator.duplicate_of),
        "card": card,
        "has_link": card is not None and card.link is not None,
        "move": await _possible_move(page, creator),
        "refused_move": refused_move,
        "erasure": await _possible_erasure(page, creator),
        "refused_erasure": refused_erasure,
        "contact": known.contact_email if known and contact is None else contact,
        "has_contact": known is not None,
        "opted_out_at": known and known.opted_out_at,
        "refused_contact": refused_contact,
    }
    error = refused_move or refused_erasure or refused_contact
    return _show(page, creator, further=further, refused=error)


def _show(
    page: PageContext,
    creator: Creator,
    drafts: dict[str, EditDraft] | None = None,
    *,
    further: Mapping[str, object] | None = None,
    refused: ApiRefusedError | None = None,
) -> Template:
    """Return the page; ``drafts`` are refused forms, by name."""
    forms = {
        "tracking": EditDraft.of(CREATOR, creator, TRACKING),
        "handle": EditDraft.of(CREATOR, creator, ["tiktok_handle"]),
        "return": EditDraft.of(CREATOR, creator, WINDOW),
        **(drafts or {}),
    }
    context = {
        "fields": CREATOR.by_name,
        "now": CREATOR.texts(creator),
        "tracking": forms["tracking"],
        "handle": forms["handle"],
        "back": forms["return"],
        # A refused form stays, whatever happened to the creator.
        "drafts": frozenset(drafts or ()),
        **dict.fromkeys(
            ("card", "has_link", "move", "refused_move", "erasure", "refused_erasure")
        ),
        **dict.fromkeys(("contact", "has_contact", "opted_out_at", "refused_contact")),
        **(further or {}),
    }
    errors = (draft.error for draft in (drafts or {}).values())
    has_conflict = any(draft.conflict for draft in (drafts or {}).values())
    return show_creator(
        page,
        "creator/settings.html",
        creator,
        context,
        error=refused or next(errors, None),
        status=CONFLICT_STATUS if has_conflict else 200,
        # The link by which the creator connects their account stays the same.
        is_secret=bool(context["has_link"]),
    )


async def _contact(page: PageContext, creator: Creator) -> CreatorContact | None:
    """Return the contact, None if the user may not see it or change it."""
    if not page.may("write") or creator.status in {"removed", "erased"}:
        return None
    return (await page.get(f"/creators/{creator.id}/contact", CreatorContact)).data


def _path(creator_id: UUID) -> str:
    return f"/creators/{creator_id}/settings"


class PossibleErasure(Struct, frozen=True, kw_only=True):
    """The effects of an erasure, in words, and whether the handle stays banned."""

    concerned: list[str]
    is_banned: bool
    mentions: list[Mention]


async def _possible_erasure(
    page: PageContext, creator: Creator
) -> PossibleErasure | None:
    """Return the effects of an erasure, None if the key may not erase."""
    if not page.may("admin"):
        return None
    got = await page.get(f"/creators/{creator.id}/erase", ErasurePreview)
    preview = got.data
    creators = counted(preview.creator_count, "creator")
    if preview.creator_count > 1:
        creators += " of the same TikTok account"
    others = (
        (preview.video_count, "video", ""),
        (preview.scrape_count, "scrape", ""),
        (preview.note_count, "note", ", to be deleted"),
        (
            preview.campaign_count,
            "campaign",
            " with the creator or a video of theirs",
        ),
    )
    return PossibleErasure(
        concerned=[
            creators,
            *(f"{counted(n, thing)}{more}" for n, thing, more in others if n),
        ],
        is_banned=preview.ban_count > 0,
        mentions=preview.mentions,
    )


class PossibleMove(Struct, frozen=True, kw_only=True):
    """The other projects, the campaigns and reports left behind, and the obstacles.

    ``refused`` are the projects that the creator cannot move to, with reasons; they are
    not among ``projects``. ``merged`` is the number of single videos of each project
    that would be merged.
    """

    projects: list[Project]
    campaigns: list[LeftCampaign]
    reports: Sequence[StoppingReport]
    refused: list[tuple[Project, RefusedProject]]
    merged: list[tuple[Project, int]]


async def _possible_move(page: PageContext, creator: Creator) -> PossibleMove | None:
    """Return the possible moves of a creator, None if no move is possible."""
    if creator.status == "removed" or not page.may("write"):
        return None
    others = {
        project.id: project
        for project in await all_projects(page)
        if project.id != creator.project_id
    }
    if not others:
        return None
    preview = (await page.get(f"/creators/{creator.id}/move", MovePreview)).data
    refused = {each.project_id: each for each in preview.refused}
    merged = Counter(each.project_id for each in preview.merged_videos)
    return PossibleMove(
        projects=[project for id_, project in others.items() if id_ not in refused],
        campaigns=preview.campaigns,
        reports=preview.reports,
        refused=[(others[id_], each) for id_, each in refused.items() if id_ in others],
        merged=[
            (project, merged[id_])
            for id_, project in others.items()
            if merged[id_] and id_ not in refused
        ],
    )
