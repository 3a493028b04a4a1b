"""/creators/import: history of elsewhere from a CSV file, previewed, then stored."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template
from msgspec import Struct
from msgspec.structs import replace

from api.http.bodies.form_body import typed, uploaded
from api.http.errors import Code, FieldProblem
from api.routes.creators.import_observations import (
    MOST_BYTES,
    MOST_ROWS,
    ImportedObservations,
    PreviewedObservations,
)
from api.web.kit.api_client import ApiRefusedError, QueryValue
from api.web.kit.filters import in_words
from api.web.kit.forms.project_choices import all_projects, chosen_project, names_of
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext
from api.web.kit.plain_names import field_label, plain_names
from domain.days import time_zones
from workers.sources.recordings.csv_columns import FIELDS
from workers.sources.recordings.import_preview import PreviewLine

# The other fields of the form, and a line break more for each row.
_MOST_FORM_BYTES = MOST_BYTES + MOST_ROWS + 200_000
_SHOWN_HANDLES = 20
_MAPPED = {
    "Each row": (
        ("date", "Day or time"),
        ("creator", "Creator"),
    ),
    "Numbers of a video": (
        ("video", "Video"),
        ("title", "Title"),
        ("posted", "Posted"),
        ("views", "Views"),
        ("likes", "Likes"),
        ("comments", "Comments"),
        ("shares", "Shares"),
        ("saves", "Saves"),
        ("duration", "Duration in seconds"),
    ),
    "Numbers of a profile": (
        ("followers", "Followers"),
        ("following", "Following"),
        ("total_likes", "Total likes"),
        ("videos", "Videos"),
        ("name", "Name of the creator"),
    ),
}
_LABELS = {
    FIELDS[name].name: label for fields in _MAPPED.values() for name, label in fields
}
# The problems of a file that lacks columns, in place of advice about parameters.
_ADVICE = {
    "map": "choose the columns: the headings are not those of a file that is known",
    "creator": "write the handle: no column has the creator",
    "observed_at": "say when the file was made: no column has the time",
}


class ImportHistoryForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A CSV file, and the meaning of its columns.

    ``is_kept`` says that ``text`` is that of a file which was sent before, with
    ``headings``. ``mapped`` has a text such as ``views=Total views`` for each column
    that was chosen. ``step`` is ``show`` to preview the file, ``track`` to preview it
    with creators that are tracked because of it, ``import`` to store it, or ``change``
    to edit the form.
    """

    text: Annotated[str, typed("Rows of the file")] = ""
    file: Annotated[str, uploaded("CSV file")] = ""
    is_kept: bool = False
    headings: list[str] = []
    mapped: list[str] = []
    project_id: str = ""
    creator: Annotated[str, typed("Creator")] = ""
    observed_at: Annotated[str, typed("Time of the numbers")] = ""
    last_day: Annotated[str, typed("Last day of the file")] = ""
    tz: Annotated[str, typed("Time zone")] = ""
    create_creators: bool = False
    step: str = "show"


class ImportHistoryPage(Controller):
    """The form that imports history, its preview, and the result."""

    path = "/creators/import"

    @page_route(scope="write")
    async def form(
        self, page: NamedDependency[PageContext], project_id: FromQuery[str] = ""
    ) -> Template:
        """Show the form."""
        chosen = project_id or page.project_id or ""
        form = ImportHistoryForm(project_id=chosen, tz=page.time_zone)
        return await _page(page, form)

    @form_route(form=ImportHistoryForm, most_bytes=_MOST_FORM_BYTES)
    async def send(self, page: NamedDependency[PageContext]) -> Template:
        """Show the preview, or import the file and show the result."""
        form = page.form(ImportHistoryForm)
        if form.step == "change":
            return await _page(page, replace(form, create_creators=False))
        problem = _file_problem(form)
        if problem is not None:
            return await _page(page, form, {"text": problem}, status=400)
        if form.file.strip():
            kept = replace(form, text=form.file, file="", is_kept=True)
            form = replace(kept, headings=[], mapped=[]) if form.is_kept else kept
        if form.step == "track":
            form = replace(form, create_creators=True)
        try:
            path = f"/projects/{chosen_project(form.project_id)}/observations"
            if form.step == "import":
                return await _import(page, form, path)
            return await _preview(page, form, path)
        except ApiRefusedError as error:
            return await _refused(page, form, error)


