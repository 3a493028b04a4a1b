from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.creator import erased_bans
from domain.decisions import Decision, ItemResults, QuotaCounter
from domain.errors import (
    AnotherAccountError,
    CannotRetryError,
    CreatorRemovedError,
    NotFoundError,
)
from domain.organization.plans import DEFAULT_PLANS
from domain.scrape.handlers import retries
from domain.scrape.handlers import scrapes as handlers
from domain.scrape.handlers.scrapes import RequestedRun, RequestedVideoRun
from domain.streams import (
    account_stream,
    erased_bans_stream,
    manual_scrapes_counter,
    retry_stream,
    scrape_stream,
    video_stream,
)
from tests.kit.builders import (
    ADA,
    ANOTHER_SCRAPE,
    NAMES,
    NOON,
    ORGANIZATION,
    PROJECT,
    SCRAPE,
)
from tests.kit.deciding import decide_on

COMMAND = UUID("00000000-0000-4000-8000-0000000000c0")
ID = "7185729796075474222"
VIDEO = video_stream(PROJECT, ID)
AGAIN = retry_stream(SCRAPE)
IN_PROJECT: dict[str, Any] = {"organization_id": ORGANIZATION, "project_id": PROJECT}
OWN: dict[str, Any] = {"organization_id": ORGANIZATION}
HOME: list[e.Event] = [
    e.OrganizationCreated(name="Goats", plan="free", time_zone="UTC")
]
CREATOR = e.CreatorAdded(handle="ada", tracking_mode="auto", **IN_PROJECT)
RENAMED = e.HandleChanged(old="ada", new="lovelace", **OWN)
REMOVED = e.CreatorRemoved(**OWN)
ADDED = e.VideoAdded(tiktok_video_id=ID, handle="ada", kind="video", **IN_PROJECT)
DISCOVERED = e.VideoDiscovered(
    creator_id=ADA,
    tiktok_video_id=ID,
    handle="ada",
    tracking_status="auto_tracked",
    scrape_id=SCRAPE,
    **IN_PROJECT,
)
ONE_MORE = [
    QuotaCounter(
        key=manual_scrapes_counter(ORGANIZATION, NOON.date()),
        delta=1,
        limit_key="max_manual_scrape_triggers_per_day",
        maximum=1,
    )
]
BY_HAND: dict[str, Any] = {
    "organization_id": ORGANIZATION,
    "plans": DEFAULT_PLANS,
    "now": NOON,
}


def request(
    handle: str = "ada",
    *,
    creator_id: UUID | None = ADA,
    job_type: e.JobType = "creator_profiles",
    ids: tuple[str, ...] = (),
) -> e.ScrapeRequested:
    return e.ScrapeRequested(
        creator_id=creator_id,
        handle=handle,
        job_type=job_type,
        trigger="manual",
        tiktok_video_ids=ids,
        **IN_PROJECT,
    )


def failed(creator_id: UUID | None = ADA) -> e.ScrapeFailed:
    return e.ScrapeFailed(
        creator_id=creator_id,
        job_type="creator_profiles",
        provider="web",
        attempts=3,
        error="Blocked",
        **OWN,
    )


def test_a_creator_s_run_is_requested_against_the_day_s_quota():
    decision = decide_on(
        {ORGANIZATION: HOME, ADA: [CREATOR]},
        handlers.request_scrape(
            ADA, job_type="creator_profiles", command_id=COMMAND, **BY_HAND
        ),
    )

    run = scrape_stream(COMMAND, ADA, "creator_profiles")
    assert decision.result == RequestedRun(
        scrape_id=run, creator_id=ADA, job_type="creator_profiles"
    )
    assert decision.events == [(run, request())]
    assert decision.guards == [ADA]
    assert decision.quota_counters == ONE_MORE


@pytest.mark.parametrize(
    ("history", "refusal"),
    (([], NotFoundError), ([CREATOR, REMOVED], CreatorRemovedError)),
)
def test_no_run_is_requested_of_who_is_not_tracked(
    history: list[e.Event], refusal: type[Exception]
):
    with pytest.raises(refusal):
        decide_on(
            {ORGANIZATION: HOME, ADA: history},
            handlers.request_scrape(
                ADA, job_type="creator_profiles", command_id=COMMAND, **BY_HAND
            ),
        )


