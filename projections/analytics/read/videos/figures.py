"""Figures of many videos over any days: levels at the end, new counts, and their order.

They equal the figures of ``/analytics`` for each video. Unknown figures come last,
equal ones by id.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Literal, NamedTuple, get_args
from uuid import UUID

import msgspec
import numpy as np

from domain.analytics.metrics import VIDEO_METRICS
from projections.analytics.fold.columns import Longs
from projections.analytics.read.videos.levels import (
    VideoFigureColumns,
    VideoSet,
    video_columns,
)
from projections.engine.reader import Reader

VideoFigure = Literal[
    "views",
    "likes",
    "comments",
    "shares",
    "saves",
    "new_views",
    "new_likes",
    "new_comments",
    "new_shares",
    "new_saves",
]
_FIGURES: tuple[VideoFigure, ...] = get_args(VideoFigure)
_IN_ORDER = """
SELECT coalesce(creator_id, id), number, id FROM analytics_videos
WHERE organization_id = %(organization)s AND is_there {condition}
AND (%(after)s::uuid IS NULL OR id > %(after)s)
ORDER BY id LIMIT %(most)s
"""
_IDS = _IN_ORDER.format(
    condition="AND number IN (SELECT unnest(%(numbers)s::text::bigint[]))"
).encode()
_ANY_IDS = _IN_ORDER.format(condition="").encode()
# From this number of videos on, the first ones are found sooner among all videos.
_MANY = 1_000


class ByFigure:
    """Videos in the order of a figure. Its length is the number of known figures.

    Ids decide between equal figures. Most videos may have the same figure, such as 0
    new views, so only the equal ones on a page are read.
    """

    def __init__(
        self,
        columns: VideoFigureColumns,
        figure: VideoFigure,
        *,
        direction: Literal["asc", "desc"],
    ) -> None:
        number = _FIGURES.index(figure) % len(VIDEO_METRICS)
        self._columns = columns
        self._descends = direction == "desc"
        self._values = (columns.new if figure.startswith("new_") else columns.levels)[
            number
        ]
        known = np.flatnonzero(columns.is_known[number] & ~columns.is_erased)
        # Complements sort the other way and never overflow.
        values = self._values[known]
        signed = values if direction == "asc" else -1 - values
        order = np.argsort(signed, kind="stable")
        self._keys: Longs = signed[order]
        self._known: Longs = known[order]

    def __len__(self) -> int:
        return len(self._known)

    @property
    def keys_of_known(self) -> dict[str, object]:
        """Return the ``owners`` and ``numbers`` of videos with a known figure."""
        columns, known = self._columns, self._known
        owner_of: list[int] = columns.owner_of[known].tolist()
        return {
            "owners": [columns.owners[owner] for owner in owner_of],
            "numbers": columns.numbers[known].tolist(),
        }

    async def known_ones(
        self,
        reader: Reader,
        organization_id: UUID,
        *,
        limit: int | None,
        offset: int = 0,
        after: tuple[int | None, UUID] | None = None,
    ) -> list[tuple[UUID, int]]:
        """Return videos with a known figure, each with its place in the columns.

        They begin after so many, or after a figure and id. ``limit`` is None for all.
        """
        read = partial(ids_at, reader, organization_id, self._columns)
        amount = len(self._keys)
        if after is None:
            begin, last_id = 0, None
        elif after[0] is None:
            return []
        else:
            key = -1 - after[0] if self._descends else after[0]
            begin = self._first_of(key)
            # No video may have that figure any more; the next ones then begin at once.
            last_id = after[1] if begin < self._end_of(key) else None
        requested = amount if limit is None else offset + limit
        found: list[tuple[UUID, int]] = []
        while begin < amount and len(found) < requested:
            end = min(begin + requested - len(found), amount)
            if last_id is None and (whole := self._whole_groups(begin, end)) > begin:
                found += self._in_order(await read(self._known[begin:whole]))
                begin = whole
                continue
            end = self._end_of(int(self._keys[begin]))
            most = requested - len(found)
            ids = await read(self._known[begin:end], after=last_id, most=most)
            found += self._in_order(ids)
            begin, last_id = end, None
        return found[offset:requested]

    def value_at(self, place: int) -> int:
        """Return the figure of the video at a place in the columns."""
        return int(self._values[place])

    def _in_order(self, ids: Mapping[int, UUID]) -> Iterator[tuple[UUID, int]]:
        """Yield videos by figure; those with equal ones stay in the order of ids."""
        sign = -1 if self._descends else 1
        for place in sorted(ids, key=lambda place: sign * self.value_at(place)):
            yield ids[place], place

    def _first_of(self, key: int) -> int:
        return int(np.searchsorted(self._keys, key, "left"))

    def _end_of(self, key: int) -> int:
        return int(np.searchsorted(self._keys, key, "right"))

    def _whole_groups(self, begin: int, end: int) -> int:
        """Return the end of the last group of equal figures that ends by ``end``."""
        last = int(self._keys[end - 1])
        return end if self._end_of(last) == end else max(begin, self._first_of(last))


async def ids_at(
    reader: Reader,
    organization_id: UUID,
    columns: VideoFigureColumns,
    at: Longs,
    *,
    after: UUID | None = None,
    most: int | None = None,
) -> dict[int, UUID]:
    """Return the ids of the videos at these places of columns, by place, in order.

    The ids begin after ``after`` and are at most ``most``.
    """
    if not len(at):
        return {}
    params: dict[str, object] = {"organization": organization_id}
    query, at_once = _IDS, most
    if most is not None and len(at) > _MANY:
        query, at_once = _ANY_IDS, 4 * most
        place_of = _few_among(columns, at)
    else:
        # Psycopg takes several times as long for a list of numbers.
        params["numbers"] = "{" + ",".join(map(str, columns.numbers[at].tolist())) + "}"
        place_of = _each_of(columns, at)
    found: dict[int, UUID] = {}
    while True:
        params |= {"after": after, "most": at_once}
        rows = await reader.rows(organization_id, query, params)
        # A number is a video on TikTok, which several creators may have.
        for owner, number, id_ in rows:
            if len(found) == most:
                break
            place = place_of(owner, number)
            if place is not None:
                found[place] = id_
        if at_once is None or len(found) == most or len(rows) < at_once:
            return found
        after, at_once = rows[-1][2], 2 * at_once


_PlaceOf = Callable[[UUID, int | None], int | None]


def _each_of(columns: VideoFigureColumns, at: Longs) -> _PlaceOf:
    """Return the function of an owner and a number to the place among these places."""
    indexes: list[int] = columns.owner_of[at].tolist()
    numbers: list[int] = columns.numbers[at].tolist()
    places = dict(zip(zip(indexes, numbers, strict=True), at.tolist(), strict=True))
    index_of = {columns.owners[index]: index for index in {*indexes}}

    def place_of(owner: UUID, number: int | None) -> int | None:
        return None if number is None else places.get((index_of.get(owner, -1), number))

    return place_of


def _few_among(columns: VideoFigureColumns, at: Longs) -> _PlaceOf:
    """Return the same function for few calls about many places.

    It searches the columns, which are sorted by owner and number.
    """
    is_among = np.zeros(len(columns), np.bool_)
    is_among[at] = True

    def place_of(owner: UUID, number: int | None) -> int | None:
        index = bisect_left(columns.owners, owner)
        if number is None or [*columns.owners[index : index + 1]] != [owner]:
            return None
        begin, end = np.searchsorted(columns.owner_of, (index, index + 1))
        place = int(begin + np.searchsorted(columns.numbers[begin:end], number))
        is_it = place < end and columns.numbers[place] == number
        return place if is_it and is_among[place] else None

    return place_of


class FiguresOfVideo(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one video: levels at the end, and new counts; null where unknown."""

    video_id: UUID
    owner: UUID
    views: int | None
    likes: int | None
    comments: int | None
    shares: int | None
    saves: int | None
    new_views: int | None
    new_likes: int | None
    new_comments: int | None
    new_shares: int | None
    new_saves: int | None


