from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain import commands as c
from domain import events as e
from domain.decisions import ItemResult
from domain.errors import CreatorBannedError, NotFoundError, StaleVersionError
from domain.streams import erased_bans_stream, scrape_stream, video_stream
from domain.video.handlers import videos as handlers
from domain.video.handlers.videos import ListedVideo
from tests.kit.builders import ADA, NAMES, NOON, ORGANIZATION, PROJECT, SCRAPE
from tests.kit.deciding import decide_on

COMMAND = UUID("00000000-0000-4000-8000-0000000000c0")
ID = "7185729796075474222"
OTHER_ID = "7185729796075474223"
URL = f"https://www.tiktok.com/@ada/video/{ID}"
NAME, OTHER_NAME = NAMES.pseudonym(ID), NAMES.pseudonym(OTHER_ID)
VIDEO, OTHER = video_stream(PROJECT, NAME), video_stream(PROJECT, OTHER_NAME)
BAN = NAMES.ban_stream("ada")
IN_PROJECT: dict[str, Any] = {"organization_id": ORGANIZATION, "project_id": PROJECT}
OWN: dict[str, Any] = {"organization_id": ORGANIZATION}
HOME: list[e.Event] = [
    e.OrganizationCreated(name="Goats", plan="free", time_zone="UTC"),
    e.ProjectCreated(project_id=PROJECT, name="Spring"),
]
CREATOR = e.CreatorAdded(
    handle="ada",
    tracking_mode="auto",
    tracking_start_date=date(2026, 3, 1),
    **IN_PROJECT,
)
ADDED = e.VideoAdded(
    tiktok_video_id=ID, pseudonym=NAME, handle="ada", kind="video", **IN_PROJECT
)
EXCLUDED = e.VideoExcluded(**OWN)


def discovered(
    status: e.TrackingStatus = "auto_tracked",
    tiktok_video_id: str = ID,
    posted_at: datetime | None = None,
) -> e.VideoDiscovered:
    return e.VideoDiscovered(
        creator_id=ADA,
        tiktok_video_id=tiktok_video_id,
        pseudonym=NAMES.pseudonym(tiktok_video_id),
        handle="ada",
        tracking_status=status,
        scrape_id=SCRAPE,
        posted_at=posted_at,
        **IN_PROJECT,
    )


def add():
    return handlers.add_video(URL, command_id=COMMAND, names=NAMES, **IN_PROJECT)


def test_a_new_video_is_added_and_scraped():
    decision = decide_on({ORGANIZATION: HOME}, add())

    assert decision.result == VIDEO
    assert decision.events == [
        (VIDEO, ADDED),
        (
            scrape_stream(COMMAND, VIDEO, "video_stats"),
            e.ScrapeRequested(
                creator_id=None,
                handle="ada",
                job_type="video_stats",
                trigger="added",
                tiktok_video_ids=(ID,),
                video_id=VIDEO,
                **IN_PROJECT,
            ),
        ),
    ]
    assert decision.guards == [BAN, erased_bans_stream(ORGANIZATION)]


def test_a_video_that_was_excluded_is_added_without_another_scrape():
    decision = decide_on({ORGANIZATION: HOME, VIDEO: [ADDED, EXCLUDED]}, add())

    assert decision.events == [(VIDEO, ADDED)]


def test_a_ban_keeps_out_what_is_not_tracked_yet():
    given = {ORGANIZATION: HOME, BAN: [e.HandleBanned(handle="ada")]}

    with pytest.raises(CreatorBannedError):
        decide_on(given, add())
    assert decide_on({**given, VIDEO: [ADDED]}, add()).events == []


def test_a_change_is_refused_of_an_excluded_or_a_stale_video():
    command = c.DisableTracking()

    with pytest.raises(NotFoundError):
        decide_on(
            {VIDEO: [ADDED, EXCLUDED]}, handlers.change_video(VIDEO, command, **OWN)
        )
    with pytest.raises(StaleVersionError):
        decide_on(
            {VIDEO: [ADDED]},
            handlers.change_video(VIDEO, command, expected_versions=[2], **OWN),
        )


