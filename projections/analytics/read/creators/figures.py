"""Figures of many creators over any days: levels at the end, and new counts.

They equal the figures of ``/analytics`` for each creator, and are read from sums by UTC
day.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.analytics.series import DECIMALS, in_decimals
from projections.analytics.read.creators.expressions import (
    CreatorFigure,
    FigureExpressions,
)
from projections.analytics.store.positions import kept_numbers
from projections.engine.keyset import Keyset
from projections.engine.reader import Reader


class CreatorSet(msgspec.Struct, frozen=True):
    """Some creators of an organization: a query of their ``id``, and its parameters.

    The parameter ``organization`` is given besides. ``among`` is a condition that holds
    for the ids of few creators. ``shares`` are the figures, over the requested days, of
    creators with numbers in several projects. ``ids`` are given if the set follows from
    them and from analytics alone.
    """

    query: str
    parameters: Mapping[str, object] = msgspec.field(default_factory=dict[str, object])
    among: str = ""
    shares: Sequence["FiguresOfCreator"] = ()
    ids: tuple[UUID, ...] | None = None

    @property
    def all_parameters(self) -> dict[str, object]:
        """Return the parameters of the query, and of ``expressions``."""
        found = {**self.parameters}
        if self.shares:
            found["shares"] = msgspec.json.encode(self.shares).decode()
        return found

    def expressions(self, start: datetime, end: datetime) -> FigureExpressions:
        """Return the figures of these creators after ``start`` up to ``end``."""
        return FigureExpressions(start, end, has_shares=bool(self.shares))

    @classmethod
    def every(cls) -> "CreatorSet":
        return cls(_SUBJECTS)

    @classmethod
    def of_project(cls, project_id: UUID) -> "CreatorSet":
        return cls(f"{_SUBJECTS} AND project_id = %(project)s", {"project": project_id})

    @classmethod
    def these(cls, ids: Iterable[UUID]) -> "CreatorSet":
        """Return the creators among these ids."""
        return cls._few(f"{_SUBJECTS} AND {_IDS}", sorted(ids))

    @classmethod
    def with_ids(cls, ids: Iterable[UUID]) -> "CreatorSet":
        """Return a creator for each id, even an id that analytics does not know."""
        return cls._few("SELECT unnest(%(ids)s::uuid[]) AS id", [*ids])

    @classmethod
    def _few(cls, query: str, ids: Sequence[UUID]) -> "CreatorSet":
        among = _IDS if len(ids) <= _FEW else ""
        return cls(query, {"ids": ids}, among=among, ids=tuple(ids))


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one creator, or of several together; null where they are unknown.

    ``followers`` and ``views`` are levels at the end; ``likes``, ``comments``,
    ``shares`` and ``saves`` are new counts. ``engagement`` is the sum of these four, as
    in ``engagement_rate_by_views``. ``posted`` counts the counted videos posted up to
    the end, ``posts`` those posted in the range. ``known_from`` is the day of the first
    observation, where new views or new followers are unknown because none came after.
    """

    followers: int | None
    new_followers: int | None
    views: int | None
    new_views: int | None
    likes: int | None
    comments: int | None
    shares: int | None
    saves: int | None
    posts: int
    posted: int
    followers_rounded: bool
    new_followers_rounded: bool
    new_followers_sharpened: bool
    known_from: date | None = None

    @property
    def engagement(self) -> int | None:
        terms = (self.likes, self.comments, self.shares)
        known = [term for term in terms if term is not None]
        return None if len(known) < len(terms) else sum(known) + (self.saves or 0)

    @property
    def engagement_rate(self) -> float | None:
        """Return the new engagement per 100 new views; None without views."""
        if self.engagement is None or not self.new_views:
            return None
        return in_decimals(100 * self.engagement / self.new_views)

    @property
    def average_views_per_post(self) -> float | None:
        """Return new views by counted videos posted up to the end."""
        if self.new_views is None or not self.posted:
            return None
        return in_decimals(self.new_views / self.posted)


class FiguresOfCreator(Figures, frozen=True, kw_only=True):
    creator_id: UUID


# Parts of days are read by ids up to this number of creators, else for all.
_FEW = 1_000
_IDS = "id = ANY(%(ids)s)"
_SUBJECTS = """
SELECT id FROM analytics_subjects
WHERE organization_id = %(organization)s AND kind = 'creator'
"""


async def creator_figures(
    reader: Reader,
    organization_id: UUID,
    creators: CreatorSet,
    start: datetime,
    end: datetime,
) -> list[FiguresOfCreator]:
    """Return the figures of these creators after ``start`` up to ``end``, by id.

    Both end a quarter of an hour, as midnights of all time zones do.
    """
    if creators.ids is None:
        return await _read_figures(organization_id, creators, start, end, reader)
    return await kept_numbers(
        reader,
        organization_id,
        ("figures of creators", *creators.ids, *creators.shares, start, end),
        partial(_read_figures, organization_id, creators, start, end),
    )


async def _read_figures(
    organization_id: UUID,
    creators: CreatorSet,
    start: datetime,
    end: datetime,
    reader: Reader,
) -> list[FiguresOfCreator]:
    of = creators.expressions(start, end)
    columns = ["chosen.id", *columns_of(of).values()]
    joins = of.joins(among=creators.among)
    rows = await reader.rows(
        organization_id,
        f"""
        WITH chosen AS NOT MATERIALIZED ({creators.query})
        SELECT {", ".join(columns)} FROM chosen {joins} ORDER BY chosen.id
        """.encode(),
        creators.all_parameters,
    )
    return [
        FiguresOfCreator(creator_id=creator_id, **figures_from(*values))
        for creator_id, *values in rows
    ]