async def video_figures(
    reader: Reader,
    organization_id: UUID,
    videos: VideoSet,
    start: datetime,
    end: datetime,
) -> list[FiguresOfVideo]:
    """Return the figures of these videos after ``start`` up to ``end``, by id."""
    columns = await video_columns(reader, organization_id, videos, start, end)
    every = np.arange(len(columns))
    return figures_at(columns, await ids_at(reader, organization_id, columns, every))


def figures_at(
    columns: VideoFigureColumns, ids: Mapping[int, UUID]
) -> list[FiguresOfVideo]:
    """Return the figures of the videos at some places of columns, by id.

    ``ids`` are the ids of the videos by place.
    """
    places = sorted(ids, key=ids.__getitem__)
    at = np.array(places, np.int64)
    owner_of: list[int] = columns.owner_of[at].tolist()
    known = (columns.is_known[:, at] & ~columns.is_erased[at]).T.tolist()
    levels, new = columns.levels[:, at].T.tolist(), columns.new[:, at].T.tolist()
    return [
        FiguresOfVideo(
            video_id=ids[place],
            owner=columns.owners[owner_of[nth]],
            **_named("", levels[nth], known[nth]),
            **_named("new_", new[nth], known[nth]),
        )
        for nth, place in enumerate(places)
    ]


