"""The parts of dated membership: a video counts with its creator, or by itself."""

from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from msgspec.structs import replace

from domain.analytics.membership import Spans, without
from projections.analytics.read.observations import Counted


def with_creators(
    videos: Iterable[Counted], creators: Mapping[UUID, Spans]
) -> Iterator[Counted]:
    """Yield the videos of these creators, counted while their creators are members."""
    for video in videos:
        if video.creator_id is not None and video.creator_id in creators:
            yield replace(video, spans=creators[video.creator_id])


def by_themselves(
    videos: Iterable[Counted], creators: Mapping[UUID, Spans]
) -> Iterator[Counted]:
    """Yield the videos that count while their creators are no members."""
    for video in videos:
        spans = without(
            video.spans or (), creators.get(video.creator_id or video.id, ())
        )
        if spans:
            yield replace(video, spans=spans)
