"""Several things on one chart: chosen, shown, shared by an address, saved as a file."""

import csv
import io
from codecs import BOM_UTF8
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.creator_with_numbers import DAYS, Watched, a_watched_creator
from tests.kit.markup import Element
from tests.kit.visitor import Visitor

EXACT = f"{DAYS}&entity=creator&metric=views&mode=new&granularity=day&tz=UTC"


@pytest.fixture
def goat(home: Tenant) -> Watched:
    return a_watched_creator(home)


@pytest.fixture
def sheep(home: Tenant, goat: Watched) -> Watched:
    """One that was first seen after the goat."""
    assert goat
    sheep = Watched(home, "sheep")
    sheep.followers(1, 10)
    sheep.posted("3", day=2)
    sheep.looked(3, v3=5)
    home.goatherd.catch_up()
    return sheep


@pytest.fixture
def both(goat: Watched, sheep: Watched) -> str:
    return f"{goat.id},{sheep.id}"


def rows(page: Element) -> list[list[str]]:
    return [
        [cell.text for cell in row.inside() if cell.tag in {"th", "td"}]
        for row in page.one("figure").one("table").all("tr")
    ]


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


def link(page: Element, text: str) -> str:
    (found,) = [a["href"] for a in page.all("a") if a.text == text]
    return found


def test_creators_stand_side_by_side(visitor: Visitor, both: str):
    page = visitor.see(f"/compare?ids={both}&{EXACT}")

    assert rows(page) == [
        ["Day", "goat", "sheep", "Note"],
        ["1 Mar 2026", "\N{EN DASH}", "\N{EN DASH}", "no scrape"],
        ["2 Mar 2026", "0", "\N{EN DASH}", "baseline, 1 video posted by @goat"],
        ["3 Mar 2026", "70", "\N{EN DASH}", ""],
        ["4 Mar 2026", "0", "\N{EN DASH}", "1 video posted by @sheep"],
        ["5 Mar 2026", "0", "5", ""],
    ]
    (legend,) = page.all("ul", class_="compared")
    assert [item.text for item in legend.all("li")] == [
        "@goat 70 new views Remove",
        "@sheep 5 new views Remove",
    ]


def test_videos_stand_side_by_side(visitor: Visitor, home: Tenant, goat: Watched):
    of_goat = data_of(home.get("/videos", params={"creator_id": goat.id}))
    ids = ",".join(video["id"] for video in of_goat)
    exact = EXACT.replace("entity=creator", "entity=video")

    page = visitor.see(f"/compare?ids={ids}&{exact}")

    assert rows(page)[0][1:-1] == [video["title"] for video in of_goat]
    assert len(rows(page)) == 6


def test_an_address_that_leaves_something_open_is_made_exact(
    visitor: Visitor, both: str
):
    answer = visitor.get(f"/compare?ids={both}&from=2026-03-01&to=2026-03-05")

    assert answer.status_code == 303
    assert query_of(answer.headers["location"]) == query_of(
        f"/compare?ids={both}&{EXACT}"
    )
    exact = visitor.get(answer.headers["location"])
    assert exact.status_code == 200


def test_an_exact_address_means_the_same_days_in_another_zone(
    visitor: Visitor, home: Tenant, both: str
):
    address = f"/compare?ids={both}&{EXACT}"
    before = rows(visitor.see(address))

    home.patch("/organization", {"time_zone": "Pacific/Auckland"})
    home.goatherd.catch_up()

    assert rows(visitor.see(address)) == before


def test_one_can_be_removed(visitor: Visitor, goat: Watched, both: str):
    page = visitor.see(f"/compare?ids={both}&{EXACT}")

    removing = page.one("a", aria_label="Remove sheep")["href"]

    left = visitor.see(f"/compare{removing}")
    assert query_of(removing)["ids"] == goat.id
    assert rows(left)[0] == ["Day", "Views", "Note"]


def test_a_search_offers_what_is_not_there_yet(
    visitor: Visitor, goat: Watched, sheep: Watched
):
    page = visitor.see(f"/compare?ids={goat.id}&{EXACT}&search=%40shee")

    (offered,) = page.one("div", id="suggestions").all("a")
    assert offered.text == "Add @sheep 10 followers"
    query = query_of(offered["href"])
    assert query == query_of(f"?ids={goat.id},{sheep.id}&{EXACT}")
    nothing = visitor.see(f"/compare?ids={goat.id}&{EXACT}&search=goat")
    assert "Nothing found, or it is on the chart already" in nothing.text


