"""Commands to videos: add, describe, exclude, review and discover them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from domain import commands as c
from domain.decisions import ItemResults
from domain.handlers import videos as handlers
from domain.handlers.videos import ListedVideo, ReviewDecision
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed, InTransaction, execute
from infra.eventstore.store import RecordedEvent, Store


def add_video(
    store: Store,
    url: str,
    *,
    organization_id: UUID,
    project_id: UUID,
    context: Context,
    in_transaction: InTransaction[UUID] | None = None,
) -> Executed[UUID]:
    """Track the video of a URL, also one that was excluded; scrape it if it is new.

    Raises:
        InvalidVideoUrlError: the text names no video.
        NotFoundError: no such project in the organization.
        CreatorBannedError: the URL's handle is banned here.
        BusyError: too many writers at once.
    """
    return execute(
        store,
        lambda: handlers.add_video(
            url,
            organization_id=organization_id,
            project_id=project_id,
            command_id=context.command_id,
        ),
        context=context,
        in_transaction=in_transaction,
    )


def change_video(
    store: Store,
    video_id: UUID,
    command: c.ChangeVideoDetails | c.DisableTracking,
    *,
    organization_id: UUID,
    context: Context,
    expected_versions: Collection[int] | None = None,
    in_transaction: InTransaction[UUID] | None = None,
) -> Executed[UUID]:
    """Change the notes of a video, or stop counting it.

    Raises:
        NotFoundError: no such video in the organization, or it was excluded.
        StaleVersionError: the present one is not among ``expected_versions``.
        BusyError: too many writers at once.
    """
    return execute(
        store,
        lambda: handlers.change_video(
            video_id,
            command,
            organization_id=organization_id,
            expected_versions=expected_versions,
        ),
        context=context,
        in_transaction=in_transaction,
    )


def exclude_video(
    store: Store,
    video_id: UUID,
    *,
    organization_id: UUID,
    context: Context,
    expected_versions: Collection[int] | None = None,
    in_transaction: InTransaction[UUID] | None = None,
) -> Executed[UUID]:
    """Exclude a video; do nothing if it is excluded already.

    Raises:
        NotFoundError: no such video in the organization.
        StaleVersionError: the present one is not among ``expected_versions``.
        BusyError: too many writers at once.
    """
    return execute(
        store,
        lambda: handlers.exclude_video(
            video_id,
            organization_id=organization_id,
            expected_versions=expected_versions,
        ),
        context=context,
        in_transaction=in_transaction,
    )


def review_videos(
    store: Store,
    decisions: Sequence[tuple[UUID, ReviewDecision]],
    *,
    organization_id: UUID,
    project_id: UUID,
    context: Context,
    in_transaction: InTransaction[ItemResults] | None = None,
) -> Executed[ItemResults]:
    """Include, exclude or put back many videos of one project in one append.

    Raises:
        NotFoundError: no such project in the organization.
        BusyError: too many writers at once.
    """
    return execute(
        store,
        lambda: handlers.review_videos(
            decisions, organization_id=organization_id, project_id=project_id
        ),
        context=context,
        in_transaction=in_transaction,
    )


def disable_videos(
    store: Store,
    video_ids: Sequence[UUID],
    *,
    organization_id: UUID,
    project_id: UUID,
    context: Context,
    in_transaction: InTransaction[ItemResults] | None = None,
) -> Executed[ItemResults]:
    """Stop counting many videos of one project in one append.

    Raises:
        NotFoundError: no such project in the organization.
        BusyError: too many writers at once.
    """
    return execute(
        store,
        lambda: handlers.disable_videos(
            video_ids, organization_id=organization_id, project_id=project_id
        ),
        context=context,
        in_transaction=in_transaction,
    )


def discover_videos(
    store: Store,
    creator_id: UUID,
    listed: Sequence[ListedVideo],
    *,
    organization_id: UUID,
    project_id: UUID,
    context: Context,
) -> list[RecordedEvent]:
    """Add each listed video to the project as a video of this creator, in one append.

    Raises:
        BusyError: too many writers at once.
    """
    return execute(
        store,
        lambda: handlers.discover_videos(
            creator_id,
            listed,
            organization_id=organization_id,
            project_id=project_id,
        ),
        context=context,
    ).events


def move_window(
    store: Store,
    creator_id: UUID,
    outside: Mapping[UUID, datetime | None],
    *,
    organization_id: UUID,
    context: Context,
) -> list[RecordedEvent]:
    """Start to track the videos that the creator's tracking window now covers.

    Raises:
        BusyError: too many writers at the same time.
    """
    return execute(
        store,
        lambda: handlers.move_window(
            creator_id, outside, organization_id=organization_id
        ),
        context=context,
    ).events


def report_missing(
    store: Store,
    missing: Mapping[UUID, datetime],
    *,
    scrape_id: UUID,
    context: Context,
) -> list[RecordedEvent]:
    """Record that the run ``scrape_id`` found these videos gone.

    Raises:
        BusyError: too many writers at once.
    """
    return execute(
        store,
        lambda: handlers.report_missing(missing, scrape_id=scrape_id),
        context=context,
    ).events
