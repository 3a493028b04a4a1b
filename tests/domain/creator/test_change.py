from datetime import date
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.creator.errors import CreatorErasedError
from domain.creator.handlers import add as addition
from domain.creator.handlers import change as handlers
from domain.creator.handlers.add import RequestedCreator
from domain.decisions import ItemResult, QuotaCounter
from domain.errors import (
    CreatorBannedError,
    CreatorRemovedError,
    HandleTakenError,
    InvalidHandleError,
    InvalidWindowError,
    NotFoundError,
    StaleVersionError,
)
from domain.organization.plans import DEFAULT_PLANS
from domain.streams import creators_counter, erased_bans_stream, scrape_stream
from tests.kit.builders import ADA, BERTA, NAMES, NOON, ORGANIZATION, PROJECT, SCRAPE
from tests.kit.deciding import decide_on

COMMAND = UUID("00000000-0000-4000-8000-0000000000c0")
IN_PROJECT: dict[str, Any] = {"organization_id": ORGANIZATION, "project_id": PROJECT}
CLAIM = NAMES.claim_stream(PROJECT, "ada")
NEW_CLAIM = NAMES.claim_stream(PROJECT, "lovelace")
NEW_BAN = NAMES.ban_stream("lovelace")
BANS = erased_bans_stream(ORGANIZATION)
HOME: list[e.Event] = [
    e.OrganizationCreated(name="Goats", plan="free", time_zone="Pacific/Auckland"),
    e.ProjectCreated(project_id=PROJECT, name="Spring"),
]
ADDED = e.CreatorAdded(handle="ada", tracking_mode="auto", **IN_PROJECT)
CLAIMED = e.HandleClaimed(handle="ada", creator_id=ADA, **IN_PROJECT)
RELEASED = e.HandleReleased(handle="ada", creator_id=ADA, **IN_PROJECT)
REMOVED = e.CreatorRemoved(organization_id=ORGANIZATION)
DISABLED = e.CreatorAutoDisabled(
    organization_id=ORGANIZATION, verdict="private", scrape_id=SCRAPE
)
STOPPED = e.CreatorDisabled(organization_id=ORGANIZATION)
ERASED = e.SubjectErased(organization_id=ORGANIZATION, number=1, figures="anonymous")
BANNED = e.HandleBanned(handle="lovelace")
RENAME = c.RenameHandle(handle="@Lovelace")


def counted(delta: int, maximum: int | None = None) -> list[QuotaCounter]:
    return [
        QuotaCounter(
            key=creators_counter(ORGANIZATION),
            delta=delta,
            limit_key="max_creators_per_org",
            maximum=maximum,
        )
    ]


def requested(job_type: e.JobType, trigger: e.Trigger, handle: str = "ada"):
    return (
        scrape_stream(COMMAND, ADA, job_type),
        e.ScrapeRequested(
            creator_id=ADA,
            handle=handle,
            job_type=job_type,
            trigger=trigger,
            **IN_PROJECT,
        ),
    )


def change(*commands: c.CreatorCommand, **options: Any):  # noqa: ANN401
    return handlers.change_creator(
        ADA,
        commands,
        organization_id=ORGANIZATION,
        command_id=COMMAND,
        names=NAMES,
        **options,
    )


def add(*wanted: RequestedCreator, **options: Any):  # noqa: ANN401
    return addition.add_creators(
        wanted,
        fresh_ids=[ADA, BERTA][: len(wanted)],
        plans=DEFAULT_PLANS,
        now=NOON,
        command_id=COMMAND,
        names=NAMES,
        **IN_PROJECT,
        **options,
    )


def test_a_rename_claims_releases_and_scrapes_anew():
    decision = decide_on({ADA: [ADDED], CLAIM: [CLAIMED]}, change(RENAME))

    assert decision.result == ADA
    assert decision.events == [
        (
            ADA,
            e.HandleChanged(organization_id=ORGANIZATION, old="ada", new="lovelace"),
        ),
        (
            NEW_CLAIM,
            e.HandleClaimed(handle="lovelace", creator_id=ADA, **IN_PROJECT),
        ),
        (CLAIM, RELEASED),
        requested("creator_profiles", "renamed", "lovelace"),
    ]
    assert decision.guards == [NEW_BAN, BANS]
    assert decision.quota_counters == ()


