"""/videos: the videos of all projects."""

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import Any

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.response import Template
from msgspec import Struct, convert, field
from msgspec.structs import replace

from api.http.errors import ApiError, Code
from api.routes.lists.videos import VideoWithFigures
from api.web.kit.api_client import ApiResponse
from api.web.kit.counting import LISTED
from api.web.kit.csv_file import csv_file
from api.web.kit.forms.project_choices import all_projects, some_campaigns
from api.web.kit.handlers import page_route
from api.web.kit.list_query import (
    CUSTOM,
    PERIODS,
    FilterChip,
    ListQuery,
    days_in_words,
    two_of,
)
from api.web.kit.page import PageContext
from api.web.kit.views import views_of
from api.web.videos.rows import VideoRows
from domain.written import day
from projections.videos.counting import VideoAmounts

# Each column is a figure, and sorts by the figure of the same name in the API.
COLUMNS = {
    "posted_at": ("posted_at", "Posted"),
    "views": ("view_count", "All views"),
    "new_views": ("new_views", "New views"),
    "likes": ("like_count", "Likes"),
    "comments": ("comment_count", "Comments"),
    "shares": ("share_count", "Shares"),
    "saves": ("save_count", "Saves"),
}
# The choices of videos to show: removed ones have a page of their own.
_STATUSES = {
    "": "auto_tracked,included,direct_add",
    "all": ",".join(LISTED),
}


class VideosPageQuery(ListQuery, frozen=True, kw_only=True):
    """The videos to list; an empty field does not filter.

    ``shown`` is ``all`` to list videos that do not count as well.
    """

    search: str = ""
    tag: str = ""
    hashtag: str = ""
    sound_id: str = ""
    project_id: str = field(default="", name="project")
    campaign_id: str = ""
    posted_from: str = ""
    posted_to: str = ""
    shown: str = ""

    @property
    def usual_sort(self) -> str:
        return "new_views"

    @property
    def is_narrowed(self) -> bool:
        """Return whether a filter narrows the list of a project's videos."""
        in_all = (
            *(self.search, self.tag, self.hashtag),
            *(self.sound_id, self.campaign_id),
        )
        return any((*in_all, self.posted_from, self.posted_to))

    def chips(self, names: Mapping[str, str]) -> list[FilterChip]:
        """Return the filters; ``names`` are those of campaigns by id."""
        said = {
            "posted_from": f"Posted from {_day(self.posted_from)}",
            "posted_to": f"Posted to {_day(self.posted_to)}",
            "tag": f"Tag: {self.tag}",
            "hashtag": f"Hashtag: {self.hashtag}",
            "sound_id": f"Sound: {self.sound_id}",
            "campaign_id": f"Campaign: {names.get(self.campaign_id, self.campaign_id)}",
            "shown": "Also videos that are left out",
        }
        return [
            self.chip(text, name) for name, text in said.items() if getattr(self, name)
        ]

    @property
    def api_query(self) -> dict[str, str]:
        given = super().api_query
        given.pop("shown", None)
        statuses = _STATUSES.get(self.shown, _STATUSES[""])
        return {**given, "sort": self.sorted_by, "tracking_status": statuses}


def video_query_of(query: Mapping[str, str]) -> dict[str, str]:
    """Return the query of the page for one of the API."""
    statuses = query.get("tracking_status", "").split(",")
    return {**query, "shown": "all"} if "out_of_window" in statuses else {**query}


def _day(text: str) -> str:
    """Return a typed date in words, or as it was typed."""
    try:
        return day(date.fromisoformat(text))
    except ValueError:
        return text


PATH = "/videos"
# The project is not shown if the organization has only one.
_SEVERAL = 2
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
        async with page.one_moment():
            choices = replace(choices, project_id=page.project_filter)
            projects, campaigns, views, got = await asyncio.gather(
                all_projects(page),
                some_campaigns(page, project_id=choices.project_id),
                views_of(page, "videos", choices.saved),
                _found(page, choices),
            )
            names_by_id = {str(one.id): one.name for one in campaigns}
            context: dict[str, Any] = {
                "columns": COLUMNS,
                "query": choices,
                "periods": PERIODS,
                "projects": projects,
                "campaigns": campaigns,
                "chips": choices.chips(names_by_id),
                "custom": CUSTOM,
                "views": views,
                "first": f"{PATH}{choices.address(cursor='')}",
                "rows": [],
                "more": None,
            }
            if isinstance(got, ApiError):
                return page.show("videos/list.html", context, error=got)
            meta = convert(got.meta, VideosMeta)
            has_one = bool(choices.project_id) or len(projects) < _SEVERAL
            rows = VideoRows(
                page=page,
                columns=COLUMNS,
                on_phones=two_of(
                    [sort for sort, _ in COLUMNS.values()],
                    sorted_by=choices.sorted_by,
                    usual=("view_count", "new_views"),
                ),
                project_names={} if has_one else {one.id: one.name for one in projects},
                words=days_in_words(choices.period_name, meta.first_day, meta.last_day),
            )
            context |= {
                "rows": rows.of(got.data),
                "meta": meta,
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
        choices = replace(choices, project_id=page.project_filter)
        query = {**choices.api_query, "format": "csv"}
        query.pop("cursor", None)
        raw = await page.get_raw(PATH, **query)
        return csv_file(raw.body, disposition=raw.headers["content-disposition"])


async def _found(
    page: PageContext, choices: VideosPageQuery
) -> ApiResponse[list[VideoWithFigures]] | ApiError:
    """Return the chosen videos, or the error that the page shows in their place."""
    try:
        return await page.get(PATH, list[VideoWithFigures], **choices.api_query)
    except ApiError as error:
        # Dates are typed; everything else comes from links and choices.
        has_dates = choices.posted_from or choices.posted_to
        if error.code not in _WRONG or (choices.period_name and not has_dates):
            raise
        return error
