"""GET /creators by posting: the last post, posts a week, and creators who stopped."""

import csv
import io
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.analytics.summaries.posting import silences
from tests.kit.application import Tenant, ago, code_of, data_of
from tests.kit.judging import judge

# When each creator posted, in days ago.
POSTED = {
    "ada": (40, 20, 3),
    "bea": (33, 32, 31),
    "cleo": (1,),
    "dora": (),
}


@pytest.fixture
def four(home: Tenant) -> dict[str, list[datetime]]:
    """Creators with posts, one of whom stopped and one without any."""
    return posting(home, POSTED)


def posting(
    home: Tenant, posted: Mapping[str, Sequence[float]]
) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = {}
    for handle, days in posted.items():
        creator_id = home.add(handle)["id"]
        found[handle] = [ago(each) for each in days]
        for at in found[handle]:
            home.found(creator_id, posted_at=at)
    home.goatherd.catch_up()
    return found


def listed(home: Tenant, **query: str) -> list[dict[str, Any]]:
    """Every creator of a list, read two at a time."""
    rows: list[dict[str, Any]] = []
    while True:
        answer = home.get("/creators", params={"limit": "2", **query})
        rows += data_of(answer)
        cursor = answer.json()["meta"]["nextCursor"]
        if cursor is None:
            return rows
        query["cursor"] = cursor


def handles(home: Tenant, **query: str) -> list[str]:
    return [row["tiktok_handle"] for row in listed(home, **query)]


def amount_on_home(home: Tenant) -> int:
    return data_of(home.get("/creators/amounts"))["stopped_posting"]


def with_alert(home: Tenant) -> list[str]:
    """The creators whom the bell says to have stopped posting."""
    return [
        alert["tiktok_handle"]
        for alert in data_of(
            home.get("/alerts", params={"state": "firing", "limit": 100})
        )
        if alert["words"] == "Stopped posting"
    ]


def test_creators_are_sorted_by_their_last_post_page_by_page(
    home: Tenant, four: dict[str, list[datetime]]
):
    for order, expected in (
        ("desc", ["cleo", "ada", "bea", "dora"]),
        ("asc", ["bea", "ada", "cleo", "dora"]),
    ):
        rows = listed(home, sort="last_posted_at", order=order)

        assert [row["tiktok_handle"] for row in rows] == expected
        for row in rows:
            posts = four[row["tiktok_handle"]]
            at = row["last_posted_at"]
            assert (at and datetime.fromisoformat(at)) == (
                max(posts) if posts else None
            )
    assert handles(home, sort="last_posted_at") == ["cleo", "ada", "bea", "dora"]


def test_all_posts_until_now_are_posts_counted_or_not(home: Tenant):
    creator = home.add("edna")["id"]
    last = ago(2)
    home.found(creator, posted_at=ago(3))
    home.found(creator, posted_at=last, status="pending_review")
    # The end of today may lie ahead of both.
    home.found(creator, posted_at=ago(-1 / 24 / 60))
    home.found(creator, posted_at=ago(-400))
    home.goatherd.catch_up()
    today = datetime.now(UTC).date()
    week = timedelta(days=7)
    ahead = {"from": str(today - week + timedelta(days=1)), "to": str(today + week)}

    (row,) = listed(home, period="7d")
    (longer,) = listed(home, **ahead)

    assert datetime.fromisoformat(row["last_posted_at"]) == last
    assert row["posts_per_week"] == 2
    assert longer["posts_per_week"] == 1
    assert handles(home, sort="last_posted_at") == ["edna"]


@pytest.mark.usefixtures("four")
def test_posts_per_week_are_of_the_days_of_the_list(home: Tenant):
    def paces(**query: str) -> dict[str, float]:
        rows = listed(home, **query)
        return {row["tiktok_handle"]: row["posts_per_week"] for row in rows}

    assert paces() == {"ada": 0.5, "bea": 0, "cleo": 0.25, "dora": 0}
    assert paces(period="28d") == paces()
    assert paces(period="7d") == {"ada": 1, "bea": 0, "cleo": 1, "dora": 0}
    sorted_ = handles(home, sort="posts_per_week", period="90d")
    assert sorted_[2:] == ["cleo", "dora"]
    assert {*sorted_[:2]} == {"ada", "bea"}


@pytest.mark.usefixtures("four")
def test_creators_who_stopped_posting_are_filtered_by(home: Tenant):
    assert handles(home, stopped_posting="true") == ["bea"]
    assert handles(home, stopped_posting="true", sort="followers") == ["bea"]
    assert handles(home, stopped_posting="true", figures="posts>=1", period="90d") == [
        "bea"
    ]
    assert handles(home, stopped_posting="true", search="ad") == []
    others = handles(home, stopped_posting="false", sort="tiktok_handle")
    assert others == ["ada", "cleo", "dora"]
    wrong = home.get("/creators", params={"stopped_posting": "maybe"})
    assert code_of(wrong) == (400, "invalid_query")


