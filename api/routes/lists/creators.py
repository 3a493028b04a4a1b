"""GET /creators with figures over some days: the rows, their totals, and CSV."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, cast, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict, replace

from api.http.reading.paging import ListRequest
from api.http.request import Request
from api.http.responses import ListPage
from api.routes.lists.creator_parameters import CreatorListParameters, CreatorListSort
from api.routes.lists.csv_page import CsvPage
from api.routes.lists.days import USUAL_DAYS, FigureListMeta, days_of_list
from domain.analytics.buckets import Range
from domain.analytics.summaries.posting import posts_per_week
from domain.scrape.intervals import hours_between
from infra.structs import shared_fields
from projections.analytics.read.creators.expressions import CreatorFigure
from projections.analytics.read.creators.figures import (
    CreatorSet,
    Figures,
    FiguresOfCreator,
    creator_figures,
    creators_with,
    sorted_creators,
)
from projections.analytics.read.creators.totals import (
    total_figures,
    with_first_day,
    with_first_days,
)
from projections.analytics.read.members import members_of
from projections.analytics.summaries.creators import figures_apart
from projections.creators.creator import Creator
from projections.creators.filter import (
    ColumnSort,
    CreatorFigureFilter,
    Health,
    HealthRules,
    chosen_by_posting,
    sorted_by_column,
    with_health,
)
from projections.creators.posting import Posting, PostingDays, posting_of
from projections.engine.reader import Reader
from projections.organizations.queries import one_organization
from projections.projects import project_names

_COLUMN_SORTS: tuple[ColumnSort, ...] = get_args(ColumnSort)
# A scrape is overdue after this many of its intervals.
_INTERVALS = 2


class ListedFigures(Struct, frozen=True, kw_only=True):
    """Figures over the days; null where nothing is known.

    ``followers`` and ``views`` are levels at the end of the days, and the others are
    gained in them. ``engagement_rate`` is relative to views, and
    ``average_views_per_post`` divides the new views by the number of counted videos
    that were posted until the end. Three fields are the marks of ``followers``.
    ``known_from`` is the day of the first observation of new views or new followers
    that are null because nothing was observed after it.
    """

    followers: int | None
    new_followers: int | None
    views: int | None
    new_views: int | None
    likes: int | None
    comments: int | None
    shares: int | None
    saves: int | None
    engagement_rate: float | None
    posts: int
    average_views_per_post: float | None
    followers_rounded: bool
    new_followers_rounded: bool
    new_followers_sharpened: bool
    known_from: date | None


class ListTotals(ListedFigures, frozen=True, kw_only=True):
    """The totals of all rows, in which each TikTok account counts once.

    ``accounts_counted_once`` is the number of accounts that have several rows, one for
    each project that tracks them. They count with the newest followers, and with the
    other figures of one row. In a single project it is 0, and the totals are the sums
    of the rows.
    """

    accounts_counted_once: int


class CreatorWithFigures(Creator, frozen=True, kw_only=True):
    """A creator, with figures over the days if the request has days.

    ``health`` is ok, never_seen if no scrape has succeeded yet, failing if the last
    scrape of a kind failed, stale if the last successful one is longer ago than two
    intervals, or disabled. It is null for a removed creator.

    ``last_posted_at`` is the time of the last post that is known of the account, null
    if none is. ``posts_per_week`` are the known posts in the days, divided by the days
    and multiplied by seven; without days it is of the last 28 days. Both are of each
    post of the account until now, also of posts that do not count in the figures.
    """

    last_posted_at: datetime | None
    posts_per_week: float

    health: Health | UnsetType | None = UNSET
    figures: ListedFigures | UnsetType = UNSET


class CreatorListMeta(FigureListMeta, frozen=True, kw_only=True, rename="camel"):
    """The beginning of the next page, and the totals of the whole list.

    ``until`` is the instant of the last day at which the figures end, if the request
    has one.
    """

    until: datetime | None
    totals: ListTotals


# The value that the list is sorted by, as a text, and the id.
_Key = tuple[str | None, UUID]
_FIGURES = ListedFigures.__struct_fields__
_MARKS = tuple(
    name for name in _FIGURES if name.endswith(("rounded", "sharpened", "known_from"))
)
_CSV_COLUMNS = (
    *("tiktok_handle", "display_name", "project_name", "tags"),
    *("status", "health", *(name for name in _FIGURES if name not in _MARKS)),
    *("last_scraped_at", "created_at", *_MARKS, "connected_at"),
    *("last_posted_at", "posts_per_week"),
    *("creator_id", "project_id"),
)


async def creators_with_figures(
    listing: ListRequest,
    table: CreatorListParameters,
) -> ListPage[CreatorWithFigures]:
    """Return a page of the list with figures, or the whole list as CSV.

    Raises:
        ApiError: ``invalid_query`` or ``invalid_cursor``.
        RetentionExceededError: the plan does not show these days any more.
    """
    found = await _Table.of(listing, table)
    if table.is_csv:
        rows = await found.rows(limit=None, after=None)
        await listing.caught_up("projects")
        names = await project_names(listing.reader, listing.organization_id)
        return CsvPage(
            [row for _, row in rows],
            noun="creator",
            columns=_CSV_COLUMNS,
            project_names=names,
        )
    shown, next_cursor = await listing.rows(
        "creators with figures",
        found.rows,
        key=lambda row: row[0],
        after=_Key,
        filters=table.bound,
    )
    page = ListPage[CreatorWithFigures](
        [row for _, row in shown], limit=listing.limit, next_cursor=next_cursor
    )
    page.meta = await found.meta(listing.limit, next_cursor)
    return page


async def with_posting(
    listing: ListRequest, creators: Sequence[Creator]
) -> list[CreatorWithFigures]:
    """Return creators without figures, with their posts of the last 28 days."""
    now = datetime.now(UTC)
    known = await posting_of(
        listing.reader.alone,
        listing.organization_id,
        [creator.id for creator in creators],
        PostingDays(now - timedelta(days=USUAL_DAYS), now),
    )
    return [
        CreatorWithFigures(
            **shared_fields(Creator, creator),
            last_posted_at=known[creator.id].last_posted_at,
            posts_per_week=posts_per_week(known[creator.id].posts, days=USUAL_DAYS),
        )
        for creator in creators
    ]


async def health_rules(
    request: Request, reader: Reader, *, now: datetime
) -> tuple[HealthRules, ZoneInfo]:
    """Return the rules of health in the organization, and its time zone."""
    of = await one_organization(reader, request.organization_id)
    zone = ZoneInfo(of.time_zone if of else "UTC")
    hours = hours_between(
        "creator_profiles",
        chosen=of and of.creator_profiles_hours,
        limits=request.principal.limits,
    )
    rules = HealthRules(
        stale_before=now - _INTERVALS * timedelta(hours=hours),
        today=now.astimezone(zone).date(),
    )
    return rules, zone


class _Table(Struct, frozen=True, kw_only=True):
    """The whole list: its organization, its days and its order."""

    listing: ListRequest
    chosen: CreatorFigureFilter
    shares: list[FiguresOfCreator]
    days: Range
    sort: CreatorListSort
    direction: Literal["asc", "desc"]

    @classmethod
    async def of(
        cls,
        listing: ListRequest,
        table: CreatorListParameters,
    ) -> "_Table":
        now, limits = datetime.now(UTC), listing.request.principal.limits
        await listing.caught_up("creator_list", "analytics", "api_keys")
        rules, zone = await health_rules(listing.request, listing.reader, now=now)
        chosen = CreatorFigureFilter(
            rules=rules,
            health=table.health,
            ids=await _ids_of(listing, table),
            **asdict(table.filter),
        )
        days = days_of_list(
            table.period,
            table.first,
            table.last,
            zone=zone,
            now=now,
            retention=limits.stats_history_retention_days,
            until=table.until,
        )
        shares = await figures_apart(
            listing.reader,
            listing.organization_id,
            CreatorSet(chosen.query, chosen.parameters),
            days,
            project_id=chosen.project_id,
        )
        if table.stopped_posting is not None:
            ids = await chosen_by_posting(
                listing.reader,
                listing.organization_id,
                chosen,
                has_stopped=table.stopped_posting,
                now=now,
            )
            chosen = replace(chosen, ids=tuple(ids))
        if table.conditions:
            ids = await creators_with(
                listing.reader,
                listing.organization_id,
                CreatorSet(chosen.query, chosen.parameters, shares=shares),
                days.start,
                days.end,
                conditions=table.conditions,
            )
            chosen = replace(chosen, ids=tuple(ids))
        return cls(
            listing=listing,
            chosen=chosen,
            shares=shares,
            days=days,
            sort=table.sort,
            direction=table.direction,
        )

    async def rows(
        self, *, limit: int | None, after: _Key | None
    ) -> list[tuple[_Key, CreatorWithFigures]]:
        reader, organization_id = self.listing.reader, self.listing.organization_id
        keys = {
            id_: (value, id_)
            for id_, value in await self._sorted(limit=limit, after=after)
        }
        if not keys:
            return []
        known, figures, posting = await asyncio.gather(
            with_health(reader, organization_id, [*keys], self.chosen.rules),
            creator_figures(
                reader,
                organization_id,
                replace(CreatorSet.with_ids(keys), shares=self.shares),
                self.days.start,
                self.days.end,
            ),
            posting_of(reader, organization_id, [*keys], self._posting_days),
        )
        figures = await with_first_days(reader, organization_id, figures, self.days)
        by_id = {one.creator_id: one for one in figures}
        return [
            (key, self._row(*known[id_], by_id[id_], posting[id_]))
            for id_, key in keys.items()
        ]

    def _row(
        self,
        creator: Creator,
        health: Health | None,
        figures: Figures,
        posting: Posting,
    ) -> CreatorWithFigures:
        return CreatorWithFigures(
            **shared_fields(Creator, creator),
            health=health,
            figures=_figures(figures),
            last_posted_at=posting.last_posted_at,
            posts_per_week=posts_per_week(posting.posts, days=self.days.days),
        )

    async def meta(self, limit: int, next_cursor: str | None) -> CreatorListMeta:
        totals = await total_figures(
            self.listing.reader,
            self.listing.organization_id,
            self._set,
            self.days.start,
            self.days.end,
            are_in_one_project=self.chosen.project_id is not None,
        )
        totals = await with_first_day(
            self.listing.reader,
            self.listing.organization_id,
            self._set,
            totals,
            self.days,
        )
        return CreatorListMeta(
            next_cursor=next_cursor,
            limit=limit,
            total_count=totals.creators,
            first_day=self.days.first,
            last_day=self.days.last,
            tz=self.days.zone.key,
            until=self.days.until,
            totals=ListTotals(**shared_fields(ListTotals, totals)),
        )

    @property
    def _posting_days(self) -> PostingDays:
        return PostingDays(self.days.start, self.days.end)

    @property
    def _set(self) -> CreatorSet:
        return CreatorSet(self.chosen.query, self.chosen.parameters, shares=self.shares)

    async def _sorted(
        self, *, limit: int | None, after: _Key | None
    ) -> list[tuple[UUID, str | None]]:
        reader, organization_id = self.listing.reader, self.listing.organization_id
        part: Any = {"direction": self.direction, "limit": limit, "after": after}
        if self.sort in _COLUMN_SORTS:
            return await sorted_by_column(
                reader,
                organization_id,
                self.chosen,
                sort=self.sort,
                days=self._posting_days,
                **part,
            )
        return await sorted_creators(
            reader,
            organization_id,
            self._set,
            self.days.start,
            self.days.end,
            sort=cast("CreatorFigure", self.sort),
            **part,
        )


async def _ids_of(
    listing: ListRequest, table: CreatorListParameters
) -> tuple[UUID, ...] | None:
    """Return the ids of the creators that the list is limited to, None for all."""
    if table.campaign_id is None:
        return table.ids
    found = await members_of(listing.reader, listing.organization_id, table.campaign_id)
    if table.ids is None:
        return tuple(found.creators)
    return tuple(one for one in table.ids if one in found.creators)


def _figures(figures: Figures) -> ListedFigures:
    return ListedFigures(**shared_fields(ListedFigures, figures))
