"""/creators as a page: its creators, their figures, and the limits of keys."""

from codecs import BOM_UTF8
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from api.web.charts.svg import sparkline
from domain import events as e
from tests.kit.application import Goatherd, Tenant, ago, data_of
from tests.kit.creator_with_numbers import a_watched_creator, one_gained_and_one_lost
from tests.kit.markup import Element
from tests.kit.visitor import Visitor


def handles(page: Element) -> list[str]:
    return [box["data-name"] for box in boxes(page)]


def boxes(page: Element) -> list[Element]:
    return page.all("input", name="creator_ids")


def row_of(page: Element, handle: str) -> Element:
    rows = [row for row in page.all("tr") if f"@{handle}" in row.text.split()]
    assert len(rows) == 1, page.text
    return rows[0]


@pytest.fixture
def three(home: Tenant) -> dict[str, dict[str, Any]]:
    """A tracked, a disabled and a removed creator."""
    found = {name: home.add(name) for name in ("ada", "bea", "cleo")}
    home.disable(found["bea"]["id"])
    home.delete(f"/creators/{found['cleo']['id']}")
    home.goatherd.catch_up()
    return found


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("query", "shown"),
    (
        ("", ["@bea", "@ada"]),
        ("?status=all&sort=tiktok_handle", ["@ada", "@bea", "@cleo"]),
        ("?status=removed", ["@cleo"]),
        ("?status=disabled", ["@bea"]),
        ("?search=DA&status=", ["@ada"]),
        ("?search=&status=active&project_id=&sort=&cursor=", ["@ada"]),
        ("?utm_source=slack&search=da&utm_source=%FF&%00%FF=&gclid", ["@ada"]),
    ),
)
def test_the_list_is_of_those_that_were_asked_for(
    visitor: Visitor, query: str, shown: list[str]
):
    assert handles(visitor.see(f"/creators{query}")) == shown


@pytest.mark.parametrize(
    "query", ("?status=gone", "?sort=age", "?project_id=x", "?x=1&sort=age")
)
def test_what_the_api_refuses_the_page_refuses(visitor: Visitor, query: str):
    assert visitor.get(f"/creators{query}").status_code == 400


@pytest.mark.usefixtures("three")
def test_a_status_is_told_in_words(visitor: Visitor):
    page = visitor.see("/creators?status=all")

    assert "disabled: private" in row_of(page, "bea").text
    assert "removed" in row_of(page, "cleo").text
    assert "disabled" not in row_of(page, "ada").text


def test_a_number_that_becomes_exact_is_no_growth_in_a_list(
    visitor: Visitor, home: Tenant
):
    creator_id = home.add("ada")["id"]
    home.saw(
        creator_id, observed_at=ago(20.1), follower_count=3_800_000, precision="rounded"
    )
    home.saw(
        creator_id, observed_at=ago(10.1), follower_count=3_894_656, precision="exact"
    )
    home.saw(
        creator_id, observed_at=ago(3.1), follower_count=3_894_700, precision="exact"
    )
    home.goatherd.catch_up()

    row = row_of(visitor.see("/creators"), "ada")

    assert row.one("td", data_label="Followers").text == "3.89M"
    (change,) = row.all("span", class_="change up hinted")
    assert change["data-why"] == (
        "44 followers in 28 days. A rounded number became exact in these days; that is "
        "not counted as a change."
    )
    (line,) = row.one("svg").all("polyline")
    ys = [float(point.split(",")[1]) for point in line["points"].split()]
    assert [*dict.fromkeys(ys)] == [26.0, 2.0], "it moves where it grew by 44 alone"


def test_a_rounded_number_has_about_before_it_and_says_why(
    visitor: Visitor, home: Tenant
):
    creator_id = home.add("ada")["id"]
    home.saw(
        creator_id, observed_at=ago(20.1), follower_count=3_700_000, precision="rounded"
    )
    home.saw(
        creator_id, observed_at=ago(3.1), follower_count=3_800_000, precision="rounded"
    )
    home.goatherd.catch_up()

    row = row_of(visitor.see("/creators"), "ada")

    level = row.one("td", data_label="Followers").all("span")[0]
    assert level.text.startswith("about 3.8M Rounded by the source")
    assert level["data-why"].startswith("about 3,800,000. Rounded by the source")
    assert level["tabindex"] == "0"
    assert row.one("span", class_="change up hinted").text.startswith("about +100K ")


