"""Campaigns that are behind and limits of the plan, in "Needs you" on Home."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.api.web.dashboard.test_home import section
from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.markup import Element
from tests.kit.visitor import Visitor

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def reported(visitor: Visitor, address: str) -> dict[str, str]:
    rows = section(visitor.see(address), "Needs you").all("li")
    return {row.one("a")["href"]: row.text for row in rows}


def test_a_campaign_that_is_behind_is_named_with_its_numbers(
    visitor: Visitor, home: Tenant
):
    creator_id = home.add("goat")["id"]
    home.found(creator_id, "77", posted_at=NOW - 12 * DAY)
    for days_ago, views in ((11, 100), (10, 1_350), (1, 1_350)):
        home.saw_videos(creator_id, {"77": views}, at=NOW - days_ago * DAY)
    end = NOW + 5 * DAY
    fields = {
        "name": "Spring",
        "starts_on": (NOW - 20 * DAY).date().isoformat(),
        "target_at": end.isoformat(),
        "target_views": 50_000_000,
        "target_posts": 40_000,
    }
    path = f"/projects/{home.project_id}/campaigns"
    made = data_of(home.post(path, fields), status=201)
    items = [{"item_type": "creator", "item_id": creator_id}]
    home.post(f"/campaigns/{made['id']}/items", {"items": items})
    home.goatherd.catch_up()

    for address in ("/", "/?project=all"):
        said = reported(visitor, address)[f"/campaigns/{made['id']}"]
        assert said.startswith(
            "Spring behind: 1.25K of 50M views and 1 of 40K posts, "
            f"until {end.day} {end:%b %Y} Open the campaign"
        ), (address, said)
    assert f"/campaigns/{made['id']}" not in reported(
        visitor, f"/campaigns/{made['id']}"
    )


def test_limits_of_the_plan_are_said_once_they_are_near(goatherd: Goatherd):
    small = goatherd.tenant(plan="free")
    visitor = Visitor(goatherd)
    visitor.sign_in(small.key)
    for number in range(4):
        small.add(f"goat.{number}")
    goatherd.catch_up()
    before = reported(visitor, "/")
    small.add("goat.4")
    for name in ("One", "Two"):
        small.campaign(name)
    goatherd.catch_up()

    creators = "/creators?project=all&sort=last_posted_at&order=asc"
    full = reported(visitor, "/")
    assert before["/settings/organization"].startswith(
        "1 of 1 project The plan allows no more. See the limits"
    )
    assert creators not in before
    assert full[creators].startswith(
        "5 of 5 active creators The plan allows no more. Remove creators"
    )
    assert full["/campaigns?project=all"].startswith(
        "2 of 2 campaigns in one project The plan allows no more. Delete campaigns"
    )
    assert visitor.see(creators)


def test_a_plan_without_limits_needs_nobody(visitor: Visitor, home: Tenant):
    home.add("goat")
    home.goatherd.catch_up()

    assert not [href for href in reported(visitor, "/") if "settings" in href]


@pytest.mark.parametrize("address", ("/", "/?project=all"))
def test_operators_reach_the_sources_and_others_do_not(
    goatherd: Goatherd, home: Tenant, visitor: Visitor, address: str
):
    tenant, stranger = goatherd.tenant(), Visitor(goatherd)
    stranger.sign_in(tenant.key)
    for each in (home, tenant):
        each.add("goat")
    goatherd.catch_up()

    def links(page: Element) -> list[str]:
        return [a["href"] for a in section(page, "Needs you").all("a")]

    assert "/settings/sources" in links(visitor.see(address))
    assert "/settings/sources" not in links(stranger.see(address))