@pytest.mark.parametrize(
    ("video", "creator", "creator_id", "handle", "guards"),
    (
        ([ADDED], [], None, "ada", [VIDEO]),
        ([DISCOVERED], [CREATOR, RENAMED], ADA, "lovelace", [VIDEO, ADA]),
        ([ADDED, DISCOVERED], [CREATOR, REMOVED], None, "ada", [VIDEO, ADA]),
    ),
)
def test_a_video_s_run_is_its_creator_s_while_there_is_one(
    video: list[e.Event],
    creator: list[e.Event],
    creator_id: UUID | None,
    handle: str,
    guards: list[UUID],
):
    decision = decide_on(
        {ORGANIZATION: HOME, VIDEO: video, ADA: creator},
        handlers.request_video_scrape(VIDEO, command_id=COMMAND, **BY_HAND),
    )

    run = scrape_stream(COMMAND, VIDEO, "video_stats")
    assert decision.result == RequestedVideoRun(
        scrape_id=run, creator_id=creator_id, job_type="video_stats", video_id=VIDEO
    )
    assert decision.events == [
        (
            run,
            replace(
                request(
                    handle, creator_id=creator_id, job_type="video_stats", ids=(ID,)
                ),
                video_id=VIDEO,
            ),
        )
    ]
    assert [*decision.guards] == guards
    assert decision.quota_counters == ONE_MORE


def test_a_video_that_goes_with_its_creator_is_not_scraped_without():
    with pytest.raises(CreatorRemovedError):
        decide_on(
            {ORGANIZATION: HOME, VIDEO: [DISCOVERED], ADA: [CREATOR, REMOVED]},
            handlers.request_video_scrape(VIDEO, command_id=COMMAND, **BY_HAND),
        )


def test_a_failed_run_is_requested_again_under_the_present_handle():
    decision = decide_on(
        {
            ORGANIZATION: HOME,
            SCRAPE: [request(), failed()],
            ADA: [CREATOR, RENAMED],
        },
        retries.retry_scrape(SCRAPE, **BY_HAND),
    )

    assert decision.events == [(AGAIN, request("lovelace"))]
    assert decision.guards == [ADA]
    assert decision.quota_counters == ONE_MORE


def test_a_run_that_was_retried_is_not_retried_again():
    decision = decide_on(
        {ORGANIZATION: HOME, SCRAPE: [request(), failed()], AGAIN: [request()]},
        retries.retry_scrape(SCRAPE, **BY_HAND),
    )

    assert decision.result.scrape_id == AGAIN
    assert decision.events == ()
    assert decision.quota_counters == ()


@pytest.mark.parametrize(
    ("given", "refusal"),
    (
        ({SCRAPE: []}, NotFoundError),
        ({SCRAPE: [request()]}, CannotRetryError),
        ({ADA: [CREATOR, REMOVED]}, CreatorRemovedError),
        (
            {
                SCRAPE: [request(creator_id=None, ids=(ID,)), failed(None)],
                VIDEO: [ADDED, e.VideoExcluded(**OWN)],
            },
            CannotRetryError,
        ),
    ),
)
def test_a_retry_is_refused(given: dict[UUID, list[e.Event]], refusal: type[Exception]):
    histories = {
        ORGANIZATION: HOME,
        SCRAPE: [request(), failed()],
        ADA: [CREATOR],
        **given,
    }

    with pytest.raises(refusal):
        decide_on(histories, retries.retry_scrape(SCRAPE, **BY_HAND))


def test_a_run_ends_once():
    end = c.RecordFailure(provider="web", attempts=3, error="Blocked")

    first = decide_on(
        {SCRAPE: [request()]}, handlers.end_scrape(SCRAPE, end, names=NAMES)
    )
    again = decide_on(
        {SCRAPE: [request(), failed()]}, handlers.end_scrape(SCRAPE, end, names=NAMES)
    )

    assert first.events == [(SCRAPE, failed())]
    assert again.events == []
    with pytest.raises(NotFoundError):
        decide_on({}, handlers.end_scrape(SCRAPE, end, names=NAMES))