def test_followers_stand_with_their_change_and_their_course(
    visitor: Visitor, home: Tenant
):
    creator_id = home.add("ada")["id"]
    home.saw(creator_id, observed_at=ago(50), follower_count=80_000)
    home.saw(creator_id, observed_at=ago(3.1), follower_count=84_120)
    home.goatherd.catch_up()

    row = row_of(visitor.see("/creators"), "ada")

    assert row.one("td", data_label="Followers").text == "84.1K"
    assert row.one("td", data_label="Followers").one("span")["title"] == "84,120"
    assert [change.text for change in row.all("span", class_="change up")] == ["+4.12K"]
    (course,) = row.all("svg")
    assert course["aria-hidden"] == "true"
    (line,) = course.all("polyline")
    ys = [float(point.split(",")[1]) for point in line["points"].split()]
    assert len(ys) == 30
    assert (ys[0], ys[-1]) == (26.0, 2.0)


def test_followers_that_are_unknown_for_the_days_are_shown_as_unknown(
    visitor: Visitor, home: Tenant
):
    creator_id = home.add("ada")["id"]
    home.saw(creator_id, observed_at=ago(1), follower_count=84_120)
    home.goatherd.catch_up()
    day = ago(20).date()

    page = visitor.see(f"/creators?from={day}&to={day}")

    cell = row_of(page, "ada").one("td", data_label="Followers")
    foot = page.one("tfoot").one("td", data_label="Followers")
    assert "84" not in cell.text
    assert cell.text.split() == foot.text.split()


def test_a_line_has_gaps_where_nothing_is_known():
    line = sparkline([None, 5, 7, None, 9])

    assert line is not None
    first, second = line.lines
    assert first == "25.0,26.0 48.0,14.0"
    assert second == "94.0,2.0 94.0,2.0"


def test_a_line_needs_two_points_and_one_that_never_moves_runs_level():
    assert sparkline([None, 3, None]) is None
    level, nothing = sparkline([4, 4]), sparkline([0, 0], from_zero=True)
    assert level is not None
    assert nothing is not None
    assert level.lines == ("2.0,14.0 94.0,14.0",)
    assert nothing.lines == ("2.0,26.0 94.0,26.0",)


@pytest.mark.parametrize(
    ("hours_ago", "settings", "is_late"),
    (
        (47, {}, False),
        (49, {}, True),
        (49, {"tracking_start_date": None, "tracking_end_date": "2020-01-01"}, False),
        (49, {"tracking_start_date": "2999-01-01"}, False),
    ),
)
def test_a_scrape_is_overdue_after_twice_its_interval(
    visitor: Visitor,
    home: Tenant,
    hours_ago: float,
    settings: dict[str, str | None],
    is_late: bool,  # noqa: FBT001
):
    creator_id = home.add("ada", **settings)["id"]
    home.goatherd.catch_up()
    home.goatherd.query(
        "UPDATE creator_list SET last_scraped_at = now() - make_interval(hours => %s) "
        "WHERE id = %s",
        hours_ago,
        creator_id,
    )

    row = row_of(visitor.see("/creators"), "ada")

    assert ("overdue" in row.text) is is_late


def failed(home: Tenant, creator_id: str, *outcomes: e.Outcome | None) -> None:
    """Let scrapes by hand have failed."""
    for outcome in outcomes:
        run = home.post(f"/creators/{creator_id}/scrape").json()["data"]["scrape_id"]
        home.failed(run, outcome=outcome)
    home.goatherd.catch_up()


def test_a_creator_whose_scrapes_fail_looks_so_and_can_be_listed_alone(
    visitor: Visitor, home: Tenant
):
    ada, _, cleo = (home.add(name)["id"] for name in ("ada", "bea", "cleo"))
    failed(home, ada, "blocked", "blocked")
    failed(home, cleo, "not_in_recording")

    whole = visitor.see("/creators")
    failing = visitor.see("/creators?status=failing")
    searched = visitor.see("/creators?status=failing&search=be")

    assert row_of(whole, "ada").one("span", class_="badge bad").text == "failing"
    assert "refused" in row_of(whole, "ada").text
    assert "not in the recording" in row_of(whole, "cleo").text
    assert "not yet" in row_of(whole, "bea").text
    assert handles(failing) == ["@ada"]
    assert handles(searched) == []


