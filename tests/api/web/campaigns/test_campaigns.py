"""Campaigns as pages: created, filled, looked at, changed and deleted."""

from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from tests.kit.application import Goatherd, Tenant
from tests.kit.creator_with_numbers import DAYS, Watched, a_watched_creator
from tests.kit.markup import read
from tests.kit.visitor import Visitor

TIKTOK = "https://www.tiktok.com"


@pytest.fixture
def goat(home: Tenant) -> Watched:
    return a_watched_creator(home)


def make(visitor: Visitor, home: Tenant, **fields: str | list[str]) -> str:
    """The path of a campaign made by the form."""
    home.goatherd.catch_up()
    page = visitor.see("/campaigns/new")
    answer = visitor.submit(page, "/campaigns", **{"name": "Spring", **fields})
    assert answer.status_code == 303, answer.text
    home.goatherd.catch_up()
    return answer.headers["location"].removesuffix("/members")


def stored(home: Tenant, path: str) -> dict[str, Any]:
    return home.get(path).json()["data"]


def test_a_campaign_is_created_with_its_days_and_target(visitor: Visitor, home: Tenant):
    path = make(
        visitor,
        home,
        starts_on="2026-03-01",
        ends_on="2026-03-31",
        target_views="2.5k",
        target_posts="12",
        target_engagement="1,000",
        target_scope="posts_in_days",
        cost="1,200.50",
        currency="eur",
    )

    campaign = stored(home, path)
    assert campaign["name"] == "Spring"
    assert (campaign["starts_on"], campaign["ends_on"]) == ("2026-03-01", "2026-03-31")
    assert campaign["target_views"] == 2_500
    assert campaign["target_posts"] == 12
    assert campaign["target_engagement"] == 1_000
    assert (campaign["cost_minor"], campaign["currency"]) == (120_050, "EUR")
    assert campaign["target_scope"] == "posts_in_days"
    assert campaign["target_at"].startswith("2026-03-31T23:59:59")


def test_what_is_wrong_with_a_new_campaign_is_said_at_its_field(
    visitor: Visitor, home: Tenant
):
    home.add("goat")
    home.goatherd.catch_up()
    page = visitor.see("/campaigns/new")

    answer = visitor.submit(
        page,
        "/campaigns",
        name=" ",
        creators="no/handle @goat",
        starts_on="2026-03-02",
        ends_on="2026-03-01",
        target_views="many",
        target_posts="0",
        target_engagement="1.5",
        cost="12.3456",
        currency="EUR",
    )

    assert answer.status_code == 400
    shown = read(answer.text)
    fields = ("name", "creators", "ends_on", "cost")
    for name in (*fields, "target_views", "target_posts", "target_engagement"):
        assert "problem" in shown.one("p", id=f"h-{name}")["class"], name
    said = shown.one("p", id="h-creators").text
    assert said.startswith("No/handle is no handle")
    assert shown.one("input", id="f-target_views")["value"] == "many"
    assert home.get("/campaigns").json()["data"] == []


def test_a_campaign_begins_with_the_creators_that_were_pasted_or_picked(
    visitor: Visitor, home: Tenant, goat: Watched
):
    sheep, lamb = home.add("sheep"), home.add("lamb")
    home.add("cow")

    path = make(
        visitor,
        home,
        creators="@Sheep, https://www.tiktok.com/@goat\nsheep",
        creator=[lamb["id"], goat.id],
    )

    items = home.get(f"{path}/items").json()["data"]
    assert {item["item_id"] for item in items} == {goat.id, sheep["id"], lamb["id"]}


def test_a_campaign_whose_creators_are_refused_is_made_once_and_says_so(
    visitor: Visitor, home: Tenant
):
    home.goatherd.catch_up()
    page = visitor.see("/campaigns/new")

    answer = visitor.submit(page, "/campaigns", name="Spring", creator=[str(uuid4())])

    assert answer.status_code == 303
    home.goatherd.catch_up()
    (campaign,) = home.get("/campaigns").json()["data"]
    assert answer.headers["location"] == f"/campaigns/{campaign['id']}/members"
    shown = visitor.see(answer.headers["location"]).text
    assert "The campaign Spring was created without all its creators. " in shown
    assert "Add its members now." in shown