def _named(
    prefix: str, values: Sequence[int], known: Sequence[bool]
) -> dict[str, int | None]:
    return {
        f"{prefix}{metric}": value if is_known else None
        for metric, value, is_known in zip(VIDEO_METRICS, values, known, strict=True)
    }


# A number names a video of one owner. Another owner may have the same number.
_OTHERS = """
SELECT id FROM ({query}) AS chosen (id)
WHERE NOT EXISTS (
    SELECT FROM analytics_videos a
    WHERE a.organization_id = %(organization)s AND a.id = chosen.id
    AND (coalesce(a.creator_id, a.id), a.number) IN (
        SELECT * FROM unnest(%(owners)s::uuid[], %(numbers)s::bigint[])
    )
)
AND (%(last_id)s::uuid IS NULL OR id > %(last_id)s)
ORDER BY id LIMIT %(limit)s OFFSET %(offset)s
"""


class RankedByFigure(NamedTuple):
    """Videos with the figure that they are sorted by, and all figures by video.

    Videos whose figure to sort by is unknown have none of the others here.
    """

    found: list[tuple[UUID, int | None]]
    figures: dict[UUID, FiguresOfVideo]


async def videos_by_figure(
    reader: Reader,
    organization_id: UUID,
    videos: VideoSet,
    query: str,
    parameters: Mapping[str, object],
    start: datetime,
    end: datetime,
    *,
    sort: VideoFigure,
    direction: Literal["asc", "desc"],
    limit: int | None = None,
    offset: int = 0,
    after: tuple[int | None, UUID] | None = None,
) -> RankedByFigure:
    """Return some of these videos, each with its figures, in the order of one figure.

    Figures are those after ``start`` up to ``end``. ``query`` gives the ids of the
    videos, also of those that were never observed: they come last, with None. Videos
    with equal figures are in the order of their ids. ``limit`` is None for all of them.
    The page begins after ``offset`` videos, or after the figure and the id of the last
    one of the page before.
    """
    columns = await video_columns(reader, organization_id, videos, start, end)
    order = ByFigure(columns, sort, direction=direction)
    known = await order.known_ones(
        reader, organization_id, limit=limit, offset=offset, after=after
    )
    found: list[tuple[UUID, int | None]] = [
        (id_, order.value_at(place)) for id_, place in known
    ]
    if limit is None or len(known) < limit:
        is_behind = after is not None and after[0] is None
        others = await _others(
            reader,
            organization_id,
            order,
            query,
            parameters,
            limit=None if limit is None else limit - len(known),
            offset=max(offset - len(order), 0),
            last_id=after[1] if after is not None and is_behind else None,
        )
        found += ((id_, None) for id_ in others)
    figures = figures_at(columns, {place: id_ for id_, place in known})
    return RankedByFigure(found, {one.video_id: one for one in figures})


async def _others(
    reader: Reader,
    organization_id: UUID,
    order: ByFigure,
    query: str,
    parameters: Mapping[str, object],
    *,
    limit: int | None,
    offset: int,
    last_id: UUID | None = None,
) -> list[UUID]:
    """Return the videos of a query whose figure is unknown, by id."""
    text = _OTHERS.format(query=query).encode()
    rows = await reader.rows(
        organization_id,
        text,
        {**parameters, **order.keys_of_known},
        limit=limit,
        offset=offset,
        last_id=last_id,
    )
    return [row[0] for row in rows]