def test_a_disabled_creator_is_re_enabled_from_its_row(visitor: Visitor, home: Tenant):
    creator_id = home.add("ada")["id"]
    home.disable(creator_id)
    home.goatherd.catch_up()
    (opens,) = row_of(visitor.see("/creators"), "ada").all("a", data_menu="")

    visitor.submit(visitor.see(opens["href"]), "/creators/reenable")

    home.goatherd.catch_up()
    assert home.shown(creator_id)["status"] == "active"


def test_rows_are_followed_over_the_days_that_are_shown(visitor: Visitor, home: Tenant):
    assert visitor.see("/creators").all("div", id="list")[0].attributes.keys() == {
        "id",
        "class",
        "tabindex",
    }
    home.add("ada")
    home.goatherd.catch_up()

    named = visitor.see("/creators?sort=tiktok_handle&period=7d")
    own = visitor.see("/creators?from=2026-03-01&to=2026-03-05")

    assert named.one("div", id="list")["data-stream"] == "/creators/stream?period=7d"
    query = "first=2026-03-01&last=2026-03-05"
    assert own.one("div", id="list")["data-stream"] == f"/creators/stream?{query}"
    # Figures of a project stay those of the project.
    within = f"period=7d&project_id={home.project_id}"
    of_project = visitor.see(f"/creators?{within}").one("div", id="list")
    assert of_project["data-stream"] == f"/creators/stream?{within}"


@pytest.fixture
def gained_and_lost(home: Tenant) -> dict[str, str]:
    return one_gained_and_one_lost(home)


def head_of(page: Element, label: str) -> Element:
    (found,) = [one for one in page.all("th", scope="col") if one.text == label]
    return found


@pytest.mark.usefixtures("gained_and_lost")
def test_who_lost_followers_this_week_is_two_clicks_away(visitor: Visitor):
    page = visitor.see("/creators")
    (week,) = [one["value"] for one in page.all("option") if one.text == "7 days"]

    week_of = visitor.see(f"/creators?period={week}")
    most = visitor.see(head_of(week_of, "New followers").one("a")["href"])
    least = visitor.see(head_of(most, "New followers").one("a")["href"])

    assert handles(most) == ["@ada", "@bea"]
    assert head_of(most, "New followers")["aria-sort"] == "descending"
    assert handles(least) == ["@bea", "@ada"]
    assert head_of(least, "New followers")["aria-sort"] == "ascending"
    cell = row_of(least, "bea").one("td", data_label="New followers")
    assert cell.text == "-50"
    assert cell.one("span")["title"] == "-50 followers in 7 days"
    sorts = [
        one for one in least.all("th", scope="col") if "aria-sort" in one.attributes
    ]
    assert [one.text for one in sorts] == ["New followers"]


@pytest.mark.usefixtures("gained_and_lost")
def test_every_column_sorts_and_the_foot_has_the_totals(visitor: Visitor):
    page = visitor.see("/creators?period=7d")

    heads = page.all("th", scope="col")
    assert [one.text for one in heads] == [
        *("Creator", "Followers", "New followers", "All views", "New views"),
        *("Engagement", "Posts", "Last posted", "Health"),
    ]
    for one in heads:
        assert visitor.see(one.one("a")["href"])
    foot = page.one("tfoot")
    assert foot.one("th").text == "All 2"
    assert foot.one("td", data_label="Followers").text == "1.02K"
    assert foot.one("td", data_label="New followers").text == "-30"


def test_the_foot_says_where_an_account_in_several_projects_counts_once(
    home: Tenant, visitor: Visitor
):
    other = data_of(home.post("/projects", {"name": "Summer"}), status=201)["id"]
    for place, followers in (
        (home.creators, 900),
        (f"/projects/{other}/creators", 950),
    ):
        added = data_of(home.post(place, {"tiktok_handle": "ada"}), status=201)
        seen = {"observed_at": ago(1), "follower_count": followers}
        home.saw(added["id"], user_id="7", **seen)
    home.goatherd.catch_up()

    foot = visitor.see("/creators").one("tfoot")
    of_one = visitor.see(f"/creators?project_id={other}").one("tfoot")

    once = "1 account is in several projects and counts once"
    assert foot.one("th").text == f"All 2 {once}"
    assert foot.one("td", data_label="Followers").text == "950"
    assert of_one.one("th").text == "Total"


