"""/creators: the table of creators with their figures, live, and as CSV."""

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.response import Template
from msgspec import Struct, convert
from msgspec.structs import replace

from api.http.access.stream_places import StreamPlaces
from api.http.errors import ApiError, Code
from api.http.request import Request
from api.http.shutdown import SHUTDOWN
from api.routes.lists.creators import CreatorWithFigures
from api.web.charts.periods import day_in
from api.web.compare.projects import project_names
from api.web.creators.cells import CellDrawer
from api.web.creators.columns import (
    COLUMNS,
    choose_columns,
    chosen_columns,
    on_phones,
)
from api.web.creators.query import (
    BOUNDS,
    CONNECTIONS,
    HEALTHS,
    PATH,
    POSTING,
    STATUSES,
    CreatorsPageQuery,
)
from api.web.creators.rows import CreatorsMeta, rows_by_id, rows_of
from api.web.kit.api_client import ApiResponse
from api.web.kit.cell_stream import answer_with_cells, watch_cells
from api.web.kit.csv_file import csv_file
from api.web.kit.filters import fingerprint
from api.web.kit.forms.project_choices import all_projects, some_campaigns
from api.web.kit.handlers import form_route, page_route
from api.web.kit.list_query import CUSTOM, PERIODS, days_in_words
from api.web.kit.page import PageContext, PageResponse, here
from api.web.kit.page_query import PageQuery
from api.web.kit.views import views_of
from api.web.sign_in.page import SignIn

_POLL_SECONDS = 2.0
_WRONG_DAYS = {Code.INVALID_QUERY, Code.RETENTION_EXCEEDED}


class ColumnsForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The columns to show; ``back`` is the address of the list."""

    columns: list[str] = []
    back: str = ""


class RowsQuery(PageQuery, frozen=True, kw_only=True):
    """The rows of an open page: ids with commas between, and the scope of the figures.

    ``projects`` is not empty if rows name their projects. ``drawn`` are the
    fingerprints of the rows, in the order of the ids.
    """

    ids: str = ""
    drawn: str = ""
    period: str = ""
    first: str = ""
    last: str = ""
    project_id: str = ""
    projects: str = ""

    @property
    def figures(self) -> dict[str, str]:
        """Return the days of the figures, and their project, if there is one."""
        project = {"project_id": self.project_id} if self.project_id else {}
        if self.period:
            return {"period": self.period, **project}
        days = {"from": self.first, "to": self.last} if self.first else {}
        return {**days, **project}

    @property
    def words(self) -> str:
        first, last = (
            day_in(n, t) if t else date.min
            for n, t in (("first", self.first), ("last", self.last))
        )
        return days_in_words(self.period, first, last)


class CreatorsPage(Controller):
    @page_route(PATH, query=CreatorsPageQuery)
    async def creators(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[CreatorsPageQuery],
    ) -> Template:
        """Show one page of the creators that were chosen."""
        async with page.one_moment():
            choices = replace(choices, project_id=page.project_filter)
            projects, campaigns, views, got = await asyncio.gather(
                all_projects(page),
                some_campaigns(page, project_id=choices.project_id),
                views_of(page, "creators", choices.saved),
                _found(page, choices),
            )
            # The project is not shown if the organization has only one.
            has_many = len(projects) > 1 and not choices.project_id
            names_by_id = {str(one.id): one.name for one in campaigns}
            columns = chosen_columns(page)
            context: dict[str, Any] = {
                "columns": columns,
                "all_columns": COLUMNS,
                "query": choices,
                "statuses": STATUSES,
                "healths": HEALTHS,
                "connections": CONNECTIONS,
                "posting": POSTING,
                "bounds": BOUNDS,
                "periods": PERIODS,
                "projects": projects,
                "campaigns": campaigns,
                "chips": choices.chips(names_by_id),
                "custom": CUSTOM,
                "views": views,
                "first": f"{PATH}{choices.address(cursor='')}",
                "here": here(page.request),
                "may_write": page.may("write"),
                "rows": [],
                "more": None,
            }
            if isinstance(got, ApiError):
                return page.show("creators/list.html", context, error=got)
            meta = convert(got.meta, CreatorsMeta)
            names = {one.id: one.name for one in projects} if has_many else {}
            period = choices.period_name
            days = {"first": str(meta.first_day), "last": str(meta.last_day)}
            stream = RowsQuery(
                project_id=choices.project_id,
                projects="yes" if has_many else "",
                **({"period": period} if period else days),
            )
            drawer = CellDrawer(
                page, columns, days_in_words(period, meta.first_day, meta.last_day)
            )
            listed = await rows_of(page, got.data, names)
            context |= {
                "rows": drawer.rows(listed, on_phones(columns, choices.sorted_by)),
                "meta": meta,
                "totals": drawer.totals(meta.totals),
                "more": got.next_url(PATH, **choices.pairs(cursor="")),
                "stream": f"{PATH}/stream{stream.address()}",
            }
            return page.show("creators/list.html", context)

    @page_route("/creators.csv", query=CreatorsPageQuery)
    async def creators_file(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[CreatorsPageQuery],
    ) -> Response[bytes]:
        """Answer with the whole list as a CSV file."""
        choices = replace(choices, project_id=page.project_filter)
        query = {**choices.api_query, "format": "csv"}
        query.pop("cursor", None)
        raw = await page.get_raw(PATH, **query)
        return csv_file(raw.body, disposition=raw.headers["content-disposition"])

    @form_route("/creators/columns", form=ColumnsForm, scope="read")
    async def choose(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Remember the columns that this browser shows.

        A script asks for the list again by itself.
        """
        form = page.form(ColumnsForm)
        choose_columns(page, form.columns)
        if page.is_htmx:
            return Response(None, status_code=204)
        query = urlsplit(form.back).query
        return page.go_to(f"{PATH}?{query}" if query else PATH)

    @page_route("/creators/stream", query=RowsQuery)
    async def stream(
        self,
        request: Request,
        page: NamedDependency[PageContext],
        choices: NamedDependency[RowsQuery],
        sign_in: NamedDependency[SignIn],
        stream_places: NamedDependency[StreamPlaces],
    ) -> PageResponse:
        """Send the cells of rows as they change, while the page is open."""
        names = await project_names(page) if choices.projects else {}
        columns = chosen_columns(page)
        drawer = CellDrawer(page, columns, choices.words)
        named = ["who", *(column.name for column in columns)]
        prints = dict(
            zip(choices.ids.split(","), choices.drawn.split(","), strict=False)
        )
        if request.raw_header(b"last-event-id") is not None:
            # The page has received newer cells since it was loaded.
            prints = {}

        async def draw() -> dict[str, str]:
            rows = await rows_by_id(page, choices.ids, choices.figures, names)
            return {
                # The stream sends JSON, which knows plain texts alone.
                f"{row.creator.id}.{name}": str(cell)
                for row in rows
                for name, cell in drawer.cells(row).items()
            }

        def shown(cells: Mapping[str, str]) -> dict[str, str]:
            rows = {
                row: {f"{row}.{name}": cells.get(f"{row}.{name}", "") for name in named}
                for row in prints
            }
            return {
                key: html
                for row, found in rows.items()
                if fingerprint(found.values()) == prints[row]
                for key, html in found.items()
            }

        async def is_allowed() -> bool:
            return await sign_in.still_reads(request)

        stream = watch_cells(
            SHUTDOWN,
            draw=draw,
            is_allowed=is_allowed,
            poll_seconds=_POLL_SECONDS,
            shown=shown,
        )
        return answer_with_cells(request, stream_places, stream)


async def _found(
    page: PageContext, choices: CreatorsPageQuery
) -> ApiResponse[list[CreatorWithFigures]] | ApiError:
    """Return the chosen creators, or the error that the page shows in their place."""
    try:
        return await page.get(PATH, list[CreatorWithFigures], **choices.api_query)
    except ApiError as error:
        # Own dates are typed; everything else comes from links and choices.
        if error.code not in _WRONG_DAYS or choices.period_name:
            raise
        return error
