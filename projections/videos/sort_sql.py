"""The sort orders of lists of videos, and the query that sorts matching videos."""

from functools import cache
from typing import Literal

import msgspec

VideoSort = Literal[
    "created_at",
    "posted_at",
    "view_count",
    "like_count",
    "comment_count",
    "share_count",
    "save_count",
    "engagement_rate",
]
SortOrder = Literal["desc", "asc"]

_RATE = (
    "(f.like_count::float8 + f.comment_count + f.share_count "
    "+ coalesce(f.save_count, 0)) / nullif(f.view_count, 0)"
)
_TIMES: dict[VideoSort, str] = {
    "created_at": "v.created_at",
    "posted_at": "coalesce(v.posted_at, f.posted_at)",
}
# Unknown values come last in either order.
_UNKNOWN: dict[tuple[str, SortOrder], str] = {
    ("timestamptz", "desc"): "'-infinity'",
    ("timestamptz", "asc"): "'infinity'",
    ("float8", "desc"): "'-infinity'",
    ("float8", "asc"): "'infinity'",
    ("bigint", "desc"): "-9223372036854775808",
    ("bigint", "asc"): "9223372036854775807",
}


class VideoQueryVariant(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a query that change its text, with the conditions of the filters."""

    conditions: str
    sort: VideoSort
    order: SortOrder
    has_after: bool


@cache
def sorted_ids(variant: VideoQueryVariant) -> str:
    """Return the query for a page of matching videos: their ids and sort keys.

    Its columns are ``one`` and ``key``. All matching videos are read, because no index
    has figures, which change with every scrape.
    """
    key, kind = _key(variant.sort)
    unknown = _UNKNOWN[kind, variant.order]
    beyond = "<" if variant.order == "desc" else ">"
    after = (
        f"WHERE (key, one) {beyond} "
        f"(coalesce(%(value)s::{kind}, {unknown}), %(last_id)s)"
    )
    return (
        f"SELECT one, key FROM (SELECT v.id AS one, coalesce({key}, {unknown}) AS key "
        "FROM videos v LEFT JOIN video_figures f "
        "ON f.organization_id = %(organization)s AND f.id = v.id "
        f"WHERE {variant.conditions}) AS found "
        f"{after if variant.has_after else ''} "
        f"ORDER BY key {variant.order}, one {variant.order} LIMIT %(limit)s"
    )


def engagement_rate(
    *,
    view_count: int | None,
    like_count: int | None,
    comment_count: int | None,
    share_count: int | None,
    save_count: int | None,
) -> float | None:
    """Return likes, comments, shares and saves per view; None if unknown.

    Many sources never report saves, so unknown saves count as 0.
    """
    if not view_count or None in {like_count, comment_count, share_count}:
        return None
    counts = (like_count, comment_count, share_count, save_count)
    return sum(float(count or 0) for count in counts) / float(view_count)


def _key(sort: VideoSort) -> tuple[str, str]:
    if sort in _TIMES:
        return _TIMES[sort], "timestamptz"
    return (_RATE, "float8") if sort == "engagement_rate" else (f"f.{sort}", "bigint")
