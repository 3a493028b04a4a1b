"""Given an event, then the sentence that people read of it."""

from datetime import date
from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest

from domain import events as e
from domain.analytics.milestones import FollowerObservation, Milestone
from domain.summaries import SummarizedEvent, actor_label, milestone_summary, summary
from tests.kit.builders import ADA, NOON, ORGANIZATION, PROJECT, SCRAPE

KEY = UUID(int=7)
PERSON = UUID(int=0xADA)
OPS = "key Ops"

OURS: dict[str, Any] = {"organization_id": ORGANIZATION}
RUN: dict[str, Any] = {
    **OURS,
    "creator_id": ADA,
    "provider": "test",
    "attempts": 1,
}
VIDEO: dict[str, Any] = {
    **OURS,
    "project_id": PROJECT,
    "tiktok_video_id": "71",
    "handle": "ada",
}
ADDED = e.CreatorAdded(
    **OURS, project_id=PROJECT, handle="ada", tracking_mode="selective"
)
SEEN = e.ProfileSnapshotRecorded(
    **OURS, creator_id=ADA, observed_at=NOON, provider="test"
)
REQUESTED = e.ScrapeRequested(
    **OURS,
    project_id=PROJECT,
    creator_id=ADA,
    handle="ada",
    job_type="creator_profiles",
    trigger="manual",
)
SUCCEEDED = e.ScrapeSucceeded(
    **RUN, job_type="discover_videos", observed_at=NOON, duration_ms=5
)
FAILED = e.ScrapeFailed(**RUN, job_type="video_stats", error="Nobody answered.")
COUNTED = e.VideoStatsSnapshotRecorded(
    **OURS,
    creator_id=ADA,
    observed_at=NOON,
    provider="test",
    video_ids=("71", "72"),
    view_counts=(1, 2),
    like_counts=(1, 2),
    comment_counts=(1, 2),
    share_counts=(1, 2),
    save_counts=(1, 2),
)
MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
CREATED = e.CampaignCreated(**OURS, project_id=PROJECT, name="Spring")
ITEM: dict[str, Any] = {**OURS, "item_type": "creator", "item_id": ADA}

changed = msgspec.structs.replace

