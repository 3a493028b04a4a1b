"""Exporting: what the runs of an organization saw, as observations of a recording."""

from collections.abc import Iterator
from datetime import datetime
from typing import get_args

import msgspec

from domain import events as e
from infra.eventstore.codec import Codec
from projections.event_log import OrganizationLog, SeenFact, Span
from workers.provider import ProfileSeen, VideoSeen
from workers.recordings.file_format import Observation, RecordedOutcome

_OUTCOMES: dict[str | None, RecordedOutcome] = {
    outcome: outcome for outcome in get_args(RecordedOutcome)
}


class Seen(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An observation, and which run made it; ids are text, made once a run."""

    position: int
    scrape_id: str
    project_id: str
    creator_id: str | None
    provider: str
    observation: Observation


def observations(log: OrganizationLog, span: Span) -> Iterator[tuple[int, list[Seen]]]:
    """Yield how many positions more were passed, and what was observed there.

    Of a run that failed the outcome is what was observed, when it was recorded unless
    it was imported. Runs that recordings have no word for are left out: those that
    were given up before anybody looked, and those that found another account.

    A page's last part alone says what was passed: of one page there may be hundreds
    of thousands.

    Raises:
        UnknownFactError: the log holds a fact that cannot be read.
    """
    codec = Codec()
    for passed, facts in log.seen(span):
        for fact in facts:
            yield 0, list(_observed(fact, codec))
        yield passed, []


def _observed(seen: SeenFact, codec: Codec) -> Iterator[Seen]:
    asked = codec.decode("scrape_requested", seen.asked)
    fact = codec.decode(seen.name, seen.body)
    assert isinstance(asked, e.ScrapeRequested)
    match fact:
        case e.ProfileSnapshotRecorded():
            found = iter([_profile(fact, asked.handle)])
        case e.VideoStatsSnapshotRecorded():
            found = _videos(fact, asked.handle)
        case e.ScrapeFailed():
            found = _outcome(fact, asked.handle, recorded_at=seen.recorded_at)
        case _:
            return
    scrape_id = str(seen.scrape_id)
    project_id = str(asked.project_id)
    creator_id = None if asked.creator_id is None else str(asked.creator_id)
    for observation in found:
        yield Seen(
            position=seen.position,
            scrape_id=scrape_id,
            project_id=project_id,
            creator_id=creator_id,
            provider=fact.provider,
            observation=observation,
        )


def _profile(fact: e.ProfileSnapshotRecorded, handle: str) -> Observation:
    return Observation(
        observed_at=fact.observed_at,
        handle=handle,
        profile=ProfileSeen(
            user_id=fact.user_id,
            sec_uid=fact.sec_uid,
            display_name=fact.display_name,
            avatar_url=fact.avatar_url,
            follower_count=fact.follower_count,
            following_count=fact.following_count,
            total_likes_count=fact.total_likes_count,
            video_count=fact.video_count,
            precision=fact.precision,
        ),
    )


def _videos(fact: e.VideoStatsSnapshotRecorded, handle: str) -> Iterator[Observation]:
    nobody = (None,) * len(fact.video_ids)
    for name, views, likes, comments, shares, saves, kind, title, posted_at in zip(
        fact.video_ids,
        fact.view_counts,
        fact.like_counts,
        fact.comment_counts,
        fact.share_counts,
        fact.save_counts,
        fact.kinds or nobody,
        fact.titles or nobody,
        fact.posted_at or nobody,
        strict=True,
    ):
        yield Observation(
            observed_at=fact.observed_at,
            handle=handle,
            video=VideoSeen(
                tiktok_video_id=name,
                title=title,
                kind="photo" if kind == "photo" else "video" if kind else None,
                posted_at=posted_at,
                view_count=views,
                like_count=likes,
                comment_count=comments,
                share_count=shares,
                save_count=saves,
            ),
        )


def _outcome(
    fact: e.ScrapeFailed, handle: str, *, recorded_at: datetime
) -> Iterator[Observation]:
    outcome = _OUTCOMES.get(fact.outcome)
    if outcome is not None:
        yield Observation(
            observed_at=fact.observed_at or recorded_at, handle=handle, outcome=outcome
        )
