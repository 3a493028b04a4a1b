"""Creators that were removed long enough ago are erased, and nobody else."""

from collections.abc import Callable
from uuid import UUID

import pytest

from application.erase import erase as erasing
from application.erase.erase import ErasureCommand
from domain import commands as c
from domain import events as e
from domain.creator.account import account_of
from domain.organization.handlers.organizations import change_organization
from domain.organization.plans import DEFAULT_PLANS
from infra.eventstore.codec import NewEvent
from infra.eventstore.execute import execute
from infra.eventstore.store import Store, plain_events
from infra.ids import new_id
from projections.engine.follower import Follower
from projections.registry import PROJECTIONS
from tests.kit.builders import NOON, Home, asking, log_of, next_events
from workers.policies.retention import ACTOR, erase_removed
from workers.scraping.identity import CreatorIdentities


def catch_up(store: Store) -> None:
    for projection in (*PROJECTIONS, CreatorIdentities()):
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()


def keep_for(home: Home, days: int | None) -> None:
    """Set the days, as the organization does."""
    command = c.ChangeOrganizationSettings(erase_removed_after_days=days)
    execute(
        home.store,
        lambda: change_organization(home.organization_id, command, plans=DEFAULT_PLANS),
        context=asking(),
    )


def another_project(home: Home) -> Home:
    """The same organization, with another project to add creators to."""
    project_id = new_id()
    command = c.CreateProject(project_id=project_id, name="Second", description=None)
    execute(
        home.store,
        lambda: change_organization(home.organization_id, command, plans=DEFAULT_PLANS),
        context=asking(),
    )
    return Home(home.store, home.organization_id, project_id)


def let_days_pass(store: Store, days: int) -> None:
    with store.pool.connection() as connection, connection.transaction():
        # The log refuses changes otherwise.
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(
            "UPDATE goatherd_events SET recorded_at = recorded_at "
            "- make_interval(days => %s)",
            (days,),
        )


def pin(home: Home, creator_id: UUID, user_id: str) -> None:
    """Let a scrape have found whose account it is."""
    history = home.store.load(creator_id)[creator_id]
    account = account_of(creator_id, plain_events(history))
    pinned = e.AccountPinned(
        organization_id=home.organization_id, creator_id=creator_id, user_id=user_id
    )
    known = home.store.load(account)[account]
    seen = e.ProfileSnapshotRecorded(
        organization_id=home.organization_id,
        creator_id=creator_id,
        observed_at=NOON,
        provider="test",
        user_id=user_id,
    )
    entries = [*next_events(account, known, [pinned]), NewEvent(new_id(), 1, seen)]
    home.store.append(entries, context=asking())


def erased(store: Store) -> list[UUID]:
    return [recorded.stream for recorded in log_of(store, e.SubjectErased)]


def test_who_was_removed_long_enough_ago_is_erased_with_its_figures_kept(
    store: Store, home: Home
) -> None:
    old, young, active = map(home.creator, ("old.goat", "young.goat", "active.goat"))
    keep_for(home, 30)
    home.remove(old)
    let_days_pass(store, 29)
    catch_up(store)
    assert erase_removed(store) == 0
    let_days_pass(store, 1)
    home.remove(young)
    catch_up(store)

    assert erase_removed(store) == 1
    catch_up(store)
    assert erase_removed(store) == 0

    assert erased(store) == [old]
    (recorded,) = log_of(store, e.SubjectErased)
    assert isinstance(recorded.event, e.SubjectErased)
    assert (recorded.event.figures, recorded.actor) == ("anonymous", ACTOR)
    assert home.look_at(young).status == "removed"
    assert home.look_at(active).status == "active"


@pytest.mark.parametrize("days", (None, 1))
def test_it_is_off_unless_an_organization_wants_it(
    store: Store, home: Home, days: int | None
) -> None:
    creator_id = home.creator("old.goat")
    if days is not None:
        keep_for(home, days)
        keep_for(home, None)
    home.remove(creator_id)
    let_days_pass(store, 4_000)
    catch_up(store)

    assert erase_removed(store) == 0
    assert erased(store) == []


@pytest.mark.parametrize("same", ("handle", "account"))
def test_who_is_still_tracked_as_another_creator_is_not_erased(
    store: Store, home: Home, same: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a projector, the second erasure would wait for one.
    monkeypatch.setattr(erasing, "PATIENCE_SECONDS", 0)
    keep_for(home, 30)
    removed = home.creator("wanted.goat")
    home.remove(removed)
    let_days_pass(store, 40)
    elsewhere = another_project(home)
    again = elsewhere.creator("wanted.goat" if same == "handle" else "renamed.goat")
    if same == "account":
        pin(home, removed, "77")
        pin(home, again, "77")
    catch_up(store)

    while_tracked = erase_removed(store)
    home.remove(again)
    catch_up(store)
    while_young = erase_removed(store)
    let_days_pass(store, 30)
    first = erase_removed(store)
    catch_up(store)
    both = first + erase_removed(store)

    assert (while_tracked, while_young, both) == (0, 0, 2)
    assert {*erased(store)} == {removed, again}


def test_who_comes_back_meanwhile_is_not_erased(
    store: Store, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_for(home, 30)
    creator_id = home.creator("wanted.goat")
    home.remove(creator_id)
    let_days_pass(store, 40)
    catch_up(store)
    of_it: Callable[[ErasureCommand], object] = ErasureCommand.handler
    returned: list[bool] = []

    def handler(self: ErasureCommand) -> object:
        if not returned:
            returned.append(True)
            assert home.creator("wanted.goat") == creator_id
            catch_up(store)
        return of_it(self)

    monkeypatch.setattr(ErasureCommand, "handler", handler)

    assert erase_removed(store) == 0
    assert erased(store) == []
    assert home.look_at(creator_id).status == "active"