def test_totals_are_of_the_creators_that_are_on_the_list_now(
    home: Tenant, visitor: Visitor
):
    ids = {name: home.add(name)["id"] for name in ("ada", "bea")}
    for name, followers in (("ada", 100), ("bea", 900)):
        home.saw(ids[name], observed_at=ago(1), follower_count=followers)

    def total_with_tag(*, of: str) -> str:
        for name, creator_id in ids.items():
            tags = ["team"] if name == of else []
            data_of(home.patch(f"/creators/{creator_id}", {"tags": tags}))
        home.goatherd.catch_up()
        page = visitor.see("/creators?tag=team")
        assert handles(page) == [f"@{of}"]
        return page.one("tfoot").one("td", data_label="Followers").text

    # Tags change no number, so the page may keep what it read before.
    totals = [total_with_tag(of=name) for name in ("ada", "bea", "ada")]

    assert totals == ["100", "900", "100"]


@pytest.mark.usefixtures("gained_and_lost")
def test_columns_are_chosen_by_a_form_and_remembered(visitor: Visitor):
    page = visitor.see("/creators?sort=followers")

    answer = visitor.submit(page, "/creators/columns", columns=["posts", "created_at"])

    assert answer.headers["location"] == "/creators?sort=followers"
    chosen = visitor.see("/creators?sort=followers")
    labels = [one.text for one in chosen.all("th", scope="col")]
    assert labels == ["Creator", "Posts", "Added"]
    assert "just now" in row_of(chosen, "ada").text
    visitor.submit(chosen, "/creators/columns", columns=[])
    assert len(visitor.see("/creators").all("th", scope="col")) == 9


def test_a_cookie_of_columns_that_are_not_there_changes_nothing(
    visitor: Visitor, home: Tenant
):
    home.add("ada")
    home.goatherd.catch_up()
    visitor.cookies["goatherd_creator_columns"] = "beauty.."

    assert len(visitor.see("/creators").all("th", scope="col")) == 9


@pytest.mark.usefixtures("gained_and_lost")
def test_the_whole_filtered_list_is_downloaded(visitor: Visitor):
    page = visitor.see("/creators?sort=new_followers&period=7d&search=a")
    (link,) = [a for a in page.all("a") if a.text == "Download CSV"]

    answer = visitor.get(link["href"])

    assert answer.headers["content-type"].startswith("text/csv")
    # Spreadsheets read names in other scripts right only if the file begins so.
    assert answer.content.startswith(BOM_UTF8 + b"tiktok_handle,")
    lines = answer.text.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("ada,")
    assert ",-50," in lines[2]
    only = visitor.get(link["href"].replace("search=a", "search=be"))
    assert len(only.text.splitlines()) == 2


def test_a_tag_and_a_health_are_filters(visitor: Visitor, home: Tenant):
    home.add("ada", tags=["Spring", "Hooks"])
    home.disable(home.add("bea", tags=["spring"])["id"])
    home.goatherd.catch_up()

    assert handles(visitor.see("/creators?tag=SPRING")) == ["@bea", "@ada"]
    assert handles(visitor.see("/creators?tag=spring,hooks")) == ["@ada"]
    assert handles(visitor.see("/creators?health=never_seen")) == ["@ada"]
    assert handles(visitor.see("/creators?health=disabled&tag=spring")) == ["@bea"]


@pytest.mark.parametrize("query", ("from=2026-03-05&to=2026-03-01", "from=soon"))
def test_days_that_cannot_be_shown_are_told_on_the_page(visitor: Visitor, query: str):
    page = visitor.see(f"/creators?{query}", status=400)

    assert "These days cannot be shown" in page.text
    assert page.all("a", href="/creators?period=28d")


def test_more_is_a_link_that_goes_on_where_the_page_ends(
    visitor: Visitor, home: Tenant
):
    for part in (range(50), range(50, 60)):
        many = [{"tiktok_handle": f"goat.{n:02}"} for n in part]
        home.post(home.creators, {"creators": many})
    home.goatherd.catch_up()
    first = visitor.see("/creators?sort=tiktok_handle&search=goat")
    (more,) = [a for a in first.all("a") if a.text == "Show more"]

    second = visitor.see(more["href"])

    requested = parse_qs(urlsplit(more["href"]).query)
    assert requested.keys() == {"sort", "search", "cursor"}
    assert more["href"] == more["hx-get"]
    assert handles(first) + handles(second) == [f"@goat.{n:02}" for n in range(60)]
    assert "Show more" not in second.text


