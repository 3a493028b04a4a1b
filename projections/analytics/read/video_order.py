"""The order of videos by a figure: unknown ones last, equal ones by their ids."""

from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args
from uuid import UUID

import numpy as np

from domain.analytics.metrics import VIDEO_METRICS
from projections.analytics.fold.columns import Longs
from projections.analytics.read.video_levels import VideoFigureColumns
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
_IDS = b"""
SELECT coalesce(creator_id, id), number, id FROM analytics_videos
WHERE organization_id = %(organization)s AND number = ANY(%(numbers)s) AND is_there
"""


class InOrder(NamedTuple):
    """A video with the figure that it is sorted by, None if that is unknown.

    ``place`` is its index among the columns.
    """

    id: UUID
    value: int | None
    place: int


class ByFigure:
    """Videos in the order of a figure. Its length is of those whose figure is known.

    Ids are read of those alone that a page may have. They decide between equal
    figures, so all that are equal to the first or the last one of a page are read.
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
        is_known = columns.is_known[number] & ~columns.is_erased
        known = np.flatnonzero(is_known)
        # The complement of a number sorts the other way, and never overflows.
        values = self._values[known]
        signed = values if direction == "asc" else -1 - values
        order = np.argsort(signed, kind="stable")
        self._keys: Longs = signed[order]
        self._known: Longs = known[order]
        self._unknown = np.flatnonzero(~is_known)

    def __len__(self) -> int:
        return len(self._known)

    @property
    def keys_of_known(self) -> dict[str, object]:
        """Return the ``owners`` and ``numbers`` of those whose figure is known."""
        columns, known = self._columns, self._known
        owners = _owners(columns, known)
        return {"owners": owners, "numbers": columns.numbers[known].tolist()}

    async def known_ones(
        self,
        reader: Reader,
        organization_id: UUID,
        *,
        limit: int | None,
        offset: int = 0,
        after: tuple[int | None, UUID] | None = None,
    ) -> list[InOrder]:
        """Return those whose figure is known: after so many, or after a figure and id.

        ``limit`` is None for all of them.
        """
        begin, end = offset, None if limit is None else offset + limit
        key: tuple[int, UUID] | None = None
        if after is not None:
            value, last_id = after
            if value is None:
                return []
            key = -1 - value if self._descends else value, last_id
            begin = int(np.searchsorted(self._keys, key[0], "left"))
            equal = int(np.searchsorted(self._keys, key[0], "right")) - begin
            end = None if limit is None else begin + equal + limit
        first, last = self._with_equals(begin, end)
        places: list[int] = self._known[first:last].tolist()
        ids = await ids_at(reader, organization_id, self._columns, places)
        found = sorted(
            (key_of, ids[place], place)
            for key_of, place in zip(
                self._keys[first:last].tolist(), places, strict=True
            )
            if place in ids
        )
        if key is None:
            found = found[begin - first : None if end is None else end - first]
        else:
            found = [one for one in found if one[:2] > key][:limit]
        return [
            InOrder(id_, int(self._values[place]), place) for _, id_, place in found
        ]

    async def ones(
        self, reader: Reader, organization_id: UUID, *, limit: int, offset: int
    ) -> list[InOrder]:
        """Return some of all, those whose figure is unknown behind the others."""
        found = await self.known_ones(
            reader, organization_id, limit=limit, offset=offset
        )
        if len(found) == limit:
            return found
        places: list[int] = self._unknown.tolist()
        ids = await ids_at(reader, organization_id, self._columns, places)
        begin = max(offset - len(self._known), 0)
        unknown = sorted((id_, place) for place, id_ in ids.items())[begin:]
        found += [InOrder(id_, None, place) for id_, place in unknown]
        return found[:limit]

    def _with_equals(self, begin: int, end: int | None) -> tuple[int, int]:
        keys, amount = self._keys, len(self._keys)
        end = amount if end is None else min(end, amount)
        if begin >= end:
            return begin, begin
        least, greatest = int(keys[begin]), int(keys[end - 1])
        first = int(np.searchsorted(keys, least, "left"))
        return first, int(np.searchsorted(keys, greatest, "right"))


async def ids_at(
    reader: Reader,
    organization_id: UUID,
    columns: VideoFigureColumns,
    places: Iterable[int],
) -> dict[int, UUID]:
    """Return the ids of the videos at these places of columns, by place."""
    at = np.array([*places], np.int64)
    if not len(at):
        return {}
    owners = _owners(columns, at)
    numbers: list[int] = columns.numbers[at].tolist()
    rows = await reader.rows(
        organization_id,
        _IDS,
        {"organization": organization_id, "numbers": list({*numbers})},
    )
    ids = {(row[0], row[1]): row[2] for row in rows}
    keys = zip(owners, numbers, strict=True)
    return {
        place: ids[key]
        for place, key in zip(at.tolist(), keys, strict=True)
        if key in ids
    }


def _owners(columns: VideoFigureColumns, at: Longs) -> list[UUID]:
    indexes: list[int] = columns.owner_of[at].tolist()
    return [columns.owners[index] for index in indexes]