@pytest.mark.parametrize(
    ("given", "options", "refusal"),
    (
        ({ADA: []}, {}, NotFoundError),
        ({}, {"expected_versions": [2]}, StaleVersionError),
        ({NEW_BAN: [BANNED]}, {}, CreatorBannedError),
        (
            {
                NEW_CLAIM: [
                    e.HandleClaimed(handle="lovelace", creator_id=BERTA, **IN_PROJECT)
                ]
            },
            {},
            HandleTakenError,
        ),
    ),
)
def test_a_rename_is_refused(
    given: dict[UUID, list[e.Event]],
    options: dict[str, Any],
    refusal: type[Exception],
):
    with pytest.raises(refusal):
        decide_on({ADA: [ADDED], CLAIM: [CLAIMED], **given}, change(RENAME, **options))


def test_a_removal_frees_the_handle_and_the_place_of_an_active_creator():
    remove = handlers.remove_creator(ADA, organization_id=ORGANIZATION, names=NAMES)
    decision = decide_on({ADA: [ADDED], CLAIM: [CLAIMED]}, remove)

    assert decision.events == [(ADA, REMOVED), (CLAIM, RELEASED)]
    assert decision.quota_counters == counted(-1)


def test_a_removal_of_a_disabled_creator_frees_no_place():
    remove = handlers.remove_creator(ADA, organization_id=ORGANIZATION, names=NAMES)
    decision = decide_on({ADA: [ADDED, DISABLED], CLAIM: [CLAIMED]}, remove)

    assert decision.events == [(ADA, REMOVED), (CLAIM, RELEASED)]
    assert decision.quota_counters == []


def test_of_many_each_is_removed_once():
    decision = decide_on(
        {ORGANIZATION: HOME, ADA: [ADDED], CLAIM: [CLAIMED]},
        handlers.remove_creators([ADA, BERTA, ADA], names=NAMES, **IN_PROJECT),
    )

    assert decision.result == (
        ItemResult(ADA, "ok"),
        ItemResult(BERTA, "failed", "not_found"),
        ItemResult(ADA, "skipped", "already removed"),
    )
    assert decision.events == [(ADA, REMOVED), (CLAIM, RELEASED)]
    assert decision.quota_counters == counted(-1)


def test_of_many_each_is_tagged_once_and_keeps_its_other_tags():
    tagged = replace(ADDED, tags=["Winter", "tier A"])
    decision = decide_on(
        {ORGANIZATION: HOME, ADA: [tagged]},
        handlers.tag_creators(
            [ADA, ADA, BERTA], add=["spring"], remove=["winter"], **IN_PROJECT
        ),
    )

    assert decision.result == (
        ItemResult(ADA, "ok"),
        ItemResult(ADA, "skipped", "tags stay the same"),
        ItemResult(BERTA, "failed", "not_found"),
    )
    changed = e.CreatorDetailsChanged(
        organization_id=ORGANIZATION, tags=["tier A", "spring"]
    )
    assert decision.events == [(ADA, changed)]
    assert not decision.quota_counters


def test_a_removed_creator_among_many_is_not_tagged():
    decision = decide_on(
        {ORGANIZATION: HOME, ADA: [ADDED, REMOVED], BERTA: [ADDED]},
        handlers.tag_creators([ADA, BERTA], add=["spring"], remove=[], **IN_PROJECT),
    )

    assert decision.result == (
        ItemResult(ADA, "failed", "creator_removed"),
        ItemResult(BERTA, "ok"),
    )
    assert [stream for stream, _ in decision.events] == [BERTA]


def test_a_person_disables_a_creator_and_frees_its_place():
    decision = decide_on(
        {ADA: [ADDED]}, handlers.disable_creator(ADA, organization_id=ORGANIZATION)
    )

    assert decision.result == ADA
    assert decision.events == [(ADA, STOPPED)]
    assert decision.quota_counters == counted(-1)


