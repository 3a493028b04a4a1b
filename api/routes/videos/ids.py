"""The id of a video in a project by its id on TikTok, for pages."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from api.http.reading.paging import behind
from application.onboarding.add_video import id_of_video
from infra.eventstore.store import Store
from projections.engine.reader import ProjectionBehindError


def video_ids(store: Store) -> Callable[[UUID, UUID, str], Awaitable[UUID]]:
    """Return the function from an organization, a project and TikTok's id to our id.

    The function raises ``ApiError`` with 503 while the list of videos has not applied
    an erasure yet.
    """

    async def find(
        organization_id: UUID, project_id: UUID, tiktok_video_id: str
    ) -> UUID:
        named = organization_id, project_id, tiktok_video_id
        try:
            return await asyncio.to_thread(id_of_video, store, *named)
        except ProjectionBehindError as error:
            raise behind(error) from error

    return find
