"""One account under two handles of a project: the second creator is disabled."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from application import same_account
from domain import events as e
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import Store
from infra.ids import new_id
from tests.kit.builders import Home, asking
from tests.kit.histories import snapshot
from tests.kit.jobs import Scripted
from tests.workers.scraping.test_identity import ask, follow, scrape, seeing
from workers.scraping.scrape import ScrapeDependencies, scrape_creator
from workers.sources.chain import Chain


@pytest.mark.parametrize("follows", ((follow,), ()), ids=["followed", "late"])
def test_the_second_creator_of_an_account_is_disabled_and_names_the_first(
    home: Home, follows: tuple[Callable[[Store], None], ...]
):
    first, second = home.creator("old.goat"), home.creator("new.goat")
    scrape(home, first, Scripted(seeing("6")))
    for each in follows:
        each(home.store)

    events = scrape(home, second, Scripted(seeing("6")), job_type="discover_videos")

    assert [type(event) for event in events] == [e.ScrapeFailed]
    assert home.look_at(first).status == "active"
    found = home.look_at(second)
    assert (found.status, found.disabled_reason, found.duplicate_of) == (
        "disabled",
        "duplicate_account",
        first,
    )
    assert home.counted() == 1


def test_a_first_creator_that_was_seen_before_accounts_were_pinned_stays_the_first(
    home: Home,
):
    first, second = home.creator("old.goat"), home.creator("new.goat")
    seen = snapshot(first, organization_id=home.organization_id, user_id="6")
    home.store.append([NewEvent(new_id(), 1, seen)], context=asking())
    follow(home.store)

    scrape(home, second, Scripted(seeing("6")))
    scrape(home, first, Scripted(seeing("6")))

    assert home.look_at(second).duplicate_of == first
    assert home.look_at(first).status == "active"


def test_of_two_that_are_scraped_together_one_is_pinned_and_one_disabled(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    together, tries = threading.Barrier(2, timeout=60), threading.local()
    really = same_account.seen_accounts

    def both_read(
        store: Store, organization_id: UUID, user_ids: Collection[str]
    ) -> tuple[Mapping[str, Collection[UUID]], int]:
        found = really(store, organization_id, user_ids)
        if not hasattr(tries, "first"):
            tries.first = True
            together.wait()
        return found

    monkeypatch.setattr(same_account, "seen_accounts", both_read)
    creators = [home.creator("old.goat"), home.creator("new.goat")]
    runs = [ask(home, each) for each in creators]
    at = ScrapeDependencies(store=home.store, chain=Chain(Scripted(seeing("6"))))

    with ThreadPoolExecutor(2) as threads:
        for each in [threads.submit(scrape_creator, at, run) for run in runs]:
            each.result()

    found = [home.look_at(each) for each in creators]
    assert sorted(each.status for each in found) == ["active", "disabled"]
    assert {each.duplicate_of for each in found} <= {None, *creators}
    kinds = Counter[str](
        type(recorded.event).stored_name
        for run in runs
        for recorded in home.store.load(run)[run]
    )
    assert (kinds["profile_snapshot_recorded"], kinds["scrape_failed"]) == (1, 1)
