"""GET /creators with figures over some days: sorted by them, with totals, as CSV."""

import csv
import io
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

import pytest

from domain import events as e
from infra.ids import new_id
from tests.kit.application import Tenant, ago, code_of, data_of
from tests.kit.creator_with_numbers import a_watched_creator
from tests.kit.histories import connected, connection_lost


def added(home: Tenant, handle: str, *levels: tuple[float, int]) -> str:
    """Add a creator that was seen some days ago with so many followers."""
    creator_id = home.add(handle)["id"]
    for days_ago, followers in levels:
        home.saw(creator_id, observed_at=ago(days_ago), follower_count=followers)
    return creator_id


@pytest.fixture
def three(home: Tenant) -> dict[str, str]:
    """One gained in the last days, one lost, and of one nothing is known."""
    found = {
        "ada": added(home, "ada", (40, 100), (20, 150), (2, 170)),
        "bea": added(home, "bea", (40, 500), (20, 900), (2, 850)),
        "cleo": added(home, "cleo"),
    }
    home.goatherd.catch_up()
    return found


def listed(home: Tenant, **query: str) -> list[dict[str, Any]]:
    return data_of(home.get("/creators", params=query))


def handles(home: Tenant, **query: str) -> list[str]:
    return [row["tiktok_handle"] for row in listed(home, **query)]


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("query", "order"),
    (
        ({"sort": "new_followers", "period": "7d"}, ["ada", "bea", "cleo"]),
        (
            {"sort": "new_followers", "period": "7d", "order": "asc"},
            ["bea", "ada", "cleo"],
        ),
        ({"sort": "new_followers", "period": "30d"}, ["bea", "ada", "cleo"]),
        ({"sort": "followers"}, ["bea", "ada", "cleo"]),
        ({"sort": "tiktok_handle", "order": "desc"}, ["cleo", "bea", "ada"]),
        ({"sort": "created_at", "order": "asc"}, ["ada", "bea", "cleo"]),
    ),
)
def test_creators_are_sorted_by_what_came_in_the_days_and_unknown_ones_last(
    home: Tenant, query: dict[str, str], order: list[str]
):
    assert handles(home, **query) == order


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("order", ("asc", "desc"))
def test_the_present_count_is_sorted_by_whatever_the_days_are(home: Tenant, order: str):
    added(home, "dora", (40, 9000), (2, 10))
    home.goatherd.catch_up()
    until = str(datetime.now(UTC).date() - timedelta(days=30))

    rows = listed(home, sort="follower_count", order=order, to=until)

    counts = {row["tiktok_handle"]: row["follower_count"] for row in rows}
    known = sorted({"ada": 170, "bea": 850, "dora": 10}.items(), key=itemgetter(1))
    known = known if order == "asc" else known[::-1]
    assert [*counts.items()] == [*known, ("cleo", None)]
    assert {row["figures"]["followers"] for row in rows} == {100, 500, 9000, None}


@pytest.mark.usefixtures("three")
def test_each_has_its_figures_and_the_list_their_totals(home: Tenant):
    answer = home.get("/creators", params={"sort": "new_followers", "period": "7d"})

    ada, bea, cleo = (row["figures"] for row in data_of(answer))
    meta = answer.json()["meta"]
    assert (ada["followers"], ada["new_followers"]) == (170, 20)
    assert (bea["followers"], bea["new_followers"]) == (850, -50)
    assert (cleo["followers"], cleo["new_followers"], cleo["posts"]) == (None, None, 0)
    assert meta["totalCount"] == 3
    assert meta["totals"]["followers"] == 1020
    assert meta["totals"]["new_followers"] == -30
    assert meta["totals"]["views"] is None


@pytest.mark.usefixtures("three")
def test_totals_are_of_the_whole_list_that_filters_leave_not_of_a_page(home: Tenant):
    query = {"sort": "followers", "period": "7d", "limit": "1"}

    first = home.get("/creators", params=query)
    cursor = first.json()["meta"]["nextCursor"]
    second = home.get("/creators", params={**query, "cursor": cursor})
    found = home.get("/creators", params={**query, "search": "ad"})

    assert [row["tiktok_handle"] for row in data_of(first)] == ["bea"]
    assert [row["tiktok_handle"] for row in data_of(second)] == ["ada"]
    assert second.json()["meta"]["totals"] == first.json()["meta"]["totals"]
    assert found.json()["meta"]["totalCount"] == 1
    assert found.json()["meta"]["totals"]["followers"] == 170
    other = {**query, "period": "30d", "cursor": cursor}
    assert code_of(home.get("/creators", params=other)) == (400, "invalid_cursor")


