"""Campaigns that are behind and limits of the plan, in "Needs you" on Home."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.in_process import RawResponse
from api.web.kit.api_client import ApiClient
from infra.ids import new_id
from tests.api.web.dashboard.test_home import section
from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.creator_with_numbers import a_campaign_behind
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
    end = NOW + 5 * DAY
    campaign_id = a_campaign_behind(home, "Spring", end=end)

    for address in ("/", "/?project=all"):
        said = reported(visitor, address)[f"/campaigns/{campaign_id}"]
        assert said.startswith(
            "Spring behind: 1.25K of 50M views and 1 of 40K posts, "
            f"until {end.day} {end:%b %Y} Open the campaign"
        ), (address, said)
    assert f"/campaigns/{campaign_id}" not in reported(
        visitor, f"/campaigns/{campaign_id}"
    )


@pytest.mark.parametrize("now", ("deleted", "without a target", "on its pace"))
def test_a_campaign_that_changes_while_home_is_read_is_left_out(
    visitor: Visitor, home: Tenant, monkeypatch: pytest.MonkeyPatch, now: str
):
    changed, kept = (
        a_campaign_behind(home, name, end=NOW + 5 * DAY) for name in ("One", "Two")
    )
    reached = {"target_at": (NOW + 5 * DAY).isoformat(), "target_views": 1}
    another = a_campaign_behind(home, "Other", end=NOW + 5 * DAY)
    home.patch(f"/campaigns/{another}", {**reached, "target_posts": 1})
    home.goatherd.catch_up()
    instead = {
        "deleted": new_id(),
        "without a target": home.campaign("Without"),
        "on its pace": another,
    }[now]
    home.goatherd.catch_up()
    request_raw = ApiClient.request_raw

    async def later(
        self: ApiClient,
        method: str,
        path: str,
        **given: Any,  # noqa: ANN401
    ) -> RawResponse:
        """Read a campaign as it is after the change, which the list had not yet."""
        path = path.replace(changed, str(instead))
        return await request_raw(self, method, path, **given)

    monkeypatch.setattr(ApiClient, "request_raw", later)

    said = reported(visitor, "/")

    campaigns = [href for href in said if href.startswith("/campaigns/")]
    assert campaigns == [f"/campaigns/{kept}"]


def test_limits_of_the_plan_are_said_once_they_are_near(goatherd: Goatherd):
    small = goatherd.tenant(plan="free")
    visitor = Visitor(goatherd)
    visitor.sign_in(small.key)
    for number in range(4):
        small.add(f"goat.{number}")
    goatherd.catch_up()
    before = reported(visitor, "/")
    small.add("goat.4")
    goatherd.catch_up()

    creators = "/creators?project=all&sort=last_posted_at&order=asc"
    full = reported(visitor, "/")
    assert creators not in before
    assert full[creators].startswith(
        "5 of 5 active creators The plan allows no more. Remove creators"
    )
    assert visitor.see(creators)


def test_a_full_limit_that_stops_no_daily_work_is_not_said(goatherd: Goatherd):
    small = goatherd.tenant(plan="free")
    visitor = Visitor(goatherd)
    visitor.sign_in(small.key)
    creator_id = small.add("goat")["id"]
    for name in ("One", "Two"):
        small.campaign(name)
    small.post(f"/creators/{creator_id}/scrape", {"job_type": "creator_profiles"})
    goatherd.catch_up()

    usage = data_of(small.get("/organization"))["usage"]
    full = {name for name, of in usage.items() if of["limit"] == of["used"] > 0}
    assert full == {"projects", "campaigns_per_project", "manual_scrapes_today"}
    assert not [text for text in reported(visitor, "/").values() if "plan" in text]


def test_a_plan_without_limits_needs_nobody(visitor: Visitor, home: Tenant):
    home.add("goat")
    home.goatherd.catch_up()

    assert not [href for href in reported(visitor, "/") if "settings" in href]


def test_more_campaigns_behind_are_one_click_away(
    visitor: Visitor, home: Tenant, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("api.web.dashboard.attention._MOST_CAMPAIGNS", 1)
    for name in ("Spring", "Autumn"):
        a_campaign_behind(home, name, end=NOW + 5 * DAY)

    for address, project in (("/", home.project_id), ("/?project=all", "all")):
        more = f"/campaigns?project={project}&target_status=behind"
        said = [href for href in reported(visitor, address) if href == more]
        assert said, address
        rows = visitor.see(more).one("tbody").all("tr")
        assert [row.one("a").text for row in rows] == ["Autumn", "Spring"]


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
