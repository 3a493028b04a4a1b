from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg import Cursor

from domain import commands as c
from domain import events as e
from domain.creator.handlers.change import BOTH_SCRAPES
from domain.decisions import ItemResult, ItemResults
from domain.errors import (
    CreatorBannedError,
    CreatorRemovedError,
    DomainError,
    HandleTakenError,
    InvalidHandleError,
    InvalidWindowError,
    LimitReachedError,
    NoChangeError,
    NotFoundError,
    StaleVersionError,
)
from domain.organization.plans import DEFAULT_PLANS
from domain.streams import scrape_stream
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed
from infra.eventstore.store import RecordedEvent, Store
from infra.ids import new_id
from tests.kit.builders import ANOTHER_SCRAPE, NOON, SCRAPE, Home, asking, make_home
from tests.kit.commands import (
    auto_disable_creator,
    ban_handle,
    change_creator,
    reenable_creators,
    remove_creator,
    remove_creators,
)

RENAME = c.RenameHandle(handle="lovelace")


# change


def test_a_rename_moves_the_claim_and_asks_for_the_new_profile(
    store: Store, home: Home
):
    ada = home.creator("ada")
    before = store.head()
    context = asking()

    changed = _change(home, ada, c.RenameHandle(handle="@Lovelace"), context=context)

    run = scrape_stream(context.command_id, ada, "creator_profiles")
    stored = store.load(
        ada,
        store.names.claim_stream(home.project_id, "ada"),
        store.names.claim_stream(home.project_id, "lovelace"),
        run,
    )
    claim: dict[str, Any] = {
        "organization_id": home.organization_id,
        "project_id": home.project_id,
        "creator_id": ada,
    }
    assert [events[-1].event for events in stored.values()] == [
        e.HandleChanged(
            organization_id=home.organization_id, old="ada", new="lovelace"
        ),
        e.HandleReleased(handle="ada", **claim),
        e.HandleClaimed(handle="lovelace", **claim),
        e.ScrapeRequested(
            handle="lovelace", job_type="creator_profiles", trigger="renamed", **claim
        ),
    ]
    assert store.head() - before == 4
    assert changed.result == ada
    assert changed.history(ada) == tuple(stored[ada])
    assert changed.position == store.head()
    assert home.counted() == home.active_in_the_log() == 1


def test_a_handle_that_was_left_is_free_for_another(home: Home):
    ada, berta = home.creator("ada"), home.creator("berta")

    home.rename(ada, "lovelace")
    home.rename(berta, "ada")

    assert [home.holder(handle) for handle in ("ada", "berta", "lovelace")] == [
        *(berta, None, ada)
    ]


def test_a_creator_returns_to_a_handle_it_left(home: Home):
    ada = home.creator("ada")
    home.rename(ada, "lovelace")

    home.rename(ada, "ada")

    assert (home.holder("ada"), home.holder("lovelace")) == (ada, None)


def test_a_disabled_creator_is_renamed_and_stays_disabled(home: Home):
    ada = home.creator("ada")
    home.disable(ada)

    home.rename(ada, "lovelace")

    assert home.look_at(ada).status == "disabled"
    assert home.holder("lovelace") == ada


@pytest.mark.parametrize(
    ("commands", "refusal"),
    (
        ([c.RenameHandle(handle="ADA")], NoChangeError),
        ([c.RenameHandle(handle="@berta")], HandleTakenError),
        ([c.RenameHandle(handle="banned")], CreatorBannedError),
        ([c.RenameHandle(handle="../etc")], InvalidHandleError),
        ([c.ChangeTracking(tracking_end_date=date(2020, 1, 1))], InvalidWindowError),
        ([c.ChangeDetails(readme="x"), c.RenameHandle(handle="berta")],
         HandleTakenError),
        ([RENAME, c.ChangeTracking(tracking_end_date=date(2020, 1, 1))],
         InvalidWindowError),
    ),
)  # fmt: skip
def test_a_change_is_refused_as_a_whole(
    store: Store,
    home: Home,
    commands: Sequence[c.CreatorCommand],
    refusal: type[DomainError],
):
    ada = home.creator("ada")
    home.creator("berta")
    ban_handle(store, "banned", context=asking())
    before = store.head()

    with pytest.raises(refusal):
        _change(home, ada, *commands)

    assert store.head() == before
    assert home.holder("ada") == ada


