from datetime import UTC, date, datetime, timedelta
from functools import reduce

import pytest
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.creator.decider import CreatorState, decide, evolve
from domain.creator.errors import CreatorErasedError
from domain.decisions import decide_all
from domain.errors import (
    BlankNameError,
    CorruptHistoryError,
    CreatorRemovedError,
    InvalidTagError,
    InvalidWindowError,
    NoChangeError,
    NotFoundError,
)
from tests.kit.builders import ANOTHER_SCRAPE, NOON, ORGANIZATION, PROJECT, SCRAPE
from tests.kit.scenario import Scenario

MARCH_1, MARCH_31 = date(2026, 3, 1), date(2026, 3, 31)

ADDED = e.CreatorAdded(
    organization_id=ORGANIZATION,
    project_id=PROJECT,
    handle="ada",
    tracking_mode="auto",
    tracking_start_date=MARCH_1,
    tracking_end_date=MARCH_31,
    description="Counts goats",
    readme="# Ada",
    metadata={"tier": 1},
    tags=["Goat", "tier A"],
)
REMOVED = e.CreatorRemoved(organization_id=ORGANIZATION)
DISABLED = e.CreatorAutoDisabled(
    organization_id=ORGANIZATION, verdict="private", scrape_id=SCRAPE
)
STOPPED = e.CreatorDisabled(organization_id=ORGANIZATION)
REENABLED = e.CreatorReenabled(organization_id=ORGANIZATION, at=NOON)
REACTIVATED = e.CreatorReactivated(organization_id=ORGANIZATION, tracking_mode="auto")

ADD = c.AddCreator(
    organization_id=ORGANIZATION,
    project_id=PROJECT,
    handle="ada",
    tracking_mode="auto",
    tracking_start_date=MARCH_1,
    tracking_end_date=MARCH_31,
    description="Counts goats",
    readme="# Ada",
    metadata={"tier": 1},
    tags=[" Goat", "tier A", "GOAT "],
)
REACTIVATE = c.Reactivate(
    tracking_mode="selective", tracking_start_date=None, tracking_end_date=MARCH_31
)
AUTO_DISABLE = c.AutoDisable(verdict="private", scrape_id=SCRAPE)


@pytest.fixture
def scenario() -> Scenario[CreatorState | None, c.CreatorCommand, e.CreatorEvent]:
    return Scenario(decide, evolve, nothing=None)


# add


def test_a_creator_is_added_as_asked(scenario: Scenario):
    scenario.given().when(ADD).then(ADDED)


def test_a_creator_whose_window_ends_before_it_starts_is_not_added(scenario: Scenario):
    upside_down = replace(ADD, tracking_start_date=MARCH_31, tracking_end_date=MARCH_1)

    scenario.given().when(upside_down).then_refused(InvalidWindowError)


def test_a_window_of_one_day_is_a_window(scenario: Scenario):
    one_day = replace(ADD, tracking_start_date=MARCH_1, tracking_end_date=MARCH_1)

    scenario.given().when(one_day).then(replace(ADDED, tracking_end_date=MARCH_1))


def test_a_creator_that_is_there_is_not_added_again(scenario: Scenario):
    scenario.given(ADDED).when(replace(ADD, handle="berta")).then_nothing()


# rename


@pytest.mark.parametrize("history", ((ADDED,), (ADDED, DISABLED)))
def test_a_creator_is_renamed(scenario: Scenario, history: tuple[e.CreatorEvent, ...]):
    scenario.given(*history).when(c.RenameHandle(handle="lovelace")).then(
        e.HandleChanged(organization_id=ORGANIZATION, old="ada", new="lovelace")
    )


def test_a_renamed_creator_is_renamed_from_its_present_handle(scenario: Scenario):
    renamed = e.HandleChanged(organization_id=ORGANIZATION, old="ada", new="lovelace")

    scenario.given(ADDED, renamed).when(c.RenameHandle(handle="ada")).then(
        e.HandleChanged(organization_id=ORGANIZATION, old="lovelace", new="ada")
    )


def test_a_rename_to_the_present_handle_is_refused(scenario: Scenario):
    scenario.given(ADDED).when(c.RenameHandle(handle="ada")).then_refused(NoChangeError)


def test_a_removed_creator_cannot_be_renamed(scenario: Scenario):
    scenario.given(ADDED, REMOVED).when(c.RenameHandle(handle="lovelace")).then_refused(
        CreatorRemovedError
    )


# details


