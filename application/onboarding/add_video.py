"""Videos by their ids on TikTok: adds one by its URL, and finds the id of one."""

from uuid import UUID

from msgspec import UNSET, UnsetType

from application.move.single_videos import videos_of_who_moved
from domain.creator.decider import creator_of
from domain.creator.handle_claim import claim_of
from domain.decisions import Handler
from domain.streams import Names, video_stream
from domain.video.handlers import videos
from domain.video.url import read_video_url
from infra.eventstore.store import Store, plain_events
from projections.videos.erased import names_after_erasures, was_anybody_erased


def add_video(
    store: Store,
    url: str,
    *,
    organization_id: UUID,
    project_id: UUID,
    command_id: UUID,
    tags: list[str] | UnsetType = UNSET,
) -> Handler[UUID]:
    """Return the handler that tracks the video of a URL; each try reads anew.

    A video that an erased creator had is added as one that nobody knew. One of a
    creator that moved into the project is that creator's.

    Raises:
        InvalidVideoUrlError: the text names no video.
        ProjectionBehindError: the list of videos has not reached the last erasure.
    """
    named = read_video_url(url)
    with store.pool.connection() as connection:
        of_creators = videos_of_who_moved(
            connection.cursor(binary=True),
            organization_id=organization_id,
            project_id=project_id,
            tiktok_video_id=named.tiktok_video_id,
            pseudonym=store.names.pseudonym(named.tiktok_video_id),
        )
    return videos.add_video(
        url,
        organization_id=organization_id,
        project_id=project_id,
        command_id=command_id,
        names=_names(
            store,
            named.tiktok_video_id,
            handle=named.handle,
            organization_id=organization_id,
            project_id=project_id,
        ),
        tags=tags,
        of_creators=of_creators,
    )


def id_of_video(
    store: Store, organization_id: UUID, project_id: UUID, tiktok_video_id: str
) -> UUID:
    """Return the id that a video on TikTok has in a project, if it is there.

    Raises:
        ProjectionBehindError: the list of videos has not reached the last erasure.
    """
    names = names_after_erasures(
        store.pool,
        store.names,
        lambda: (tiktok_video_id,),
        organization_id=organization_id,
        project_id=project_id,
    )
    return video_stream(project_id, names.pseudonym(tiktok_video_id))


def _names(
    store: Store,
    tiktok_video_id: str,
    *,
    handle: str,
    organization_id: UUID,
    project_id: UUID,
) -> Names:
    if not was_anybody_erased(store.pool, organization_id):
        return store.names
    claim = store.names.claim_stream(project_id, handle)
    holder = claim_of(plain_events(store.load(claim)[claim])).holder
    creator = creator_of(plain_events(store.load(holder)[holder])) if holder else None
    return names_after_erasures(
        store.pool,
        store.names,
        lambda: (tiktok_video_id,),
        organization_id=organization_id,
        project_id=creator.origin_project_id if creator else project_id,
    )
