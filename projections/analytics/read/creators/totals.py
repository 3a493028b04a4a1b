"""Figures of many creators together, and the days on which numbers were first known."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.analytics.buckets import Range, end_of_slot, slot_of
from projections.analytics.fold.rollup_deltas import PROFILES, VIDEOS
from projections.analytics.read.creators.figures import (
    CreatorSet,
    Figures,
    FiguresOfCreator,
    columns_of,
    figures_from,
)
from projections.analytics.store.positions import kept_numbers
from projections.engine.reader import Reader


class TotalFigures(Figures, frozen=True, kw_only=True):
    """Figures of several creators together; ``creators`` is their number.

    ``accounts_counted_once`` is the number of accounts that more than one of them have.
    """

    creators: int
    accounts_counted_once: int


class _Repeats(NamedTuple):
    """Creators left out of a sum, because another creator has their account."""

    accounts: int = 0
    without_followers: list[UUID] | None = None
    without_the_rest: list[UUID] | None = None


# The present number of followers is the newest observation. Gains count from the row
# with most of them: observed in the days, and for the longest time.
_REPEATS = """
WITH chosen AS NOT MATERIALIZED ({chosen}),
ranked AS (
    SELECT chosen.id, shared.account,
        row_number() OVER (PARTITION BY shared.account ORDER BY
            profile.observed_at DESC NULLS LAST, profile.position DESC NULLS LAST,
            chosen.id) AS by_newest,
        row_number() OVER (PARTITION BY shared.account ORDER BY
            coalesce(profile.observed_at > %(start)s, false) DESC,
            subject.earliest_at NULLS LAST, chosen.id) AS by_first
    FROM goatherd_shared_accounts() shared
    JOIN chosen ON chosen.id = shared.creator_id
    LEFT JOIN analytics_subjects subject
        ON subject.organization_id = %(organization)s AND subject.id = chosen.id
    LEFT JOIN LATERAL (
        SELECT observed_at, position FROM analytics_snapshots
        WHERE organization_id = %(organization)s AND owner = chosen.id
        AND metric_group = {profiles} AND observed_at <= %(end)s
        ORDER BY observed_at DESC, position DESC LIMIT 1
    ) profile ON true
)
SELECT count(DISTINCT account) FILTER (WHERE by_first > 1),
    array_agg(id) FILTER (WHERE by_newest > 1),
    array_agg(id) FILTER (WHERE by_first > 1)
FROM ranked
"""
_ONLY_FOLLOWERS = {"followers", "rounded"}
# Lists choose creators by names, tags and states, which are in other read models. Sums
# of 64-bit hashes tell two sets apart, whatever the order of their ids.
_DIGEST = """
SELECT count(*), sum(uuid_hash_extended(id, 1)), sum(uuid_hash_extended(id, 2))
FROM ({chosen}) AS chosen
"""


async def total_figures(
    reader: Reader,
    organization_id: UUID,
    creators: CreatorSet,
    start: datetime,
    end: datetime,
    *,
    are_in_one_project: bool,
) -> TotalFigures:
    """Return the sums of the known figures of these creators.

    An account that creators of several projects have counts once.
    """
    parameters = {"organization": organization_id, **creators.all_parameters}
    repeats = _Repeats()
    if not are_in_one_project:
        text = _REPEATS.format(chosen=creators.query, profiles=PROFILES.number)
        ends = {"start": start, "end": end}
        rows = await reader.rows(organization_id, text.encode(), parameters | ends)
        repeats = _Repeats(*rows[0])
    read = partial(_read_totals, organization_id, creators, repeats, start, end)
    if not reader.keeps:
        return await read(reader)
    text = _DIGEST.format(chosen=creators.query)
    (digest,) = await reader.rows(organization_id, text.encode(), parameters)
    left_out = (tuple(ids or ()) for ids in repeats[1:])
    key = ("totals of creators", *digest, *left_out, *creators.shares, start, end)
    return await kept_numbers(reader, organization_id, key, read)


async def _read_totals(
    organization_id: UUID,
    creators: CreatorSet,
    repeats: _Repeats,
    start: datetime,
    end: datetime,
    reader: Reader,
) -> TotalFigures:
    of = creators.expressions(start, end)
    parameters = {"organization": organization_id, **creators.all_parameters}
    columns = [f"sum({each})" for each in columns_of(of).values()]
    if repeats.accounts:
        columns = [
            f"sum({each}) FILTER (WHERE chosen.id <> ALL(%({_left_out(name)})s))"
            for name, each in columns_of(of).items()
        ]
        parameters |= repeats._asdict()
    ((amount, *sums),) = await reader.rows(
        organization_id,
        f"""
        WITH chosen AS MATERIALIZED ({creators.query})
        SELECT count(*), {", ".join(columns)}
        FROM chosen {of.joins(among=creators.among)}
        """.encode(),
        parameters,
    )
    return TotalFigures(
        creators=amount, accounts_counted_once=repeats.accounts, **figures_from(*sums)
    )


def _left_out(column: str) -> str:
    only = column in _ONLY_FOLLOWERS
    return "without_followers" if only else "without_the_rest"


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
        creators.all_parameters,
        after=slot_of(days.start),
        until=slot_of(days.end),
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