@pytest.mark.parametrize("last", (STOPPED, DISABLED))
def test_a_disabled_creator_stays_as_it_is_and_frees_no_place(last: e.Event):
    decision = decide_on(
        {ADA: [ADDED, last]},
        handlers.disable_creator(ADA, organization_id=ORGANIZATION),
    )

    assert decision.result == ADA
    assert decision.events == []
    assert decision.quota_counters == []


@pytest.mark.parametrize(
    ("history", "options", "refusal"),
    (
        ([], {}, NotFoundError),
        ([ADDED], {"organization_id": COMMAND}, NotFoundError),
        ([ADDED, REMOVED], {}, CreatorRemovedError),
        ([ADDED, ERASED], {}, CreatorErasedError),
        ([ADDED], {"expected_versions": [2]}, StaleVersionError),
    ),
)
def test_a_person_cannot_disable_what_is_not_tracked(
    history: list[e.Event], options: dict[str, Any], refusal: type[Exception]
):
    named = {"organization_id": ORGANIZATION, **options}

    with pytest.raises(refusal):
        decide_on({ADA: history}, handlers.disable_creator(ADA, **named))


def test_of_many_each_is_disabled_once():
    ids = [UUID(int=number) for number in range(1, 6)]
    active, stopped, removed, erased, unknown = ids

    decision = decide_on(
        {
            ORGANIZATION: HOME,
            active: [ADDED],
            stopped: [ADDED, DISABLED],
            removed: [ADDED, REMOVED],
            erased: [ADDED, ERASED],
        },
        handlers.disable_creators([*ids, active], **IN_PROJECT),
    )

    assert decision.result == (
        ItemResult(active, "ok"),
        ItemResult(stopped, "skipped", "already disabled"),
        ItemResult(removed, "failed", "creator_removed"),
        ItemResult(erased, "failed", "gone"),
        ItemResult(unknown, "failed", "not_found"),
        ItemResult(active, "skipped", "already disabled"),
    )
    assert decision.events == [(active, STOPPED)]
    assert decision.quota_counters == counted(-1)


def test_a_creator_that_a_person_disabled_is_enabled_on_the_same_day():
    reenabled = e.CreatorReenabled(organization_id=ORGANIZATION, at=NOON)
    decision = decide_on(
        {ORGANIZATION: HOME, ADA: [ADDED, DISABLED, reenabled, STOPPED]},
        handlers.reenable_creators(
            [ADA], plans=DEFAULT_PLANS, now=NOON, command_id=COMMAND, **IN_PROJECT
        ),
    )

    assert decision.result == (ItemResult(ADA, "ok"),)
    assert decision.events[0] == (ADA, reenabled)


def test_a_disabled_creator_is_reenabled_within_the_plan():
    decision = decide_on(
        {ORGANIZATION: HOME, ADA: [ADDED, DISABLED]},
        handlers.reenable_creators(
            [ADA], plans=DEFAULT_PLANS, now=NOON, command_id=COMMAND, **IN_PROJECT
        ),
    )

    assert decision.result == (ItemResult(ADA, "ok"),)
    assert decision.events == [
        (ADA, e.CreatorReenabled(organization_id=ORGANIZATION, at=NOON)),
        requested("creator_profiles", "reenabled"),
        requested("discover_videos", "reenabled"),
    ]
    assert decision.quota_counters == counted(1, maximum=5)


@pytest.mark.parametrize(
    ("after", "status"),
    (
        ([], "failed"),
        ([e.CreatorRemoved(organization_id=ORGANIZATION)], "failed"),
        (
            [
                e.CreatorMoved(
                    organization_id=ORGANIZATION,
                    old_project_id=PROJECT,
                    new_project_id=COMMAND,
                    history="whole",
                )
            ],
            "ok",
        ),
        (
            [e.SubjectErased(organization_id=ORGANIZATION, number=1, figures="drop")],
            "ok",
        ),
    ),
    ids=["there", "removed", "moved away", "erased"],
)
def test_a_duplicate_is_reenabled_once_the_first_counts_no_more_in_the_project(
    after: list[e.Event], status: str
):
    first = UUID("00000000-0000-4000-8000-0000000000f1")
    duplicate = e.CreatorAutoDisabled(
        organization_id=ORGANIZATION,
        verdict="duplicate_account",
        scrape_id=COMMAND,
        duplicate_of=first,
    )

    decision = decide_on(
        {ORGANIZATION: HOME, ADA: [ADDED, duplicate], first: [ADDED, *after]},
        handlers.reenable_creators(
            [ADA], plans=DEFAULT_PLANS, now=NOON, command_id=COMMAND, **IN_PROJECT
        ),
    )

    reason = "duplicate_account" if status == "failed" else None
    assert [(each.status, each.reason) for each in decision.result] == [
        (status, reason)
    ]
    assert bool(decision.events) == (status == "ok")