def test_a_project_is_named_and_chosen_only_where_there_are_several(
    visitor: Visitor, home: Tenant
):
    home.add("ada")
    home.goatherd.catch_up()
    alone = visitor.see("/creators")
    other = home.post("/projects", {"name": "Autumn"}).json()["data"]["id"]
    home.post(f"/projects/{other}/creators", {"tiktok_handle": "bea"})
    home.goatherd.catch_up()

    both = visitor.see("/creators")
    narrowed = visitor.see(f"/creators?project_id={other}")

    assert "Autumn" in row_of(both, "bea").text
    assert handles(narrowed) == ["@bea"]
    assert "Autumn" not in row_of(narrowed, "bea").text
    choices = narrowed.one("div", id="switcher")
    assert choices.one("a", aria_current="true").text == "Autumn"
    assert "First project" not in row_of(alone, "ada").text


def test_without_creators_the_page_says_what_to_do(visitor: Visitor):
    page = visitor.see("/creators")

    assert "No creators yet" in page.text
    assert page.all("a", href="/creators/add")
    assert "No creator found" in visitor.see("/creators?search=x").text


@pytest.mark.usefixtures("three")
def test_a_project_without_creators_leads_to_adding_them_to_it(
    visitor: Visitor, home: Tenant
):
    new = home.post("/projects", {"name": "Autumn"}).json()["data"]["id"]
    home.goatherd.catch_up()

    page = visitor.see(f"/creators?project_id={new}")

    assert "No creators yet in this project" in page.text
    links = [a["href"] for a in page.one("div", id="list").all("a")]
    assert links == [f"/creators/add?project_id={new}"]
    assert (
        "No videos yet in this project" in visitor.see(f"/videos?project_id={new}").text
    )
    of_it = visitor.see(f"/campaigns?project_id={new}").text
    assert "No campaign yet in this project" in of_it


@pytest.mark.usefixtures("three")
def test_who_may_only_read_is_shown_nothing_to_press(goatherd: Goatherd, home: Tenant):
    reader = Visitor(goatherd)
    reader.sign_in(home.with_key("read").key)

    page = reader.see("/creators")

    assert row_of(page, "ada")
    assert boxes(page) == []
    assert page.all("a", href="/creators/add") == []
    shown = {button.text for button in page.all("button", type="submit")}
    assert shown == {"Sign out", "Apply"}
    main = page.one("main")
    assert main.all("button", type="button") == []
    assert reader.get("/creators/add").status_code == 403


def test_another_organization_is_not_on_it(
    visitor: Visitor, stranger: Tenant, home: Tenant
):
    stranger.add("theirs")
    home.add("ours")
    home.goatherd.catch_up()

    assert handles(visitor.see("/creators?status=all")) == ["@ours"]


def test_what_others_wrote_stays_text(visitor: Visitor, home: Tenant):
    name = "<img src=x onerror=alert(1)>"
    creator_id = home.add("ada")["id"]
    changed = home.patch(f"/creators/{creator_id}", {"display_name": name})
    assert changed.status_code == 200, changed.text
    home.goatherd.catch_up()

    row = row_of(visitor.see("/creators"), "ada")

    # The drawn goat is ours.
    assert [one["src"][:14] for one in row.all("img")] == ["/images/drawn/"]
    assert row.one("span", class_="theirs name").text == name


@pytest.mark.parametrize(
    ("bound", "number", "left"),
    (
        ("", "3500", ["goat"]),
        ("", "3501", []),
        ("at_most", "3500", ["goat"]),
    ),
)
def test_a_figure_chooses_creators(
    visitor: Visitor, home: Tenant, bound: str, number: str, left: list[str]
):
    a_watched_creator(home)
    home.add("unseen")
    home.goatherd.catch_up()
    chosen = f"figure=followers&bound={bound}&number={number}"

    page = visitor.see(f"/creators?from=2026-03-01&to=2026-03-31&{chosen}")

    assert handles(page) == [f"@{handle}" for handle in left]