def test_only_the_details_that_differ_change(scenario: Scenario):
    scenario.given(ADDED).when(
        c.ChangeDetails(
            display_name="Ada L.",
            description="Counts goats",
            readme=None,
            metadata={"tier": 2},
            tags=["Goat", "tier A"],
        )
    ).then(
        e.CreatorDetailsChanged(
            organization_id=ORGANIZATION,
            display_name="Ada L.",
            readme=None,
            metadata={"tier": 2},
        )
    )


def test_a_detail_can_be_cleared_and_then_stays_cleared(scenario: Scenario):
    cleared = e.CreatorDetailsChanged(organization_id=ORGANIZATION, description=None)

    scenario.given(ADDED, cleared).when(
        c.ChangeDetails(description=None)
    ).then_nothing()


@pytest.mark.parametrize(
    "metadata", ({"tier": True}, {"tier": 1.0}, {"tier": [1]}, {"tier": "1"}, {})
)
def test_metadata_that_only_looks_equal_to_python_changes(metadata: dict[str, object]):
    ada = evolve(None, ADDED)

    (changed,) = decide(ada, c.ChangeDetails(metadata=metadata))

    assert repr(changed) == repr(
        e.CreatorDetailsChanged(organization_id=ORGANIZATION, metadata=metadata)
    )


def test_tags_are_replaced_whole_and_can_be_cleared(scenario: Scenario):
    scenario.given(ADDED).when(c.ChangeDetails(tags=["b", "goat"])).then(
        e.CreatorDetailsChanged(organization_id=ORGANIZATION, tags=["b", "goat"])
    )
    scenario.given(ADDED).when(c.ChangeDetails(tags=[])).then(
        e.CreatorDetailsChanged(organization_id=ORGANIZATION, tags=[])
    )


def test_tags_that_are_none_are_refused(scenario: Scenario):
    scenario.given(ADDED).when(c.ChangeDetails(tags=["a,b"])).then_refused(
        InvalidTagError
    )
    scenario.given().when(replace(ADD, tags=["  "])).then_refused(InvalidTagError)


def test_metadata_in_another_order_is_the_same(scenario: Scenario):
    added = replace(ADDED, metadata={"tier": 1, "herd": {"goats": 2, "kids": 3}})

    scenario.given(added).when(
        c.ChangeDetails(metadata={"herd": {"kids": 3, "goats": 2}, "tier": 1})
    ).then_nothing()


def test_the_details_of_a_removed_creator_do_not_change(scenario: Scenario):
    scenario.given(ADDED, REMOVED).when(c.ChangeDetails(readme="# A")).then_refused(
        CreatorRemovedError
    )


@pytest.mark.parametrize(
    "command",
    (
        c.ChangeDetails(),
        c.ChangeDetails(display_name=None),
        c.ChangeDetails(
            description="Counts goats", readme="# Ada", metadata={"tier": 1}
        ),
    ),
)
def test_details_that_are_so_already_stay_as_they_are(
    scenario: Scenario, command: c.ChangeDetails
):
    scenario.given(ADDED).when(command).then_nothing()


def test_a_display_name_of_only_blanks_is_refused_and_none_is_not(scenario: Scenario):
    named = e.CreatorDetailsChanged(organization_id=ORGANIZATION, display_name="Ada")

    scenario.given(ADDED).when(c.ChangeDetails(display_name=" \u200b")).then_refused(
        BlankNameError
    )
    scenario.given(ADDED, named).when(c.ChangeDetails(display_name=None)).then(
        e.CreatorDetailsChanged(organization_id=ORGANIZATION, display_name=None)
    )


# tracking


def test_the_tracking_mode_changes(scenario: Scenario):
    scenario.given(ADDED).when(c.ChangeTracking(tracking_mode="selective")).then(
        e.TrackingModeChanged(organization_id=ORGANIZATION, old="auto", new="selective")
    )


def test_one_end_of_the_window_moves_and_the_other_stays(scenario: Scenario):
    scenario.given(ADDED).when(
        c.ChangeTracking(tracking_end_date=date(2026, 4, 30))
    ).then(
        e.TrackingWindowChanged(
            organization_id=ORGANIZATION,
            tracking_start_date=MARCH_1,
            tracking_end_date=date(2026, 4, 30),
        )
    )


def test_both_ends_of_the_window_open(scenario: Scenario):
    scenario.given(ADDED).when(
        c.ChangeTracking(tracking_start_date=None, tracking_end_date=None)
    ).then(e.TrackingWindowChanged(organization_id=ORGANIZATION))