def test_a_removed_creator_does_not_change(store: Store, home: Home):
    ada = home.creator("ada")
    home.remove(ada)
    before = store.head()

    with pytest.raises(CreatorRemovedError):
        _change(home, ada, RENAME)

    assert store.head() == before


def test_several_changes_are_one_append(store: Store, home: Home):
    ada = home.creator("ada")

    changed = _change(
        home,
        ada,
        RENAME,
        c.ChangeDetails(display_name="Ada L."),
        c.ChangeTracking(tracking_mode="selective"),
    )

    assert [type(event.event) for event in changed.history(ada)[1:]] == [
        *(e.HandleChanged, e.CreatorDetailsChanged, e.TrackingModeChanged)
    ]
    assert len({event.recorded_at for event in changed.history(ada)[1:]}) == 1
    assert list(changed.history(ada)) == store.load(ada)[ada]


def test_a_change_to_what_is_so_already_stores_nothing(store: Store, home: Home):
    ada = home.creator("ada")
    before = store.head()

    changed = _change(home, ada, c.ChangeDetails(description=None))

    assert changed.result == ada
    assert changed.history(ada) == tuple(store.load(ada)[ada])
    assert changed.position is None
    assert store.head() == before


def test_a_change_is_made_only_to_the_version_that_was_seen(store: Store, home: Home):
    ada = home.creator("ada")
    _change(home, ada, RENAME, expected_versions=[1])
    before = store.head()

    with pytest.raises(StaleVersionError) as stale:
        _change(home, ada, c.ChangeDetails(readme="x"), expected_versions=[1, 3])

    assert stale.value.current == 2
    assert store.head() == before


def test_what_is_written_in_transaction_a_change_knows_all_of_it(
    store: Store, home: Home
):
    ada = home.creator("ada")
    seen: list[Executed[UUID]] = []

    def in_transaction(_: Cursor[Any], changed: Executed[UUID]) -> None:
        seen.append(changed)

    changed = change_creator(
        store,
        ada,
        [RENAME],
        organization_id=home.organization_id,
        context=asking(),
        in_transaction=in_transaction,
    )

    assert seen == [changed]


@pytest.mark.parametrize("whose", ("theirs", "nobody's", "another kind of thing's"))
def test_the_creators_of_others_are_not_there(store: Store, home: Home, whose: str):
    theirs = make_home(store).creator("ada")
    home.creator("ada")
    ids = {
        "theirs": [theirs],
        "nobody's": [new_id(), home.project_id],
        "another kind of thing's": [
            home.organization_id,
            store.names.claim_stream(home.project_id, "ada"),
        ],
    }
    before = store.head()

    for creator_id in ids[whose]:
        with pytest.raises(NotFoundError, match="creator"):
            _change(home, creator_id, RENAME)
        with pytest.raises(NotFoundError, match="creator"):
            home.remove(creator_id)
        (removed,) = remove_creators(
            store,
            [creator_id],
            organization_id=home.organization_id,
            project_id=home.project_id,
            context=asking(),
        ).result
        (reenabled,) = _reenable(home, creator_id).result
        assert removed.reason == reenabled.reason == "not_found"

    assert store.head() == before


# removal


def test_a_removal_frees_the_handle_and_a_place(store: Store, home: Home):
    ada = home.creator("ada")
    before = store.head()

    removed = remove_creator(
        store, ada, organization_id=home.organization_id, context=asking()
    )

    assert store.head() - before == 2
    assert removed.position == store.head()
    assert removed.history(ada) == tuple(store.load(ada)[ada])
    assert isinstance(removed.history(ada)[-1].event, e.CreatorRemoved)
    assert home.holder("ada") is None
    assert home.counted() == home.active_in_the_log() == 0


def test_a_second_removal_stores_nothing(store: Store, home: Home):
    ada = home.creator("ada")
    home.remove(ada)
    before = store.head()

    again = remove_creator(
        store, ada, organization_id=home.organization_id, context=asking()
    )

    assert again.position is None
    assert again.history(ada) == tuple(store.load(ada)[ada])
    assert store.head() == before
    assert home.counted() == 0