async def _preview(page: PageContext, form: ImportHistoryForm, path: str) -> Template:
    got = await page.send(
        "POST",
        f"{path}/preview",
        PreviewedObservations,
        form.text.encode(),
        query=_query(form),
        key_suffix=None,
    )
    read = got.data
    return page.show(
        "creators/import_preview.html",
        {
            "form": form,
            "read": read,
            "columns": [
                (column.heading, _LABELS.get(column.field) or field_label(column.field))
                for column in read.columns
                if column.field
            ],
            "left_out": _left_out(read),
            "bad": _plain(read.bad_lines),
            "good": [line for line in read.lines if line.status != "bad"],
            "labels": _LABELS,
            "missing": _handles(read.unknown_handles),
            "project": await _name_of(page, form),
        },
    )


async def _import(page: PageContext, form: ImportHistoryForm, path: str) -> Template:
    # The preview has shown the lines that are left out.
    query = {**_query(form), "skip_bad_lines": True}
    got = await page.send(
        "POST", f"{path}/import", ImportedObservations, form.text.encode(), query=query
    )
    return page.show(
        "creators/imported.html",
        {
            "done": got.data,
            "bad": _plain(got.data.bad_lines),
            "created": _handles(got.data.created_handles),
            "project": await _name_of(page, form),
            "project_id": form.project_id,
        },
    )


async def _refused(
    page: PageContext, form: ImportHistoryForm, error: ApiRefusedError
) -> Template:
    """Show the form again, with each problem at its field."""
    headings: Sequence[str] = error.meta.get("headings", ())
    found: Sequence[FieldProblem] = error.meta.get("fields", ())
    sent = _query(form)
    problems: dict[str, str] = {}
    for problem in found:
        name = problem.path.removeprefix("/") or "text"
        advice = _ADVICE.get(name) if headings and name not in sent else None
        problems[name] = advice or problem.message
    if error.code is Code.BODY_TOO_LARGE:
        problems = {"text": error.message.rstrip(".")}
    if form.mapped or "map" in problems:
        # The columns that were chosen stay, as far as the file has them.
        form = replace(form, headings=list(headings) or form.headings)
    at_fields = {"text", "map", "creator", "observed_at", "last_day", "tz"}
    is_shown = bool(problems) and problems.keys() <= {*at_fields, "project_id"}
    return await _page(
        page,
        form,
        problems,
        refusal=None if is_shown else in_words(error),
        status=error.status,
    )


async def _page(
    page: PageContext,
    form: ImportHistoryForm,
    problems: Mapping[str, str] | None = None,
    *,
    refusal: str | None = None,
    status: int = 200,
) -> Template:
    return page.show(
        "creators/import.html",
        {
            "form": form,
            "projects": await all_projects(page),
            "problems": defaultdict(str, problems or {}),
            "refusal": refusal,
            "mapped_fields": _MAPPED,
            "headings": [each for each in dict.fromkeys(form.headings) if each.strip()],
            "line_count": form.text.count("\n") + (not form.text.endswith("\n")),
            "most_rows": MOST_ROWS,
            "time_zones": sorted(time_zones()),
        },
        status=status,
    )


def _left_out(read: PreviewedObservations) -> dict[str, list[str]]:
    """Return the headings of the columns that are not read, by the reason."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for column in read.columns:
        if column.reason:
            found[column.reason].append(column.heading)
    return found


def _query(form: ImportHistoryForm) -> dict[str, QueryValue]:
    """Return the parameters of the API that are not empty."""
    chosen = [each.partition("=") for each in form.mapped if each]
    mapping = ",".join(
        '{}="{}"'.format(name, heading.replace('"', '""'))
        for name, _, heading in chosen
    )
    query: dict[str, QueryValue] = {
        "map": mapping,
        "creator": form.creator.strip(),
        "observed_at": form.observed_at.strip(),
        "last_day": form.last_day.strip(),
        "tz": form.tz.strip(),
        "create_creators": form.create_creators,
    }
    return {name: value for name, value in query.items() if value}


def _file_problem(form: ImportHistoryForm) -> str | None:
    has_text, has_file = bool(form.text.strip()), bool(form.file.strip())
    if has_text and has_file and not form.is_kept:
        return "paste rows or choose a file, not both"
    if not has_text and not has_file:
        return "choose a CSV file, or paste its rows with their headings"
    return None


async def _name_of(page: PageContext, form: ImportHistoryForm) -> str | None:
    """Return the name of the form's project, None if there is only one."""
    return names_of(await all_projects(page)).get(chosen_project(form.project_id))


def _plain(lines: Sequence[PreviewLine]) -> list[PreviewLine]:
    return [replace(line, error=plain_names(line.error or "")) for line in lines]


def _handles(handles: Sequence[str]) -> str:
    """Return handles in a sentence, the first of many."""
    named = ", ".join(f"@{handle}" for handle in handles[:_SHOWN_HANDLES])
    more = len(handles) - _SHOWN_HANDLES
    return f"{named} and {more:,} more" if more > 0 else named