def test_mode_and_window_change_together(scenario: Scenario):
    scenario.given(ADDED).when(
        c.ChangeTracking(tracking_mode="selective", tracking_start_date=None)
    ).then(
        e.TrackingModeChanged(
            organization_id=ORGANIZATION, old="auto", new="selective"
        ),
        e.TrackingWindowChanged(
            organization_id=ORGANIZATION, tracking_end_date=MARCH_31
        ),
    )


def test_a_window_may_not_start_after_the_end_it_keeps(scenario: Scenario):
    scenario.given(ADDED).when(
        c.ChangeTracking(
            tracking_mode="selective", tracking_start_date=date(2026, 4, 1)
        )
    ).then_refused(InvalidWindowError)


def test_the_tracking_of_a_removed_creator_does_not_change(scenario: Scenario):
    scenario.given(ADDED, REMOVED).when(
        c.ChangeTracking(tracking_mode="selective")
    ).then_refused(CreatorRemovedError)


@pytest.mark.parametrize(
    "command",
    (
        c.ChangeTracking(),
        c.ChangeTracking(
            tracking_mode="auto",
            tracking_start_date=MARCH_1,
            tracking_end_date=MARCH_31,
        ),
    ),
)
def test_tracking_that_is_so_already_stays_as_it_is(
    scenario: Scenario, command: c.ChangeTracking
):
    scenario.given(ADDED).when(command).then_nothing()


# removal


@pytest.mark.parametrize("history", ((ADDED,), (ADDED, DISABLED)))
def test_a_creator_is_removed(scenario: Scenario, history: tuple[e.CreatorEvent, ...]):
    scenario.given(*history).when(c.SoftDelete()).then(REMOVED)


def test_a_removed_creator_is_not_removed_again(scenario: Scenario):
    scenario.given(ADDED, REMOVED).when(c.SoftDelete()).then_nothing()


def test_a_creator_opts_out_of_mails_once_also_when_removed(scenario: Scenario):
    command = c.OptOutOfMails(at=NOON)
    opted_out = e.CreatorOptedOut(organization_id=ORGANIZATION, at=NOON)

    for history in ((ADDED,), (ADDED, REMOVED)):
        scenario.given(*history).when(command).then(opted_out)
        scenario.given(*history, opted_out).when(command).then_nothing()


# coming back


def test_a_removed_creator_comes_back_with_new_settings(scenario: Scenario):
    scenario.given(ADDED, REMOVED).when(REACTIVATE).then(
        e.CreatorReactivated(
            organization_id=ORGANIZATION,
            tracking_mode="selective",
            tracking_start_date=None,
            tracking_end_date=MARCH_31,
        )
    )


@pytest.mark.parametrize(
    ("named", "start", "end"),
    (
        (c.Reactivate(), MARCH_1, MARCH_31),
        (c.Reactivate(tracking_start_date=None), None, MARCH_31),
        (c.Reactivate(tracking_end_date=None), MARCH_1, None),
    ),
)
def test_a_removed_creator_keeps_the_settings_that_are_not_named(
    scenario: Scenario, named: c.Reactivate, start: date | None, end: date | None
):
    selective = replace(ADDED, tracking_mode="selective")

    scenario.given(selective, REMOVED).when(named).then(
        e.CreatorReactivated(
            organization_id=ORGANIZATION,
            tracking_mode="selective",
            tracking_start_date=start,
            tracking_end_date=end,
        )
    )


def test_a_new_end_is_held_against_the_start_that_is_kept(scenario: Scenario):
    scenario.given(ADDED, REMOVED).when(
        c.Reactivate(tracking_end_date=date(2026, 2, 28))
    ).then_refused(InvalidWindowError)


def test_a_removed_creator_does_not_come_back_with_a_window_upside_down(
    scenario: Scenario,
):
    scenario.given(ADDED, REMOVED).when(
        replace(REACTIVATE, tracking_start_date=date(2026, 4, 1))
    ).then_refused(InvalidWindowError)


@pytest.mark.parametrize(
    "history", ((ADDED,), (ADDED, DISABLED), (ADDED, REMOVED, REACTIVATED))
)
def test_only_a_removed_creator_comes_back(
    scenario: Scenario, history: tuple[e.CreatorEvent, ...]
):
    scenario.given(*history).when(REACTIVATE).then_nothing()


# auto-disable and second chances


