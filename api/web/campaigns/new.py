"""/campaigns/new: the form that makes a campaign with its creators."""

import re
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromQuery

from api.http.errors import ApiError
from api.routes.creators.schemas import MOST_AT_ONCE
from api.web.campaigns.forms import SHOWN_ERRORS, CampaignForm, body_of
from api.web.kit.filters import in_words
from api.web.kit.forms.project_choices import all_projects
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from domain.creator.handle import normalize_handle
from domain.errors import InvalidHandleError
from domain.money import CURRENCIES
from domain.phrases import joined
from projections.campaigns.queries import Campaign
from projections.creators.creator import Creator

_PICKED_FROM: Final = 100
_NAMED: Final = 5


class NewCampaignPage(Controller):
    """A new campaign."""

    path = "/campaigns"

    @page_route("/new", scope="write")
    async def new(
        self, page: NamedDependency[PageContext], project_id: FromQuery[str] = ""
    ) -> PageResponse:
        """Show the form for a campaign of the project, by default the last chosen."""
        return await _show(page, CampaignForm(project_id=project_id))

    @form_route(form=CampaignForm)
    async def create(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Create a campaign with its creators, and go to its page."""
        form = page.form(CampaignForm)
        project_id = form.project_id or "none"
        try:
            creators, problem = await _creators_of(page, form)
            others = {"creators": problem} if problem else {}
            body = body_of(form, time_zone=page.time_zone, others=others)
            path = f"/projects/{project_id}/campaigns"
            got = await page.send("POST", path, Campaign, body)
        except ApiError as error:
            if error.code not in SHOWN_ERRORS:
                raise
            return await _show(page, form, error=error)
        page.remember_project(project_id)
        done, then = f"The campaign {got.data.name} was created", ""
        try:
            await _add(page, got.data, creators)
        except ApiError as error:
            # The campaign is there: the form sent again would make another one.
            done, then = f"{done} without all its creators", f" {in_words(error)}"
        if creators and not then:
            page.flash(f"{done}.")
            return page.go_to(f"/campaigns/{got.data.id}")
        page.flash(f"{done}.{then} Add its members now.")
        return page.go_to(f"/campaigns/{got.data.id}/members")


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


async def _creators_of(
    page: PageContext, form: CampaignForm
) -> tuple[list[str], str | None]:
    """Return the ids of the chosen creators, and the problem with typed handles."""
    words = [word for word in re.split(r"[\s,;]+", form.creators) if word]
    handles: dict[str, str] = {}
    wrong: list[str] = []
    for word in words:
        try:
            handles[normalize_handle(word)] = word
        except InvalidHandleError:
            wrong.append(word)
    if wrong:
        are = "is no handle" if len(wrong) == 1 else "are no handles"
        return [], f"{_named(wrong)} {are}, and no address of a profile"
    found = await _ids(page, form.project_id, handles)
    unknown = [f"@{handle}" for handle in handles if handle not in found]
    if unknown:
        are = "is" if len(unknown) == 1 else "are"
        why = f"{are} not tracked in this project: add them first"
        return [], f"{_named(unknown)} {why}"
    picked = [one for one in form.creator if _is_id(one)]
    return [*dict.fromkeys([*picked, *found.values()])], None


async def _ids(
    page: PageContext, project_id: str, handles: Iterable[str]
) -> dict[str, str]:
    """Return the ids of those that the project tracks, by handle."""
    left = set(handles)
    found: dict[str, str] = {}
    cursor: str | None = None
    while left:
        got = await page.get(
            "/creators",
            list[Creator],
            project_id=project_id,
            sort="tiktok_handle",
            limit=100,
            cursor=cursor,
        )
        of_page = {one.tiktok_handle: str(one.id) for one in got.data}
        found |= {handle: of_page[handle] for handle in left & of_page.keys()}
        left -= of_page.keys()
        cursor = got.meta["nextCursor"]
        if cursor is None:
            break
    return {handle: found[handle] for handle in handles if handle in found}


def _named(texts: Sequence[str]) -> str:
    shown = [text[:40] for text in texts[:_NAMED]]
    rest = len(texts) - len(shown)
    return joined([*shown, f"{rest} more"] if rest else shown)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


async def _show(
    page: PageContext, form: CampaignForm, *, error: ApiError | None = None
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
        "projects": projects,
        "project_id": project_id,
        "creators": got.data,
        "more": got.meta["nextCursor"] is not None,
        "currencies": sorted(CURRENCIES),
    }
    return page.show("campaigns/new.html", context, error=error)
