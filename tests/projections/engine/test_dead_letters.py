"""Dead letters: the stream that each holds back, and decisions of people on them."""

from typing import Any
from uuid import UUID

import pytest

from domain import events as e
from infra.eventstore.codec import Codec, NewEvent
from infra.eventstore.store import Store
from infra.ids import new_id
from projections.creators.projection import CreatorList
from projections.engine.dead_letters import FailedAgainError, NoDeadLetterError
from projections.engine.follower import FencedError, Follower
from projections.rebuild.rebuild import rebuild
from projections.rebuild.rollback import rollback
from projections.rebuild.transitions import RebuildOptions
from projections.registry import PROJECTIONS
from projections.scrape_runs.projection import ScrapeRuns
from tests.kit.builders import Home, asking, opened_store
from tests.kit.erasing import erase, tables_with
from tests.kit.histories import requested
from tests.kit.keys import SETTINGS
from tests.projections.analytics.ledger import dead_letters, position_of, registered
from tests.projections.engine.refused_rows import refused


class GoatMilked(e.Event, frozen=True, kw_only=True):
    """An event of a release that is not this one."""

    litres: int


@pytest.fixture
def follower(store: Store) -> Follower:
    return registered(store, CreatorList())


def handles(store: Store) -> set[str]:
    return {row[0] for row in query(store, "SELECT tiktok_handle FROM creator_list")}


def query(store: Store, statement: str, *values: object) -> list[Any]:
    with store.pool.connection() as connection:
        return connection.execute(statement.encode(), values).fetchall()


def decisions(store: Store) -> list[Any]:
    return query(
        store,
        "SELECT projection, position, name, decision, decided_by, reason, events "
        "FROM dead_letter_decision ORDER BY decided_at",
    )


def renamed(home: Home, creator_id: UUID, handle: str) -> int:
    """Rename a creator, and return the position of that."""
    home.rename(creator_id, handle)
    return home.store.load(creator_id)[creator_id][-1].position


@pytest.fixture
def held(store: Store, home: Home, follower: Follower) -> tuple[UUID, int]:
    """A creator whose renaming to wolf failed, and that was renamed to clara then."""
    creator_id = home.creator("heidi")
    with refused(store, "wolf"):
        position = renamed(home, creator_id, "wolf")
        # Rows are saved once a batch: in one with the next name the wolf would pass.
        follower.catch_up()
        renamed(home, creator_id, "clara")
        home.creator("peter")
        follower.catch_up()
    return creator_id, position


def test_a_dead_letter_holds_back_its_stream_and_no_other(
    store: Store, held: tuple[UUID, int]
):
    assert handles(store) == {"heidi", "peter"}
    assert [letter[1] for letter in dead_letters(store)] == [held[1]]
    assert position_of(store, "creator_list") == store.head()


def test_what_comes_later_to_the_stream_is_held_back_too(
    store: Store, home: Home, follower: Follower, held: tuple[UUID, int]
):
    renamed(home, held[0], "dete")
    home.creator("alm-uncle")

    follower.catch_up()

    assert handles(store) == {"heidi", "peter", "alm-uncle"}
    assert len(dead_letters(store)) == 1


def test_a_retry_applies_the_event_and_what_it_held_back_in_their_order(
    store: Store, follower: Follower, held: tuple[UUID, int]
):
    creator_id, position = held

    done = follower.retry(position, by="cli", reason="The constraint is gone.")

    ((handle, version),) = query(
        store,
        "SELECT tiktok_handle, version FROM creator_list WHERE id = %s",
        creator_id,
    )
    assert (handle, version) == ("clara", 3)
    assert (done.events, done.next_position) == (2, None)
    assert done.rows == {"creator_list": 2, "creator_search": 2}
    assert dead_letters(store) == []
    assert decisions(store) == [
        (
            *("creator_list", position, "handle_changed", "retried", "cli"),
            *("The constraint is gone.", 2),
        )
    ]


