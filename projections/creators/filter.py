"""Filters of creators, by any column of the list."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from domain.creator.decider import Status
from projections.creators.creator import COLUMNS, Creator, creator_from_columns
from projections.creators.posting import (
    HAS_STOPPED,
    LAST_POSTED,
    POSTS,
    PostingDays,
)
from projections.engine.keyset import Keyset
from projections.engine.reader import Reader

Health = Literal["ok", "never_seen", "failing", "stale", "disabled"]
ColumnSort = Literal[
    "created_at",
    "tiktok_handle",
    "follower_count",
    "last_scraped_at",
    "health",
    "last_posted_at",
    "posts_per_week",
]

# Nothing is scheduled outside of the tracking window, so no scrape is late there.
# Removed creators have no health.
_HEALTH = """
CASE WHEN status = 'disabled' THEN 'disabled'
    WHEN status = 'removed' THEN NULL
    WHEN failing_since IS NOT NULL THEN 'failing'
    WHEN last_scraped_at IS NULL THEN 'never_seen'
    WHEN last_scraped_at < %(stale_before)s
        AND coalesce(tracking_start_date, %(today)s) <= %(today)s
        AND coalesce(tracking_end_date, %(today)s) >= %(today)s THEN 'stale'
    ELSE 'ok' END
"""
# The array has the type of the values. The worst health is the greatest.
_HEALTHS = "ARRAY['ok', 'never_seen', 'stale', 'failing', 'disabled']"
_SORTS: dict[ColumnSort, tuple[str, str]] = {
    "created_at": ("created_at", "timestamptz"),
    "tiktok_handle": ("tiktok_handle", "text"),
    "follower_count": ("follower_count", "bigint"),
    "last_scraped_at": ("last_scraped_at", "timestamptz"),
    "health": (f"array_position({_HEALTHS}, {_HEALTH})", "int"),
    "last_posted_at": (LAST_POSTED, "timestamptz"),
    "posts_per_week": (POSTS, "bigint"),
}
# Few creators are connected, and creator_search does not say which.
_NOT_CONNECTED = """id NOT IN (SELECT id FROM creator_list
    WHERE organization_id = %(organization)s AND connected_at IS NOT NULL)"""
_CHOSEN = "creator_list WHERE organization_id = %(organization)s"
_THESE = f"""
SELECT {_HEALTH}, {COLUMNS} FROM {_CHOSEN} AND id = ANY(%(ids)s)
""".encode()


class HealthRules(msgspec.Struct, frozen=True, kw_only=True):
    """The time before which a last scrape is long ago, and the present day."""

    stale_before: datetime
    today: date

    @property
    def parameters(self) -> dict[str, object]:
        return {"stale_before": self.stale_before, "today": self.today}


class CreatorFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Filters of creators; a filter that is not set matches all.

    ``search`` is a part of a handle, name or tag in the spelling of ``folded``, and
    ``tag_keys`` are keys of tags that a creator must all have. ``is_failing`` selects
    creators whose last scrape failed. ``is_connected`` selects creators by whether
    their own account is connected; None selects all. ``handles`` are handles of which
    a creator must have one, in the spelling of ``normalize_handle``.
    ``disabled_reasons`` select disabled creators by their reason.
    """

    statuses: tuple[Status, ...] = ("active", "disabled")
    project_id: UUID | None = None
    search: str | None = None
    tag_keys: tuple[str, ...] = ()
    is_failing: bool = False
    is_connected: bool | None = None
    handles: tuple[str, ...] = ()
    disabled_reasons: tuple[str, ...] = ()

    @property
    def is_narrow(self) -> bool:
        """Tell whether so few creators are left that no way of searching is faster."""
        return self.is_failing or bool(
            self.is_connected or self.tag_keys or self.handles or self.disabled_reasons
        )

    def conditions(self, *, with_search: bool = True) -> tuple[str, ...]:
        """Return the conditions on rows of creator_list, without the statuses."""
        conditions = {
            "project_id = %(project)s": self.project_id is not None,
            "failing_since IS NOT NULL": self.is_failing,
            "connected_at IS NOT NULL": self.is_connected is True,
            _NOT_CONNECTED: self.is_connected is False,
            "tag_keys @> %(tags)s": bool(self.tag_keys),
            "tiktok_handle = ANY(%(handles)s)": bool(self.handles),
            "disabled_reason = ANY(%(reasons)s)": bool(self.disabled_reasons),
            "strpos(searched, %(search)s) > 0": with_search and self.search is not None,
        }
        return tuple(text for text, holds in conditions.items() if holds)

    @property
    def parameters(self) -> dict[str, object]:
        """Return the parameters of the conditions, except the organization."""
        return {
            "project": self.project_id,
            "search": self.search,
            "tags": [*self.tag_keys],
            "handles": [*self.handles],
            "reasons": [*self.disabled_reasons],
        }


