"""/creators/add: adding up to fifty creators from pasted handles and URLs."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template
from msgspec import Struct
from msgspec.structs import replace

from api.http.errors import Code, FieldProblem
from api.http.form_body import typed
from api.routes.creator_schemas import MOST_NEW, AddedCreator, AddedCreators
from api.web.creators.paste import handles_in
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.project_choices import all_projects

_FIELDS = {"tiktok_handle": "handles", "tracking_start_date": "first_day"}
_AT_FIELDS = {"handles", "project_id", "first_day"}
# A handle has at most 30 characters; this shows enough of other text.
_SHOWN = 60


class AddCreatorsForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Handles, and how to track their creators.

    ``since`` is ``today``, ``day`` for the date in ``first_day``, or ``ever``.
    """

    handles: Annotated[str, typed("Handles or profile URLs")] = ""
    project_id: str = ""
    tracking_mode: str = "auto"
    since: str = "today"
    first_day: Annotated[str, typed("First day")] = ""


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
        """Add the creators; if there are several, show the result of each."""
        form = page.form(AddCreatorsForm)
        handles = handles_in(form.handles)
        if not 1 <= len(handles) <= MOST_NEW:
            return await _page(
                page, form, {"handles": _count_problem(handles)}, status=400
            )
        try:
            added = await _added(page, form, handles)
        except ApiRefusedError as error:
            return await _page(
                page,
                form,
                _problems(error, handles),
                refusal=_refusal_message(error, len(handles)),
                status=error.status,
            )
        if len(handles) == 1 and not added.failed_count:
            page.flash(_added_message(added))
            return page.go_to("/creators")
        failed = [one for one in added.results if one.status == "failed"]
        left = "\n".join(handles[one.index] for one in failed)
        outcomes = [(handles[one.index], one) for one in added.results]
        return await _page(page, replace(form, handles=left), outcomes=outcomes)


async def _added(
    page: PageContext, form: AddCreatorsForm, handles: Sequence[str]
) -> AddedCreators:
    # What the form suggests is left out: it would change a creator that comes back.
    settings: dict[str, str | None] = {}
    if form.tracking_mode != "auto":
        settings["tracking_mode"] = form.tracking_mode
    if form.since != "today":
        settings["tracking_start_date"] = (
            form.first_day if form.since == "day" else None
        )
    got = await page.send(
        "POST",
        f"/projects/{_project_id(form)}/creators",
        AddedCreators,
        {"creators": [{"tiktok_handle": h, **settings} for h in handles]},
    )
    return got.data


async def _page(
    page: PageContext,
    form: AddCreatorsForm,
    problems: dict[str, str] | None = None,
    *,
    refusal: str | None = None,
    outcomes: Sequence[tuple[str, AddedCreator]] = (),
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
            "outcomes": outcomes,
            "most": MOST_NEW,
        },
        status=status,
    )


def _project_id(form: AddCreatorsForm) -> UUID:
    try:
        return UUID(form.project_id)
    except ValueError:
        problem = FieldProblem("/project_id", "choose one of your projects")
        raise ApiRefusedError(
            Code.INVALID_BODY, "Choose a project.", meta={"fields": [problem]}
        ) from None


def _count_problem(handles: Sequence[str]) -> str:
    if not handles:
        return "write at least one handle or URL"
    return f"at most {MOST_NEW} at a time, and these are {len(handles)}"


def _refusal_message(error: ApiRefusedError, count: int) -> str:
    """Return why none was added."""
    if error.code is not Code.LIMIT_REACHED:
        return error.message
    most, current = error.meta["max"], error.meta["current"]
    return (
        f"Your plan has room for {most} creators, {current} are tracked, and these "
        f"are {count}. None was added."
    )


def _problems(error: ApiRefusedError, handles: Sequence[str]) -> dict[str, str]:
    """Return the problems by field of the form; one of a handle names the handle."""
    found: dict[str, str] = {}
    fields: list[FieldProblem] = error.meta.get("fields", [])
    for problem in fields:
        *_, index, name = ("", *problem.path.split("/"))
        message = problem.message
        if name == "tiktok_handle" and index.isdigit():
            message = f"'{handles[int(index)][:_SHOWN]}' {message}"
        found[_FIELDS.get(name, name)] = message
    return found


def _added_message(added: AddedCreators) -> str:
    parts: list[str] = []
    if added.created_count:
        parts.append(f"{_creators(added.created_count)} added")
    if added.reactivated_count:
        parts.append(f"{_creators(added.reactivated_count)} brought back")
    return f"{', '.join(parts)}. The first scrape is on its way."


def _creators(count: int) -> str:
    return "1 creator" if count == 1 else f"{count} creators"