def test_a_removal_is_made_only_of_the_version_that_was_seen(home: Home):
    ada = home.creator("ada")

    with pytest.raises(StaleVersionError) as stale:
        remove_creator(
            home.store,
            ada,
            organization_id=home.organization_id,
            context=asking(),
            expected_versions=[2],
        )

    assert stale.value.current == 1
    assert home.look_at(ada).status == "active"


def test_a_disabled_creator_frees_its_place_once(home: Home):
    ada, _ = home.creator("ada"), home.creator("berta")
    home.disable(ada)

    home.remove(ada)

    assert home.counted() == home.active_in_the_log() == 1


def test_many_are_removed_in_one_append(store: Store, home: Home):
    ada, berta, cleo = (home.creator(handle) for handle in ("ada", "berta", "cleo"))
    gone = home.creator("gone")
    home.remove(gone)
    home.disable(cleo)
    theirs = make_home(store).creator("ada")
    nobody = new_id()
    before = store.head()

    done = remove_creators(
        store,
        [berta, nobody, ada, gone, theirs, berta, cleo],
        organization_id=home.organization_id,
        project_id=home.project_id,
        context=asking(),
    )

    assert done.result == (
        ItemResult(berta, "ok"),
        ItemResult(nobody, "failed", "not_found"),
        ItemResult(ada, "ok"),
        ItemResult(gone, "skipped", "already removed"),
        ItemResult(theirs, "failed", "not_found"),
        ItemResult(berta, "skipped", "already removed"),
        ItemResult(cleo, "ok"),
    )
    assert done.position == store.head()
    assert store.head() - before == 3 * 2
    assert [home.holder(handle) for handle in ("ada", "berta", "cleo")] == [None] * 3
    assert home.counted() == home.active_in_the_log() == 0


def test_where_nobody_can_be_removed_nothing_is_stored(store: Store, home: Home):
    before = store.head()

    done = remove_creators(
        store,
        [new_id()],
        organization_id=home.organization_id,
        project_id=home.project_id,
        context=asking(),
    )

    assert done.position is None
    assert store.head() == before


def test_nobody_is_removed_from_a_project_that_is_not_there(store: Store, home: Home):
    ada = home.creator("ada")

    for organization_id, project_id in _elsewhere(store, home):
        with pytest.raises(NotFoundError, match="project"):
            remove_creators(
                store,
                [ada],
                organization_id=organization_id,
                project_id=project_id,
                context=asking(),
            )

    assert home.look_at(ada).status == "active"


# auto-disable and second chances


def test_a_verdict_disables_a_creator_and_frees_its_place(store: Store, home: Home):
    ada = home.creator("ada")

    recorded = _disable(home, ada, SCRAPE)

    assert [event.event for event in recorded] == [
        e.CreatorAutoDisabled(
            organization_id=home.organization_id, verdict="private", scrape_id=SCRAPE
        )
    ]
    assert store.load(ada)[ada][-1:] == recorded
    assert home.holder("ada") == ada
    assert home.counted() == home.active_in_the_log() == 0


def test_a_verdict_that_is_handed_over_twice_disables_once(store: Store, home: Home):
    ada = home.creator("ada")
    _disable(home, ada, SCRAPE)
    before = store.head()

    at_once = _disable(home, ada, SCRAPE)
    _reenable(home, ada)
    after_a_second_chance = _disable(home, ada, SCRAPE)

    assert (at_once, after_a_second_chance) == ([], [])
    assert store.head() - before == 3
    assert home.look_at(ada).status == "active"
    assert home.counted() == home.active_in_the_log() == 1


def test_nobody_there_nobody_disabled(store: Store):
    before = store.head()

    with pytest.raises(NotFoundError, match="creator"):
        auto_disable_creator(
            store,
            new_id(),
            c.AutoDisable(verdict="private", scrape_id=SCRAPE),
            context=asking(),
        )

    assert store.head() == before


def test_a_second_chance_asks_for_both_scrapes_and_takes_a_place(
    store: Store, home: Home
):
    ada = home.creator("ada")
    _disable(home, ada, SCRAPE)
    context = asking()

    done = _reenable(home, ada, context=context)

    runs = [scrape_stream(context.command_id, ada, job) for job in BOTH_SCRAPES]
    stored = store.load(ada, *runs)
    assert done.result == (ItemResult(ada, "ok"),)
    assert done.position == store.head()
    assert stored[ada][-1].event == e.CreatorReenabled(
        organization_id=home.organization_id, at=NOON
    )
    assert [stored[run][0].event for run in runs] == [
        e.ScrapeRequested(
            organization_id=home.organization_id,
            project_id=home.project_id,
            creator_id=ada,
            handle="ada",
            job_type=job,
            trigger="reenabled",
        )
        for job in BOTH_SCRAPES
    ]
    assert home.counted() == home.active_in_the_log() == 1


