"""Scope: the project, campaign or creator of a summary, and its videos."""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from domain.analytics.membership import Spans
from projections.analytics.read.members import VIDEOS_OF_PROJECT, SpansByCreator
from projections.analytics.store.positions import kept_numbers
from projections.engine.reader import Reader

T = TypeVar("T")
ScopeKind = Literal["project", "campaign", "creator"]


class SummaryScope(msgspec.Struct, frozen=True, kw_only=True):
    """A project, a campaign or a creator, and the videos that a summary is about.

    The videos are those posted from ``posted_since`` on and before ``posted_before``;
    None is no bound. Without any bound, videos with an unknown time of posting are
    among them. With ``tags`` only creators, or only videos, with all of these tag keys
    are in the scope. The creators ``moved_away``, who left numbers with the project,
    are among its creators, and the ``videos_left`` by them among its videos. ``spans``
    has the times in which creators with numbers in several projects count in this one.
    """

    organization_id: UUID
    kind: ScopeKind
    id: UUID
    posted_since: datetime | None = None
    posted_before: datetime | None = None
    tags: tuple[str, ...] = ()
    moved_away: tuple[UUID, ...] = ()
    videos_left: tuple[UUID, ...] = ()
    spans: SpansByCreator = msgspec.field(default_factory=dict[UUID, Spans])

    @property
    def params(self) -> dict[str, Any]:
        """Return the parameters of the conditions."""
        return {
            "organization": self.organization_id,
            "scope": self.id,
            "posted_since": self.posted_since,
            "posted_before": self.posted_before,
            "tags": list(self.tags),
            "moved_away": list(self.moved_away),
            "videos_left": list(self.videos_left),
        }

    @property
    def has_posting_days(self) -> bool:
        """Tell whether the times of posting are bounded."""
        return self.posted_since is not None or self.posted_before is not None

    @property
    def creators(self) -> str:
        """Return the condition for a subject ``c`` to be a creator in it."""
        own = _CREATORS[self.kind]
        if self.moved_away:
            own = f"({own} OR c.id = ANY(%(moved_away)s))"
        condition = f"c.kind = 'creator' AND {own}"
        return f"{condition} AND {_HAS_TAGS['creator']}" if self.tags else condition

    @property
    def videos(self) -> str:
        """Return the condition for a video ``v`` to count in it."""
        own = _VIDEOS[self.kind]
        if self.videos_left:
            own = f"({own} OR {_VIDEOS_LEFT})"
        condition = f"{own} AND {self.posted}"
        return f"{condition} AND {_HAS_TAGS['video']}" if self.tags else condition

    @property
    def owners(self) -> str:
        """Return the condition for owner states ``s`` whose videos all belong to it.

        It holds for any days of posting and any tags.
        """
        return _OWNERS[self.kind]

    @property
    def single_videos(self) -> str | None:
        """Return the condition for a video ``v`` to belong to it by itself.

        None if no video does.
        """
        if self.videos_left:
            return _VIDEOS_LEFT
        return _SINGLE_VIDEOS if self.kind == "campaign" else None

    @property
    def posted(self) -> str:
        """Return the condition for a video ``v`` to count, posted within the bounds."""
        conditions = ["v.is_counted", "v.is_there"]
        if self.posted_since is not None:
            conditions.append("v.posted_at >= %(posted_since)s")
        if self.posted_before is not None:
            conditions.append("v.posted_at < %(posted_before)s")
        return " AND ".join(conditions)

    async def rows(
        self, reader: Reader, query: str, **parameters: object
    ) -> list[TupleRow]:
        """Run a query in which ``{videos}`` and such are the conditions above."""
        text = query.format(
            videos=self.videos, creators=self.creators, posted=self.posted
        ).encode()
        return await reader.rows(self.organization_id, text, self.params, **parameters)

    async def kept(
        self,
        reader: Reader,
        key: tuple[Hashable, ...],
        make: Callable[[Reader], Awaitable[T]],
    ) -> T:
        """Return what ``make`` finds about the scope, as ``Reader.kept`` does.

        Tags are in other read models, so results with tags are not kept.
        """
        if self.tags or self.spans:
            return await make(reader)
        of = (self.kind, self.id, self.posted_since, self.posted_before)
        left = (self.moved_away, self.videos_left)
        return await kept_numbers(
            reader, self.organization_id, (*key, *of, *left), make
        )


# The tags are in the lists of creators and of videos.
_HAS_TAGS = {
    kind: f"""EXISTS (
        SELECT FROM {table} t WHERE t.organization_id = %(organization)s
        AND t.id = {name}.id AND t.tag_keys @> %(tags)s::text[]
    )"""
    for kind, table, name in (
        ("creator", "creator_list", "c"),
        ("video", "videos", "v"),
    )
}
_MEMBERS = """
SELECT member_id FROM analytics_campaign_members m
WHERE m.organization_id = %(organization)s AND m.campaign_id = %(scope)s
"""
_CREATORS: Mapping[ScopeKind, str] = {
    "campaign": f"c.id IN ({_MEMBERS} AND is_creator)",
    "project": "c.project_id = %(scope)s",
    "creator": "c.id = %(scope)s",
}
_SINGLE_VIDEOS = f"v.id IN ({_MEMBERS} AND NOT is_creator)"
_VIDEOS_LEFT = "v.id = ANY(%(videos_left)s)"
_OWNERS: Mapping[ScopeKind, str] = {
    "campaign": f"s.owner IN ({_MEMBERS} AND is_creator)",
    "project": "s.project_id = %(scope)s",
    "creator": "s.owner = %(scope)s",
}
_VIDEOS: Mapping[ScopeKind, str] = {
    "campaign": f"(v.creator_id IN ({_MEMBERS} AND is_creator) OR {_SINGLE_VIDEOS})",
    "project": VIDEOS_OF_PROJECT.format(project="%(scope)s"),
    "creator": "v.creator_id = %(scope)s",
}
_KNOWN = b"""
SELECT EXISTS (
           SELECT FROM analytics_subjects
           WHERE organization_id = %(organization)s AND id = %(id)s AND kind = %(kind)s
           AND (deleted_position IS NULL OR deleted_position > %(at)s::bigint)
       ),
       (SELECT time_zone FROM organizations o
        WHERE o.organization_id = %(organization)s)
"""


async def known_scope(
    reader: Reader,
    organization_id: UUID,
    kind: ScopeKind,
    id_: UUID,
    *,
    at: int | None = None,
) -> tuple[bool, str]:
    """Tell whether the organization has the scope, and return its time zone.

    A scope that was deleted after the position ``at`` is among them.
    """
    ((is_there, zone),) = await reader.rows(
        organization_id, _KNOWN, id=id_, kind=kind, at=at
    )
    return is_there, zone or "UTC"