def test_decisions_about_one_video_are_taken_in_order():
    decision = decide_on(
        {ORGANIZATION: HOME, VIDEO: [discovered("pending_review")]},
        handlers.review_videos(
            [
                (VIDEO, "exclude"),
                (OTHER, "include"),
                (VIDEO, "exclude"),
                (VIDEO, "put_back"),
            ],
            **IN_PROJECT,
        ),
    )

    assert decision.result == (
        ItemResult(VIDEO, "ok"),
        ItemResult(OTHER, "failed", "not_found"),
        ItemResult(VIDEO, "skipped", "already excluded"),
        ItemResult(VIDEO, "ok"),
    )
    assert decision.events == [(VIDEO, EXCLUDED), (VIDEO, e.VideoPutBack(**OWN))]


def test_an_excluded_video_is_not_found_by_who_would_disable_it():
    decision = decide_on(
        {ORGANIZATION: HOME, VIDEO: [ADDED, EXCLUDED]},
        handlers.disable_videos([VIDEO], **IN_PROJECT),
    )

    assert decision.result == (ItemResult(VIDEO, "failed", "not_found"),)


def test_listed_videos_are_discovered_by_the_window_of_the_creator():
    before = datetime(2026, 2, 28, 23, 59, tzinfo=UTC)
    listed = [
        ListedVideo(
            pseudonym=NAME, tiktok_video_id=ID, scrape_id=SCRAPE, posted_at=NOON
        ),
        ListedVideo(
            pseudonym=OTHER_NAME,
            tiktok_video_id=OTHER_ID,
            scrape_id=SCRAPE,
            posted_at=before,
        ),
    ]
    decision = decide_on(
        {ORGANIZATION: HOME, ADA: [CREATOR]},
        handlers.discover_videos(ADA, listed, **IN_PROJECT),
    )

    assert decision.events == [
        (VIDEO, discovered(posted_at=NOON)),
        (OTHER, discovered("out_of_window", OTHER_ID, before)),
    ]
    assert decision.guards == [ADA, ORGANIZATION]


@pytest.mark.parametrize(
    "given",
    (
        {ADA: [CREATOR, e.CreatorRemoved(**OWN)]},
        {ADA: []},
        {ADA: [CREATOR], VIDEO: [discovered()]},
    ),
)
def test_nothing_is_discovered_of_nobody_and_twice(given: dict[UUID, list[e.Event]]):
    listed = [
        ListedVideo(
            pseudonym=NAME, tiktok_video_id=ID, scrape_id=SCRAPE, posted_at=NOON
        )
    ]
    decision = decide_on(
        {ORGANIZATION: HOME, **given},
        handlers.discover_videos(ADA, listed, **IN_PROJECT),
    )

    assert list(decision.events) == []


def test_a_window_that_grew_brings_in_what_lies_in_it_now():
    decision = decide_on(
        {
            ORGANIZATION: HOME,
            ADA: [CREATOR],
            VIDEO: [discovered("out_of_window")],
            OTHER: [discovered("out_of_window", OTHER_ID)],
        },
        handlers.move_window(
            ADA, {VIDEO: NOON, OTHER: NOON - timedelta(days=1)}, **OWN
        ),
    )

    assert decision.events == [
        (VIDEO, e.VideoCameIntoWindow(tracking_status="auto_tracked", **OWN))
    ]
    assert decision.guards == [ADA, ORGANIZATION]


def test_an_absence_is_reported_of_videos_that_are_known():
    decision = decide_on(
        {VIDEO: [ADDED]},
        handlers.report_missing({VIDEO: NOON, OTHER: NOON}, scrape_id=SCRAPE),
    )

    assert decision.events == [
        (VIDEO, e.VideoWentMissing(missing_since=NOON, scrape_id=SCRAPE, **OWN))
    ]