@pytest.mark.parametrize(
    ("at_work", "said"),
    (
        ("%/campaigns", "The form was sent twice. The campaign is being created."),
        ("%/items", "The campaign Spring was created. Its creators are being added."),
    ),
)
def test_a_form_sent_twice_at_once_is_told_that_the_first_is_at_work(
    visitor: Visitor, home: Tenant, goat: Watched, at_work: str, said: str
):
    home.goatherd.catch_up()
    page = visitor.see("/campaigns/new")
    campaigns = len(home.get("/campaigns").json()["data"])
    home.goatherd.query("DELETE FROM idempotency")
    visitor.submit(page, "/campaigns", name="Spring", creator=[goat.id])
    home.goatherd.catch_up()
    visitor.see("/campaigns")
    begun = home.goatherd.query(
        "UPDATE idempotency SET status = NULL WHERE route LIKE %s RETURNING route",
        at_work,
    )
    assert len(begun) == 1

    answer = visitor.submit(page, "/campaigns", name="Spring", creator=[goat.id])

    assert answer.status_code == 303
    shown = visitor.see(answer.headers["location"]).one("div", id="flashes")
    assert [p.text for p in shown.all("p")] == [said]
    assert len(home.get("/campaigns").json()["data"]) == campaigns + 1


def test_a_cost_needs_a_currency(visitor: Visitor, home: Tenant):
    home.goatherd.catch_up()
    page = visitor.see("/campaigns/new")

    answer = visitor.submit(page, "/campaigns", name="Spring", cost="5k")

    assert answer.status_code == 400
    assert "Must be chosen for a cost" in answer.text


def test_saving_the_form_unchanged_changes_nothing(visitor: Visitor, home: Tenant):
    body = {
        "name": "Spring",
        "ends_on": "2026-03-31",
        "target_views": 1_234_567,
        "target_posts": 3,
        # Another day than the last one, as the API allows.
        "target_at": "2026-05-01T10:00:00Z",
        "cost_minor": 1_234,
        "currency": "JPY",
    }
    made = home.post(f"/projects/{home.project_id}/campaigns", body).json()["data"]
    path = f"/campaigns/{made['id']}"
    home.goatherd.catch_up()
    page = visitor.see(f"{path}/settings")
    assert "The targets run until 1 May 2026" in page.one("p", id="h-ends_on").text

    visitor.submit(page, f"{path}/settings")
    home.goatherd.catch_up()
    assert stored(home, path)["version"] == made["version"]

    visitor.submit(page, f"{path}/settings", ends_on="2026-04-30")
    home.goatherd.catch_up()
    assert stored(home, path)["target_at"].startswith("2026-04-30T23:59:59")


def test_a_campaign_opens_with_its_own_days(visitor: Visitor, home: Tenant):
    path = make(visitor, home, starts_on="2026-03-01", ends_on="2026-03-31")
    goat = home.add("goat")
    visitor.post(f"{path}/members", {"item": f"creator:{goat['id']}", "act": "add"})
    home.goatherd.catch_up()

    def chosen(query: str) -> str:
        periods = visitor.see(f"{path}{query}").one("div", aria_label="Period")
        return periods.one("a", aria_current="true").text

    assert visitor.see(path).one("input", id="from")["value"] == "2026-03-01"
    assert chosen("") == "Its days"
    assert chosen("?period=28d") == "28 days"


def test_a_campaign_that_began_before_the_plan_shows_opens_with_other_days(
    goatherd: Goatherd,
):
    home = goatherd.tenant(plan="free")
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)
    path = make(visitor, home, starts_on="2026-03-01", ends_on="2026-03-31")
    goat = home.add("goat")
    visitor.post(f"{path}/members", {"item": f"creator:{goat['id']}", "act": "add"})
    home.goatherd.catch_up()

    page = visitor.see(path)

    assert page.one("input", id="from")["value"] > "2026-03-31"
    assert "Its days" not in page.text