def test_nothing_chosen_yet_offers_the_largest(visitor: Visitor, both: str):
    assert both

    page = visitor.see("/compare")

    offers = page.one("div", id="suggestions").all("a")
    assert [offer.text for offer in offers] == [
        "Add @goat 3.5K followers",
        "Add @sheep 10 followers",
    ]
    assert page.all("figure") == []


def test_a_rounded_number_that_is_offered_has_about_before_it_and_says_why(
    visitor: Visitor, home: Tenant
):
    known = Watched(home, "known")
    known.followers(0, 3_894_656, precision="exact")
    known.followers(1, 3_900_000, precision="rounded")  # confirms what is known
    guessed = Watched(home, "guessed")
    guessed.followers(0, 3_800_000, precision="rounded")
    home.goatherd.catch_up()

    page = visitor.see("/compare")

    offers = page.one("ul", class_="suggestions").all("li")
    why = "Rounded by the source: the exact number is not known."
    assert [offer.text for offer in offers] == [
        "Add @known 3.89M followers",
        f"Add @guessed about 3.8M followers {why}",
    ]


def test_one_handle_in_two_projects_is_told_apart(
    visitor: Visitor, home: Tenant, goat: Watched
):
    project = data_of(home.post("/projects", {"name": "Alps"}), status=201)["id"]
    added = home.post(f"/projects/{project}/creators", {"tiktok_handle": "goat"})
    other = data_of(added, status=201)["id"]
    home.goatherd.catch_up()
    population = data_of(home.get(f"/projects/{home.project_id}"))["name"]

    offered = visitor.see("/compare?search=goat").one("div", id="suggestions")
    page = visitor.see(f"/compare?ids={goat.id},{other}&{EXACT}")

    offers = {offer.text for offer in offered.all("a")}
    assert offers == {f"Add @goat {population} 3.5K followers", "Add @goat Alps"}
    (legend,) = page.all("ul", class_="compared")
    assert [item.one("span", class_="who").text for item in legend.all("li")] == [
        f"@goat {population}",
        "@goat Alps",
    ]
    assert rows(page)[0] == ["Day", f"goat ({population})", "goat (Alps)", "Note"]


def test_who_tracks_nobody_is_sent_to_the_creators(visitor: Visitor):
    page = visitor.see("/compare")

    assert "Nothing to compare yet" in page.text
    assert link(page, "Back to creators") == "/creators"


def test_five_are_enough(visitor: Visitor, home: Tenant):
    ids = [home.add(f"goat{number}")["id"] for number in range(6)]
    home.goatherd.catch_up()

    five = visitor.see(f"/compare?ids={','.join(ids[:5])}&{EXACT}")
    six = visitor.see(f"/compare?ids={','.join(ids)}&{EXACT}", status=400)

    assert five.all("input", id="search") == []
    assert "up to 5 different ones" in six.text


def test_the_file_is_the_apis_own(visitor: Visitor, home: Tenant, both: str):
    page = visitor.see(f"/compare?ids={both}&{EXACT}")

    saved = visitor.get(link(page, "Download CSV"))
    own = home.get(
        f"/analytics?{DAYS}&entity=creator&entity_ids={both}&metric=views&format=csv"
    )

    assert saved.status_code == 200
    assert saved.content == BOM_UTF8 + own.content
    assert saved.headers["content-type"] == "text/csv; charset=utf-8"
    for name in ("content-disposition",):
        assert saved.headers[name] == own.headers[name]
    text = saved.content.decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["value"] for line in lines if line["label"] == "goat"][2] == "70"


def test_a_table_for_a_spreadsheet_has_a_column_for_each(
    visitor: Visitor, goat: Watched, sheep: Watched
):
    page = visitor.see(f"/compare?ids={goat.id},{sheep.id}&{EXACT}")

    saved = visitor.get(link(page, "Download table"))

    assert saved.headers["content-type"] == "text/csv; charset=utf-8"
    text = saved.content.decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(text)))
    assert lines[0] == ["day", "goat", "sheep"]
    (third,) = [line for line in lines if line[0] == "2026-03-03"]
    assert third[1] == "70"
    assert len(lines) == 1 + len(rows(page)[1:])


