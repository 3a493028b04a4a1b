"""The contents of an issue: figures of a scope over some days, with ids only."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.analytics.buckets import Range
from domain.analytics.metrics import Entity, Metric, Mode, Question
from domain.analytics.series import SeriesByMetric, is_rounded, value_of
from domain.analytics.sums import together
from domain.messages import copied
from domain.report.contents import (
    FIGURES,
    SERIES,
    Contents,
    FigureName,
    FrozenCreator,
    FrozenFigure,
    FrozenSeries,
    FrozenVideo,
    SectionName,
    SeriesName,
)
from domain.report.issue import ReportScope
from projections.analytics.read.creators.expressions import CreatorFigure
from projections.analytics.read.creators.figures import (
    CreatorSet,
    FiguresOfCreator,
    page_of_creators,
)
from projections.analytics.read.creators.totals import TotalFigures, total_figures
from projections.analytics.read.series import series_by_entity
from projections.analytics.read.videos.figures import (
    FiguresOfVideo,
    video_figures,
    videos_by_figure,
)
from projections.analytics.read.videos.levels import VideoSet
from projections.analytics.summaries.creators import count_of_creators, ranked_creators
from projections.analytics.summaries.key_figures import (
    KEY_FIGURES,
    KnownShares,
    RangeFigures,
    figures_of_ranges,
    known_shares,
    selection_of,
)
from projections.analytics.summaries.leaderboard import ranked_videos
from projections.analytics.summaries.scope import SummaryScope
from projections.engine.reader import Reader

# A mail is read in a minute.
MOST_LEADERS: Final = 10
MOST_GAINS: Final = 5
MOST_VIDEOS: Final = 10

_SERIES: Mapping[SeriesName, tuple[Metric, Mode]] = {
    "new_views": ("views", "new"),
    "posts": ("posts", "new"),
    "new_followers": ("followers", "new"),
    "engagement_rate": ("engagement_rate_by_views", "rate"),
}
# The figures of totals, which are those of all projects together.
_OF_TOTALS: tuple[FigureName, ...] = tuple(
    name for name in FIGURES if name != "active_creators"
)
_MARKED: Final = "new_followers"
_PROJECTS: Final = b"SELECT id FROM projects WHERE organization_id = %(organization)s"
_ALL_VIDEOS: Final = """
SELECT v.id FROM analytics_videos v
WHERE v.organization_id = %(organization)s AND v.is_counted AND v.is_there
"""
_COUNT_OF_VIDEOS: Final = b"""
SELECT count(*) FROM analytics_videos v
WHERE v.organization_id = %(organization)s AND v.is_counted AND v.is_there
"""
# Creators that posted a counted video; an account of several projects counts once.
_ACTIVE: Final = b"""
SELECT count(DISTINCT coalesce(shared.account::text, v.creator_id::text))
FROM analytics_videos v
LEFT JOIN goatherd_shared_accounts() shared ON shared.creator_id = v.creator_id
WHERE v.organization_id = %(organization)s AND v.is_counted AND v.is_there
AND v.posted_at >= %(start)s AND v.posted_at < %(end)s
"""


class ReportDays(Struct, frozen=True, kw_only=True):
    """The days of an issue, and those before if the plan shows them."""

    days: Range
    before: Range | None

    @property
    def ranges(self) -> list[Range]:
        return [self.days] if self.before is None else [self.before, self.days]


async def contents_of(
    reader: Reader,
    organization_id: UUID,
    scope: ReportScope,
    of: ReportDays,
    *,
    sections: Sequence[SectionName],
    now: datetime,
) -> Contents:
    """Return the contents of an issue about the scope, which must exist.

    All numbers are those of analytics over the same days. All projects together count
    an account once, and have no charts if several of them track one.
    """
    if scope.type == "org":
        figures: _Figures = _OfAll(reader, organization_id, of)
    else:
        assert scope.id is not None
        summary = SummaryScope(
            organization_id=organization_id, kind=scope.type, id=scope.id
        )
        figures = _OfScope(reader, summary, of, now=now)
    found = Contents()
    if "kpis" in sections:
        found = replace(found, kpis=await figures.kpis())
    if "charts" in sections:
        found = replace(found, charts=await figures.charts())
    if "leaders" in sections:
        leaders = await figures.creators("new_views", "desc", MOST_LEADERS)
        found = replace(
            found,
            leaders=_frozen(each for each in leaders if each.new_views),
            creators_in_all=await figures.count_of_creators(),
        )
    if "gained_and_lost" in sections:
        most, least = (
            await figures.creators("new_followers", "desc", MOST_GAINS),
            await figures.creators("new_followers", "asc", MOST_GAINS),
        )
        found = replace(
            found,
            gained=_frozen(each for each in most if (each.new_followers or 0) > 0),
            lost=_frozen(each for each in least if (each.new_followers or 0) < 0),
        )
    if "videos" in sections:
        videos, amount = await figures.videos()
        found = replace(
            found,
            videos=tuple(_frozen_video(each) for each in videos if each.new_views),
            videos_in_all=amount,
        )
    return found


class _OfScope:
    """The figures of a project, a campaign or a creator."""

    def __init__(
        self, reader: Reader, scope: SummaryScope, of: ReportDays, *, now: datetime
    ) -> None:
        self._reader = reader
        self._scope = scope
        self._of = of
        self._now = now

    async def kpis(self) -> dict[FigureName, FrozenFigure]:
        ranges = self._of.ranges
        found = await figures_of_ranges(self._reader, self._scope, ranges)
        shares = await known_shares(self._reader, self._scope, self._of.days)
        before = found[0] if len(found) > 1 else None
        kpis: dict[FigureName, FrozenFigure] = {
            name: _figure(name, found[-1], before, shares) for name in KEY_FIGURES
        }
        kpis["active_creators"] = FrozenFigure(
            value=found[-1].active_creators,
            previous=before and before.active_creators,
            known_share=shares.videos,
        )
        return {name: kpis[name] for name in FIGURES}

    async def charts(self) -> dict[SeriesName, FrozenSeries]:
        kind, id_ = self._scope.kind, self._scope.id
        now, before = [
            (await self._series(days))[id_] if days else None
            for days in (self._of.days, self._of.before)
        ]
        assert now is not None
        return _charts(kind, now, before, self._of)

    async def _series(self, days: Range) -> dict[UUID, SeriesByMetric]:
        of = self._scope
        selection = selection_of(
            of.organization_id, of.kind, [of.id], _boundaries(days)
        )
        return await series_by_entity(self._reader, selection)

    async def creators(
        self, order: CreatorFigure, direction: Literal["asc", "desc"], limit: int
    ) -> Sequence[FiguresOfCreator]:
        return await ranked_creators(
            self._reader, self._scope, self._of.days,
            order=order, direction=direction, limit=limit, offset=0,
        )  # fmt: skip

    async def count_of_creators(self) -> int:
        return await count_of_creators(self._reader, self._scope)

    async def videos(self) -> tuple[list[FiguresOfVideo], int]:
        found = await ranked_videos(
            self._reader, self._scope, self._of.days,
            now=self._now, order="new_views", limit=MOST_VIDEOS, offset=0,
        )  # fmt: skip
        figures = [found.figures[each] for each in found.ids if each in found.figures]
        return figures, found.total


class _OfAll:
    """The figures of all projects of an organization together."""

    def __init__(self, reader: Reader, organization_id: UUID, of: ReportDays) -> None:
        self._reader = reader
        self._organization_id = organization_id
        self._of = of

    async def kpis(self) -> dict[FigureName, FrozenFigure]:
        found = [await self._totals(days) for days in self._of.ranges]
        active = [await self._active(days) for days in self._of.ranges]
        now, before = found[-1], found[0] if len(found) > 1 else None
        kpis: dict[FigureName, FrozenFigure] = {
            name: _total(name, now, before) for name in _OF_TOTALS
        }
        kpis["active_creators"] = FrozenFigure(
            value=active[-1], previous=active[0] if before else None
        )
        return {name: kpis[name] for name in FIGURES}

    async def charts(self) -> dict[SeriesName, FrozenSeries]:
        totals = await self._totals(self._of.days)
        if totals.accounts_counted_once:
            return {}
        now, before = [
            await self._series(days) if days else None
            for days in (self._of.days, self._of.before)
        ]
        return {} if now is None else _charts("project", now, before, self._of)

    async def _series(self, days: Range) -> SeriesByMetric | None:
        params = {"organization": self._organization_id}
        rows = await self._reader.rows(self._organization_id, _PROJECTS, params)
        ids = [row[0] for row in rows]
        if not ids:
            return None
        boundaries = _boundaries(days)
        selection = selection_of(self._organization_id, "project", ids, boundaries)
        found = await series_by_entity(self._reader, selection)
        return together([*found.values()], buckets=days.days)

    async def creators(
        self, order: CreatorFigure, direction: Literal["asc", "desc"], limit: int
    ) -> list[FiguresOfCreator]:
        days = self._of.days
        return await page_of_creators(
            self._reader, self._organization_id, CreatorSet.every(),
            days.start, days.end, sort=order, direction=direction, limit=limit,
        )  # fmt: skip

    async def count_of_creators(self) -> int:
        return (await self._totals(self._of.days)).creators

    async def videos(self) -> tuple[list[FiguresOfVideo], int]:
        days, organization_id = self._of.days, self._organization_id
        ranked = await videos_by_figure(
            self._reader, organization_id, VideoSet(owners="true"), _ALL_VIDEOS, {},
            days.start, days.end,
            sort="new_views", direction="desc", limit=MOST_VIDEOS,
        )  # fmt: skip
        ids = [id_ for id_, _ in ranked.found]
        these = VideoSet.these("SELECT unnest(%(ids)s::uuid[])", {"ids": ids})
        figures = await video_figures(
            self._reader, organization_id, these, days.start, days.end
        )
        by_id = {each.video_id: each for each in figures}
        params = {"organization": organization_id}
        rows = await self._reader.rows(organization_id, _COUNT_OF_VIDEOS, params)
        return [by_id[id_] for id_ in ids if id_ in by_id], rows[0][0]

    async def _totals(self, days: Range) -> TotalFigures:
        return await total_figures(
            self._reader, self._organization_id, CreatorSet.every(),
            days.start, days.end, are_in_one_project=False,
        )  # fmt: skip

    async def _active(self, days: Range) -> int:
        params = {
            "organization": self._organization_id,
            "start": days.start,
            "end": days.end,
        }
        rows = await self._reader.rows(self._organization_id, _ACTIVE, params)
        return rows[0][0]


_Figures = _OfScope | _OfAll


def _figure(
    name: FigureName,
    now: RangeFigures,
    before: RangeFigures | None,
    shares: KnownShares,
) -> FrozenFigure:
    assert name != "active_creators"
    return FrozenFigure(
        value=now.values[name],
        previous=None if before is None else before.values[name],
        rounded=name in now.rounded,
        sharpened=name in now.sharpened,
        previous_rounded=before is not None
        and name in before.rounded | before.sharpened,
        known_share=shares.profiles if name == _MARKED else shares.videos,
    )


def _total(
    name: FigureName, now: TotalFigures, before: TotalFigures | None
) -> FrozenFigure:
    is_marked = name == _MARKED
    return FrozenFigure(
        value=getattr(now, name),
        previous=None if before is None else getattr(before, name),
        rounded=is_marked and now.new_followers_rounded,
        sharpened=is_marked and now.new_followers_sharpened,
        previous_rounded=is_marked
        and before is not None
        and (before.new_followers_rounded or before.new_followers_sharpened),
    )


def _boundaries(days: Range) -> list[datetime]:
    buckets = days.buckets()
    return [buckets[0].start, *(bucket.end for bucket in buckets)]


def _charts(
    entity: Entity,
    now: SeriesByMetric,
    before: SeriesByMetric | None,
    of: ReportDays,
) -> dict[SeriesName, FrozenSeries]:
    charts: dict[SeriesName, FrozenSeries] = {}
    for name in SERIES:
        metric, mode = _SERIES[name]
        question = Question(entity=entity, metric=metric, mode=mode)
        days = range(of.days.days)
        prior = range(of.before.days) if of.before and before else range(0)
        charts[name] = FrozenSeries(
            values=tuple(value_of(question, now, day, days=1) for day in days),
            previous=tuple(
                value_of(question, before or {}, day, days=1) for day in prior
            ),
            rounded=tuple(
                day for day in days if is_rounded(question, now, day, days=1)
            ),
        )
    return charts


def _frozen(creators: Iterable[FiguresOfCreator]) -> tuple[FrozenCreator, ...]:
    return tuple(
        copied(each, FrozenCreator, engagement_rate=each.engagement_rate)
        for each in creators
    )


def _frozen_video(figures: FiguresOfVideo) -> FrozenVideo:
    # A single video has no creator, and is its own owner.
    is_single = figures.owner == figures.video_id
    return FrozenVideo(
        video_id=figures.video_id,
        creator_id=None if is_single else figures.owner,
        new_views=figures.new_views,
        view_count=figures.views,
        like_count=figures.likes,
        comment_count=figures.comments,
        share_count=figures.shares,
        save_count=figures.saves,
    )
