"""The list of campaigns: searched, filtered, sorted, chosen from, and as a file."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from tests.kit.application import Tenant, data_of
from tests.kit.creator_with_numbers import a_campaign_behind, a_watched_creator
from tests.kit.markup import Element, read
from tests.kit.visitor import Visitor

TODAY = datetime.now(UTC).date()
DAY = timedelta(days=1)


def make(home: Tenant, name: str, project_id: object = None, **fields: object) -> str:
    path = f"/projects/{project_id or home.project_id}/campaigns"
    return data_of(home.post(path, {"name": name, **fields}), status=201)["id"]


def names(page: Element) -> list[str]:
    return [row.one("a").text for row in page.one("tbody").all("tr")]


@pytest.fixture
def three(home: Tenant) -> dict[str, str]:
    goat = a_watched_creator(home)
    ids = {
        "Autumn": make(home, "Autumn", ends_on=str(TODAY - 3 * DAY)),
        "Spring": make(home, "Spring", starts_on=str(TODAY + 3 * DAY)),
        "Winter": make(
            home,
            "Winter",
            starts_on="2026-03-01",
            ends_on=str(TODAY + DAY),
            target_views=60,
            target_at=f"{TODAY + DAY}T12:00:00Z",
        ),
    }
    item = {"item_type": "creator", "item_id": goat.id}
    for name in ("Autumn", "Winter"):
        home.post(f"/campaigns/{ids[name]}/items", item)
    home.goatherd.catch_up()
    return ids


@pytest.mark.usefixtures("three")
def test_campaigns_are_found_by_name_days_and_target(visitor: Visitor):
    for query, expected in (
        ("search=WIN", ["Winter"]),
        ("phase=ended", ["Autumn"]),
        ("phase=upcoming", ["Spring"]),
        ("phase=running", ["Winter"]),
        ("target_status=completed", ["Winter"]),
        ("sort=name", ["Autumn", "Spring", "Winter"]),
        ("sort=name&order=desc", ["Winter", "Spring", "Autumn"]),
    ):
        assert names(visitor.see(f"/campaigns?{query}")) == expected, query
    none = visitor.see("/campaigns?target_status=missed")
    assert "No campaign matches" in none.text
    assert none.one("a", href="/campaigns", class_="button").text == (
        "Show all campaigns"
    )


@pytest.mark.usefixtures("three")
def test_a_filter_is_a_chip_that_says_itself_and_goes(visitor: Visitor):
    page = visitor.see("/campaigns?phase=running&target_status=completed")

    chips = page.one("ul", id="chips").all("li")

    assert [chip.one("span", class_="theirs").text for chip in chips] == [
        "Running",
        "Target: reached",
    ]
    left = visitor.see(chips[0].one("a")["href"])
    assert "target_status=completed" in chips[0].one("a")["href"]
    assert len(left.one("ul", id="chips").all("li")) == 1


@pytest.mark.usefixtures("three")
def test_campaigns_that_are_behind_are_one_choice(visitor: Visitor, home: Tenant):
    a_campaign_behind(home, "Late", end=datetime.now(UTC) + 5 * DAY)

    page = visitor.see("/campaigns?target_status=behind")

    assert names(page) == ["Late"]
    (chip,) = page.one("ul", id="chips").all("li")
    assert chip.one("span", class_="theirs").text == "Behind"
    assert "Late" in names(visitor.see(chip.one("a")["href"]))
    file = visitor.ask("GET", "/campaigns.csv?target_status=behind")
    text = file.content.decode("utf-8-sig")
    assert [row["name"] for row in csv.DictReader(io.StringIO(text))] == ["Late"]


def test_a_row_is_a_link_and_says_its_days_and_its_progress(
    visitor: Visitor, three: dict[str, str]
):
    page = visitor.see("/campaigns?phase=running")

    (row,) = page.one("tbody").all("tr")
    assert row.one("a", class_="theirs clamped opens")["href"] == (
        f"/campaigns/{three['Winter']}"
    )
    assert "70 of 60 views gained in its days, 116%" in row.text
    assert "1 Mar 2026 to" in row.text
    assert page.one("a", href="#list").text == "Skip to the table"
    compare = page.one("span", id="download").all("a")[0]
    assert f"ids={three['Winter']}&from=" in compare["href"]


def test_all_projects_name_the_project_of_each_campaign(
    visitor: Visitor, home: Tenant, three: dict[str, str]
):
    other = data_of(home.post("/projects", {"name": "Second"}), status=201)["id"]
    make(home, "Summer", other)
    home.goatherd.catch_up()

    rows = visitor.see("/campaigns?project=all&sort=name").one("tbody").all("tr")

    projects = {row.one("a").text: row.one("th").all("span")[1].text for row in rows}
    first = "First project"
    assert projects["Summer"] == "Second"
    assert all(projects[name] == first for name in three)
    of_one = visitor.see(f"/campaigns?project={other}")
    assert names(of_one) == ["Summer"]
    assert "Second" not in of_one.one("tbody").text


def test_a_long_list_is_shown_in_parts(visitor: Visitor, home: Tenant):
    home.goatherd.catch_up()
    for number in range(51):
        make(home, f"Campaign {number:02}")
    home.goatherd.catch_up()

    page = visitor.see("/campaigns?sort=name")
    more = page.one("div", id="more").one("a")["href"]

    assert len(names(page)) == 50
    assert names(visitor.see(more)) == ["Campaign 50"]
    assert "51 campaigns" in page.one("p", id="about").text


@pytest.mark.usefixtures("three")
def test_a_place_in_the_list_that_is_no_number_begins_the_list(visitor: Visitor):
    for cursor in ("9" * 5_000, "²", "-1", "more"):
        shown = names(visitor.see(f"/campaigns?cursor={cursor}"))

        assert len(shown) == 3, cursor[:20]


def test_the_file_has_the_campaigns_of_the_page_with_names_first(
    visitor: Visitor, three: dict[str, str]
):
    answer = visitor.get("/campaigns.csv?phase=running&from=2026-03-01&to=2026-03-31")

    assert answer.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert [*row][:2] == ["name", "project_name"]
    assert (row["name"], row["project_name"]) == ("Winter", "First project")
    assert (row["phase"], row["starts_on"]) == ("running", "2026-03-01")
    assert row["new_views"] == "70"
    assert row["progress_reached"] == "70"
    assert row["progress_target_scope"] == "gained"
    assert row["campaign_id"] == three["Winter"]


def test_chosen_campaigns_are_compared_and_downloaded(
    visitor: Visitor, three: dict[str, str]
):
    ids = [three["Spring"], three["Winter"]]
    page = visitor.see("/campaigns")

    compared = visitor.submit(page, "/campaigns/compare", campaign_ids=ids)
    page = visitor.see("/campaigns?from=2026-03-01&to=2026-03-31")
    form = page.one("form", id="selection")
    fields = {one["name"]: one["value"] for one in form.all("input", type="hidden")}
    file = visitor.post("/campaigns/chosen.csv", {**fields, "campaign_ids": ids})

    assert compared.headers["location"] == (
        f"/compare?entity=campaign&ids={','.join(ids)}"
    )
    rows = [*csv.DictReader(io.StringIO(file.content.decode("utf-8-sig")))]
    assert {row["name"]: row["new_views"] for row in rows} == {
        "Winter": "70",
        "Spring": "",
    }


def test_nothing_or_too_much_is_not_compared(visitor: Visitor, three: dict[str, str]):
    for ids in ([], [three["Spring"]] * 6):
        page = visitor.see("/campaigns")
        answer = visitor.submit(page, "/campaigns/compare", campaign_ids=ids)
        assert answer.headers["location"].startswith("/campaigns"), ids
        assert "Select up to 5 campaigns" in visitor.see("/campaigns").text, ids


def test_deleting_asks_first_and_then_deletes(
    visitor: Visitor, home: Tenant, three: dict[str, str]
):
    ids = [three["Autumn"], three["Spring"]]
    form = visitor.see("/campaigns").one("form", id="selection")
    fields = {one["name"]: one["value"] for one in form.all("input", type="hidden")}

    question = visitor.post("/campaigns/delete", {**fields, "campaign_ids": ids})
    page = read(question.text)
    home.goatherd.catch_up()
    before = names(visitor.see("/campaigns?sort=name"))
    done = visitor.submit(page, "/campaigns/delete", campaign_ids=ids)
    home.goatherd.catch_up()

    assert page.one("h1").text == "Delete 2 campaigns?"
    assert before == ["Autumn", "Spring", "Winter"]
    assert done.status_code == 303
    shown = visitor.see("/campaigns")
    assert names(shown) == ["Winter"]
    assert "2 campaigns deleted." in shown.text
    assert home.get("/creators").json()["data"][0]["status"] == "active"


@pytest.mark.usefixtures("three")
def test_another_address_to_go_back_to_is_not_followed(visitor: Visitor):
    form = visitor.see("/campaigns").one("form", id="selection")
    fields = {one["name"]: one["value"] for one in form.all("input", type="hidden")}

    answer = visitor.post("/campaigns/compare", {**fields, "back": "//bad.example"})

    assert answer.headers["location"] == "/campaigns"