ACCOUNT = account_stream(ADA, 0)
ACCOUNT_OF_RETURN = account_stream(ADA, 1)
BACK = e.CreatorReactivated(tracking_mode="auto", **OWN)


def pinned(user_id: str) -> e.AccountPinned:
    return e.AccountPinned(creator_id=ADA, user_id=user_id, **OWN)


def result(user_id: str | None, *, known: str | None = None) -> c.RecordResult:
    return c.RecordResult(
        provider="web",
        observed_at=NOON,
        attempts=1,
        duration_ms=9,
        profile=c.ProfileSnapshot(user_id=user_id, follower_count=3),
        known_user_id=known,
    )


@pytest.mark.parametrize(
    ("given", "seen", "stream", "pins", "guards"),
    (
        ({ADA: [CREATOR]}, result("6"), ACCOUNT, ["6"], [ADA]),
        ({ADA: [CREATOR]}, result("6", known="6"), ACCOUNT, ["6"], [ADA]),
        (
            {ADA: [CREATOR, RENAMED], ACCOUNT: [pinned("6")]},
            result("6"),
            ACCOUNT,
            [],
            [ADA, ACCOUNT],
        ),
        (
            {ADA: [CREATOR, REMOVED, BACK], ACCOUNT: [pinned("6")]},
            result("7"),
            ACCOUNT_OF_RETURN,
            ["7"],
            [ADA],
        ),
        ({ADA: [CREATOR], ACCOUNT: [pinned("6")]}, result(None), ACCOUNT, [], [ADA]),
    ),
    ids=["first", "known by the table", "same", "came back", "no id"],
)
def test_the_first_profile_of_an_account_pins_the_creator_to_it(
    given: dict[UUID, list[e.Event]],
    seen: c.RecordResult,
    stream: UUID,
    pins: list[str],
    guards: list[UUID],
):
    decision = decide_on(
        {SCRAPE: [request()], **given}, handlers.end_scrape(SCRAPE, seen, names=NAMES)
    )

    assert [event.stored_name for on, event in decision.events if on == SCRAPE] == [
        "profile_snapshot_recorded",
        "scrape_succeeded",
    ]
    assert [end for end in decision.events if end[0] != SCRAPE] == [
        (stream, pinned(user_id)) for user_id in pins
    ]
    assert [*decision.guards] == guards


FIRST = UUID("00000000-0000-4000-8000-0000000000f1")
FIRST_ADDED = e.CreatorAdded(handle="first", tracking_mode="auto", **IN_PROJECT)
MOVED = e.CreatorMoved(
    old_project_id=PROJECT, new_project_id=COMMAND, history="whole", **OWN
)
DISABLED = e.CreatorAutoDisabled(
    verdict="duplicate_account", scrape_id=SCRAPE, duplicate_of=FIRST, **OWN
)


@pytest.mark.parametrize(
    ("first", "given", "user_id", "disabled"),
    (
        ([FIRST_ADDED], [CREATOR], "6", [DISABLED]),
        ([FIRST_ADDED, REMOVED], [CREATOR], "6", [DISABLED]),
        ([FIRST_ADDED], [CREATOR, DISABLED], "6", []),
        ([FIRST_ADDED], [CREATOR, DISABLED], None, []),
    ),
    ids=["there", "removed, and counts", "disabled already", "a list without profile"],
)
def test_a_second_creator_of_an_account_stores_nothing_and_is_disabled(
    first: list[e.Event],
    given: list[e.Event],
    user_id: str | None,
    disabled: list[e.Event],
):
    decision = decide_on(
        {SCRAPE: [request()], ADA: given, FIRST: first},
        handlers.end_scrape(
            SCRAPE, result(user_id), names=NAMES, same_account=[ADA, FIRST]
        ),
    )

    ended = [event for stream, event in decision.events if stream == SCRAPE]
    assert [type(event) for event in ended] == [e.ScrapeFailed]
    others = [event for stream, event in decision.events if stream != SCRAPE]
    assert others == disabled
    assert [each.delta for each in decision.quota_counters] == [-1 for _ in disabled]
    assert FIRST in decision.guards


