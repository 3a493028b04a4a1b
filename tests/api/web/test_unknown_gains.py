"""Every page says since when a gain is known, and marks every rounded number."""

import pytest

from domain.written import UNKNOWN as DASH
from tests.api.routes import test_reports as reports
from tests.api.routes.test_shares import made as made_link
from tests.api.routes.test_shares import token_of
from tests.kit.application import Tenant, ago, data_of
from tests.kit.markup import Element
from tests.kit.visitor import Visitor

SEEN = ago(4)
UNKNOWN = f"not known before {SEEN.day} {SEEN:%b %Y}"


@pytest.fixture
def newcomer(home: Tenant) -> str:
    """A creator who was seen once, four days ago; a report is about those days."""
    creator_id = home.add("newcomer")["id"]
    home.found(creator_id, "1001", posted_at=ago(20))
    home.saw(creator_id, observed_at=SEEN, follower_count=500)
    home.saw_videos(creator_id, {"1001": 1_000}, at=SEEN)
    home.goatherd.catch_up()
    return creator_id


def kpis(page: Element) -> dict[str, str]:
    return {
        card.one("dt").text: card.one("dd").text
        for card in page.all("div")
        if "kpi" in card.attributes.get("class", "").split()
    }


def test_a_gain_that_was_never_compared_is_not_0(
    visitor: Visitor, home: Tenant, newcomer: str, subtests: pytest.Subtests
):
    scope = {"scope": "project", "scope_id": str(home.project_id)}
    link = f"/s/{token_of(made_link(home, **scope))}"
    for path in (
        f"/?project={home.project_id}",
        "/?project=all",
        f"/projects/{home.project_id}",
        link,
    ):
        with subtests.test(path):
            shown = kpis(visitor.see(path))

            assert shown["New views"].startswith(f"{DASH} {UNKNOWN}")
            assert shown["New followers"].startswith(f"{DASH} {UNKNOWN}")
            assert shown["All views"].startswith("1K")
    with subtests.test("a creator"):
        shown = kpis(visitor.see(f"/creators/{newcomer}"))

        assert shown["New views"] == f"{DASH} {UNKNOWN}"
        assert shown["Followers"] == f"500 {UNKNOWN}"
    with subtests.test("lists"):
        (row,) = visitor.see("/creators").one("tbody").all("tr")
        for name in ("New views", "New followers"):
            assert row.one("td", data_label=name).text == UNKNOWN
        (total,) = visitor.see("/creators?project=all").one("tfoot").all("tr")
        assert total.text.count(UNKNOWN) == 2
        assert visitor.see("/projects").text.count(UNKNOWN) == 2
    with subtests.test("who gained"):
        text = visitor.see(f"/?project={home.project_id}").text
        assert f"New followers are {UNKNOWN}." in text
        assert "Nobody gained" not in text


def test_a_report_says_since_when_a_gain_is_known(visitor: Visitor, home: Tenant):
    last_week = ago(ago(0).weekday() + 3)
    creator_id = home.add("newcomer")["id"]
    home.saw(creator_id, observed_at=last_week, follower_count=500)
    report = reports.made(home, scope={"type": "creator", "id": creator_id})
    reports.sent(home, report)

    issue = data_of(home.get(f"/reports/{report['id']}/latest"))
    shown = kpis(visitor.see(f"/reports/{report['id']}/latest"))

    known = {one["name"]: one["known_from"] for one in issue["kpis"]}
    assert known["new_followers"] == last_week.date().isoformat()
    day = f"{last_week.day} {last_week:%b %Y}"
    assert shown["New followers"] == f"{DASH} not known before {day}"


def test_a_rounded_number_is_said_to_be_about_so_many(
    visitor: Visitor, home: Tenant, subtests: pytest.Subtests
):
    creator_id = home.add("guessed")["id"]
    last_week = ago(0).weekday() + 3
    for day, count in ((last_week + 30, 3_000_000), (last_week, 3_800_000)):
        at = ago(day)
        home.saw(creator_id, observed_at=at, follower_count=count, precision="rounded")
    scope = {"scope": "project", "scope_id": str(home.project_id)}
    link = f"/s/{token_of(made_link(home, **scope))}"
    report = reports.made(home, **reports.of_project(home))
    reports.sent(home, report)

    for path in (
        f"/?project={home.project_id}",
        "/?project=all",
        link,
        f"/reports/{report['id']}/latest",
    ):
        with subtests.test(path):
            shown = kpis(visitor.see(path))["New followers"]
            assert shown.startswith(("about 800K", "about +800K"))
    with subtests.test("lists and sums"):
        page = visitor.see("/creators")
        for part in ("tbody", "tfoot"):
            text = page.one(part).text
            assert "about 3.8M" in text
            assert "about +800K" in text
    assert "~" not in visitor.see("/creators").text