def test_health_says_who_needs_a_look(home: Tenant, three: dict[str, str]):
    home.disable(three["bea"])
    run = home.post(f"/creators/{home.add('dora')['id']}/scrape").json()["data"]
    home.failed(run["scrape_id"], outcome="blocked")
    home.delete(f"/creators/{home.add('gone')['id']}")
    home.goatherd.catch_up()
    home.goatherd.query(
        "UPDATE creator_list SET last_scraped_at = now() - interval '49 hours' "
        "WHERE id = %s",
        three["ada"],
    )

    found = listed(home, sort="health", status="all")

    assert [(row["tiktok_handle"], row["health"]) for row in found] == [
        ("bea", "disabled"),
        ("dora", "failing"),
        ("ada", "stale"),
        ("cleo", "never_seen"),
        ("gone", None),
    ]
    assert handles(home, health="stale,failing", order="asc", sort="health") == [
        "ada",
        "dora",
    ]
    over = {"tracking_start_date": None, "tracking_end_date": "2020-01-01"}
    home.patch(f"/creators/{three['ada']}", over)
    home.goatherd.catch_up()
    assert handles(home, health="ok") == ["ada"]


def test_creators_are_counted_by_health_as_the_list_has_them(
    home: Tenant, three: dict[str, str]
):
    home.disable(three["bea"])
    run = home.post(f"/creators/{home.add('dora')['id']}/scrape").json()["data"]
    home.failed(run["scrape_id"], outcome="blocked")
    home.delete(f"/creators/{home.add('gone')['id']}")
    home.found(three["ada"], posted_at=ago(30))
    home.found(three["ada"], posted_at=ago(31))
    campaign = home.campaign("Spring", ("creator", three["ada"]))
    home.goatherd.catch_up()
    other = home.post("/projects", {"name": "Empty"}).json()["data"]["id"]
    home.goatherd.catch_up()

    def amounts_of(**query: str) -> dict[str, int]:
        return data_of(home.get("/creators/amounts", params=query))

    for query in (
        {},
        {"project_id": home.project_id},
        {"project_id": other},
        {"campaign_id": campaign},
    ):
        given = {name: str(value) for name, value in query.items()}
        amounts = amounts_of(**given)
        assert amounts.pop("creators") == len(listed(home, **given))
        stopped = handles(home, stopped_posting="true", **given)
        assert amounts.pop("stopped_posting") == len(stopped)
        for health, amount in amounts.items():
            assert amount == len(handles(home, health=health, **given)), health
    assert amounts_of() == {
        "creators": 4,
        "ok": 0,
        "never_seen": 2,
        "failing": 1,
        "stale": 0,
        "disabled": 1,
        "stopped_posting": 1,
    }


def test_who_is_connected_is_told_and_filtered_by(home: Tenant, three: dict[str, str]):
    def happened(event: e.CreatorEvent) -> str:
        home.goatherd.append(three["bea"], event)
        home.goatherd.catch_up()
        return data_of(home.get(f"/creators/{three['bea']}"))["updated_at"]

    at = happened(connected(home.organization_id))

    shown = {row["tiktok_handle"]: row["connected_at"] for row in listed(home)}
    assert shown == {"ada": None, "bea": at, "cleo": None}
    assert handles(home, connected="true") == ["bea"]
    assert handles(home, connected="true", sort="followers") == ["bea"]
    assert handles(home, connected="false", order="asc") == ["ada", "cleo"]
    answer = home.get("/creators", params={"format": "csv", "connected": "true"})
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert row["tiktok_handle"] == "bea"
    assert datetime.fromisoformat(row["connected_at"]) == datetime.fromisoformat(at)
    assert code_of(home.get("/creators", params={"connected": "maybe"})) == (
        400,
        "invalid_query",
    )

    happened(connection_lost(home.organization_id))
    assert handles(home, connected="true") == []
    path = f"/creators/{three['bea']}"
    assert data_of(home.get(path))["connected_at"] is None
    before = data_of(home.get(path, params={"as_of": at}))
    assert before["connected_at"] == at
    changes = data_of(home.get(f"{path}/diff", params={"from": at}))["changes"]
    assert ("connected_at", at, None) in [
        (change["field"], change["before"], change["after"]) for change in changes
    ]