def test_its_dashboard_is_of_its_members_alone(
    visitor: Visitor, home: Tenant, goat: Watched
):
    sheep = Watched(home, "sheep")
    sheep.followers(0, 900)
    sheep.followers(1, 950)
    path = make(visitor, home, target_views="1000", target_scope="lifetime")
    page = visitor.see(f"{path}/members?search=goat")

    item = f"creator:{goat.id}"
    visitor.submit(page, f"{path}/members", item=item, act="add")
    home.goatherd.catch_up()

    shown = visitor.see(f"{path}?{DAYS}")
    cards = {
        card.one("dt").text: card.one("dd").text
        for some in shown.all("dl")
        for card in some.all("div")
    }
    assert cards["New followers"].startswith("500")
    assert (
        "170 of 1K views of all time, 17%"
        in shown.one("section", **{"aria-label": "Targets"}).text
    )
    listed = visitor.see("/campaigns")
    assert "17%" in listed.one("tbody").text

    assert home.patch(path, {"target_views": 2_500}).status_code == 200
    home.goatherd.catch_up()
    # A percentage under 10 has a digit.
    text = (
        visitor.see(f"{path}?{DAYS}").one("section", **{"aria-label": "Targets"}).text
    )
    assert "170 of 2.5K views of all time, 6.8%" in text


def test_the_days_of_a_campaign_lead_to_its_numbers_in_them(
    visitor: Visitor, home: Tenant
):
    days = {"starts_on": "2026-03-01", "ends_on": "2026-03-31"}
    ended = make(visitor, home, **days)
    ahead = make(visitor, home, starts_on="2999-01-01")

    links = [a["href"] for a in visitor.see(f"{ended}/history").one("main").all("a")]

    assert f"{ended}?from=2026-03-01&to=2026-03-31" in links
    assert "from=2999" not in visitor.get(f"{ahead}/history").text


def test_campaigns_are_sorted_by_any_column_and_keep_their_project(
    visitor: Visitor, home: Tenant, goat: Watched
):
    make(visitor, home, name="Autumn")
    path = make(visitor, home, name="spring")
    visitor.post(f"{path}/members", {"item": f"creator:{goat.id}", "act": "add"})
    home.goatherd.catch_up()
    page = visitor.see(f"/campaigns?project_id={home.project_id}&period=90d")
    (name, views) = [
        th.one("a")["href"]
        for th in page.all("th", scope="col")
        if th.text in {"Campaign", "All views"}
    ]

    def names(query: str) -> list[str]:
        rows = visitor.see(query).one("tbody").all("tr")
        return [row.one("a").text for row in rows]

    assert f"project={home.project_id}" in views
    assert names(name) == ["Autumn", "spring"]
    assert names(f"{name}&order=desc") == ["spring", "Autumn"]
    assert names(views) == ["spring", "Autumn"]


def test_a_member_stands_with_its_name_and_its_handle(
    visitor: Visitor, home: Tenant, goat: Watched
):
    home.patch(f"/creators/{goat.id}", {"display_name": "The Goat"})
    path = make(visitor, home)
    visitor.post(f"{path}/members", {"item": f"creator:{goat.id}", "act": "add"})
    home.goatherd.catch_up()

    (row,) = visitor.see(f"{path}/members").one("ul", class_="plain ranks").all("li")

    assert row.one("input")["aria-label"] == "Choose The Goat"
    assert row.text.endswith("The Goat @goat")


def test_a_target_that_is_reached_early_is_called_reached(
    visitor: Visitor, home: Tenant, goat: Watched
):
    days = {"starts_on": "2026-03-01", "ends_on": "2999-12-31"}
    path = make(visitor, home, target_views="60", **days)
    visitor.post(f"{path}/members", {"item": f"creator:{goat.id}", "act": "add"})
    home.goatherd.catch_up()

    target = visitor.see(path).one("section", **{"aria-label": "Targets"}).text

    assert "70 of 60 views gained in its days, 116%" in target
    assert "Reached" in target
    assert "Needs" not in target