def test_after_a_retry_the_stream_is_followed_again(
    store: Store, home: Home, follower: Follower, held: tuple[UUID, int]
):
    creator_id, position = held
    follower.retry(position, by="cli", reason="mended")

    renamed(home, creator_id, "dete")
    follower.catch_up()

    assert handles(store) == {"dete", "peter"}


def test_a_retry_that_fails_again_changes_nothing_but_the_reason(
    store: Store, follower: Follower, held: tuple[UUID, int]
):
    _, position = held
    query_before = handles(store)

    with (
        refused(store, "wolf", "bear"),
        pytest.raises(FailedAgainError, match="refused"),
    ):
        follower.retry(position, by="cli", reason="Try it.")

    assert handles(store) == query_before
    assert [letter[1] for letter in dead_letters(store)] == [position]
    ((is_later,),) = query(
        store,
        "SELECT failed_at > (SELECT recorded_at FROM goatherd_events "
        "WHERE notification_id = position) AND error LIKE %s FROM dead_letter",
        "CheckViolation%",
    )
    assert is_later
    assert decisions(store) == []


def test_a_skip_leaves_the_event_out_and_applies_what_it_held_back(
    store: Store, follower: Follower, held: tuple[UUID, int]
):
    _, position = held

    with refused(store, "wolf"):
        done = follower.skip(position, by="key:1", reason="The wolf is gone.")

    assert handles(store) == {"clara", "peter"}
    assert (done.events, done.decision) == (1, "skipped")
    assert dead_letters(store) == []
    assert decisions(store)[0][3:] == ("skipped", "key:1", "The wolf is gone.", 1)


def test_a_stream_that_fails_at_another_event_stops_there(
    store: Store, home: Home, follower: Follower
):
    creator_id = home.creator("heidi")
    with refused(store, "wolf", "bear"):
        wolf = renamed(home, creator_id, "wolf")
        follower.catch_up()
        renamed(home, creator_id, "clara")
        bear = renamed(home, creator_id, "bear")
        renamed(home, creator_id, "dete")
        follower.catch_up()

        done = follower.skip(wolf, by="cli", reason="wolves")

    assert (done.events, done.next_position) == (1, bear)
    assert handles(store) == {"clara"}
    assert [letter[1] for letter in dead_letters(store)] == [bear]
    follower.retry(bear, by="cli", reason="bears are welcome")
    assert handles(store) == {"dete"}


def test_only_a_dead_letter_can_be_decided_on_and_only_once(
    follower: Follower, held: tuple[UUID, int]
):
    _, position = held

    with pytest.raises(NoDeadLetterError, match="creator_list has no dead letter"):
        follower.retry(position + 1, by="cli", reason="")
    follower.retry(position, by="cli", reason="")
    with pytest.raises(NoDeadLetterError):
        follower.skip(position, by="cli", reason="")


def test_a_release_with_other_rules_may_not_decide(
    store: Store, follower: Follower, held: tuple[UUID, int]
):
    with store.pool.connection() as connection:
        connection.execute("UPDATE projection SET version = 99")

    with pytest.raises(FencedError, match="version 99"):
        follower.retry(held[1], by="cli", reason="")

    assert len(dead_letters(store)) == 1
    assert decisions(store) == []


def test_a_letter_of_an_earlier_release_is_retried_alone(
    store: Store, home: Home, follower: Follower, held: tuple[UUID, int]
):
    creator_id, position = held
    with store.pool.connection() as connection:
        connection.execute("UPDATE dead_letter SET stream = NULL")
    renamed(home, creator_id, "dete")
    follower.catch_up()

    done = follower.retry(position, by="cli", reason="")

    # The later event was applied before, as earlier releases did.
    assert done.events == 1
    assert done.rows == {}
    assert "dete" in handles(store)