def test_a_new_creator_starts_today_where_its_organization_is():
    decision = decide_on(
        {ORGANIZATION: HOME}, add(RequestedCreator(tiktok_handle="@Ada"))
    )

    (added,) = decision.result
    assert (added.status, added.creator_id) == ("created", ADA)
    assert decision.events == [
        # It is a day later in Auckland.
        (ADA, _starting(date(2026, 3, 2))),
        (CLAIM, CLAIMED),
        requested("creator_profiles", "added"),
        requested("discover_videos", "added"),
    ]
    assert decision.guards == [NAMES.ban_stream("ada"), BANS]
    assert decision.quota_counters == counted(1, maximum=5)


def test_a_removed_creator_comes_back_under_its_id():
    decision = decide_on(
        {
            ORGANIZATION: HOME,
            BERTA: [ADDED, REMOVED],
            CLAIM: [
                e.HandleClaimed(handle="ada", creator_id=BERTA, **IN_PROJECT),
                e.HandleReleased(handle="ada", creator_id=BERTA, **IN_PROJECT),
            ],
        },
        add(RequestedCreator(tiktok_handle="ada", tracking_start_date=None)),
    )

    (added,) = decision.result
    assert (added.status, added.creator_id) == ("reactivated", BERTA)
    assert decision.events[0] == (
        BERTA,
        e.CreatorReactivated(organization_id=ORGANIZATION, tracking_mode="auto"),
    )


def test_a_bad_one_of_many_fails_alone():
    decision = decide_on(
        {ORGANIZATION: HOME},
        add(
            RequestedCreator(tiktok_handle="ada"),
            RequestedCreator(tiktok_handle="..", tracking_start_date=None),
        ),
    )

    good, bad = decision.result
    assert (good.status, bad.status, bad.tiktok_handle) == ("created", "failed", "..")
    assert isinstance(bad.refusal, InvalidHandleError)
    assert decision.guards == [NAMES.ban_stream("ada"), BANS]
    assert decision.quota_counters == counted(1, maximum=5)


def test_all_are_refused_with_one_where_it_is_all_or_none():
    bad_window = RequestedCreator(
        tiktok_handle="berta",
        tracking_start_date=date(2026, 3, 2),
        tracking_end_date=date(2026, 3, 1),
    )
    wanted = [RequestedCreator(tiktok_handle="ada"), bad_window]

    with pytest.raises(InvalidWindowError):
        decide_on({ORGANIZATION: HOME}, add(*wanted, all_or_none=True))


def test_nobody_is_added_to_a_project_that_is_not_there():
    with pytest.raises(NotFoundError, match="project"):
        decide_on({ORGANIZATION: HOME[:1]}, add(RequestedCreator(tiktok_handle="ada")))


def test_a_handle_is_banned_once():
    given = {NEW_BAN: [BANNED]}

    first = decide_on({}, handlers.ban_handle("@Lovelace", reason="fake", names=NAMES))
    again = decide_on(given, handlers.ban_handle("lovelace", names=NAMES))
    lifted = decide_on(given, handlers.unban_handle("lovelace", names=NAMES))

    assert first.events == [(NEW_BAN, e.HandleBanned(handle="lovelace", reason="fake"))]
    assert again.events == []
    assert lifted.events == [(NEW_BAN, e.HandleUnbanned(handle="lovelace"))]


def _starting(day: date) -> e.CreatorAdded:
    return e.CreatorAdded(
        handle="ada", tracking_mode="auto", tracking_start_date=day, **IN_PROJECT
    )
