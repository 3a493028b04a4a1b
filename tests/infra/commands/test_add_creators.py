from datetime import date
from typing import Any
from uuid import UUID

import pytest
from psycopg import Cursor

from domain import events as e
from domain.creator.handlers.add import Additions, RequestedCreator
from domain.creator.handlers.change import BOTH_SCRAPES
from domain.errors import (
    CreatorBannedError,
    HandleTakenError,
    InvalidHandleError,
    InvalidWindowError,
    LimitReachedError,
    NotFoundError,
)
from domain.organization.plans import DEFAULT_PLANS
from domain.streams import scrape_stream
from infra.eventstore.execute import Executed
from infra.eventstore.store import Store
from infra.ids import new_id
from tests.kit.builders import NOON, Home, asking, make_home
from tests.kit.commands import add_creators, ban_handle

MARCH_1 = date(2026, 3, 1)


def test_an_addition_is_a_creator_its_claim_and_two_scrapes_in_one_append(
    store: Store, home: Home
):
    before = store.head()
    context = asking("key:1")

    additions = add_creators(
        store,
        [
            RequestedCreator(
                tiktok_handle="https://www.tiktok.com/@Ada",
                tracking_mode="selective",
                tracking_start_date=None,
                tracking_end_date=date(2026, 12, 31),
                description="Counts goats",
                readme="# Ada",
                metadata={"tier": 1},
            )
        ],
        organization_id=home.organization_id,
        project_id=home.project_id,
        plans=DEFAULT_PLANS,
        now=NOON,
        context=context,
    )

    (added,) = additions.result
    assert (added.status, added.tiktok_handle, added.index) == ("created", "ada", 0)
    ada = added.creator_id
    assert ada is not None
    stored = store.load(
        ada,
        store.names.claim_stream(home.project_id, "ada"),
        scrape_stream(context.command_id, ada, "creator_profiles"),
        scrape_stream(context.command_id, ada, "discover_videos"),
    )
    assert [[event.event for event in events] for events in stored.values()] == [
        [
            e.CreatorAdded(
                organization_id=home.organization_id,
                project_id=home.project_id,
                handle="ada",
                tracking_mode="selective",
                tracking_start_date=None,
                tracking_end_date=date(2026, 12, 31),
                description="Counts goats",
                readme="# Ada",
                metadata={"tier": 1},
            )
        ],
        [
            e.HandleClaimed(
                organization_id=home.organization_id,
                project_id=home.project_id,
                handle="ada",
                creator_id=ada,
            )
        ],
        [_requested(home, ada, "ada", job_type="creator_profiles", trigger="added")],
        [_requested(home, ada, "ada", job_type="discover_videos", trigger="added")],
    ]
    envelopes = [event for events in stored.values() for event in events]
    assert {event.position for event in envelopes} == set(range(before + 1, before + 5))
    assert {event.actor for event in envelopes} == {"key:1"}
    assert {event.causation_id for event in envelopes} == {context.command_id}
    assert additions.history(ada) == tuple(stored[ada])
    assert additions.position == store.head()
    assert home.counted() == 1


@pytest.mark.parametrize(
    ("time_zone", "today"),
    (
        ("UTC", MARCH_1),
        ("Pacific/Auckland", date(2026, 3, 2)),
        ("Pacific/Honolulu", MARCH_1),
    ),
)
def test_tracking_starts_today_where_the_organization_is(
    store: Store, time_zone: str, today: date
):
    home = make_home(store, time_zone=time_zone)

    ada = home.creator("ada")

    assert home.look_at(ada).tracking_start_date == today


def test_what_is_not_said_is_left_open(home: Home):
    ada = home.look_at(home.creator("ada"))

    assert (ada.tracking_mode, ada.tracking_end_date) == ("auto", None)
    assert (ada.description, ada.readme, ada.metadata) == (None, None, {})