SENTENCES: list[tuple[SummarizedEvent, str]] = [
    (ADDED, "Added as @ada, with new videos reviewed first, by key Ops."),
    (
        changed(ADDED, tracking_start_date=MAY),
        (
            "Added as @ada, tracked from 2026-05-01 on, with new videos reviewed "
            "first, by key Ops."
        ),
    ),
    (
        changed(ADDED, tags=["Spring", "tier A"]),
        (
            "Added as @ada, with new videos reviewed first, tagged Spring, tier A, "
            "by key Ops."
        ),
    ),
    (
        e.CreatorDetailsChanged(**OURS, tags=["Spring", "tier A"]),
        "Tags set to Spring, tier A by key Ops.",
    ),
    (e.CreatorDetailsChanged(**OURS, tags=[]), "Tags cleared by key Ops."),
    (
        e.HandleChanged(**OURS, old="a", new="b"),
        "Renamed from @a to @b by key Ops.",
    ),
    (
        e.CreatorDetailsChanged(**OURS, display_name="Ada"),
        'Display name set to "Ada" by key Ops.',
    ),
    (
        e.CreatorDetailsChanged(
            **OURS, display_name=None, description=None, readme="New", metadata={}
        ),
        (
            "Display name cleared, description cleared, readme changed and metadata "
            "changed by key Ops."
        ),
    ),
    (
        e.TrackingModeChanged(**OURS, old="auto", new="selective"),
        "New videos changed from included at once to reviewed first by key Ops.",
    ),
    (
        e.TrackingWindowChanged(
            **OURS, tracking_start_date=MAY, tracking_end_date=JUNE
        ),
        "Tracking window changed: from 2026-05-01 until 2026-06-01, by key Ops.",
    ),
    (
        e.TrackingWindowChanged(**OURS, tracking_end_date=JUNE),
        "Tracking window changed: until 2026-06-01, by key Ops.",
    ),
    (
        e.TrackingWindowChanged(**OURS),
        "Tracking window changed: any time, by key Ops.",
    ),
    (
        e.CreatorMoved(
            **OURS, old_project_id=SCRAPE, new_project_id=SCRAPE, history="whole"
        ),
        "Moved to another project by key Ops.",
    ),
    (
        e.CreatorMoved(
            **OURS, old_project_id=SCRAPE, new_project_id=SCRAPE, history="stay"
        ),
        "Moved to another project; its numbers until then stay, by key Ops.",
    ),
    (
        e.CreatorConnected(**OURS, provider="display", scopes=(), open_id="o"),
        "Connected: the creator allows us to read their account, by key Ops.",
    ),
    (
        e.CreatorConnectionLost(**OURS, provider="display", reason="revoked_there"),
        (
            "Connection ended, because the creator withdrew their consent at TikTok, "
            "by key Ops."
        ),
    ),
    (e.CreatorRemoved(**OURS), "Removed by key Ops."),
    (
        e.SubjectErased(**OURS, number=7, figures="anonymous"),
        "Erased: the figures stay without a name, by key Ops.",
    ),
    (
        e.SubjectErased(**OURS, number=7, figures="drop"),
        "Erased: the figures are gone, by key Ops.",
    ),
    (
        e.CreatorReactivated(**OURS, tracking_mode="auto"),
        "Brought back, with new videos included at once, by key Ops.",
    ),
    (
        e.CreatorAutoDisabled(**OURS, verdict="private", scrape_id=SCRAPE),
        "Disabled, because the account is private, by key Ops.",
    ),
    (e.CreatorDisabled(**OURS), "Disabled by key Ops."),
    (
        e.CreatorContactChanged(**OURS, has_address=True),
        "Contact address set by key Ops.",
    ),
    (
        e.CreatorContactChanged(**OURS, has_address=False),
        "Contact address removed by key Ops.",
    ),
    (e.CreatorOptedOut(**OURS, at=NOON), "Opted out of mails by key Ops."),
    (e.CreatorReenabled(**OURS, at=NOON), "Re-enabled by key Ops."),
    (REQUESTED, "Scrape of the profile asked for by key Ops."),
    (
        changed(REQUESTED, job_type="discover_videos", trigger="renamed"),
        "Scrape of new videos asked for by key Ops, because the creator was renamed.",
    ),
    (SEEN, "Profile seen, without figures."),
    (
        changed(SEEN, follower_count=12_345, video_count=0, precision="rounded"),
        "Profile seen with 12,345 followers and 0 videos (rounded).",
    ),
    (
        changed(SEEN, follower_count=1, following_count=2, total_likes_count=3),
        "Profile seen with 1 follower, 2 following and 3 likes.",
    ),
    (COUNTED, "Figures of 2 videos seen."),
    (SUCCEEDED, "Scrape of new videos succeeded."),
    (
        changed(
            SUCCEEDED,
            provider="web",
            listed="partial",
            tried=(
                e.TriedSource(provider="paid", outcome="blocked", duration_ms=1),
                e.TriedSource(provider="display", outcome="transient", duration_ms=1),
            ),
        ),
        (
            "Scrape of new videos succeeded by web, besides paid (blocked) and "
            "display (transient) (not all videos were listed)."
        ),
    ),
    (
        changed(
            SUCCEEDED,
            attempts=3,
            profile_observed=True,
            videos_observed=1_200,
            missing_video_ids=("71",),
        ),
        (
            "Scrape of new videos succeeded at attempt 3: the profile seen, 1,200 "
            "videos seen and 1 video found gone."
        ),
    ),
    (
        FAILED,
        "Scrape of video figures failed after 1 attempt: Nobody answered.",
    ),
    (
        changed(FAILED, attempts=5, outcome="private"),
        "Scrape of video figures failed as private after 5 attempts: Nobody answered.",
    ),
    (
        e.VideoDiscovered(
            **VIDEO, creator_id=ADA, tracking_status="auto_tracked", scrape_id=SCRAPE
        ),
        "Video 71 found and included by key Ops.",
    ),
    (e.VideoAdded(**VIDEO, kind="video"), "Video 71 added by key Ops."),
    (
        e.VideoCameIntoWindow(**OURS, tracking_status="pending_review"),
        "Video 71 came into the tracking window and waits in the inbox, by key Ops.",
    ),
    (e.VideoIncluded(**OURS), "Video 71 included by key Ops."),
    (e.VideoExcluded(**OURS), "Video 71 removed by key Ops."),
    (
        e.VideoMerged(**OURS, creator_id=ADA, into_video_id=SCRAPE),
        "Video 71, added by its URL, merged with the creator's by key Ops.",
    ),
    (e.VideoPutBack(**OURS), "Video 71 put back into the inbox by key Ops."),
    (e.VideoTrackingDisabled(**OURS), "Video 71 excluded by key Ops."),
    (e.VideoDetailsChanged(**OURS), "Details of video 71 changed by key Ops."),
    (
        e.VideoDetailsChanged(**OURS, tags=["Hook", "b"]),
        "Tags of video 71 set to Hook, b by key Ops.",
    ),
    (
        e.VideoDetailsChanged(**OURS, tags=[], readme=None),
        "Details of video 71 changed, tags cleared by key Ops.",
    ),
    (
        e.VideoWentMissing(**OURS, missing_since=NOON, scrape_id=SCRAPE),
        "Video 71 reported missing since 2026-03-01 by key Ops.",
    ),
    (
        e.VideoTookOff(
            **OURS,
            age_days=1,
            views=45_000,
            peer_median=7_031.5,
            peers=9,
            outlier_factor=6.399772,
        ),
        (
            "Video 71 reported as taking off (45,000 views after 1 day, 6.4 times as "
            "many as usual for the creator) by key Ops."
        ),
    ),
    (CREATED, 'Created as "Spring" by key Ops.'),
    (
        changed(CREATED, starts_on=MAY),
        'Created as "Spring" from 2026-05-01 on by key Ops.',
    ),
    (
        changed(CREATED, starts_on=MAY, ends_on=JUNE),
        'Created as "Spring" from 2026-05-01 until 2026-06-01 by key Ops.',
    ),
    (
        e.CampaignDetailsChanged(**OURS, name="May", description=None, starts_on=MAY),
        (
            'Renamed to "May", description cleared and first day set to 2026-05-01 by '
            "key Ops."
        ),
    ),
    (
        e.CampaignDetailsChanged(**OURS, readme="New", metadata={}, ends_on=None),
        "Readme changed, metadata changed and last day cleared by key Ops.",
    ),
    (
        e.CampaignTargetChanged(**OURS, target_views=10_000_000, target_at=NOON),
        "Target set to 10,000,000 views until 2026-03-01 12:00 UTC by key Ops.",
    ),
    (
        e.CampaignTargetChanged(**OURS, target_views=1),
        "Target set to 1 view by key Ops.",
    ),
    (
        e.CampaignTargetChanged(**OURS, target_views=2, target_scope="gained"),
        "Target set to 2 views gained in its days by key Ops.",
    ),
    (
        e.CampaignTargetChanged(**OURS, target_scope="posts_in_days"),
        "No target is set; views of videos posted in its days would count by key Ops.",
    ),
    (
        e.CampaignTargetChanged(
            **OURS,
            target_views=7,
            target_posts=2,
            target_engagement=1,
            target_scope="lifetime",
        ),
        "Target set to 7 views, 2 posts and 1 engagement of all time by key Ops.",
    ),
    (
        e.CampaignTargetReached(
            **OURS,
            metric="views",
            target=1_000,
            target_scope="gained",
            reached=1_003,
            reached_at=NOON,
        ),
        (
            "Target reported as reached (1,003 of 1,000 views gained in its days) by "
            "key Ops."
        ),
    ),
    (
        e.CampaignTargetMissed(
            **OURS,
            metric="posts",
            target=12,
            target_scope="gained",
            reached=9,
            target_at=NOON,
        ),
        "Target reported as missed (9 of 12 posts in its days) by key Ops.",
    ),
    (
        e.CampaignDetailsChanged(**OURS, cost_minor=120_050, currency="EUR"),
        "Cost set to 1,200.50 EUR by key Ops.",
    ),
    (e.CampaignDetailsChanged(**OURS, cost_minor=7), "Cost changed by key Ops."),
    (
        e.CampaignDetailsChanged(**OURS, cost_minor=None, currency=None),
        "Cost cleared by key Ops.",
    ),
    (
        e.CampaignDetailsChanged(**OURS, currency="USD"),
        "Currency set to USD by key Ops.",
    ),
    (e.CampaignTargetChanged(**OURS), "Target cleared by key Ops."),
    (
        e.CampaignTargetChanged(**OURS, target_at=NOON),
        "Target cleared, its time stays until 2026-03-01 12:00 UTC by key Ops.",
    ),
    (e.CampaignItemAdded(**ITEM), "Creator @ada added by key Ops."),
    (e.CampaignItemRemoved(**ITEM), "Creator @ada taken out by key Ops."),
    (
        e.EarlierTextsForgotten(**OURS, kind="campaign", of=ADA, subject=ADA),
        "Earlier names and notes forgotten by key Ops.",
    ),
    (e.CampaignDeleted(**OURS), "Deleted by key Ops."),
    (
        e.CampaignJoined(**ITEM, campaign_id=SCRAPE),
        "Put into creator @ada by key Ops.",
    ),
    (
        e.CampaignLeft(**ITEM, campaign_id=SCRAPE),
        "Taken out of creator @ada by key Ops.",
    ),
]


