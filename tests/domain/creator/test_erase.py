"""A person is erased: every creator of the account, with all that belongs to it."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from domain import commands as c
from domain import events as e
from domain.annotation import handlers as annotations
from domain.campaign.handlers import items as campaign_items
from domain.creator.erased_bans import ErasedBans
from domain.creator.errors import CreatorErasedError, NotConfirmedError
from domain.creator.handlers.add import RequestedCreator
from domain.creator.handlers.erase import CreatorRecords, Erasure, erase_creator
from domain.creator.handlers.move import move_creator
from domain.decisions import ItemResult
from domain.errors import DomainError, NotFoundError, StaleVersionError
from domain.organization.plans import DEFAULT_PLANS
from domain.scrape.handlers import (
    retries,
    scrapes,
)
from domain.streams import (
    account_stream,
    erasures_stream,
    membership_stream,
    scrape_stream,
    video_stream,
)
from domain.video.handlers import videos
from tests.domain.creator.test_change import (
    ADDED,
    CLAIM,
    CLAIMED,
    COMMAND,
    DISABLED,
    HOME,
    RELEASED,
    REMOVED,
    RENAME,
    add,
    change,
    counted,
    handlers,
    requested,
)
from tests.domain.creator.test_move import CLAIMED_THERE, MOVED, NEW_CLAIM
from tests.kit.builders import ADA, BERTA, NAMES, NOON, ORGANIZATION, PROJECT, SCRAPE
from tests.kit.deciding import decide_on

OURS: dict[str, Any] = {"organization_id": ORGANIZATION}
NUMBERS = erasures_stream(ORGANIZATION)
CLEO = UUID("00000000-0000-4000-8000-00000000000d")
VIDEO = video_stream(PROJECT, NAMES.pseudonym("71"))
NOTE = UUID("00000000-0000-4000-8000-0000000000aa")
CAMPAIGN = UUID("00000000-0000-4000-8000-0000000000ca")
NUMBERED = e.ErasureNumbered(creator_id=ADA, number=1, **OURS)
ERASED = e.SubjectErased(number=1, figures="drop", **OURS)
DISCOVERED = e.VideoDiscovered(
    project_id=PROJECT,
    creator_id=ADA,
    tiktok_video_id="71",
    pseudonym=NAMES.pseudonym("71"),
    handle="ada",
    tracking_status="auto_tracked",
    scrape_id=SCRAPE,
    **OURS,
)
ONE_HANDED: dict[str, Any] = {**OURS, "plans": DEFAULT_PLANS, "now": NOON}


def pinned(creator_id: UUID, user_id: str = "u1") -> e.AccountPinned:
    return e.AccountPinned(creator_id=creator_id, user_id=user_id, **OURS)


def erase(
    *records: CreatorRecords,
    confirm: str = "@Ada",
    figures: e.ErasedFigures = "drop",
    **options: Any,  # noqa: ANN401
):
    return erase_creator(
        ADA,
        confirm=confirm,
        figures=figures,
        records=records or [CreatorRecords(creator_id=ADA)],
        **{**OURS, "names": NAMES, **options},
    )


def test_an_erased_creator_gives_its_handle_and_its_place_back():
    decision = decide_on({ADA: [ADDED], CLAIM: [CLAIMED]}, erase())

    assert decision.events == [(CLAIM, RELEASED), (NUMBERS, NUMBERED), (ADA, ERASED)]
    assert decision.result == Erasure(
        creator_ids=(ADA,), handles=("ada",), subjects=(ADA,)
    )
    assert {account_stream(ADA, 0), membership_stream(ADA)} <= {*decision.guards}
    assert decision.quota_counters == counted(-1)


@pytest.mark.parametrize("history", ((ADDED, REMOVED), (ADDED, DISABLED)))
def test_who_is_not_active_is_erased_and_gives_no_place_back(
    history: tuple[e.Event, ...],
):
    decision = decide_on({ADA: history}, erase(figures="anonymous"))

    assert decision.events[-1] == (
        ADA,
        e.SubjectErased(number=1, figures="anonymous", **OURS),
    )
    assert decision.quota_counters == []


def test_a_moved_creator_frees_its_handle_at_its_origin_as_well():
    known = {ADA: [ADDED, MOVED], CLAIM: [CLAIMED], NEW_CLAIM: [CLAIMED_THERE]}

    decision = decide_on(known, erase())

    released = {s for s, one in decision.events if isinstance(one, e.HandleReleased)}
    assert released == {CLAIM, NEW_CLAIM}


def test_a_ban_keeps_hashes_of_every_handle_and_id_and_nothing_else():
    renamed = e.HandleChanged(old="ada", new="lovelace", **OURS)
    known: dict[UUID, Any] = {
        ADA: [ADDED, renamed],
        account_stream(ADA, 0): [pinned(ADA, "u1")],
    }
    belongs = CreatorRecords(creator_id=ADA, user_id="u2")

    decision = decide_on(known, erase(belongs, confirm="lovelace", ban=True))

    (banned,) = [b for _, b in decision.events if isinstance(b, e.ErasedAccountBanned)]
    bans = ErasedBans(ORGANIZATION, [banned], NAMES)
    elsewhere = ErasedBans(PROJECT, [banned], NAMES)
    assert len(banned.hashes) == 4
    assert bans.of_handle("ada") == bans.of_handle("lovelace") == [banned.number] == [1]
    assert bans.of_user_id("u1") == bans.of_user_id("u2") == [1]
    assert bans.of_handle("u1") == bans.of_user_id("ada") == bans.of_handle("eve") == []
    assert elsewhere.of_handle("ada") == []


def test_every_creator_of_the_account_is_erased_and_has_a_number_of_its_own():
    accounts = {ADA: "u1", BERTA: "u1", CLEO: "u2"}
    known: dict[UUID, Any] = {
        **{each: [ADDED] for each in accounts},
        **{account_stream(one, 0): [pinned(one, u)] for one, u in accounts.items()},
        NUMBERS: [e.ErasureNumbered(creator_id=SCRAPE, number=1, **OURS)],
    }

    decision = decide_on(
        known, erase(*(CreatorRecords(creator_id=each) for each in accounts))
    )

    numbers = {
        stream: event.number
        for stream, event in decision.events
        if isinstance(event, e.SubjectErased)
    }
    assert numbers == {ADA: 2, BERTA: 3}
    assert decision.result.creator_ids == (ADA, BERTA)
    assert decision.quota_counters == counted(-2)


def test_creators_without_a_known_account_are_not_erased_together():
    known = {ADA: [ADDED], BERTA: [ADDED]}
    both = (CreatorRecords(creator_id=ADA), CreatorRecords(creator_id=BERTA))

    assert decide_on(known, erase(*both)).result.creator_ids == (ADA,)


def test_who_is_erased_for_being_removed_waits_for_all_creators_of_the_account():
    known: dict[UUID, Any] = {
        ADA: [ADDED, REMOVED],
        BERTA: [ADDED],
        **{account_stream(one, 0): [pinned(one)] for one in (ADA, BERTA)},
    }
    both = (CreatorRecords(creator_id=ADA), CreatorRecords(creator_id=BERTA))

    waits = decide_on(known, erase(*both, only_removed=True))
    done = decide_on(
        {**known, BERTA: [ADDED, REMOVED]}, erase(*both, only_removed=True)
    )
    alone = decide_on({ADA: [ADDED]}, erase(only_removed=True))

    assert waits.result == alone.result == Erasure()
    assert not waits.events
    assert not alone.events
    assert done.result.creator_ids == (ADA, BERTA)


def test_its_runs_end_its_notes_are_deleted_and_its_single_videos_are_excluded():
    run = scrape_stream(COMMAND, ADA, "creator_profiles")
    known: dict[UUID, Any] = {
        ADA: [ADDED],
        run: [requested("creator_profiles", "manual")[1]],
        NOTE: [
            e.AnnotationAdded(
                scope="creator",
                scope_id=ADA,
                starts_on=date(2026, 3, 1),
                ends_on=date(2026, 3, 1),
                text="Fell ill.",
                **OURS,
            )
        ],
        VIDEO: [
            e.VideoAdded(
                project_id=PROJECT,
                tiktok_video_id="71",
                pseudonym=NAMES.pseudonym("71"),
                handle="ada",
                kind="video",
                **OURS,
            )
        ],
    }
    its = CreatorRecords(
        creator_id=ADA,
        video_ids=(VIDEO,),
        videos_without_creator=(VIDEO,),
        scrape_ids=(SCRAPE,),
        open_scrape_ids=(run,),
        annotation_ids=(NOTE,),
    )

    decision = decide_on(known, erase(its))

    by_stream = dict(decision.events)
    ended = by_stream[run]
    assert isinstance(ended, e.ScrapeFailed)
    assert (ended.outcome, ended.attempts) == (None, 0)
    assert by_stream[NOTE] == e.AnnotationDeleted(**OURS)
    assert by_stream[VIDEO] == e.VideoExcluded(**OURS)
    assert by_stream[ADA] == e.SubjectErased(
        number=1, figures="drop", video_ids=(VIDEO,), scrape_ids=(SCRAPE,), **OURS
    )
    assert decision.result.subjects == (ADA, VIDEO)


@pytest.mark.parametrize(("figures", "stays"), (("anonymous", True), ("drop", False)))
def test_it_leaves_its_campaigns_if_its_figures_are_dropped(
    figures: e.ErasedFigures, *, stays: bool
):
    item: dict[str, Any] = {"item_type": "creator", "item_id": ADA, **OURS}
    known: dict[UUID, Any] = {
        ADA: [ADDED],
        CAMPAIGN: [
            e.CampaignCreated(project_id=PROJECT, name="Spring", **OURS),
            e.CampaignItemAdded(**item),
        ],
        membership_stream(ADA): [e.CampaignJoined(campaign_id=CAMPAIGN, **item)],
    }

    decision = decide_on(known, erase(figures=figures))

    left = [one for _, one in decision.events if isinstance(one, e.CampaignLeft)]
    assert (left == []) == stays


@pytest.mark.parametrize(
    ("known", "options", "error"),
    (
        ({ADA: [ADDED]}, {"confirm": "berta"}, NotConfirmedError),
        ({ADA: [ADDED]}, {"confirm": "no handle"}, NotConfirmedError),
        ({ADA: [ADDED]}, {"expected_versions": (7,)}, StaleVersionError),
        ({ADA: [ADDED]}, {"organization_id": BERTA}, NotFoundError),
        ({}, {}, NotFoundError),
    ),
)
def test_an_erasure_is_refused(
    known: dict[UUID, Any], options: dict[str, Any], error: type[DomainError]
):
    with pytest.raises(error):
        decide_on(known, erase(**options))


def test_who_is_erased_is_erased_once():
    decision = decide_on({ADA: [ADDED, ERASED]}, erase(confirm="anything"))

    assert (decision.events, decision.result) == ((), Erasure())


def test_the_same_handle_added_again_is_a_new_creator():
    known: dict[UUID, Any] = {
        ORGANIZATION: HOME,
        CLAIM: [e.HandleClaimed(**{**CLAIMED_FIELDS, "creator_id": CLEO}), RELEASED],
        CLEO: [ADDED, ERASED],
    }

    decision = decide_on(known, add(RequestedCreator(tiktok_handle="ada")))

    assert [(one.status, one.creator_id) for one in decision.result] == [
        ("created", ADA)
    ]


CLAIMED_FIELDS: dict[str, Any] = {**OURS, "project_id": PROJECT, "handle": "ada"}
SCOPES: tuple[tuple[e.AnnotationScope, UUID], ...] = (
    ("creator", ADA),
    ("video", VIDEO),
)
COMMANDS: tuple[Any, ...] = (
    change(RENAME),
    handlers.remove_creator(ADA, names=NAMES, **OURS),
    move_creator(
        ADA,
        c.MoveCreator(project_id=PROJECT, history="whole"),
        video_ids=(),
        same_account=(),
        names=NAMES,
        **OURS,
    ),
    scrapes.request_scrape(
        ADA, job_type="video_stats", command_id=COMMAND, **ONE_HANDED
    ),
    retries.retry_scrape(SCRAPE, **ONE_HANDED),
    videos.change_video(VIDEO, c.ChangeVideoDetails(readme="It."), **OURS),
    videos.exclude_video(VIDEO, **OURS),
    scrapes.request_video_scrape(VIDEO, command_id=COMMAND, **ONE_HANDED),
    videos.add_video(
        "https://www.tiktok.com/@ada/video/71",
        project_id=PROJECT,
        command_id=COMMAND,
        names=NAMES,
        **OURS,
    ),
    *(
        annotations.add_annotation(
            NOTE,
            scope=scope,
            scope_id=scope_id,
            starts_on=date(2026, 3, 1),
            ends_on=date(2026, 3, 1),
            text="Well again.",
            **OURS,
        )
        for scope, scope_id in SCOPES
    ),
)


@pytest.mark.parametrize("command", range(len(COMMANDS)))
def test_an_erased_creator_and_its_videos_refuse_every_other_command(command: int):
    failed = e.ScrapeFailed(
        creator_id=ADA,
        job_type="creator_profiles",
        provider="test",
        attempts=1,
        error="Away.",
        **OURS,
    )
    known: dict[UUID, Any] = {
        ORGANIZATION: HOME,
        ADA: [ADDED, ERASED],
        VIDEO: [DISCOVERED],
        SCRAPE: [requested("creator_profiles", "manual")[1], failed],
    }

    with pytest.raises(CreatorErasedError):
        decide_on(known, COMMANDS[command])


def test_bulk_commands_fail_for_erased_creators_alone():
    known: dict[UUID, Any] = {
        ORGANIZATION: HOME,
        ADA: [ADDED, ERASED],
        VIDEO: [DISCOVERED],
    }
    where: dict[str, Any] = {**OURS, "project_id": PROJECT}

    removed = decide_on(known, handlers.remove_creators([ADA], names=NAMES, **where))
    reviewed = decide_on(known, videos.review_videos([(VIDEO, "include")], **where))

    assert removed.result == (ItemResult(ADA, "failed", "gone"),)
    assert reviewed.result == (ItemResult(VIDEO, "failed", "gone"),)


def test_a_verdict_of_before_does_not_disable_an_erased_creator():
    command = c.AutoDisable(verdict="private", scrape_id=SCRAPE)

    handler = handlers.auto_disable_creator(ADA, command)
    assert not decide_on({ADA: [ADDED, ERASED]}, handler).events


@pytest.mark.parametrize("profile", (None, c.ProfileSnapshot(user_id="u1")))
def test_what_a_run_in_flight_observed_of_an_erased_creator_is_not_stored(
    profile: c.ProfileSnapshot | None,
):
    known: dict[UUID, Any] = {
        ADA: [ADDED, ERASED],
        SCRAPE: [requested("creator_profiles", "manual")[1]],
    }
    result = c.RecordResult(
        provider="test",
        observed_at=NOON,
        attempts=2,
        duration_ms=1,
        profile=profile,
        videos=c.NamedVideos(video_ids=("71",), titles=("Goats",)),
    )

    decision = decide_on(known, scrapes.end_scrape(SCRAPE, result, names=NAMES))

    assert [type(event) for _, event in decision.events] == [e.ScrapeFailed]


def test_a_result_is_not_stored_if_the_creator_is_erased_meanwhile():
    known: dict[UUID, Any] = {
        ADA: [ADDED],
        SCRAPE: [requested("video_stats", "manual")[1]],
    }
    result = c.RecordResult(
        provider="test", observed_at=NOON, attempts=2, duration_ms=1
    )

    assert (
        ADA in decide_on(known, scrapes.end_scrape(SCRAPE, result, names=NAMES)).guards
    )


def test_an_erased_creator_and_its_videos_join_no_campaign():
    known: dict[UUID, Any] = {
        ORGANIZATION: HOME,
        CAMPAIGN: [e.CampaignCreated(project_id=PROJECT, name="Spring", **OURS)],
        ADA: [ADDED, ERASED],
        VIDEO: [DISCOVERED],
    }
    items = [c.CampaignItem("creator", ADA), c.CampaignItem("video", VIDEO)]

    for item in items:
        with pytest.raises(DomainError) as refused:
            decide_on(
                known,
                campaign_items.add_items(CAMPAIGN, [item], plans=DEFAULT_PLANS, **OURS),
            )
        assert refused.value.code == "item_removed"
