"""The number of videos that count, and of those that do not, by reason."""

from uuid import UUID

from msgspec import Struct

from domain.events import TrackingStatus
from domain.video.tracking import Tracking
from projections.engine.reader import Reader

_CHOSEN = {
    "project": "project_id = %(project)s",
    "creator": "creator_id = %(creator)s",
    "members": "(creator_id = ANY(%(creators)s) OR id = ANY(%(videos)s))",
}
_AMOUNTS = """
SELECT tracking_status, tracking_enabled, count(*) FROM videos
WHERE {conditions} GROUP BY tracking_status, tracking_enabled
"""


class VideoAmounts(Struct, frozen=True, kw_only=True):
    """The number of videos that count, and of those that do not, by reason.

    ``pending_review`` wait in the inbox, ``out_of_window`` were posted outside of the
    days in which their creator is tracked, ``excluded`` were removed from the lists,
    and for ``turned_off`` somebody decided that they do not count.
    """

    counted: int = 0
    pending_review: int = 0
    out_of_window: int = 0
    turned_off: int = 0
    excluded: int = 0

    @property
    def left_out(self) -> int:
        """Return the number of videos that do not count."""
        out = self.pending_review + self.out_of_window
        return out + self.turned_off + self.excluded


async def video_amounts(
    reader: Reader,
    organization_id: UUID,
    *,
    project_id: UUID | None = None,
    creator_id: UUID | None = None,
    members: tuple[frozenset[UUID], frozenset[UUID]] | None = None,
) -> VideoAmounts:
    """Return the amounts of the videos that match all of these conditions.

    ``members`` are creators and single videos: a video matches if it is one of the
    videos or belongs to one of the creators.
    """
    creators, videos = members or ((), ())
    given = {"project": project_id, "creator": creator_id, "members": members}
    conditions = ["organization_id = %(organization)s"]
    conditions += [_CHOSEN[name] for name, value in given.items() if value is not None]
    rows = await reader.rows(
        organization_id,
        _AMOUNTS.format(conditions=" AND ".join(conditions)).encode(),
        {
            "organization": organization_id,
            "project": project_id,
            "creator": creator_id,
            "creators": [*creators],
            "videos": [*videos],
        },
    )
    amounts = dict.fromkeys(VideoAmounts.__struct_fields__, 0)
    for status, is_enabled, amount in rows:
        if status == "merged":
            # The creator's video is counted in its place.
            continue
        amounts[_reason(status, is_enabled=is_enabled)] += amount
    return VideoAmounts(**amounts)


def _reason(status: TrackingStatus, *, is_enabled: bool) -> str:
    if Tracking(status, is_enabled).is_counted:
        return "counted"
    if status in {"excluded", "pending_review", "out_of_window"}:
        return status
    return "turned_off"