def test_a_campaign_that_counts_all_views_says_so_and_how_to_choose(
    visitor: Visitor, home: Tenant, goat: Watched
):
    path = make(visitor, home, target_views="100", target_scope="lifetime")
    visitor.post(f"{path}/members", {"item": f"creator:{goat.id}", "act": "add"})
    home.goatherd.catch_up()
    target = visitor.see(path).one("section", **{"aria-label": "Targets"})
    assert "also from before the campaign" in target.text
    link = target.one("a")["href"]

    settings = visitor.see(link.partition("#")[0])
    visitor.submit(settings, f"{path}/settings", target_scope="gained")
    home.goatherd.catch_up()

    target = visitor.see(path).one("section", **{"aria-label": "Targets"})
    assert "0 of 100 views gained in its days" in target.text
    assert "before the campaign" not in target.text
    listed = visitor.see("/campaigns").one("tbody").text
    assert "0 of 100 views gained in its days" in listed


def test_members_are_removed_and_the_history_says_so(
    visitor: Visitor, home: Tenant, goat: Watched
):
    path = make(visitor, home)
    item = f"creator:{goat.id}"
    for act in ("add", "remove"):
        answer = visitor.post(f"{path}/members", {"item": item, "act": act})
        assert answer.status_code == 303, answer.text
        home.goatherd.catch_up()

    assert stored(home, path)["item_counts"]["creators"] == 0
    lines = visitor.see(f"{path}/history").one("ol").all("li")
    assert len(lines) == 3
    assert "goat" in lines[0].text


@pytest.mark.parametrize(
    ("search", "tiktok_video_id"),
    (
        ("the OATS", "7300000000000000001"),
        ("7300000000000000001", "7300000000000000001"),
        (f"{TIKTOK}/@goat/video/7300000000000000001", "7300000000000000001"),
        (f"{TIKTOK}/@new/video/7300000000000000009", "7300000000000000009"),
    ),
    ids=["title", "id", "link", "link that is new"],
)
def test_a_single_video_is_found_and_added(
    visitor: Visitor, home: Tenant, search: str, tiktok_video_id: str
):
    creator = home.add("goat")
    names = home.goatherd.store.names
    for id_, eats in (("7300000000000000001", "oats"), ("7300000000000000002", "hay")):
        home.found(
            *(creator["id"], id_),
            title=f"Eats the {eats}",
            pseudonym=names.pseudonym(id_),
        )
    path = make(visitor, home)
    page = visitor.see(f"{path}/members?{urlencode({'search': search})}")
    found = page.one("section", aria_labelledby="add-title")
    item = found.one("label", class_="check").one("input")["value"]

    answer = visitor.submit(page, f"{path}/members", item=item, act="add")

    assert answer.status_code == 303, answer.text
    home.goatherd.catch_up()
    (member,) = home.get(f"{path}/items").json()["data"]
    assert member["item_type"] == "video"
    assert member["tiktok_video_id"] == tiktok_video_id


def test_a_change_that_somebody_else_made_meanwhile_is_not_lost(
    visitor: Visitor, home: Tenant
):
    path = make(visitor, home)
    page = visitor.see(f"{path}/settings")
    home.patch(path, {"name": "Summer"})
    home.goatherd.catch_up()

    answer = visitor.submit(page, f"{path}/settings", name="Autumn")

    assert answer.status_code in {409, 412}
    assert "Somebody else changed this campaign" in answer.text
    assert stored(home, path)["name"] == "Summer"


def test_a_deleted_campaign_leaves_the_list_and_its_creators_stay(
    visitor: Visitor, home: Tenant, goat: Watched
):
    path = make(visitor, home)

    visitor.submit(visitor.see(f"{path}/settings"), f"{path}/delete")
    home.goatherd.catch_up()

    assert visitor.get(path).status_code == 404
    assert "No campaign yet" in visitor.see("/campaigns").text
    assert home.get(f"/creators/{goat.id}").json()["data"]["status"] == "active"