def test_what_is_known_now_can_be_kept(visitor: Visitor, home: Tenant, goat: Watched):
    head = home.goatherd.head
    goat.looked(2.5, v1=900)
    home.goatherd.catch_up()

    then = visitor.see(f"/compare?ids={goat.id}&{EXACT}&as_of={head}")
    now = visitor.see(f"/compare?ids={goat.id}&{EXACT}")

    assert [row[1] for row in rows(then)[1:]] == ["\N{EN DASH}", "0", "70", "0", "0"]
    assert [row[1] for row in rows(now)[1:]] == ["\N{EN DASH}", "0", "70", "775", "0"]
    keeping = link(now, "Freeze them as they are known now")
    assert parse_qs(urlsplit(keeping).query)["as_of"]
    visitor.see(f"/compare{keeping}")


def test_projects_are_compared_too(visitor: Visitor, home: Tenant, goat: Watched):
    assert goat
    days = EXACT.replace("entity=creator", "entity=project")

    page = visitor.see(f"/compare?ids={home.project_id}&{days}")

    assert [row[1] for row in rows(page)[1:]] == ["\N{EN DASH}", "0", "70", "0", "0"]


def test_campaigns_are_offered_and_compared_too(
    visitor: Visitor, home: Tenant, goat: Watched
):
    spring = home.campaign("Spring", ("creator", goat.id))
    home.goatherd.catch_up()
    days = EXACT.replace("entity=creator", "entity=campaign")

    offered = visitor.see("/compare?entity=campaign").one("div", id="suggestions")
    page = visitor.see(f"/compare?ids={spring}&{days}")

    assert query_of(link(offered, "Add Spring"))["ids"] == spring
    assert link(page, "Spring").startswith(f"/campaigns/{spring}?from=")
    assert [row[1] for row in rows(page)[1:]] == ["\N{EN DASH}", "0", "70", "0", "0"]


def test_a_metric_without_that_mode_is_shown_in_its_own(
    visitor: Visitor, goat: Watched
):
    answer = visitor.get(
        f"/compare?ids={goat.id}&{DAYS}&metric=growth_of_views&mode=new"
    )

    query = query_of(answer.headers["location"])
    assert (query["metric"], query["mode"]) == ("growth_of_views", "rate")
    page = visitor.see(answer.headers["location"])
    assert rows(page)[3][1] == "70.00%"
    notices = page.one("div", id="flashes").text
    assert "“Growth of views” cannot be counted “new”: it is shown “as a rate”." in (
        notices
    )


def test_the_way_out_of_a_wrong_choice_keeps_those_that_can_be_compared(
    visitor: Visitor, goat: Watched, sheep: Watched
):
    ids = f"goat,{goat.id},{sheep.id},{goat.id.upper()},,x"
    page = visitor.see(f"/compare?ids={ids}", status=400)

    way = link(page, "Show new views of the last 28 days")

    assert query_of(way)["ids"] == f"{goat.id},{sheep.id}"
    shown = visitor.get(f"/compare{way}")
    assert shown.status_code == 303
    visitor.see(shown.headers["location"])


def test_the_way_out_of_too_many_keeps_five(visitor: Visitor, home: Tenant):
    ids = [home.add(f"goat{number}")["id"] for number in range(6)]
    page = visitor.see(f"/compare?ids={','.join(ids)}", status=400)

    way = link(page, "Show new views of the last 28 days")

    assert query_of(way)["ids"] == ",".join(ids[:5])


def test_when_the_numbers_were_known_is_said_as_people_say_it(
    visitor: Visitor, home: Tenant, goat: Watched
):
    now, head = datetime.now(UTC), home.goatherd.head
    address = f"/compare?ids={goat.id}&{EXACT}"

    at_time = visitor.see(f"{address}&as_of={quote(now.isoformat())}")
    at_position = visitor.see(f"{address}&as_of={head}")

    said = f"known at {now.day} {now:%b %Y, %H:%M}."
    assert said in at_time.text
    assert f"known at position {head} of the log." in at_position.text


@pytest.mark.parametrize(
    ("change", "said"),
    (
        (lambda ids: f"ids={ids},{ids}", "Ids must be up to 5 different ones."),
        (lambda _: "ids=goat", "Ids must be UUIDs with commas between."),
        (lambda ids: f"ids={ids}&tz=Mars", "Tz must be an IANA time zone"),
        (lambda ids: f"ids={ids}&metric=goats", "Metric must be one of"),
        (lambda ids: f"ids={ids}&from=2999-01-01", "From must not be after"),
        (lambda ids: f"ids={ids}&{EXACT}&as_of=soon", "As of must be"),
    ),
)
def test_a_wrong_choice_is_named(
    visitor: Visitor, goat: Watched, change: Callable[[str], str], said: str
):
    page = visitor.see(f"/compare?{change(goat.id)}", status=400)

    (alert,) = page.all("div", role="alert")
    assert said in alert.text


