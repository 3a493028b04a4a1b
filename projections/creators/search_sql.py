"""The SQL of the list and of the partial search, one text for each kind of query."""

from functools import cache
from typing import Literal

import msgspec

from projections.creators.creator import COLUMNS

CreatorSort = Literal["created_at", "tiktok_handle", "follower_count"]

# The expression of each sort, its type, and whether the greatest value comes first.
_SORTS: dict[CreatorSort, tuple[str, str, bool]] = {
    "created_at": ("created_at", "timestamptz", True),
    "tiktok_handle": ("tiktok_handle", "text", False),
    "follower_count": ("coalesce(follower_count, -1)", "bigint", True),
}

# The rows of the found creators; more conditions may follow.
_ROWS = "creator_list JOIN found ON id = one WHERE organization_id = %(organization)s"


class CreatorQueryVariant(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a query that change its text."""

    conditions: tuple[str, ...] = ()
    statuses: int
    sort: CreatorSort
    has_after: bool


@cache
def list_query(variant: CreatorQueryVariant) -> bytes:
    return f"SELECT {COLUMNS} FROM {_heads(variant, '*')} {_order(variant)}".encode()


@cache
def scan_query(variant: CreatorQueryVariant) -> bytes:
    """Return the search among the first ``head`` creators in the requested order.

    The first column says whether the search must go on: the page is not full, and there
    are more creators. If nothing is found, there is one row without a creator.
    """
    # The first rows of all statuses are taken together. If each status had a limit of
    # its own, rows could be missing between those of another status. The query counts
    # the scanned rows only if the page is not full.
    keys = ", ".join(dict.fromkeys(("id", variant.sort, "searched")))
    scanned = (
        f"SELECT {keys} FROM {_heads(variant, keys)} {_order(variant, limit='head')}"
    )
    found = (
        f"SELECT id FROM scanned "
        f"WHERE strpos(searched, %(search)s) > 0 {_order(variant)}"
    )
    goes_on = (
        "CASE WHEN (SELECT count(*) FROM found) < %(limit)s "
        "THEN (SELECT count(*) FROM scanned) >= %(head)s ELSE false END"
    )
    return (
        f"WITH scanned AS MATERIALIZED ({scanned}), "
        f"found (one) AS MATERIALIZED ({found}) "
        f"SELECT {goes_on}, {COLUMNS} FROM (VALUES (0)) AS always "
        f"LEFT JOIN (SELECT * FROM {_ROWS}) AS rows ON true {_order(variant)}"
    ).encode()


@cache
def grams_query(variant: CreatorQueryVariant) -> bytes:
    """Return the search among all creators that have the grams."""
    # Grams narrow the search; the text itself decides whether they are connected.
    found = (
        f"SELECT * FROM goatherd_search(%(grams)s) WHERE {_filters(variant)} "
        f"AND status IN ({_statuses(variant)}) "
        "AND strpos(searched, %(search)s) > 0"
    )
    if variant.sort == "follower_count":
        return _by_bucket(variant, found)
    return (
        f"WITH found (one) AS (SELECT id FROM ({found}{_after(variant)}) AS found "
        f"{_order(variant)}) SELECT {COLUMNS} FROM {_ROWS} {_order(variant)}"
    ).encode()


def _by_bucket(variant: CreatorQueryVariant, found: str) -> bytes:
    # The page cannot have a smaller bucket than the bucket that fills it. Rows of the
    # bucket in which the previous page ended are not counted, because it is not known
    # yet which of them come after that end.
    ended = ""
    if variant.has_after:
        found += " AND follower_bucket <= %(bucket)s"
        ended = "WHERE follower_bucket < %(bucket)s"
    least = (
        f"SELECT follower_bucket FROM matches {ended} ORDER BY follower_bucket DESC "
        "OFFSET %(limit)s - 1 LIMIT 1"
    )
    return (
        f"WITH matches AS MATERIALIZED ({found}), found (one) AS "
        f"(SELECT id FROM matches WHERE follower_bucket >= coalesce(({least}), -99)) "
        f"SELECT {COLUMNS} FROM {_ROWS}{_after(variant)} {_order(variant)}"
    ).encode()


def _heads(variant: CreatorQueryVariant, columns: str) -> str:
    """Return the first rows of each status, each read in order from its index."""
    heads = (
        f"(SELECT {columns} FROM creator_list "
        f"WHERE organization_id = %(organization)s AND {_filters(variant)} "
        f"AND status = %(status{n})s{_after(variant)} {_order(variant, limit='head')})"
        for n in range(variant.statuses)
    )
    return f"({' UNION ALL '.join(heads)}) AS heads"


def _filters(variant: CreatorQueryVariant) -> str:
    return " AND ".join(variant.conditions) or "true"


def _statuses(variant: CreatorQueryVariant) -> str:
    return ", ".join(f"%(status{n})s" for n in range(variant.statuses))


def _after(variant: CreatorQueryVariant) -> str:
    if not variant.has_after:
        return ""
    expression, kind, descends = _SORTS[variant.sort]
    beyond = "<" if descends else ">"
    return f" AND ({expression}, id) {beyond} (%(value)s::{kind}, %(last_id)s)"


def _order(variant: CreatorQueryVariant, *, limit: str = "limit") -> str:
    expression, _, descends = _SORTS[variant.sort]
    way = "DESC" if descends else "ASC"
    return f"ORDER BY {expression} {way}, id {way} LIMIT %({limit})s"
