"""The policies' rows about each video, to recognize news of it."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

import msgspec
from msgspec.structs import astuple, replace

from domain import events as e
from domain.messages import copied
from domain.video.attributes import VideoAttributes, attributes_of
from domain.video.tracking import Tracking, tracking_after
from domain.video.url import picture_path
from infra.eventstore.store import RecordedEvent

_encode = msgspec.json.Encoder().encode


class KnownVideo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A video of a project, from its own events and the runs that found it.

    ``id`` is its stream. ``creator_id`` is null if the video was added by hand and no
    run of a creator has listed it. ``missing_since`` is the time at which the first
    direct read found it gone, null again once a later run found it.
    ``missing_confirmed`` says whether a second read found it gone.
    ``attribute_digests`` has a digest of each of ``ATTRIBUTES``, and none before the
    first attributes are known.
    """

    organization_id: UUID
    id: UUID
    creator_id: UUID | None
    tiktok_video_id: str
    tracking_status: e.TrackingStatus
    tracking_enabled: bool = True
    kind: str | None = None
    title_digest: int | None = None
    posted_at: datetime | None = None
    thumbnail_digest: int | None = None
    attribute_digests: list[int | None] = []
    missing_since: datetime | None = None
    missing_scrape_id: UUID | None = None
    missing_confirmed: bool = False
    position: int


def digest_of(text: str | None) -> int | None:
    """Return the digest that identifies a text: a signed number of 64 bits."""
    if text is None:
        return None
    digest = blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def attribute_digests(attributes: VideoAttributes | None) -> list[int | None]:
    """Return a digest of each attribute, null where it is null; none without any."""
    if attributes is None:
        return []
    return [
        None if value is None else digest_of(_encode(value).decode())
        for value in astuple(attributes)
    ]


def new_attributes(
    attributes: VideoAttributes | None, known: Sequence[int | None]
) -> VideoAttributes | None:
    """Return the attributes whose digests are not known; None if none is new."""
    if attributes is None or not known:
        return attributes
    stated = zip(astuple(attributes), attribute_digests(attributes), known, strict=True)
    return attributes_of([None if now == old else each for each, now, old in stated])


def after_event(row: KnownVideo | None, recorded: RecordedEvent) -> KnownVideo | None:
    """Return the row of a video after an event of its own stream."""
    event, position = recorded.event, recorded.position
    if row is not None and row.position >= position:
        return row
    if isinstance(event, e.VideoDiscovered):
        return _discovered(row, event, recorded)
    before = row and Tracking(row.tracking_status, row.tracking_enabled)
    tracking = tracking_after(before, event)
    if tracking is None or tracking == before:
        return row
    if row is not None:
        return replace(
            row,
            tracking_status=tracking.status,
            tracking_enabled=tracking.is_enabled,
            position=position,
        )
    assert isinstance(event, e.VideoAdded), "nothing else begins a video"
    return copied(
        event,
        KnownVideo,
        id=recorded.stream,
        creator_id=None,
        tracking_status=tracking.status,
        position=position,
    )


def after_observation(
    row: KnownVideo,
    position: int,
    observed_at: datetime,
    *,
    kind: str | None,
    title: str | None,
    posted_at: datetime | None,
    thumbnail_url: str | None,
    attributes: VideoAttributes | None,
) -> KnownVideo:
    """Return the row after a run that found the video; null details change nothing.

    This ends an absence that began before.
    """
    if row.position >= position:
        return row
    known = (
        *(row.kind, row.title_digest, row.posted_at),
        *(row.thumbnail_digest, row.attribute_digests),
    )
    observed = (
        row.kind if kind is None else kind,
        row.title_digest if title is None else digest_of(title),
        row.posted_at if posted_at is None else posted_at,
        row.thumbnail_digest
        if thumbnail_url is None
        else digest_of(picture_path(thumbnail_url)),
        _digests_after(row, attributes),
    )
    is_back = row.missing_since is not None and row.missing_since <= observed_at
    if observed == known and not is_back:
        return row
    kind, digest, posted_at, thumbnail_digest, digests = observed
    return replace(
        row,
        kind=kind,
        title_digest=digest,
        posted_at=posted_at,
        thumbnail_digest=thumbnail_digest,
        attribute_digests=digests,
        missing_since=None if is_back else row.missing_since,
        missing_scrape_id=None if is_back else row.missing_scrape_id,
        missing_confirmed=row.missing_confirmed and not is_back,
        position=position,
    )


def after_absence(
    row: KnownVideo, position: int, observed_at: datetime, scrape_id: UUID
) -> KnownVideo:
    """Return the row after a direct read in run ``scrape_id`` found the video gone.

    One such read may be the platform's mistake. A later one, in another run, confirms
    it, once until the video is found again.
    """
    if row.position >= position:
        return row
    if row.missing_since is None:
        return replace(
            row,
            missing_since=observed_at,
            missing_scrape_id=scrape_id,
            position=position,
        )
    is_another = scrape_id != row.missing_scrape_id and observed_at > row.missing_since
    if row.missing_confirmed or not is_another:
        return row
    return replace(row, missing_confirmed=True, position=position)


def _discovered(
    row: KnownVideo | None, event: e.VideoDiscovered, recorded: RecordedEvent
) -> KnownVideo:
    if row is None:
        return copied(
            event,
            KnownVideo,
            id=recorded.stream,
            title_digest=digest_of(event.title),
            attribute_digests=attribute_digests(event.attributes),
            position=recorded.position,
        )
    # The video was added by hand before, and stays so.
    tracking = tracking_after(Tracking(row.tracking_status), event)
    assert tracking is not None, "the video was there before"
    return replace(
        row,
        tracking_status=tracking.status,
        creator_id=event.creator_id,
        kind=event.kind or row.kind,
        title_digest=row.title_digest
        if event.title is None
        else digest_of(event.title),
        posted_at=event.posted_at or row.posted_at,
        attribute_digests=_digests_after(row, event.attributes),
        position=recorded.position,
    )


def _digests_after(
    row: KnownVideo, attributes: VideoAttributes | None
) -> list[int | None]:
    digests = attribute_digests(attributes)
    if not digests or not row.attribute_digests:
        return digests or row.attribute_digests
    both = zip(row.attribute_digests, digests, strict=True)
    return [old if new is None else new for old, new in both]
