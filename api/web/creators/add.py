"""/creators/add: creators from a list or a CSV file, previewed and then added."""

from collections import defaultdict
from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template
from msgspec import Struct
from msgspec.structs import replace

from api.http.bodies.form_body import typed, uploaded
from api.http.errors import Code, FieldProblem
from api.routes.creators.import_text import ReadCreators
from api.routes.organization import Organization
from api.routes.usage import room_of
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.filters import in_words
from api.web.kit.forms.project_choices import all_projects, chosen_project, names_of
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from domain.onboarding.lines import MOST_LINES
from domain.phrases import counted

_FIELDS = {"text": "handles", "tracking_start_date": "first_day"}
_AT_FIELDS = {"handles", "project_id", "first_day", "tags"}


class AddCreatorsForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list or a file of creators, and the tracking for lines without settings.

    ``since`` is ``ever``, ``today``, or ``day`` for the date in ``first_day``. ``step``
    is ``show`` to preview the text, ``add`` to add its creators, or ``change`` to edit
    it.
    """

    handles: Annotated[str, typed("Creators")] = ""
    file: Annotated[str, uploaded("CSV file")] = ""
    project_id: str = ""
    tags: Annotated[str, typed("Tags")] = ""
    keep_columns: bool = False
    tracking_mode: str = "auto"
    since: str = "ever"
    first_day: Annotated[str, typed("First day")] = ""
    step: str = "show"


class AddCreatorsPage(Controller):
    """The form that adds creators."""

    path = "/creators/add"

    @page_route(scope="write")
    async def form(
        self, page: NamedDependency[PageContext], project_id: FromQuery[str] = ""
    ) -> Template:
        """Show the form."""
        return await _page(page, AddCreatorsForm(project_id=project_id))

    @form_route(form=AddCreatorsForm)
    async def add(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Show the preview, or add the creators and show the result of each line."""
        form = page.form(AddCreatorsForm)
        if form.step == "change":
            return await _page(page, form)
        problem = _text_problem(form)
        if problem is not None:
            return await _page(page, form, {"handles": problem}, status=400)
        form = replace(form, handles=form.handles or form.file, file="")
        adds = form.step == "add"
        try:
            read = await _read(page, form, adds=adds)
        except ApiRefusedError as error:
            return await _page(
                page,
                form,
                _problems(error),
                refusal=_refusal_message(error),
                status=error.status,
            )
        if not read.lines:
            problem = "write at least one handle or URL in addition to the headings"
            return await _page(page, form, {"handles": problem}, status=400)
        if not adds:
            return await _preview(page, form, read)
        if len(read.lines) == 1 and not read.failed_count:
            page.flash(_added_message(read))
            return page.go_to("/creators")
        return await _page(page, replace(form, handles=_left(read)), read=read)


async def _read(
    page: PageContext, form: AddCreatorsForm, *, adds: bool
) -> ReadCreators:
    # The defaults of the form would change a restored creator.
    body: dict[str, Any] = {"text": form.handles, "keep_columns": form.keep_columns}
    if form.tracking_mode != "auto":
        body["tracking_mode"] = form.tracking_mode
    match form.since:
        case "day":
            body["tracking_start_date"] = form.first_day
        case "today":
            today = datetime.now(ZoneInfo(page.time_zone)).date()
            body["tracking_start_date"] = today.isoformat()
        case _:
            body["tracking_start_date_if_new"] = None
    if tags := [tag for tag in form.tags.split(",") if tag.strip()]:
        body["tags"] = tags
    path = f"/projects/{chosen_project(form.project_id)}/creators"
    if adds:
        return (await page.send("POST", f"{path}/import", ReadCreators, body)).data
    got = await page.send(
        "POST", f"{path}/preview", ReadCreators, body, key_suffix=None
    )
    return got.data


async def _preview(
    page: PageContext, form: AddCreatorsForm, read: ReadCreators
) -> Template:
    names = names_of(await all_projects(page))
    count = read.created_count + read.reactivated_count
    usage = (await page.get("/organization", Organization)).data.usage
    room = None if usage is None else room_of(usage.creators)
    return page.show(
        "creators/preview.html",
        {
            "form": form,
            "read": read,
            "count": count,
            "creators": usage and usage.creators,
            "room": room,
            "fits": room is None or count <= room,
            "good": [line for line in read.lines if line.status != "failed"],
            "bad": [line for line in read.lines if line.status == "failed"],
            "unread": [column.heading for column in read.columns if not column.field],
            "first_day": form.first_day and date.fromisoformat(form.first_day),
            "has_campaigns": any(line.campaign for line in read.lines),
            "project": names.get(chosen_project(form.project_id)),
        },
    )


async def _page(
    page: PageContext,
    form: AddCreatorsForm,
    problems: dict[str, str] | None = None,
    *,
    refusal: str | None = None,
    read: ReadCreators | None = None,
    status: int = 200,
) -> Template:
    return page.show(
        "creators/add.html",
        {
            "form": form,
            "projects": await all_projects(page),
            "problems": defaultdict(str, problems or {}),
            # A problem that is shown at its field is not shown again.
            "refusal": None if _AT_FIELDS & {*(problems or {})} else refusal,
            "outcomes": read.lines if read else [],
            "most": MOST_LINES,
        },
        status=status,
    )


def _text_problem(form: AddCreatorsForm) -> str | None:
    has_list, has_file = bool(form.handles.strip()), bool(form.file.strip())
    if has_list and has_file:
        return "paste a list or choose a file, not both"
    if not has_list and not has_file:
        return "write at least one handle or URL, or choose a file"
    return None


def _left(read: ReadCreators) -> str:
    """Return the text of the lines that failed, under their headings."""
    # The line of an erased and banned account has no text.
    failed = [x.text for x in read.lines if x.status == "failed" and x.text]
    heading = [read.heading] if read.heading and failed else []
    return "\n".join([*heading, *failed])


def _refusal_message(error: ApiRefusedError) -> str:
    """Return why no creator was added."""
    if error.code is not Code.LIMIT_REACHED:
        return in_words(error)
    most, current = error.meta["max"], error.meta["current"]
    if error.meta["limitKey"] == "max_campaign_items_per_campaign":
        return (
            f"Your plan has room for {most} items in a campaign, and one that is named "
            f"has {current}: these are too many. None was added."
        )
    return (
        f"Your plan has room for {counted(most, 'creator')}, and {current} "
        f"{'is' if current == 1 else 'are'} tracked: these are too many. "
        "None was added."
    )


def _problems(error: ApiRefusedError) -> dict[str, str]:
    """Return the problems by field of the form."""
    found: dict[str, str] = {}
    fields: list[FieldProblem] = error.meta.get("fields", [])
    for problem in fields:
        _, name, *_ = ("", *problem.path.removeprefix("/").split("/"))
        found[_FIELDS.get(name, name)] = problem.message
    return found


def _added_message(read: ReadCreators) -> str:
    parts: list[str] = []
    if read.created_count:
        parts.append(f"{counted(read.created_count, 'creator')} added")
    if read.reactivated_count:
        parts.append(f"{counted(read.reactivated_count, 'creator')} brought back")
    return f"{', '.join(parts)}. The first scrape is on its way."