def test_an_event_of_a_newer_release_holds_nothing_back(
    store: Store, home: Home, follower: Follower
):
    creator_id = home.creator("heidi")
    newer = Store(store.pool, SETTINGS)
    newer.codec = Codec(
        {**e.STORED_NAMES, "goat_milked": GoatMilked}, keyring=store.keyring
    )
    milked = NewEvent(creator_id, 2, GoatMilked(litres=3))
    newer.append([milked], context=asking())
    follower.catch_up()
    store.append(
        [
            NewEvent(
                creator_id, 3, e.CreatorRemoved(organization_id=home.organization_id)
            )
        ],
        context=asking(),
    )

    follower.catch_up()

    assert query(store, "SELECT status FROM creator_list") == [("removed",)]
    assert [letter[2] for letter in dead_letters(store)] == ["goat_milked"]


@pytest.fixture
def all_followers(store: Store) -> list[Follower]:
    return [registered(store, projection) for projection in PROJECTIONS]


@pytest.mark.parametrize("decision", ("retry", "skip"))
def test_an_erasure_is_never_held_back_and_no_decision_brings_the_person_back(
    store: Store, home: Home, all_followers: list[Follower], decision: str
):
    creator_id = home.creator("heidi")
    follower = next(f for f in all_followers if isinstance(f.projection, CreatorList))
    with refused(store, "wolf"):
        position = renamed(home, creator_id, "wolf")
        for each in all_followers:
            each.catch_up()
        renamed(home, creator_id, "clara")
        for each in all_followers:
            each.catch_up()
        erase(
            store,
            creator_id,
            organization_id=home.organization_id,
            confirm="clara",
        )
        for each in all_followers:
            each.catch_up()
    before = query(store, "SELECT status FROM creator_list")

    decide = follower.retry if decision == "retry" else follower.skip
    decide(position, by="cli", reason="again")

    assert before == [("erased",)]
    assert query(store, "SELECT status FROM creator_list") == [("erased",)]
    assert not any(tables_with(store, name) for name in ("heidi", "clara"))


def test_a_scrape_of_an_erased_creator_stays_gone_after_a_retry(
    store: Store, home: Home, all_followers: list[Follower]
):
    creator_id, scrape_id = home.creator("heidi"), new_id()
    follower = next(f for f in all_followers if isinstance(f.projection, ScrapeRuns))
    with refused(store, "heidi", table="scrape_runs"):
        request = requested(
            creator_id, organization_id=home.organization_id, handle="heidi"
        )
        recorded = store.append([NewEvent(scrape_id, 1, request)], context=asking())
        for each in all_followers:
            each.catch_up()
        erase(
            store,
            creator_id,
            organization_id=home.organization_id,
            confirm="heidi",
            figures="drop",
        )
        for each in all_followers:
            each.catch_up()

    follower.retry(recorded[0].position, by="cli", reason="mended")

    assert query(store, "SELECT count(*) FROM scrape_runs") == [(0,)]


def test_an_erasure_wipes_the_reasons_of_decisions_about_the_person(
    store: Store, home: Home, all_followers: list[Follower]
):
    creator_id = home.creator("heidi")
    follower = next(f for f in all_followers if isinstance(f.projection, CreatorList))
    with refused(store, "wolf"):
        position = renamed(home, creator_id, "wolf")
        for each in all_followers:
            each.catch_up()
        follower.skip(position, by="cli", reason="Heidi is no wolf.")
        erase(store, creator_id, organization_id=home.organization_id, confirm="wolf")

    assert [decision[5] for decision in decisions(store)] == ["erased"]


def test_a_rollback_brings_dead_letters_back_with_what_they_hold_back(
    store: Store, home: Home, database_url: str, held: tuple[UUID, int]
):
    (creators,) = [each for each in PROJECTIONS if each.name == "creator_list"]
    with opened_store(database_url) as other:
        rebuild(other, creators, by="test", options=RebuildOptions(force=True))
        rebuilt = handles(store)
        renamed(home, held[0], "dete")

        rollback(other, creators)

    assert rebuilt == {"clara", "peter"}
    assert handles(store) == {"heidi", "peter"}
    follower = registered(store, CreatorList())
    follower.retry(held[1], by="cli", reason="mended")
    assert handles(store) == {"dete", "peter"}