def test_a_project_in_the_address_changes_no_comparison(
    visitor: Visitor, goat: Watched
):
    address = f"/compare?ids={goat.id}&{EXACT}"
    shown = rows(visitor.see(address))

    for project in ("goats", "..%2Forganization", uuid4()):
        assert rows(visitor.see(f"{address}&project={project}")) == shown, project


def _head(page: Element) -> str:
    """The words of the letterhead, below a line if the project has a colour."""
    (head,) = page.all("div", class_="on-paper letterhead")
    lines = page.all("svg", class_="on-paper letterhead-band")
    assert len(lines) == bool(head.text)
    return head.text


def test_the_letterhead_is_of_the_one_project_that_is_compared(
    visitor: Visitor, home: Tenant, goat: Watched
):
    def of_client(project_id: object, client: str) -> None:
        head = {"client": client, "color": "#0f766e"}
        data_of(home.patch(f"/projects/{project_id}", head))

    other = data_of(home.post("/projects", {"name": "Other"}), status=201)["id"]
    of_client(home.project_id, "Meadow Inc")
    of_client(other, "Barn Ltd")
    made = home.post(f"/projects/{other}/creators", {"tiktok_handle": "barn.cat"})
    cat = data_of(made, status=201)["id"]
    made = home.post(f"/projects/{other}/campaigns", {"name": "Barn days"})
    theirs = data_of(made, status=201)["id"]
    ours = home.campaign("Spring", ("creator", goat.id))
    goat.posted("9", day=1)
    goat.looked(2, v9=5)
    home.goatherd.catch_up()
    video = data_of(home.get("/videos", params={"creator_id": goat.id}))[0]["id"]
    # The browser chose the other client's project last.
    visitor.see(f"/?project={other}")

    days = f"{DAYS}&metric=views&mode=new&granularity=day&tz=UTC"
    heads = {
        query: _head(visitor.see(f"/compare?{query}&{days}"))
        for query in (
            f"entity=creator&ids={goat.id}",
            f"entity=video&ids={video}",
            f"entity=campaign&ids={ours}",
            f"entity=campaign&ids={ours}&by=start",
            f"entity=project&ids={home.project_id}",
            f"entity=creator&ids={cat}",
            f"entity=creator&ids={cat},{goat.id}",
            f"entity=campaign&ids={theirs},{ours}",
            f"entity=campaign&ids={theirs},{ours}&by=start",
            f"entity=project&ids={other},{home.project_id}",
        )
    }

    assert [*heads.values()] == ["Meadow Inc"] * 5 + ["Barn Ltd"] + [""] * 4
    assert _head(visitor.see("/compare")) == ""


def test_others_creators_cannot_be_compared(
    visitor: Visitor, stranger: Tenant, goat: Watched
):
    theirs = stranger.add("secret")["id"]
    stranger.goatherd.catch_up()

    for other in (theirs, uuid4()):
        page = visitor.get(f"/compare?ids={goat.id},{other}&{EXACT}")
        saved = visitor.get(f"/compare.csv?ids={other}&{EXACT}")
        assert (page.status_code, saved.status_code) == (404, 404)
        assert "secret" not in page.text


def test_days_that_the_plan_does_not_show_are_refused_in_words(goatherd: Goatherd):
    tenant = goatherd.tenant(plan="free")
    goat = a_watched_creator(tenant)
    visitor = Visitor(goatherd)
    visitor.sign_in(tenant.key)

    page = visitor.see(f"/compare?ids={goat.id}&{EXACT}", status=402)

    assert "The plan shows 30 days of history" in page.text