@pytest.mark.parametrize(("event", "reported"), SENTENCES)
def test_an_event_is_told_in_one_plain_sentence(event: SummarizedEvent, reported: str):
    sentence = summary(event, by=OPS, video="71", item="creator @ada")

    assert sentence == reported


def test_every_event_of_a_creators_history_is_told_above():
    assert {type(event) for event, _ in SENTENCES} == set(get_args(SummarizedEvent))


def test_a_milestone_says_what_was_passed_and_what_was_seen():
    passed = Milestone(10_000, FollowerObservation(NOON, 5, 10_234))

    assert milestone_summary(passed) == "Passed 10,000 followers, with 10,234 seen."
    assert milestone_summary(passed, is_rounded=True) == (
        "Passed 10,000 followers, with 10,234 seen (rounded)."
    )
    assert milestone_summary(passed, is_sharpened=True) == (
        "Passed 10,000 followers, with 10,234 seen, when a rounded number became exact."
    )


@pytest.mark.parametrize(
    ("actor", "name"),
    (
        (f"key:{KEY}", "key Ops"),
        (f"key:{UUID(int=8)}", "a key"),
        ("key:of old", "key:of old"),
        (f"person:{PERSON}", "Ada Alm"),
        (f"person:{UUID(int=8)}", "an erased person"),
        ("person:of old", "person:of old"),
        ("schedule", "the schedule"),
        ("cli", "the command line"),
        ("worker:replay", "the worker (replay)"),
        ("policy:auto_disable", "Goatherd"),
        ("policy:of_later", "policy:of_later"),
    ),
)
def test_who_did_it_has_a_name(actor: str, name: str):
    assert actor_label(actor, {KEY: "Ops", PERSON: "Ada Alm"}) == name