def test_a_creator_that_cannot_be_seen_is_disabled_with_the_verdict(scenario: Scenario):
    scenario.given(ADDED).when(AUTO_DISABLE).then(DISABLED)


@pytest.mark.parametrize(
    "history",
    (
        (ADDED, DISABLED),
        (ADDED, REMOVED),
        (ADDED, DISABLED, REENABLED),
        (ADDED, DISABLED, REMOVED, REACTIVATED),
    ),
)
def test_one_scrape_disables_once(
    scenario: Scenario, history: tuple[e.CreatorEvent, ...]
):
    scenario.given(*history).when(AUTO_DISABLE).then_nothing()


def test_a_later_scrape_disables_again(scenario: Scenario):
    scenario.given(ADDED, DISABLED, REENABLED).when(
        c.AutoDisable(verdict="not_found", scrape_id=ANOTHER_SCRAPE)
    ).then(
        e.CreatorAutoDisabled(
            organization_id=ORGANIZATION,
            verdict="not_found",
            scrape_id=ANOTHER_SCRAPE,
        )
    )


def test_a_person_disables_a_creator(scenario: Scenario):
    scenario.given(ADDED).when(c.Disable()).then(STOPPED)


def test_a_creator_is_disabled_again_after_it_was_enabled(scenario: Scenario):
    scenario.given(ADDED, STOPPED, REENABLED).when(c.Disable()).then(STOPPED)


@pytest.mark.parametrize("last", (STOPPED, DISABLED))
def test_a_disabled_creator_is_not_disabled_by_a_person(
    scenario: Scenario, last: e.CreatorEvent
):
    scenario.given(ADDED, last).when(c.Disable()).then_nothing()


def test_a_removed_creator_is_not_disabled_by_a_person(scenario: Scenario):
    scenario.given(ADDED, REMOVED).when(c.Disable()).then_refused(CreatorRemovedError)


def test_an_erased_creator_is_not_disabled_by_a_person(scenario: Scenario):
    erased = e.SubjectErased(
        organization_id=ORGANIZATION, number=1, figures="anonymous"
    )
    scenario.given(ADDED, erased).when(c.Disable()).then_refused(CreatorErasedError)


def test_scrapes_do_not_disable_a_creator_that_a_person_disabled(scenario: Scenario):
    scenario.given(ADDED, STOPPED).when(AUTO_DISABLE).then_nothing()


def test_a_creator_that_a_person_disabled_is_enabled_without_a_wait(
    scenario: Scenario,
):
    scenario.given(ADDED, DISABLED, REENABLED, STOPPED).when(c.Reenable(at=NOON)).then(
        REENABLED
    )


def test_a_disabled_creator_gets_another_try(scenario: Scenario):
    scenario.given(ADDED, DISABLED).when(c.Reenable(at=NOON)).then(REENABLED)


@pytest.mark.parametrize(
    ("later", "answered"),
    (
        (timedelta(0), False),
        (timedelta(hours=23, minutes=59, seconds=59), False),
        (timedelta(hours=24), True),
    ),
)
def test_the_next_try_comes_24_hours_later(
    scenario: Scenario, later: timedelta, *, answered: bool
):
    again = replace(DISABLED, scrape_id=ANOTHER_SCRAPE)
    scenario.given(ADDED, DISABLED, REENABLED, again).when(c.Reenable(at=NOON + later))

    if answered:
        scenario.then(replace(REENABLED, at=NOON + later))
    else:
        scenario.then_nothing()


@pytest.mark.parametrize("history", ((ADDED,), (ADDED, DISABLED, REMOVED)))
def test_only_a_disabled_creator_needs_another_try(
    scenario: Scenario, history: tuple[e.CreatorEvent, ...]
):
    scenario.given(*history).when(c.Reenable(at=NOON)).then_nothing()


# nobody there, and several at once


@pytest.mark.parametrize(
    "command",
    (
        c.RenameHandle(handle="lovelace"),
        c.ChangeDetails(readme=None),
        c.ChangeTracking(tracking_mode="auto"),
        c.SoftDelete(),
        REACTIVATE,
        AUTO_DISABLE,
        c.Disable(),
        c.Reenable(at=NOON),
    ),
    ids=lambda command: type(command).__name__,
)
def test_nothing_can_be_asked_of_a_creator_that_is_not_there(
    scenario: Scenario, command: c.CreatorCommand
):
    scenario.given().when(command).then_refused(NotFoundError, kind="creator")


