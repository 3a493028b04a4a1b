"""/videos: the videos of all projects."""

from datetime import date
from typing import Any

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.response import Template
from msgspec import Struct, convert

from api.http.errors import ApiError, Code
from api.routes.lists.videos import VideoWithFigures
from api.web.creator.videos import row_of
from api.web.kit.csv_file import csv_file
from api.web.kit.forms.project_choices import all_projects, some_campaigns
from api.web.kit.handlers import page_route
from api.web.kit.list_query import PERIODS, days_in_words
from api.web.kit.page import PageContext
from api.web.videos.query import COLUMNS, VideosPageQuery
from projections.videos.counting import VideoAmounts

PATH = "/videos"
_WRONG = {Code.INVALID_QUERY, Code.RETENTION_EXCEEDED}


class VideosMeta(Struct, frozen=True, kw_only=True, rename="camel"):
    """The API's answer about the whole list."""

    total_count: int
    first_day: date
    last_day: date


class VideosPages(Controller):
    """The videos of all projects."""

    @page_route(PATH, query=VideosPageQuery)
    async def videos(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[VideosPageQuery],
    ) -> Template:
        """Show one page of the videos that were chosen."""
        context: dict[str, Any] = {
            "columns": COLUMNS,
            "query": choices,
            "periods": PERIODS,
            "projects": await all_projects(page),
            "campaigns": await some_campaigns(page),
            "first": f"{PATH}{choices.address(cursor='')}",
            "rows": [],
            "more": None,
        }
        try:
            got = await page.get(PATH, list[VideoWithFigures], **choices.api_query)
        except ApiError as error:
            # Dates are typed; everything else comes from links and choices.
            has_dates = choices.posted_from or choices.posted_to
            if error.code not in _WRONG or (choices.period_name and not has_dates):
                raise
            return page.show("videos/list.html", context, error=error)
        meta = convert(got.meta, VideosMeta)
        context |= {
            "rows": [(video, row_of(video)) for video in got.data],
            "meta": meta,
            "words": days_in_words(choices.period_name, meta.first_day, meta.last_day),
            "more": got.next_url(PATH, **choices.pairs(cursor="")),
        }
        if not got.data:
            amounts = await page.get(
                "/videos/amounts",
                VideoAmounts,
                project_id=choices.project_id,
                campaign_id=choices.campaign_id,
            )
            context["amounts"] = amounts.data
        return page.show("videos/list.html", context)

    @page_route("/videos.csv", query=VideosPageQuery)
    async def videos_file(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[VideosPageQuery],
    ) -> Response[bytes]:
        """Answer with the whole list as a CSV file."""
        query = {**choices.api_query, "format": "csv"}
        query.pop("cursor", None)
        raw = await page.get_raw(PATH, **query)
        return csv_file(raw.body, disposition=raw.headers["content-disposition"])