def test_all_figures_of_campaigns_stand_side_by_side(
    visitor: Visitor, home: Tenant, goat: Watched
):
    ids: list[str] = []
    for name, fields in (
        ("Spring", {"target_views": 100, "target_scope": "lifetime"}),
        ("Summer", {"starts_on": "2026-03-01", "cost_minor": 3_500, "currency": "EUR"}),
    ):
        path = f"/projects/{home.project_id}/campaigns"
        made = data_of(home.post(path, {"name": name, **fields}), status=201)
        item = {"item_type": "creator", "item_id": goat.id}
        data_of(home.post(f"/campaigns/{made['id']}/items", item), status=201)
        ids.append(made["id"])
    home.goatherd.catch_up()

    days = f"{DAYS}&metric=views&mode=new&granularity=day&tz=UTC"
    page = visitor.see(f"/compare?entity=campaign&ids={','.join(ids)}&{days}")

    table = page.one("section", aria_labelledby="figures-title").one("table")
    shown = {
        row.one("th").text: [cell.text for cell in row.all("td")]
        for row in table.all("tr")
        if row.all("td")
    }
    assert [th.text for th in table.one("thead").all("th")][1:] == ["Spring", "Summer"]
    assert shown["Days"] == ["Open", "1 Mar 2026 to open"]
    assert shown["Views that count"] == [
        "170 of 100 170%, of all time",
        "70 gained in its days",
    ]
    assert shown["Cost"] == ["\N{EN DASH}", "35.00 EUR"]
    assert shown["Cost of 1,000 views"] == ["\N{EN DASH}", "500.00 EUR"]
    assert shown["Members"] == ["1 creator", "1 creator"]
    assert shown["New followers"] == ["500", "500"]


def spring_and_summer(home: Tenant, goat: Watched) -> str:
    """The ids of two campaigns, of five days and of two days from the third on."""
    ids: list[str] = []
    for name, first, last in (
        ("Spring", "2026-03-01", "2026-03-05"),
        ("Summer", "2026-03-03", "2026-03-04"),
    ):
        path = f"/projects/{home.project_id}/campaigns"
        body = {"name": name, "starts_on": first, "ends_on": last}
        made = data_of(home.post(path, body), status=201)
        item = {"item_type": "creator", "item_id": goat.id}
        data_of(home.post(f"/campaigns/{made['id']}/items", item), status=201)
        ids.append(made["id"])
    home.goatherd.catch_up()
    return ",".join(ids)


def test_campaigns_are_compared_by_their_days_since_the_start(
    visitor: Visitor, home: Tenant, goat: Watched
):
    ids = spring_and_summer(home, goat)
    days = f"{DAYS}&metric=views&mode=cumulative&granularity=day&tz=UTC"
    address = f"/compare?entity=campaign&ids={ids}&{days}"

    by_date = rows(visitor.see(address))[1:]
    since = rows(visitor.see(f"{address}&by=start"))[1:]

    spring = [row[1] for row in by_date]
    assert [row[0] for row in since] == [f"Day {number}" for number in range(1, 6)]
    assert [row[1] for row in since] == spring
    # The third of March is day 1 of Summer, which has no day 3.
    assert [row[2] for row in since] == [*spring[2:4], *["\N{EN DASH}"] * 3]
    figures = visitor.see(f"{address}&by=start").one(
        "section", aria_labelledby="figures-title"
    )
    assert "The days of each" in figures.text


def test_the_file_follows_the_days_since_the_start(
    visitor: Visitor, home: Tenant, goat: Watched
):
    ids = spring_and_summer(home, goat)
    query = f"entity=campaign&ids={ids}&{DAYS}&metric=views&mode=cumulative&tz=UTC"
    shown = rows(visitor.see(f"/compare?{query}&granularity=day&by=start"))[1:]

    table = _read_csv(visitor.get(f"/compare.csv?{query}&by=start&layout=columns"))
    listed = _read_csv(visitor.get(f"/compare.csv?{query}&by=start"))

    assert table[0] == ["day", "Spring", "Summer"]
    assert [f"Day {row[0]}" for row in table[1:]] == [row[0] for row in shown]
    # A day that Summer does not have is empty in the file.
    for line, row in zip(table[1:], shown, strict=True):
        assert [cell or "\N{EN DASH}" for cell in line[1:]] == row[1:3], line
    assert listed[0][:4] == ["day", "date", "campaign_id", "campaign"]
    assert [row[:2] for row in listed if row[3] == "Summer"] == [
        ["1", "2026-03-03"],
        ["2", "2026-03-04"],
    ]
    assert [row[6] for row in listed if row[3] == "Spring"] == [
        row[1] for row in table[1:]
    ]


def _read_csv(answer: httpx.Response) -> list[list[str]]:
    return [*csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))]