async def page_of_creators(
    reader: Reader,
    organization_id: UUID,
    creators: CreatorSet,
    start: datetime,
    end: datetime,
    *,
    sort: CreatorFigure,
    direction: Literal["asc", "desc"] = "desc",
    limit: int | None,
    offset: int = 0,
) -> list[FiguresOfCreator]:
    """Return a page of these creators by a figure, unknown figures last.

    Creators with equal figures are in the order of their ids.
    """
    found = await sorted_creators(
        reader, organization_id, creators, start, end,
        sort=sort, direction=direction, limit=limit, offset=offset,
    )  # fmt: skip
    ids = [id_ for id_, _ in found]
    these = replace(CreatorSet.these(ids), shares=creators.shares)
    figures = await _read_figures(organization_id, these, start, end, reader)
    by_id = {each.creator_id: each for each in figures}
    return [by_id[id_] for id_ in ids if id_ in by_id]


async def sorted_creators(
    reader: Reader,
    organization_id: UUID,
    creators: CreatorSet,
    start: datetime,
    end: datetime,
    *,
    sort: CreatorFigure,
    direction: Literal["asc", "desc"] = "desc",
    limit: int | None = None,
    offset: int = 0,
    after: tuple[str | None, UUID] | None = None,
) -> list[tuple[UUID, str | None]]:
    """Return these creators as ``page_of_creators`` sorts them, each with its figure.

    The page begins after some number of creators, or after a figure and the id of one.
    Figures are exact as texts.
    """
    of = creators.expressions(start, end)
    columns = f"chosen.id AS id, ({of.named(sort)})::numeric AS value"
    joins = of.joins(among=creators.among)
    order = Keyset(direction=direction, kind="numeric")
    rows = await reader.rows(
        organization_id,
        f"""
        WITH chosen AS NOT MATERIALIZED ({creators.query})
        {order.page(f"SELECT {columns} FROM chosen {joins}", after=after)}
        """.encode(),
        {
            **creators.all_parameters,
            **order.parameters(after, limit=limit, offset=offset),
        },
    )
    return [(row[0], row[1]) for row in rows]


def columns_of(of: FigureExpressions) -> dict[str, str]:
    """Return the expressions whose values ``figures_from`` reads."""
    sums = ("views", "likes", "comments", "shares", "saves")
    marks = ("rounded", "changes", "sharpenings")
    return {
        "followers": of.level("followers"),
        "new_followers": of.new("followers"),
        "views": of.level("views"),
        **{f"new_{each}": of.new(each) for each in sums},
        "posts": of.posts(),
        "posted": of.posted(),
        **dict(zip(marks, of.marks(), strict=True)),
    }


def figures_from(
    followers: Decimal | None,
    new_followers: Decimal | None,
    views: Decimal | None,
    new_views: Decimal | None,
    likes: Decimal | None,
    comments: Decimal | None,
    shares: Decimal | None,
    saves: Decimal | None,
    posts: int | None,
    posted: int | None,
    rounded: Decimal | None,
    changes: Decimal | None,
    sharpenings: Decimal | None,
) -> dict[str, Any]:
    """Return the fields of ``Figures`` from the values of ``columns_of``."""
    is_rounded = (rounded or 0) > 0
    return {
        "followers": _whole(followers),
        "new_followers": _whole(new_followers),
        "views": _whole(views),
        "new_views": _whole(new_views),
        "likes": _whole(likes),
        "comments": _whole(comments),
        "shares": _whole(shares),
        "saves": _whole(saves),
        "posts": int(posts or 0),
        "posted": int(posted or 0),
        "followers_rounded": is_rounded and followers is not None,
        "new_followers_rounded": (is_rounded or (changes or 0) > 0)
        and new_followers is not None,
        "new_followers_sharpened": (sharpenings or 0) > 0,
    }


def _whole(number: Decimal | None) -> int | None:
    return None if number is None else int(number)


# Rates are shown in percent; the expression is a share. Answers have them in double
# precision: a bound that somebody copies from an answer includes its own creator.
_SHOWN: Mapping[CreatorFigure, str] = {
    "engagement_rate": f"round(100 * ({{}}), {DECIMALS})::float8",
    "average_views_per_post": f"round({{}}, {DECIMALS})::float8",
}


class FigureCondition(msgspec.Struct, frozen=True):
    """A bound of a figure, rates in percent. Unknown figures are never within."""

    figure: CreatorFigure
    comparison: Literal[">=", "<=", ">", "<"]
    number: Decimal


async def creators_with(
    reader: Reader,
    organization_id: UUID,
    creators: CreatorSet,
    start: datetime,
    end: datetime,
    *,
    conditions: Sequence[FigureCondition],
) -> list[UUID]:
    """Return the ids of those creators whose figures fulfil all conditions."""
    of = creators.expressions(start, end)
    held = [
        f"{_SHOWN.get(each.figure, '{}').format(of.named(each.figure))} "
        f"{each.comparison} %(number_{place})s"
        for place, each in enumerate(conditions)
    ]
    joins = of.joins(among=creators.among)
    numbers = {f"number_{place}": each.number for place, each in enumerate(conditions)}
    rows = await reader.rows(
        organization_id,
        f"""
        WITH chosen AS NOT MATERIALIZED ({creators.query})
        SELECT chosen.id FROM chosen {joins} WHERE {" AND ".join(held)}
        """.encode(),
        {**creators.all_parameters, **numbers},
    )
    return [row[0] for row in rows]