class CreatorFigureFilter(CreatorFilter, frozen=True, kw_only=True):
    """Filters of creators that have figures: also by health, and by ids."""

    rules: HealthRules
    health: tuple[Health, ...] = ()
    ids: tuple[UUID, ...] | None = None

    @property
    def query(self) -> str:
        """Return the query of the matching creators' ids."""
        return f"SELECT id FROM {self._rows}"

    def query_with(self, value: str) -> str:
        """Return the query of their ids and of an expression, as ``value``."""
        return f"SELECT id, {value} AS value FROM {self._rows}"

    def query_with_health(self, values: Mapping[str, str]) -> str:
        """Return the query of their ids, ``health``, and expressions by their names."""
        also = "".join(f", {text} AS {name}" for name, text in values.items())
        return f"SELECT id, {_HEALTH} AS health{also} FROM {self._rows}"

    @property
    def _rows(self) -> str:
        also = {
            "status = ANY(%(statuses)s)": True,
            f"{_HEALTH} = ANY(%(health)s)": bool(self.health),
            "id = ANY(%(ids)s)": self.ids is not None,
        }
        held = (text for text, holds in also.items() if holds)
        return " AND ".join((_CHOSEN, *held, *self.conditions()))

    @property
    def parameters(self) -> dict[str, object]:
        """Return the parameters of the query, except the organization."""
        return {
            **super().parameters,
            **self.rules.parameters,
            "statuses": [*self.statuses],
            "health": [*self.health],
            "ids": [*(self.ids or ())],
        }


async def sorted_by_column(
    reader: Reader,
    organization_id: UUID,
    chosen: CreatorFigureFilter,
    *,
    sort: ColumnSort,
    days: PostingDays,
    direction: Literal["asc", "desc"],
    limit: int | None,
    after: tuple[str | None, UUID] | None = None,
) -> list[tuple[UUID, str | None]]:
    """Return creators sorted by a column of the list, each with its value.

    The page begins after the given value and id; unknown values come last. Values are
    texts, which are exact. ``days`` are those of ``posts_per_week``.
    """
    expression, kind = _SORTS[sort]
    order = Keyset(direction=direction, kind=kind, ids_follow=True)
    rows = await reader.rows(
        organization_id,
        order.page(chosen.query_with(expression), after=after).encode(),
        {
            "organization": organization_id,
            **chosen.parameters,
            **days.parameters,
            **order.parameters(after, limit=limit, offset=0),
        },
    )
    return [(row[0], row[1]) for row in rows]


async def chosen_by_posting(
    reader: Reader,
    organization_id: UUID,
    chosen: CreatorFigureFilter,
    *,
    has_stopped: bool,
    now: datetime,
) -> list[UUID]:
    """Return the ids of the chosen creators who stopped posting, or who did not."""
    condition = HAS_STOPPED if has_stopped else f"NOT {HAS_STOPPED}"
    rows = await reader.rows(
        organization_id,
        f"{chosen.query} AND {condition}".encode(),
        {"organization": organization_id, **chosen.parameters, "now": now},
    )
    return [row[0] for row in rows]


async def with_health(
    reader: Reader, organization_id: UUID, ids: Sequence[UUID], rules: HealthRules
) -> dict[UUID, tuple[Creator, Health | None]]:
    """Return these creators with their health, which is None for removed ones."""
    params = {"organization": organization_id, "ids": [*ids], **rules.parameters}
    rows = await reader.rows(organization_id, _THESE, params)
    found = [(creator_from_columns(row[1:]), row[0]) for row in rows]
    return {creator.id: (creator, health) for creator, health in found}
