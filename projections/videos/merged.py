"""The check for merged videos, and the video that replaced each."""

from uuid import UUID

from domain.video.errors import VideoMergedError
from projections.engine.reader import Reader

_MERGED_INTO = b"""
SELECT merged_into FROM videos
WHERE organization_id = %(organization)s AND id = %(id)s AND merged_into IS NOT NULL
"""


async def check_not_merged(
    reader: Reader, organization_id: UUID, video_id: UUID
) -> None:
    """Check that a video was not merged into another one.

    Raises:
        VideoMergedError: the video was.
    """
    params = {"organization": organization_id, "id": video_id}
    rows = await reader.rows(organization_id, _MERGED_INTO, params)
    if rows:
        raise VideoMergedError(rows[0][0])