def test_second_chances_are_24_hours_apart(home: Home):
    ada = home.creator("ada")
    _disable(home, ada, SCRAPE)
    _reenable(home, ada)
    _disable(home, ada, ANOTHER_SCRAPE)

    too_soon = _reenable(home, ada, after=timedelta(hours=23, minutes=59))
    in_time = _reenable(home, ada, after=timedelta(hours=24))

    assert too_soon.result == (
        ItemResult(ada, "skipped", "re-enabled within 24 hours"),
    )
    assert too_soon.position is None
    assert [result.status for result in in_time.result] == ["ok"]


def test_only_who_is_disabled_gets_a_second_chance(store: Store, home: Home):
    ada, berta, gone = (home.creator(handle) for handle in ("ada", "berta", "gone"))
    home.disable(ada)
    home.remove(gone)
    theirs = make_home(store).creator("ada")
    nobody = new_id()

    done = _reenable(home, berta, ada, nobody, gone, theirs, ada)

    assert done.result == (
        ItemResult(berta, "skipped", "not auto-disabled"),
        ItemResult(ada, "ok"),
        ItemResult(nobody, "failed", "not_found"),
        ItemResult(gone, "skipped", "not auto-disabled"),
        ItemResult(theirs, "failed", "not_found"),
        ItemResult(ada, "skipped", "not auto-disabled"),
    )
    assert home.counted() == home.active_in_the_log() == 2


def test_second_chances_beyond_the_plan_are_given_to_nobody(store: Store):
    home = make_home(store, plan="free")
    ada, berta = home.creator("ada"), home.creator("berta")
    home.disable(ada)
    home.disable(berta)
    home.add("a", "b", "c", "d")
    before = store.head()

    with pytest.raises(LimitReachedError) as refused:
        _reenable(home, ada, berta)

    reported = refused.value.limit_key, refused.value.current, refused.value.maximum
    assert reported == ("max_creators_per_org", 4, 5)
    assert store.head() == before
    assert home.look_at(ada).status == "disabled"


def test_second_chances_are_given_in_a_project_that_is_there(store: Store, home: Home):
    ada = home.creator("ada")
    home.disable(ada)

    for organization_id, project_id in _elsewhere(store, home):
        with pytest.raises(NotFoundError, match="project"):
            reenable_creators(
                store,
                [ada],
                organization_id=organization_id,
                project_id=project_id,
                plans=DEFAULT_PLANS,
                now=NOON,
                context=asking(),
            )

    assert home.look_at(ada).status == "disabled"


def _elsewhere(store: Store, home: Home) -> list[tuple[UUID, UUID]]:
    """Organizations and projects that do not belong together."""
    return [
        (home.organization_id, new_id()),
        (new_id(), home.project_id),
        (make_home(store).organization_id, home.project_id),
        (home.project_id, home.organization_id),
    ]


def _change(
    home: Home,
    creator_id: UUID,
    *commands: c.CreatorCommand,
    expected_versions: Sequence[int] | None = None,
    context: Context | None = None,
) -> Executed[UUID]:
    return change_creator(
        home.store,
        creator_id,
        commands,
        organization_id=home.organization_id,
        context=context or asking(),
        expected_versions=expected_versions,
    )


def _disable(home: Home, creator_id: UUID, scrape_id: UUID) -> list[RecordedEvent]:
    verdict = c.AutoDisable(verdict="private", scrape_id=scrape_id)
    return auto_disable_creator(home.store, creator_id, verdict, context=asking())


def _reenable(
    home: Home,
    *creator_ids: UUID,
    after: timedelta = timedelta(0),
    context: Context | None = None,
) -> Executed[ItemResults]:
    return reenable_creators(
        home.store,
        creator_ids,
        organization_id=home.organization_id,
        project_id=home.project_id,
        plans=DEFAULT_PLANS,
        now=NOON + after,
        context=context or asking(),
    )