def test_a_bad_item_fails_alone(store: Store, home: Home):
    home.creator("taken")
    ban_handle(store, "banned", context=asking())
    before = store.head()

    results = home.add_new(
        RequestedCreator(tiktok_handle="@Berta"),
        RequestedCreator(tiktok_handle="no handle"),
        RequestedCreator(tiktok_handle="Taken"),
        RequestedCreator(tiktok_handle="https://www.tiktok.com/@BANNED"),
        RequestedCreator(tiktok_handle="berta"),
        RequestedCreator(
            tiktok_handle="cleo",
            tracking_start_date=date(2026, 3, 2),
            tracking_end_date=MARCH_1,
        ),
        RequestedCreator(tiktok_handle="dora"),
    )

    assert [(r.index, r.tiktok_handle, type(r.refusal)) for r in results] == [
        (0, "berta", type(None)),
        (1, "no handle", InvalidHandleError),
        (2, "taken", HandleTakenError),
        (3, "banned", CreatorBannedError),
        (4, "berta", HandleTakenError),
        (5, "cleo", InvalidWindowError),
        (6, "dora", type(None)),
    ]
    assert [r.status for r in results if r.refusal is None] == ["created"] * 2
    assert [r for r in results if r.refusal and r.creator_id] == []
    assert store.head() - before == 2 * 4
    assert home.holder("cleo") is None
    assert home.counted() == home.active_in_the_log() == 3


def test_where_nothing_can_be_added_nothing_is_stored(store: Store, home: Home):
    home.creator("ada")
    before = store.head()

    results = home.add("ada", "..")

    assert [result.status for result in results] == ["failed", "failed"]
    assert store.head() == before


def test_an_addition_beyond_the_plan_adds_nobody(store: Store):
    home = make_home(store, plan="free")
    home.add("a", "b", "c")
    before = store.head()

    with pytest.raises(LimitReachedError) as refused:
        home.add("d", "e", "f")

    reported = refused.value.limit_key, refused.value.current, refused.value.maximum
    assert reported == ("max_creators_per_org", 3, 5)
    assert store.head() == before
    assert home.holder("d") is None


def test_only_who_can_be_added_counts_against_the_plan(store: Store):
    home = make_home(store, plan="free")
    home.add("a", "b", "c")

    results = home.add("a", "d", "..", "e", "d")

    assert [result.status == "created" for result in results] == [
        *(False, True, False, True, False)
    ]
    assert home.counted() == home.active_in_the_log() == 5


def test_the_plan_counts_every_project_of_the_organization(store: Store):
    one, other = make_home(store, plan="free"), make_home(store, plan="free")

    one.add("a", "b", "c", "d", "e")
    other.add("a", "b", "c", "d", "e")

    assert (one.counted(), other.counted()) == (5, 5)


@pytest.mark.parametrize("wrong", ("project", "organization", "both"))
def test_nobody_is_added_where_there_is_no_such_project(
    store: Store, home: Home, wrong: str
):
    other = make_home(store)
    before = store.head()

    with pytest.raises(NotFoundError) as refused:
        add_creators(
            store,
            [RequestedCreator(tiktok_handle="ada")],
            organization_id={
                "project": home.organization_id,
                "organization": other.organization_id,
                "both": new_id(),
            }[wrong],
            project_id=new_id() if wrong != "organization" else home.project_id,
            plans=DEFAULT_PLANS,
            now=NOON,
            context=asking(),
        )

    assert refused.value.kind == "project"
    assert store.head() == before


# coming back


def test_a_removed_creator_comes_back_as_itself_with_the_settings_that_are_named(
    store: Store, home: Home
):
    (first,) = home.add_new(
        RequestedCreator(
            tiktok_handle="ada",
            tracking_mode="selective",
            tracking_end_date=date(2026, 12, 31),
            description="Counts goats",
            readme="# Ada",
            metadata={"tier": 1},
        )
    )
    ada = first.creator_id
    assert ada is not None
    home.remove(ada)
    removed = store.load(ada)[ada]

    executed = home.execute_add(
        RequestedCreator(tiktok_handle="@ADA", readme=None, metadata={"tier": 2})
    )

    (back,) = executed.result
    history = executed.history(ada)
    assert (back.status, back.creator_id) == ("reactivated", ada)
    assert list(history) == store.load(ada)[ada]
    assert list(history[:2]) == removed
    assert [event.event for event in history[2:]] == [
        e.CreatorReactivated(
            organization_id=home.organization_id,
            tracking_mode="selective",
            tracking_start_date=MARCH_1,
            tracking_end_date=date(2026, 12, 31),
        ),
        e.CreatorDetailsChanged(
            organization_id=home.organization_id, readme=None, metadata={"tier": 2}
        ),
    ]
    assert home.look_at(ada).description == "Counts goats"
    assert home.holder("ada") == ada
    assert home.counted() == home.active_in_the_log() == 1
    again = history[-1].causation_id
    assert again is not None
    for job in BOTH_SCRAPES:
        run = scrape_stream(again, ada, job)
        (requested,) = store.load(run)[run]
        assert requested.event == _requested(
            home, ada, "ada", job_type=job, trigger="reactivated"
        )


