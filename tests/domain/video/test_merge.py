"""Single videos of a project that a creator moves into are merged into its own."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain import commands as c
from domain import events as e
from domain.creator.errors import AccountInProjectError
from domain.creator.handlers.move import move_creator
from domain.decisions import ItemResult
from domain.messages import MovedHistory
from domain.streams import (
    account_stream,
    membership_stream,
    merged_annotation,
    merged_run_stream,
    video_stream,
)
from domain.video.errors import VideoMergedError
from domain.video.handlers.merge import SingleObservation, SingleVideo
from domain.video.handlers.videos import (
    ListedVideo,
    add_video,
    change_video,
    discover_videos,
    review_videos,
)
from tests.domain.creator.test_change import ADDED, CLAIM, CLAIMED
from tests.domain.creator.test_move import (
    ELSEWHERE,
    MOVED,
    NEW_CLAIM,
    PROJECTS,
    SPRING,
)
from tests.domain.video.test_videos import ADDED as SINGLE_AT_HOME
from tests.domain.video.test_videos import HOME, ID, NAME, VIDEO, add
from tests.domain.video.test_videos import discovered as found
from tests.kit.builders import ADA, BERTA, NAMES, NOON, ORGANIZATION, PROJECT, SCRAPE
from tests.kit.deciding import decide_on

SINGLE = video_stream(ELSEWHERE, NAME)
NOTE = UUID("88888888-8888-4888-8888-888888888888")
OWN: dict[str, Any] = {"organization_id": ORGANIZATION}
SINGLY_ADDED = e.VideoAdded(
    project_id=ELSEWHERE, tiktok_video_id=ID, pseudonym=NAME, handle="ada",
    kind="video", tags=["Hook", "b"], **OWN,
)  # fmt: skip
MERGED = e.VideoMerged(creator_id=ADA, into_video_id=VIDEO, **OWN)


def given(**streams: Any) -> dict[UUID, Any]:  # noqa: ANN401 - histories
    known: dict[str, Any] = {"own": [found()], "single": [SINGLY_ADDED], **streams}
    return {
        ORGANIZATION: PROJECTS, ADA: [ADDED], CLAIM: [CLAIMED],
        VIDEO: known["own"], SINGLE: known["single"], **known.get("others", {}),
    }  # fmt: skip


def moved(
    known: dict[UUID, Any],
    *,
    history: MovedHistory = "whole",
    notes: tuple[UUID, ...] = (),
    same_user: tuple[UUID, ...] = (),
):
    handler = move_creator(
        ADA,
        c.MoveCreator(project_id=ELSEWHERE, history=history),
        video_ids=(),
        same_account=(),
        singles=[SingleVideo(SINGLE, VIDEO, notes)],
        same_user=same_user,
        organization_id=ORGANIZATION,
        names=NAMES,
    )
    return decide_on(known, handler)


def test_a_single_video_is_merged_into_that_of_the_creator_which_gets_its_tags():
    own = [found(), e.VideoDetailsChanged(tags=["hook", "a"], readme="# Mine", **OWN)]
    details = e.VideoDetailsChanged(readme="# S", metadata={"k": 1}, **OWN)

    decision = moved(given(own=own, single=[SINGLY_ADDED, details]))

    assert decision.events[2:] == [
        (SINGLE, MERGED),
        (
            VIDEO,
            e.VideoDetailsChanged(tags=["hook", "a", "b"], metadata={"k": 1}, **OWN),
        ),
    ]
    assert membership_stream(SINGLE) in decision.guards


@pytest.mark.parametrize(
    ("own", "single", "history", "decided"),
    (
        ("pending_review", [], "whole", [e.VideoIncluded(**OWN)]),
        ("out_of_window", [], "stay", [e.VideoIncluded(**OWN)]),
        (
            "auto_tracked",
            [e.VideoExcluded(**OWN)],
            "whole",
            [e.VideoExcluded(**OWN)],
        ),
        (
            "auto_tracked",
            [e.VideoTrackingDisabled(**OWN)],
            "whole",
            [e.VideoTrackingDisabled(**OWN)],
        ),
        # Counts for the old project are to stay.
        ("auto_tracked", [e.VideoExcluded(**OWN)], "stay", []),
        ("excluded", [e.VideoExcluded(**OWN)], "whole", []),
    ),
)
def test_the_decision_of_the_project_that_it_moves_to_is_taken_over(
    own: e.TrackingStatus,
    single: list[e.Event],
    history: MovedHistory,
    decided: list[e.Event],
):
    known = given(own=[found(own)], single=[SINGLY_ADDED, *single])

    events = moved(known, history=history).events

    ours = [event for stream, event in events if stream == VIDEO]
    assert [each for each in ours if not isinstance(each, e.VideoDetailsChanged)] == (
        decided
    )
    assert (SINGLE, MERGED) in events


def test_campaigns_and_notes_of_a_single_video_get_the_creators_in_its_place():
    item: dict[str, Any] = {"item_type": "video", "item_id": SINGLE, **OWN}
    campaign = e.CampaignCreated(project_id=ELSEWHERE, name="Spring", **OWN)
    note = e.AnnotationAdded(
        scope="video", scope_id=SINGLE, project_id=ELSEWHERE, text="The sale began.",
        starts_on=NOON.date(), ends_on=NOON.date(), **OWN,
    )  # fmt: skip
    others = {
        SPRING: [campaign, e.CampaignItemAdded(**item)],
        membership_stream(SINGLE): [e.CampaignJoined(campaign_id=SPRING, **item)],
        NOTE: [note],
    }

    events = moved(given(others=others), notes=(NOTE,)).events

    theirs = {**item, "item_id": VIDEO}
    assert [each for each in events if each[0] not in {ADA, NEW_CLAIM, VIDEO}] == [
        (SINGLE, MERGED),
        (NOTE, e.AnnotationDeleted(**OWN)),
        (
            merged_annotation(NOTE),
            e.AnnotationAdded(
                scope="video", scope_id=VIDEO, project_id=ELSEWHERE,
                text="The sale began.", starts_on=NOON.date(), ends_on=NOON.date(),
                **OWN,
            ),
        ),
        (SPRING, e.CampaignItemRemoved(**item)),
        (SPRING, e.CampaignItemAdded(**theirs)),
        (membership_stream(SINGLE), e.CampaignLeft(campaign_id=SPRING, **item)),
        (membership_stream(VIDEO), e.CampaignJoined(campaign_id=SPRING, **theirs)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "streams",
    (
        {"single": []},
        {"single": [SINGLY_ADDED, MERGED]},
        {"own": []},
        {"single": [found(), SINGLY_ADDED]},
    ),
    ids=["no single one", "merged before", "none of its own", "another creator's"],
)
def test_nothing_is_merged_that_is_not_a_single_video_and_the_creators(
    streams: dict[str, Any],
):
    decision = moved(given(**streams))

    assert [type(event) for _, event in decision.events] == [
        e.CreatorMoved,
        e.HandleClaimed,
    ]
    # Events that come meanwhile are seen.
    assert SINGLE in decision.guards or not streams.get("own", True)


def test_a_merged_video_takes_no_commands_but_can_be_added_anew():
    known = {ORGANIZATION: HOME, VIDEO: [SINGLE_AT_HOME, MERGED]}
    command = c.DisableTracking()

    with pytest.raises(VideoMergedError) as refused:
        decide_on(known, change_video(VIDEO, command, organization_id=ORGANIZATION))
    review = review_videos(
        [(VIDEO, "include")], organization_id=ORGANIZATION, project_id=PROJECT
    )
    reviewed, again = decide_on(known, review), decide_on(known, add())

    assert refused.value.details == {"mergedInto": VIDEO}
    assert reviewed.result == (ItemResult(VIDEO, "failed", "not_found"),)
    assert again.events == [(VIDEO, SINGLE_AT_HOME)]
    counting = {**known, VIDEO: [*known[VIDEO], *(event for _, event in again.events)]}
    decided = decide_on(
        counting, change_video(VIDEO, command, organization_id=ORGANIZATION)
    )
    assert decided.events == [(VIDEO, e.VideoTrackingDisabled(**OWN))]


def test_a_video_of_who_moved_in_is_the_creators_whatever_handle_its_url_has():
    known = given(single=[])
    known[ADA] = [ADDED, MOVED]
    adding = add_video(
        f"https://www.tiktok.com/@formerly.ada/video/{ID}",
        organization_id=ORGANIZATION,
        project_id=ELSEWHERE,
        command_id=SCRAPE,
        names=NAMES,
        of_creators=[VIDEO],
    )

    decision = decide_on(known, adding)

    assert (decision.result, decision.events) == (VIDEO, [])


def test_a_list_of_who_moved_merges_single_videos_where_the_creator_is_now():
    known = given(own=[])
    known[ADA] = [ADDED, MOVED]

    decision = decide_on(
        known,
        discover_videos(
            ADA,
            [ListedVideo(pseudonym=NAME, tiktok_video_id=ID, scrape_id=SCRAPE)],
            organization_id=ORGANIZATION,
            project_id=ADDED.project_id,
        ),
    )

    assert [(stream, type(event)) for stream, event in decision.events] == [
        (VIDEO, e.VideoDiscovered),
        (SINGLE, e.VideoMerged),
        (VIDEO, e.VideoDetailsChanged),
    ]


def test_observations_of_a_single_video_are_a_run_of_the_creator():
    observed = [
        SingleObservation(NOON, "web", views=5, saves=None),
        SingleObservation(NOON + timedelta(hours=1), "paid", views=7, likes=1),
    ]
    single = SingleVideo(SINGLE, VIDEO, (), observed)
    handler = move_creator(
        ADA,
        c.MoveCreator(project_id=ELSEWHERE, history="whole"),
        video_ids=(),
        same_account=(),
        singles=[single],
        organization_id=ORGANIZATION,
        names=NAMES,
    )

    events = decide_on(given(), handler).events

    run = merged_run_stream(SINGLE, 1)
    requested, first, second, ended = (
        event for stream, event in events if stream == run
    )
    assert isinstance(requested, e.ScrapeRequested)
    assert (requested.creator_id, requested.trigger) == (ADA, "imported")
    assert (requested.video_id, requested.project_id) == (VIDEO, ADDED.project_id)
    assert isinstance(first, e.VideoStatsSnapshotRecorded)
    assert isinstance(second, e.VideoStatsSnapshotRecorded)
    for event, known in zip((first, second), observed, strict=True):
        assert (event.observed_at, event.provider) == (
            known.observed_at,
            known.provider,
        )
        # A time at which the creator was observed would decide about baselines.
        assert (event.creator_id, event.project_id) == (None, ADDED.project_id)
        assert [*event.counts()] == [
            (NAME, known.views, known.likes, known.comments, known.shares, known.saves)
        ]
    assert isinstance(ended, e.ScrapeSucceeded)
    assert ended.observed_at == NOON + timedelta(hours=1)


THERE = e.CreatorAdded(
    project_id=ELSEWHERE, handle="berta", tracking_mode="auto", **OWN
)
REMOVED = e.CreatorRemoved(**OWN)


def pinned(creator_id: UUID, user_id: str = "1") -> dict[UUID, Any]:
    account = e.AccountPinned(creator_id=creator_id, user_id=user_id, **OWN)
    return {account_stream(creator_id, 0): [account]}


@pytest.mark.parametrize("ends", ([], [REMOVED]), ids=["tracked", "removed"])
def test_a_move_to_where_the_account_is_or_was_is_refused_by_name(ends: list[e.Event]):
    others = {BERTA: [THERE, *ends], **pinned(ADA), **pinned(BERTA)}

    with pytest.raises(AccountInProjectError, match="@berta") as refused:
        moved(given(others=others), same_user=(ADA, BERTA))

    assert refused.value.details == {"creatorId": BERTA, "tiktokHandle": "berta"}


def test_who_had_the_handle_there_and_was_removed_is_in_the_way():
    there = e.CreatorAdded(
        project_id=ELSEWHERE, handle="ada", tracking_mode="auto", **OWN
    )
    claim: dict[str, Any] = {
        "project_id": ELSEWHERE, "handle": "ada", "creator_id": BERTA, **OWN
    }  # fmt: skip
    others = {
        BERTA: [there, REMOVED],
        NEW_CLAIM: [e.HandleClaimed(**claim), e.HandleReleased(**claim)],
    }

    with pytest.raises(AccountInProjectError, match="removed"):
        moved(given(others=others))


@pytest.mark.parametrize(
    "others",
    (
        {BERTA: [THERE, REMOVED], **pinned(ADA), **pinned(BERTA, "2")},
        {BERTA: [THERE, REMOVED], **pinned(BERTA)},
        {
            BERTA: [THERE, e.SubjectErased(number=1, figures="drop", **OWN)],
            **pinned(ADA),
            **pinned(BERTA),
        },
        {
            BERTA: [
                THERE,
                e.CreatorMoved(
                    old_project_id=ELSEWHERE,
                    new_project_id=SPRING,
                    history="whole",
                    **OWN,
                ),
            ],
            **pinned(ADA),
            **pinned(BERTA),
        },
    ),
    ids=["another account", "never pinned", "erased", "in a third project"],
)
def test_nobody_else_is_in_the_way(others: dict[UUID, Any]):
    decision = moved(given(others=others), same_user=(BERTA,))

    assert decision.events[0] == (ADA, MOVED)