def test_the_list_finds_the_creators_of_whom_the_rule_says_it(home: Tenant):
    chance = random.Random(23)  # noqa: S311 - an example, no secret
    posted: dict[str, list[float]] = {}
    for number in range(40):
        at, longest = chance.uniform(0, 30), chance.choice((2, 8, 20))
        posted[f"goat{number}"] = []
        for _ in range(chance.randrange(8)):
            posted[f"goat{number}"].append(at)
            at += chance.uniform(0, longest)
    posts = posting(home, posted)
    now = datetime.now(UTC)
    stopped = [
        handle
        for handle, times in posts.items()
        if any(each.holds_at(now) for each in silences(sorted(times)))
    ]
    judge(home)

    found = handles(home, stopped_posting="true", sort="tiktok_handle")

    assert found == sorted(stopped)
    assert 5 < len(found) < 35
    assert amount_on_home(home) == len(stopped)
    assert sorted(with_alert(home)) == found


def test_nobody_stops_posting_while_nobody_looks(home: Tenant):
    other = data_of(home.post("/projects", {"name": "Winter"}), status=201)["id"]
    disabled = home.add("disabled")["id"]
    window = {"tracking_start_date": ago(40), "tracking_end_date": ago(20)}
    home.add("ended", **{name: str(at.date()) for name, at in window.items()})
    home.add("here")
    path = f"/projects/{other}/creators"
    data_of(home.post(path, {"tiktok_handle": "archived"}), status=201)
    home.goatherd.catch_up()
    for creator in home.every("/creators"):
        for days in (30, 29, 28):
            home.found(creator["id"], posted_at=ago(days))
    data_of(home.post(f"/creators/{disabled}/disable"))
    data_of(home.delete(f"/projects/{other}"))
    judge(home)

    found = handles(home, stopped_posting="true", sort="tiktok_handle")

    assert found == ["here"] == with_alert(home)
    rule = {"condition": {"type": "stopped_posting"}}
    fired = data_of(home.post("/alert-rules/preview", {"rule": rule}))
    assert [row["tiktok_handle"] for row in fired] == ["here"]
    assert amount_on_home(home) == 1
    others = handles(home, stopped_posting="false", sort="tiktok_handle")
    assert others == ["archived", "disabled", "ended"]


@pytest.mark.usefixtures("four")
def test_posts_that_do_not_count_are_posts_of_the_account(home: Tenant):
    creator_id = home.add("emu")["id"]
    for status in ("out_of_window", "pending_review", "excluded"):
        home.found(creator_id, status=status, posted_at=ago(2))
    home.goatherd.catch_up()

    (emu,) = listed(home, search="emu", period="28d")

    assert emu["figures"]["posts"] == 0
    assert emu["posts_per_week"] == 0.75
    assert datetime.fromisoformat(emu["last_posted_at"]) - ago(2) < timedelta(hours=1)


@pytest.mark.usefixtures("four")
def test_a_file_has_the_last_post_and_the_posts_a_week(home: Tenant):
    query = {"format": "csv", "sort": "last_posted_at"}
    rows = [*csv.DictReader(io.StringIO(home.get("/creators", params=query).text))]

    assert [row["posts_per_week"] for row in rows] == ["0.25", "0.5", "0.0", "0.0"]
    assert [bool(row["last_posted_at"]) for row in rows] == [True, True, True, False]


@pytest.mark.usefixtures("four")
def test_lists_take_each_named_period_and_summaries_do(home: Tenant):
    named = (
        *("7d", "28d", "90d", "this_week", "last_week", "this_month"),
        "last_month",
    )
    of = {"project_id": str(home.project_id)}
    entity = {"entity": "project", "entity_id": str(home.project_id)}
    paths: dict[str, dict[str, str]] = {
        "/creators": {},
        "/videos": {},
        "/analytics/kpis": {**of, "compare": "prior_period"},
        "/analytics/aggregate/creator-leaderboard": of,
        "/analytics": {**entity, "metric": "views"},
    }
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for path, query in paths.items():
        found[path] = {}
        for period in named:
            answer = home.get(path, params={**query, "period": period})
            assert answer.status_code == 200, (path, period, answer.text)
            body = answer.json()
            meta, data = body["meta"] or {}, body["data"]
            if "firstDay" in meta:
                found[path][period] = (meta["firstDay"], meta["lastDay"])
            elif "from" in data:
                found[path][period] = (data["from"], data["to"])
        both = home.get(path, params={**query, "period": "7d", "from": "2026-01-01"})
        assert code_of(both) == (400, "invalid_query"), path

    days = found["/creators"]
    today = datetime.now(UTC).date()
    assert days["28d"] == (str(today - timedelta(days=27)), str(today))
    assert days["this_week"][0] == str(today - timedelta(days=today.weekday()))
    assert found["/videos"] == found["/analytics/kpis"] == found["/analytics"] == days
    usual = home.get("/creators", params={"sort": "followers"}).json()["meta"]
    assert (usual["firstDay"], usual["lastDay"]) == days["28d"]


@pytest.mark.usefixtures("four")
def test_a_week_that_is_not_over_is_compared_with_as_much_of_the_one_before(
    home: Tenant,
):
    query = {"project_id": str(home.project_id), "compare": "prior_period"}
    kpis = data_of(home.get("/analytics/kpis", params={**query, "period": "this_week"}))

    monday = datetime.now(UTC).date()
    monday -= timedelta(days=monday.weekday())
    assert kpis["compare_from"] == str(monday - timedelta(days=7))
