"""/creators/figures: the recent numbers of many creators, for a list."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from msgspec import Raw, Struct
from msgspec.json import encode
from msgspec.structs import replace

from api.http.reading.paging import MAX_LIMIT, caught_up
from api.http.request import Request
from api.http.responses import Answer
from api.http.routes import read_route
from api.routes.analytics.parameters import USUAL_DAYS, ids_between_commas
from domain.analytics.buckets import Range
from domain.analytics.series import CounterSeries, SeriesByMetric
from projections.analytics.read.selection import Selection
from projections.analytics.read.series import (
    known_creators,
    read_series,
    versions_of_sums,
)
from projections.engine.kept_results import KeptResults
from projections.engine.reader import Reader

MOST_CREATORS = MAX_LIMIT


class Trend(Struct, frozen=True, kw_only=True):
    """A number over the days, as in GET /analytics in both modes.

    ``level`` and ``levels`` are the total and the points of the mode ``cumulative``;
    ``new`` and ``new_by_day`` are those of ``new``. They are null if nothing is known.
    ``level_rounded``, ``new_rounded`` and ``new_sharpened`` are the marks of these
    totals.
    """

    level: int | None
    new: int | None
    levels: list[int | None]
    new_by_day: list[int | None]
    level_rounded: bool
    new_rounded: bool
    new_sharpened: bool


class CreatorFigures(Struct, frozen=True, kw_only=True):
    """The followers of one creator, and the views of the creator's counted videos."""

    creator_id: UUID
    followers: Trend
    views: Trend


class RecentFigures(Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """The recent numbers of creators by day, in the organization's time zone.

    ``from`` is the first day, and ``to`` is today, which is not over. ``creators``
    follow the order of the request; ``unknown_ids`` has the ids without a creator.
    """

    from_: date
    to: date
    tz: str
    creators: list[CreatorFigures]
    unknown_ids: list[UUID]


class CreatorFigureRoutes(Controller):
    """The numbers that a list of creators shows for each creator."""

    tags = ("Creators",)

    @read_route("/creators/figures", "getCreatorFigures")
    async def get_creator_figures(
        self,
        request: Request,
        reader: NamedDependency[Reader],
        kept_figures: NamedDependency[KeptResults],
        creator_ids: Annotated[
            str,
            QueryParameter(
                description=f"1 to {MOST_CREATORS} ids, separated by commas."
            ),
        ],
    ) -> Answer[RecentFigures]:
        """Show followers and views of many creators over the last 30 days.

        The days are fewer if the plan shows fewer. The numbers are those of GET
        /analytics.
        """
        ids = ids_between_commas("creator_ids", creator_ids, at_most=MOST_CREATORS)
        organization_id = request.organization_id
        await caught_up(request, reader, "analytics")
        (known, zone), versions = await asyncio.gather(
            known_creators(reader, organization_id, ids),
            versions_of_sums(reader, organization_id, ids),
        )
        days = _days(
            ZoneInfo(zone), request.principal.limits.stats_history_retention_days
        )
        there = [id_ for id_ in ids if id_ in known]
        figures = await _figures_of(
            there, days, organization_id, reader, kept_figures, versions=versions
        )
        return Answer(
            RecentFigures(
                from_=days.first,
                to=days.last,
                tz=zone,
                # They are encoded already.
                creators=cast(
                    "list[CreatorFigures]", [Raw(figures[id_]) for id_ in there]
                ),
                unknown_ids=[id_ for id_ in ids if id_ not in known],
            )
        )


async def _figures_of(
    ids: Sequence[UUID],
    days: Range,
    organization_id: UUID,
    reader: Reader,
    kept: KeptResults,
    *,
    versions: Mapping[UUID, str],
) -> dict[UUID, bytes]:
    """Return the figures of these creators over the days, as JSON.

    Figures that were computed before hold as long as the sums that they follow from,
    which a scrape changes a few times a day. Open lists request them every two
    seconds. ``versions`` are those of the sums.
    """
    keys = {id_: ("figures", organization_id, id_, days) for id_ in ids}
    found: dict[UUID, bytes] = {}
    for id_, key in keys.items():
        if (held := kept.find(key, versions[id_])) is not None:
            (found[id_],) = held
    if missing := [id_ for id_ in ids if id_ not in found]:
        made = await _computed(reader, organization_id, missing, days)
        # Another snapshot may have begun between the reads.
        after = await versions_of_sums(reader, organization_id, missing)
        for id_, figures in made.items():
            if after[id_] == versions[id_]:
                kept.keep(keys[id_], after[id_], figures)
        found |= made
    return found


async def _computed(
    reader: Reader, organization_id: UUID, ids: Sequence[UUID], days: Range
) -> dict[UUID, bytes]:
    buckets = days.buckets()
    selection = Selection(
        organization_id=organization_id,
        entity="creator",
        ids=ids,
        metrics=["views", "followers"],
        boundaries=[buckets[0].start, *(bucket.end for bucket in buckets)],
    )
    found = await read_series(selection, reader)
    return {id_: encode(_figures(id_, found[id_])) for id_ in ids}


def _days(zone: ZoneInfo, retention: int | None) -> Range:
    today = datetime.now(UTC).astimezone(zone).date()
    before = USUAL_DAYS - 1
    if retention is not None:
        before = min(before, retention)
    return Range(
        first=today - timedelta(days=before), last=today, granularity="day", zone=zone
    )


def _figures(creator_id: UUID, by_metric: SeriesByMetric) -> CreatorFigures:
    return CreatorFigures(
        creator_id=creator_id,
        followers=_trend(by_metric["followers"]),
        views=_trend(by_metric["views"]),
    )


def _trend(series: CounterSeries) -> Trend:
    whole = replace(series.whole(), are_ranges=True)
    return Trend(
        level=whole.level(0),
        new=whole.new(0),
        levels=series.every_level(),
        new_by_day=series.every_new(),
        level_rounded=whole.is_level_rounded(0),
        new_rounded=whole.new(0) is not None and whole.is_new_rounded(0),
        new_sharpened=whole.is_sharpened(0),
    )
