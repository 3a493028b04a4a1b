"""One account under two handles of a project counts once, and says so everywhere."""

from typing import Any

from domain.scrape.observations import ProfileObservation
from domain.scrape.verdicts import Ok
from tests.api.routes.creators.test_move import followers_of, project
from tests.kit.application import Tenant, data_of
from tests.kit.builders import NOON
from tests.kit.jobs import Scripted
from tests.kit.visitor import Visitor
from workers.scraping.scrape import ScrapeDependencies, scrape_creator
from workers.sources.chain import Chain

_OPEN = "SELECT id FROM scrape_runs WHERE creator_id = %s AND finished_at IS NULL"


def scrape(tenant: Tenant, creator: dict[str, Any]) -> None:
    """Let the creator's open runs see one and the same account."""
    tenant.goatherd.catch_up()
    seen = Ok(
        observed_at=NOON,
        profile=ProfileObservation(user_id="6811", follower_count=700),
        videos=(),
    )
    at = ScrapeDependencies(store=tenant.goatherd.store, chain=Chain(Scripted(seen)))
    for (run,) in tenant.goatherd.query(_OPEN, creator["id"]):
        scrape_creator(at, run)
    tenant.goatherd.catch_up()


def reenable(tenant: Tenant, creator: dict[str, Any]) -> tuple[str, str | None]:
    path = f"/projects/{tenant.project_id}/creators/bulk-reenable"
    answer = tenant.post(path, {"creator_ids": [creator["id"]]})
    (result,) = data_of(answer)["results"]
    return result["status"], result["reason"]


def test_an_account_under_two_handles_counts_once_and_its_second_creator_names_it(
    home: Tenant,
):
    first, second = home.add("old.goat"), home.add("new.goat")
    scrape(home, first)
    scrape(home, second)

    assert followers_of(home, str(home.project_id)) == 700
    shown = home.shown(second["id"])
    assert (shown["status"], shown["disabled_reason"], shown["duplicate_of"]) == (
        "disabled",
        "duplicate_account",
        first["id"],
    )
    assert home.shown(first["id"])["duplicate_of"] is None
    (entry,) = (
        each
        for each in data_of(home.get(f"/creators/{second['id']}/history"))
        if each["event"] == "creator_auto_disabled"
    )
    assert "the same account as @old.goat" in entry["summary"]
    assert entry["data"]["duplicate_of"] == first["id"]
    visitor = Visitor(home.goatherd)
    visitor.sign_in(home.key)
    assert "@old.goat" in visitor.see(f"/creators/{second['id']}/settings").text
    assert reenable(home, second) == ("failed", "duplicate_account")

    moved = {"project_id": project(home), "history": "whole"}
    data_of(home.post(f"/creators/{first['id']}/move", moved))
    assert reenable(home, second) == ("ok", None)
    scrape(home, second)
    shown = home.shown(second["id"])
    assert (shown["status"], shown["duplicate_of"]) == ("active", None)
    assert followers_of(home, str(home.project_id)) == 700
    assert followers_of(home, moved["project_id"]) == 700


def test_an_erasure_of_the_account_erases_its_second_creator_too(home: Tenant):
    first, second = home.add("old.goat"), home.add("new.goat")
    scrape(home, first)
    scrape(home, second)

    erasure = {"confirm": "old.goat", "figures": "drop"}
    erased = data_of(home.post(f"/creators/{first['id']}/erase", erasure))

    assert {each["id"] for each in erased["creators"]} == {first["id"], second["id"]}
    assert home.shown(second["id"])["duplicate_of"] is None