def test_between_removal_and_return_the_handle_is_free(store: Store, home: Home):
    ada = home.creator("ada")

    home.remove(ada)
    free = home.holder("ada")
    home.creator("ada")

    assert free is None
    claim = store.names.claim_stream(home.project_id, "ada")
    assert [type(event.event) for event in store.load(claim)[claim]] == [
        *(e.HandleClaimed, e.HandleReleased, e.HandleClaimed)
    ]


def test_a_return_with_a_window_upside_down_fails(store: Store, home: Home):
    ada = home.creator("ada")
    home.remove(ada)
    before = store.head()

    (result,) = home.add_new(
        RequestedCreator(
            tiktok_handle="ada",
            tracking_start_date=date(2026, 3, 2),
            tracking_end_date=MARCH_1,
        )
    )

    assert isinstance(result.refusal, InvalidWindowError)
    assert store.head() == before


def test_a_return_counts_against_the_plan(store: Store):
    home = make_home(store, plan="free")
    home.remove(home.creator("ada"))
    home.add("a", "b", "c", "d", "e")

    with pytest.raises(LimitReachedError):
        home.add("ada")

    assert home.counted() == home.active_in_the_log() == 5


def test_a_banned_creator_does_not_come_back(store: Store, home: Home):
    home.remove(home.creator("ada"))
    ban_handle(store, "ada", context=asking())

    (result,) = home.add("ada")

    assert isinstance(result.refusal, CreatorBannedError)
    assert home.holder("ada") is None


def test_a_creator_comes_back_again_and_again(home: Home):
    ada = home.creator("ada")
    for _ in range(3):
        home.remove(ada)

        (back,) = home.add("ada")

        assert (back.status, back.creator_id) == ("reactivated", ada)
    assert home.look_at(ada).status == "active"


def test_whoever_was_renamed_away_comes_back_by_its_last_handle(home: Home):
    ada = home.creator("ada")
    home.rename(ada, "lovelace")
    (another,) = home.add("ada")
    home.remove(ada)

    (back,) = home.add("lovelace")

    assert another.status == "created"
    assert another.creator_id != ada
    assert (back.status, back.creator_id) == ("reactivated", ada)


def test_whoever_was_renamed_away_and_removed_stays_removed(home: Home):
    ada = home.creator("ada")
    home.rename(ada, "lovelace")
    home.remove(ada)

    (another,) = home.add("ada")

    assert another.status == "created"
    assert another.creator_id != ada
    assert home.look_at(ada).status == "removed"


def test_a_creator_is_brought_back_by_its_own_project_only(store: Store):
    one, other = make_home(store), make_home(store)
    ada = one.creator("ada")
    one.remove(ada)

    (elsewhere,) = other.add("ada")

    assert elsewhere.status == "created"
    assert elsewhere.creator_id != ada


# in_transaction


def test_what_is_written_in_transaction_knows_what_was_added(store: Store, home: Home):
    seen: list[Executed[Additions]] = []

    def in_transaction(cursor: Cursor[Any], additions: Executed[Additions]) -> None:
        cursor.execute("INSERT INTO quota_counters VALUES (%s, 1)", (new_id(),))
        seen.append(additions)

    additions = add_creators(
        store,
        [RequestedCreator(tiktok_handle="ada"), RequestedCreator(tiktok_handle="..")],
        organization_id=home.organization_id,
        project_id=home.project_id,
        plans=DEFAULT_PLANS,
        now=NOON,
        context=asking(),
        in_transaction=in_transaction,
    )

    assert seen == [additions]


def test_nobody_is_added_when_what_is_written_in_transaction_fails(
    store: Store, home: Home
):
    def in_transaction(_: Cursor[Any], __: Executed[Additions]) -> None:
        raise RuntimeError("the goat ate it")

    with pytest.raises(RuntimeError, match="the goat ate it"):
        add_creators(
            store,
            [RequestedCreator(tiktok_handle="ada")],
            organization_id=home.organization_id,
            project_id=home.project_id,
            plans=DEFAULT_PLANS,
            now=NOON,
            context=asking(),
            in_transaction=in_transaction,
        )

    assert home.holder("ada") is None
    assert home.counted() == 0


def _requested(
    home: Home,
    creator_id: UUID,
    handle: str,
    *,
    job_type: e.JobType,
    trigger: e.Trigger,
) -> e.ScrapeRequested:
    return e.ScrapeRequested(
        organization_id=home.organization_id,
        project_id=home.project_id,
        creator_id=creator_id,
        handle=handle,
        job_type=job_type,
        trigger=trigger,
    )