@pytest.mark.parametrize(
    "first",
    (
        [],
        [FIRST_ADDED, MOVED],
        [FIRST_ADDED, e.SubjectErased(number=1, figures="anonymous", **OWN)],
    ),
    ids=["never added", "in another project", "erased"],
)
def test_an_account_that_counts_nowhere_else_in_the_project_is_pinned(
    first: list[e.Event],
):
    decision = decide_on(
        {SCRAPE: [request()], ADA: [CREATOR, DISABLED], FIRST: first},
        handlers.end_scrape(SCRAPE, result("6"), names=NAMES, same_account=[FIRST]),
    )

    assert (ACCOUNT, pinned("6")) in decision.events
    assert [*decision.guards] == [ADA, FIRST]


@pytest.mark.parametrize(
    ("given", "known"),
    (({ACCOUNT: [pinned("6")]}, None), ({ACCOUNT: [pinned("6")]}, "7"), ({}, "6")),
    ids=["pinned", "the table is wrong", "known by the table"],
)
def test_a_result_of_another_account_is_refused(
    given: dict[UUID, list[e.Event]], known: str | None
):
    histories = {SCRAPE: [request()], ADA: [CREATOR], **given}

    with pytest.raises(AnotherAccountError) as refused:
        decide_on(
            histories,
            handlers.end_scrape(SCRAPE, result("7", known=known), names=NAMES),
        )

    assert (refused.value.found, refused.value.known) == ("7", "6")


def test_a_creator_that_turns_out_to_be_banned_is_removed_and_nothing_is_kept():
    banned = erased_bans.ban(
        ORGANIZATION, 7, handles=["former"], user_ids=["6"], names=NAMES
    )
    known = {
        SCRAPE: [request()],
        ADA: [CREATOR],
        erased_bans_stream(ORGANIZATION): [banned],
    }

    found = decide_on(known, handlers.end_scrape(SCRAPE, result("6"), names=NAMES))
    other = decide_on(known, handlers.end_scrape(SCRAPE, result("7"), names=NAMES))

    assert [event.stored_name for _, event in found.events] == [
        "scrape_failed",
        "creator_removed",
    ]
    assert found.quota_counters[0].delta == -1
    assert (ACCOUNT, pinned("7")) in other.events


ANOTHER_AGAIN = retry_stream(ANOTHER_SCRAPE)
NOBODYS = UUID("00000000-0000-4000-8000-0000000000ff")


def retried(given: dict[UUID, list[e.Event]], *ids: UUID) -> Decision[ItemResults]:
    return decide_on(
        {ORGANIZATION: HOME, ADA: [CREATOR, RENAMED], **given},
        retries.retry_scrapes(ids, **BY_HAND),
    )


def test_failed_runs_are_tried_again_together_and_bad_ones_fail_alone():
    discovery = request(job_type="discover_videos")
    given: dict[UUID, list[e.Event]] = {
        SCRAPE: [request(), failed()],
        ANOTHER_SCRAPE: [discovery, failed()],
        COMMAND: [request()],
    }

    decision = retried(given, SCRAPE, ANOTHER_SCRAPE, COMMAND, NOBODYS, SCRAPE)

    assert [(result.id, result.status) for result in decision.result] == [
        (SCRAPE, "ok"),
        (ANOTHER_SCRAPE, "ok"),
        (COMMAND, "failed"),
        (NOBODYS, "failed"),
    ]
    assert decision.events == [
        (AGAIN, request("lovelace")),
        (ANOTHER_AGAIN, request("lovelace", job_type="discover_videos")),
    ]
    assert decision.guards == [ADA]
    assert [counter.delta for counter in decision.quota_counters] == [2]


def test_of_several_runs_that_look_for_the_same_one_is_tried_again():
    given: dict[UUID, list[e.Event]] = {
        SCRAPE: [request(), failed()],
        ANOTHER_SCRAPE: [request(), failed()],
    }

    decision = retried(given, SCRAPE, ANOTHER_SCRAPE)
    later = retried({**given, AGAIN: [request()]}, SCRAPE)

    assert [result.status for result in decision.result] == ["ok", "skipped"]
    assert [stream for stream, _ in decision.events] == [AGAIN]
    assert [result.status for result in later.result] == ["skipped"]
    assert (later.events, later.quota_counters) == ([], [])