def test_each_of_several_commands_sees_what_the_ones_before_it_did():
    happened = decide_all(
        evolve(evolve(None, ADDED), REMOVED),
        [
            REACTIVATE,
            c.RenameHandle(handle="lovelace"),
            c.RenameHandle(handle="ada"),
            c.ChangeDetails(description="Counts goats"),
        ],
        decide=decide,
        evolve=evolve,
    )

    assert happened == [
        e.CreatorReactivated(
            organization_id=ORGANIZATION,
            tracking_mode="selective",
            tracking_end_date=MARCH_31,
        ),
        e.HandleChanged(organization_id=ORGANIZATION, old="ada", new="lovelace"),
        e.HandleChanged(organization_id=ORGANIZATION, old="lovelace", new="ada"),
    ]


def test_several_commands_are_refused_as_one():
    ada = evolve(None, ADDED)

    with pytest.raises(CreatorRemovedError):
        decide_all(
            ada,
            [c.SoftDelete(), c.ChangeDetails(readme=None)],
            decide=decide,
            evolve=evolve,
        )

    assert decide_all(ada, [], decide=decide, evolve=evolve) == []


# what a creator is, after all that


def test_a_creator_is_what_its_events_say():
    events: list[e.CreatorEvent] = [
        ADDED,
        e.HandleChanged(organization_id=ORGANIZATION, old="ada", new="lovelace"),
        e.CreatorDetailsChanged(
            organization_id=ORGANIZATION,
            display_name="A.",
            readme=None,
            metadata={},
            tags=["b"],
        ),
        e.TrackingModeChanged(
            organization_id=ORGANIZATION, old="auto", new="selective"
        ),
        e.TrackingWindowChanged(
            organization_id=ORGANIZATION, tracking_end_date=MARCH_31
        ),
        DISABLED,
    ]

    creator = reduce(evolve, events, None)

    assert creator == CreatorState(
        organization_id=ORGANIZATION,
        project_id=PROJECT,
        origin_project_id=PROJECT,
        handle="lovelace",
        tracking_mode="selective",
        tracking_start_date=None,
        tracking_end_date=MARCH_31,
        display_name="A.",
        description="Counts goats",
        readme=None,
        metadata={},
        tags=["b"],
        status="disabled",
        disabled_reason="private",
        disabled_by=SCRAPE,
    )


@pytest.mark.parametrize(
    ("history", "status", "reason"),
    (
        ((ADDED,), "active", None),
        ((ADDED, DISABLED), "disabled", "private"),
        ((ADDED, STOPPED), "disabled", "by_hand"),
        ((ADDED, STOPPED, REENABLED), "active", None),
        ((ADDED, STOPPED, REMOVED), "removed", None),
        ((ADDED, DISABLED, REENABLED), "active", None),
        ((ADDED, REMOVED), "removed", None),
        ((ADDED, DISABLED, REMOVED), "removed", None),
        ((ADDED, DISABLED, REMOVED, REACTIVATED), "active", None),
    ),
)
def test_a_creator_is_active_disabled_or_removed(
    history: tuple[e.CreatorEvent, ...], status: str, reason: str | None
):
    creator = reduce(evolve, history, None)

    assert creator is not None
    assert (creator.status, creator.disabled_reason) == (status, reason)


def test_a_returned_creator_has_the_settings_it_returned_with_and_its_old_details():
    back = e.CreatorReactivated(organization_id=ORGANIZATION, tracking_mode="selective")

    creator = reduce(evolve, (ADDED, REMOVED, back), None)

    assert creator == CreatorState(
        organization_id=ORGANIZATION,
        project_id=PROJECT,
        origin_project_id=PROJECT,
        handle="ada",
        tracking_mode="selective",
        tracking_start_date=None,
        tracking_end_date=None,
        description="Counts goats",
        readme="# Ada",
        metadata={"tier": 1},
        tags=["Goat", "tier A"],
    )


def test_the_cooldown_counts_from_the_last_second_chance():
    last = datetime(2026, 3, 5, tzinfo=UTC)
    events = (ADDED, DISABLED, REENABLED, DISABLED, replace(REENABLED, at=last))

    creator = reduce(evolve, events, None)

    assert creator is not None
    assert creator.reenabled_at == last


def test_a_history_that_does_not_begin_with_an_addition_is_corrupt():
    with pytest.raises(CorruptHistoryError, match="creator_added"):
        evolve(None, REMOVED)
