"""The days on which the numbers of creators were first known, where gains are not."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.analytics.buckets import Range, end_of_slot, slot_of
from projections.analytics.fold.rollup_deltas import PROFILES, VIDEOS
from projections.analytics.read.creators.figures import (
    CreatorSet,
    Figures,
    FiguresOfCreator,
)
from projections.analytics.read.creators.totals import TotalFigures
from projections.engine.reader import Reader

_FIRST = f"""
WITH chosen AS MATERIALIZED ({{chosen}})
SELECT chosen.id, {
    ", ".join(
        f"(SELECT slot FROM {group.rollup_table} r WHERE r.id = chosen.id "
        f"AND r.organization_id = %(organization)s AND r.slot > %(after)s "
        f"AND r.slot <= %(until)s AND {metric}_known > 0 ORDER BY slot LIMIT 1)"
        for group, metric in ((VIDEOS, "views"), (PROFILES, "followers"))
    )
} FROM chosen
"""
_MOMENT = timedelta(microseconds=1)


class FirstDays(Struct, frozen=True):
    """The first days in a range with a known level; None where there is no such day."""

    views: date | None = None
    followers: date | None = None

    def of(self, figures: Figures) -> date | None:
        """Return the first day of a gain that is unknown although its level is known.

        It is None if no gain is unknown for this reason.
        """
        found = (
            self.views if figures.new_views is None else None,
            self.followers if figures.new_followers is None else None,
        )
        return min((one for one in found if one is not None), default=None)


async def _first_days(
    reader: Reader, organization_id: UUID, creators: CreatorSet, days: Range
) -> dict[UUID, FirstDays]:
    """Return the first days of these creators in a range."""
    rows = await reader.rows(
        organization_id,
        _FIRST.format(chosen=creators.query).encode(),
        {
            "organization": organization_id,
            **creators.all_parameters,
            "after": slot_of(days.start),
            "until": slot_of(days.end),
        },
    )
    return {
        id_: FirstDays(*(None if slot is None else _day(slot, days) for slot in slots))
        for id_, *slots in rows
    }


async def with_first_days(
    reader: Reader,
    organization_id: UUID,
    figures: Sequence[FiguresOfCreator],
    days: Range,
) -> list[FiguresOfCreator]:
    """Return figures with the first day of gains of which nothing else is known."""
    ids = [each.creator_id for each in figures if _is_any_unknown(each)]
    if not ids:
        return [*figures]
    found = await _first_days(reader, organization_id, CreatorSet.with_ids(ids), days)
    nothing = FirstDays()
    return [
        replace(each, known_from=found.get(each.creator_id, nothing).of(each))
        for each in figures
    ]


async def with_first_day(
    reader: Reader,
    organization_id: UUID,
    creators: CreatorSet,
    totals: TotalFigures,
    days: Range,
) -> TotalFigures:
    """Return the totals of these creators with the earliest of their first days."""
    if not _is_any_unknown(totals):
        return totals
    found = (await _first_days(reader, organization_id, creators, days)).values()
    together = FirstDays(
        min((each.views for each in found if each.views), default=None),
        min((each.followers for each in found if each.followers), default=None),
    )
    return replace(totals, known_from=together.of(totals))


def _is_any_unknown(figures: Figures) -> bool:
    """Tell whether a gain is unknown although its level is known."""
    return (figures.new_views is None and figures.views is not None) or (
        figures.new_followers is None and figures.followers is not None
    )


def _day(slot: int, days: Range) -> date:
    # An observation at midnight is of the day that ends.
    return (end_of_slot(slot) - _MOMENT).astimezone(days.zone).date()