def test_csv_holds_the_whole_list(home: Tenant, three: dict[str, str]):
    home.patch(f"/creators/{three['ada']}", {"display_name": "=SUM(A1)"})
    home.goatherd.catch_up()

    answer = home.get(
        "/creators", params={"format": "csv", "limit": "1", "sort": "followers"}
    )

    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].endswith('"creators.csv"')
    rows = [*csv.DictReader(io.StringIO(answer.text))]
    assert [row["tiktok_handle"] for row in rows] == ["bea", "ada", "cleo"]
    assert [row["new_followers"] for row in rows] == ["350", "70", ""]
    assert rows[1]["display_name"] == "'=SUM(A1)"
    names = [*rows[0]]
    assert names[:3] == ["tiktok_handle", "display_name", "project_name"]
    assert names[-2:] == ["creator_id", "project_id"]
    assert {row["project_name"] for row in rows} == {"First project"}
    assert rows[1]["creator_id"] == three["ada"]
    assert rows[1]["project_id"] == str(home.project_id)


def test_some_are_listed_by_their_ids(home: Tenant, three: dict[str, str]):
    ids = f"{three['ada']},{three['cleo']},{new_id()}"

    assert handles(home, creator_ids=ids, sort="followers") == ["ada", "cleo"]


def test_a_campaign_has_the_creators_of_its_tree(home: Tenant, three: dict[str, str]):
    below = home.campaign("below", ("creator", three["ada"]))
    above = home.campaign("above", ("campaign", below), ("creator", three["cleo"]))
    home.goatherd.catch_up()

    assert {*handles(home, campaign_id=above)} == {"ada", "cleo"}
    assert handles(home, campaign_id=below) == ["ada"]
    assert handles(home, campaign_id=above, health="failing") == []
    assert handles(home, campaign_id=above, figures="new_followers>0") == ["ada"]
    some = f"{three['ada']},{three['bea']}"
    assert handles(home, campaign_id=above, creator_ids=some) == ["ada"]
    assert handles(home, campaign_id=str(new_id())) == []


@pytest.mark.parametrize(
    ("query", "name"),
    (
        ({"campaign_id": "x"}, "/campaign_id"),
        ({"health": "ill"}, "/health"),
        ({"health": "ok,ok"}, "/health"),
        ({"period": "7d", "from": "2026-01-01"}, "/period"),
        ({"period": "8d"}, "/period"),
        ({"from": "2026-02-01", "to": "2026-01-01"}, "/from"),
        ({"sort": "beauty"}, "/sort"),
        ({"creator_ids": "x"}, "/creator_ids"),
    ),
)
def test_what_a_list_cannot_be_of_is_refused_by_name(
    home: Tenant, query: dict[str, str], name: str
):
    answer = home.get("/creators", params=query)

    assert code_of(answer) == (400, "invalid_query")
    assert answer.json()["meta"]["fields"][0]["path"] == name


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("figures", "left"),
    (
        ("new_followers<0", ["bea"]),
        ("new_followers>=20", ["ada"]),
        ("new_followers>20", []),
        ("followers>100, new_followers>=-50", ["ada", "bea"]),
        ("followers<=170.5", ["ada"]),
        ("engagement_rate<100", []),
    ),
)
@pytest.mark.parametrize("sort", ("created_at", "new_followers"))
def test_only_those_are_listed_whose_known_figures_fulfil_the_conditions(
    home: Tenant, figures: str, left: list[str], sort: str
):
    answer = home.get(
        "/creators", params={"figures": figures, "sort": sort, "period": "7d"}
    )

    assert sorted(row["tiktok_handle"] for row in data_of(answer)) == left
    assert answer.json()["meta"]["totalCount"] == len(left)


@pytest.mark.parametrize(
    "figures", ("", "new_views", "views>many", "hats>1", "views=1", "views>1,,")
)
def test_a_condition_that_says_nothing_is_refused_with_what_it_may_say(
    home: Tenant, figures: str
):
    answer = home.get("/creators", params={"figures": figures})

    assert code_of(answer) == (400, "invalid_query")
    assert "/figures" in answer.text
    assert "new_followers" in answer.text


def test_conditions_on_rates_are_in_percent_as_they_are_shown(home: Tenant):
    assert a_watched_creator(home)
    days = {"from": "2026-03-01", "to": "2026-03-31"}
    (row,) = listed(home, **days)
    rate = row["figures"]["engagement_rate"]

    assert rate > 1
    assert handles(home, figures=f"engagement_rate>={rate}", **days) == ["goat"]
    assert handles(home, figures=f"engagement_rate>{rate}", **days) == []


def test_another_organization_is_in_no_list_and_no_total(
    home: Tenant, stranger: Tenant
):
    added(stranger, "theirs", (2, 1_000))
    added(home, "ours", (2, 10))
    home.goatherd.catch_up()

    answer = home.get("/creators", params={"sort": "followers"})

    assert [row["tiktok_handle"] for row in data_of(answer)] == ["ours"]
    assert answer.json()["meta"]["totals"]["followers"] == 10
