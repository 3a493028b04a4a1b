"""Home: the programme at a glance, where each number leads, and how to begin."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from api.web.kit import site
from infra.arrays import UuidListDumper
from projections.analytics.store.positions import POSITION_AND_STATE
from projections.engine import moment, reader
from projections.engine.reader import Query, Reader, Statement
from projections.engine.snapshot_reader import RememberingReader
from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.creator_with_numbers import (
    DAYS,
    Watched,
    a_campaign_behind,
    a_watched_creator,
)
from tests.kit.markup import Element, read
from tests.kit.visitor import Visitor


@pytest.fixture
def goat(home: Tenant) -> Watched:
    return a_watched_creator(home)


@pytest.fixture
def queries_behind(monkeypatch: pytest.MonkeyPatch) -> list[Query]:
    """The queries behind results that pages keep for the next page."""
    found: list[Query] = []
    inside = ContextVar("inside", default=False)
    run, kept = RememberingReader.run, RememberingReader.kept

    async def noted(it: RememberingReader, query: Query) -> list[TupleRow]:
        is_state = query.text == POSITION_AND_STATE
        if inside.get() and query.organization_id and not is_state:
            found.append(query)
        return await run(it, query)

    async def within(
        it: RememberingReader,
        organization_id: UUID,
        state: bytes,
        key: Hashable,
        make: Callable[[Reader], Awaitable[object]],
    ) -> object:
        async def made(reader: Reader) -> object:
            token = inside.set(True)
            try:
                return await make(reader)
            finally:
                inside.reset(token)

        return await kept(it, organization_id, state, key, made)

    monkeypatch.setattr(RememberingReader, "run", noted)
    monkeypatch.setattr(RememberingReader, "kept", within)
    return found


def section(page: Element, title: str) -> Element:
    """The part of the page under a heading."""
    (found,) = [
        part
        for part in page.all("section")
        if any(heading.text == title for heading in part.all("h2"))
    ]
    return found


def key_figures(page: Element) -> Element:
    return page.one("section", aria_label="Key figures")


def cards(page: Element) -> dict[str, str]:
    return {
        card.one("dt").text: card.one("dd").text
        for card in key_figures(page).all("div", class_="kpi linked")
    }


def test_key_figures_are_those_of_the_project_in_these_days(
    visitor: Visitor, goat: Watched
):
    page = visitor.see(f"/?{DAYS}")

    assert goat.id
    shown = cards(page)
    assert shown["New views"].startswith("70")
    assert shown["New followers"].startswith("500")
    assert shown["All views"].startswith("170")
    assert shown["Posts"].startswith("1")
    (figure,) = [
        span
        for span in key_figures(page).all("span", class_="figure")
        if span.text == "500"
    ]
    assert figure["title"] == "500"


def test_pages_ask_equal_things_once(
    visitor: Visitor,
    goat: Watched,
    monkeypatch: pytest.MonkeyPatch,
    subtests: pytest.Subtests,
):
    made: list[tuple[bytes, str]] = []
    send = moment.rows_of

    async def noted(
        connection: AsyncConnection[TupleRow],
        queries: Sequence[Query],
        *,
        after: Sequence[Statement],
    ) -> list[list[TupleRow]]:
        made.extend((each.text, str(each.parameters)) for each in queries)
        return await send(connection, queries, after=after)

    # The name of the organization and its projects are asked for before the moment.
    monkeypatch.setattr(site, "_CACHE_SECONDS", 1e9)
    monkeypatch.setattr(moment, "rows_of", noted)
    monkeypatch.setattr(reader, "rows_of", noted)
    # The number of queries has some room, and each of them takes time.
    for path, most in (
        ("/", 50),
        (f"/creators/{goat.id}", 35),
        ("/creators", 18),
        ("/videos", 18),
    ):
        visitor.see(path)
        made.clear()

        visitor.see(path)

        with subtests.test(path):
            assert made
            assert not [text for text, times in Counter(made).items() if times > 1]
            assert len(made) <= most


def test_numbers_are_read_again_once_there_are_newer_ones(
    visitor: Visitor, goat: Watched, queries_behind: list[Query]
):
    first = cards(visitor.see(f"/?{DAYS}"))
    assert queries_behind
    queries_behind.clear()

    again = cards(visitor.see(f"/?{DAYS}"))
    assert not queries_behind
    goat.looked(2.5, v1=150, v2=345)
    goat.tenant.goatherd.catch_up()
    later = cards(visitor.see(f"/?{DAYS}"))

    assert again == first
    assert first["New views"].startswith("70")
    assert later["New views"].startswith("395")
    assert queries_behind


def test_kept_numbers_follow_from_the_tables_of_analytics_alone(
    visitor: Visitor, home: Tenant, goat: Watched, queries_behind: list[Query]
):
    end = datetime.now(UTC) + timedelta(days=9)
    campaign = a_campaign_behind(home, "Spring", end=end)

    for path in (
        *("/", "/?project=all", "/creators", f"/creators/{goat.id}"),
        *(f"/campaigns/{campaign}", "/videos"),
    ):
        visitor.see(path)

    with psycopg.connect(home.goatherd.url) as connection:
        connection.adapters.register_dumper(list, UuidListDumper)
        for query in queries_behind:
            text = query.text.decode()
            plan = connection.execute(
                f"EXPLAIN (FORMAT JSON) {text}".encode(), query.parameters
            ).fetchone()
            tables = {*re.findall(r"'Relation Name': '(\w+)'", str(plan))}
            if "WITH chosen AS MATERIALIZED" in text:
                # The key of a list's totals has a digest of the creators it chooses.
                tables.discard("creator_list")
            assert [one for one in tables if not one.startswith("analytics_")] == []
            assert not re.search(r"goatherd_|\bnow\(|_timestamp\(|current_", text)
    assert len(queries_behind) > 10


def test_what_was_rounded_before_is_not_compared_in_percent(
    visitor: Visitor, home: Tenant
):
    goat = Watched(home, "goat")
    goat.followers(0, 3_800_000, precision="rounded")
    # Exact from here on: what it gained before could not be seen.
    goat.followers(1.9, 3_894_656)
    goat.followers(2.1, 3_897_000)
    goat.followers(3, 3_960_000)
    home.goatherd.catch_up()

    page = visitor.see("/?from=2026-03-05&to=2026-03-06")

    assert cards(page)["New followers"] == (
        "63K before: not exact enough to compare Explain new followers"
    )
    titles = [span.attributes.get("title") for span in key_figures(page).all("span")]
    assert "about 2,344" in titles


@pytest.mark.parametrize("address", ("/?", "/?project=all&"))
def test_days_with_today_say_until_when_those_before_are_counted(
    visitor: Visitor, home: Tenant, goat: Watched, address: str
):
    kpis = data_of(
        home.get(
            "/analytics/kpis",
            params={
                "project_id": str(home.project_id),
                "period": "7d",
                "compare": "prior_period",
            },
        )
    )

    page = visitor.see(f"{address}period=7d")

    assert goat.id
    until = kpis["compare_until"]
    # Days are whole in the last quarter of an hour before midnight.
    words = " until " if until else ""
    assert words in cards(page)["Posts"]
    assert words in page.one("p", class_="muted small days").text


def test_the_number_of_a_card_is_explained(visitor: Visitor, goat: Watched):
    page = visitor.see(f"/?{DAYS}")
    links = {a.text: a["href"] for a in page.all("a", class_="explains")}

    explained = visitor.see(f"/{links['Explain new views'].partition('#')[0]}")

    assert goat.id
    # The creators who posted have no observations of their own.
    assert len(links) == 9
    part = explained.one("section", id="explained")
    assert "70 new views" in part.one("h2").text
    adds = [row.all("td")[-1].text for row in part.one("tbody").all("tr")]
    assert sum(int(number) for number in adds) == 70
    for text, address in links.items():
        seen = visitor.see(f"/{address.partition('#')[0]}")
        assert seen.one("section", id="explained"), text
    assert not visitor.see(f"/?project=all&{DAYS}").all("a", class_="explains")


def test_every_number_leads_to_where_it_is_explained(visitor: Visitor, goat: Watched):
    page = visitor.see(f"/?{DAYS}")

    link = key_figures(page).one("a", href=f"?{DAYS}&metric=likes&mode=new#chart-main")
    shown = visitor.see(f"/{link['href'].partition('#')[0]}&explain=main&on=2026-03-03")
    explained = shown.one("section", id="explained")
    assert "3 Mar 2026: 7 new likes" in explained.one("h2").text
    assert len(explained.all("tr")) == 3
    top = section(page, "Top creators")
    names = [a.text for a in top.all("a") if a["href"] == f"/creators/{goat.id}?{DAYS}"]
    assert names == ["go @goat"]
    (every,) = [a["href"] for a in top.all("a") if a.text == "All creators (1)"]
    assert every == (
        f"/creators?project_id={goat.tenant.project_id}&sort=new_views&order=desc&{DAYS}"
    )


def test_home_begins_with_four_figures_and_folds_the_others(
    visitor: Visitor, goat: Watched
):
    page = visitor.see(f"/?{DAYS}")

    assert goat.id
    first, folded = key_figures(page).all("dl")
    assert [label.text for label in first.all("dt")] == [
        "New views",
        "Posts",
        "New followers",
        "Engagement by views",
    ]
    assert len(folded.all("dt")) == 6
    # Engagement is known on a single day, of which no line can be drawn.
    assert len(first.all("svg", class_="course")) == 3
    headings = [heading.text for heading in page.all("h2")]
    assert headings[:3] == ["Needs you", "Views", "Notes and events"]
    assert headings.index("Gains and losses") < headings.index("Top videos")


def test_explained_followers_of_a_project_name_each_creator(
    visitor: Visitor, home: Tenant, goat: Watched
):
    sheep = Watched(home, "sheep")
    sheep.followers(0, 900)
    sheep.followers(1, 950)
    home.goatherd.catch_up()

    page = visitor.see(f"/?{DAYS}&metric=followers&mode=new&explain=main&on=2026-03-03")

    rows = page.one("section", id="explained").one("tbody").all("tr")
    named = {row.one("a").text: row.one("a")["href"] for row in rows}
    assert named == {
        "Profile of @goat": f"/creators/{goat.id}",
        "Profile of @sheep": f"/creators/{sheep.id}",
    }


def test_top_videos_are_those_with_the_most_new_views(visitor: Visitor, goat: Watched):
    page = visitor.see(f"/?{DAYS}")

    rows = section(page, "Top videos").one("tbody").all("tr")
    assert [row.one("a").one("span", class_="theirs clamped").text for row in rows] == [
        "Video 2",
        "<i>Old</i> goat",
    ]
    assert [[cell.text for cell in row.all("td")] for row in rows] == [
        ["45", "45"],
        ["25", "125"],
    ]
    assert goat.id in rows[0].one("a")["href"]


def test_who_lost_followers_in_the_period_is_shown(
    visitor: Visitor, home: Tenant, goat: Watched
):
    sheep = Watched(home, "sheep")
    sheep.followers(0, 900)
    sheep.followers(1, 850)
    home.goatherd.catch_up()

    page = visitor.see(f"/?{DAYS}")

    gained, lost = section(page, "Gains and losses").all("ol")
    assert [row.text for row in gained.all("li")] == ["go @goat ▲ +500"]
    assert [row.text for row in lost.all("li")] == ["sh @sheep ▼ -50"]
    assert goat.id in gained.one("a")["href"]


def test_the_posting_calendar_has_a_square_for_each_day_of_53_weeks(
    visitor: Visitor, goat: Watched
):
    page = visitor.see("/")

    assert goat.id
    squares = section(page, "Posting calendar").all("rect")
    assert 52 * 7 < len(squares) <= 53 * 7
    posted = {
        one.one("title").text
        for one in squares
        if one.attributes.get("class") == "level-4"
    }
    assert posted == {"21 Feb 2026: 1 post", "2 Mar 2026: 1 post"}


def test_one_post_is_written_as_one(visitor: Visitor, home: Tenant):
    posted_at = datetime.now(UTC) - timedelta(days=9)
    home.found(home.add("goat")["id"], posted_at=posted_at)
    home.goatherd.catch_up()

    (said,) = section(visitor.see("/"), "Posting calendar").all("span")

    assert said.text == "1 post in 53 weeks"


def test_what_needs_attention_is_shown_and_linked(visitor: Visitor, home: Tenant):
    failing, disabled = home.add("failing.goat"), home.add("gone.goat")
    requested = home.post(f"/creators/{failing['id']}/scrape").json()["data"]
    home.failed(requested["scrape_id"])
    home.disable(disabled["id"])
    home.found(failing["id"], status="pending_review")
    late = home.add("late.goat")
    home.saw(late["id"], follower_count=5)
    home.goatherd.catch_up()
    home.goatherd.query(
        "UPDATE creator_list SET last_scraped_at = '2026-03-01' WHERE id = %s",
        late["id"],
    )

    rows = section(visitor.see("/"), "Needs you").all("li")

    reported = {row.one("a")["href"]: row.text for row in rows}
    assert reported == {
        f"/creators/{failing['id']}": (
            "@failing.goat failing: refused (profile) See the failure (@failing.goat)"
        ),
        f"/creators/{late['id']}": (
            "@late.goat stale: not scraped since 1 Mar 2026 Scrape again (@late.goat)"
        ),
        f"/creators/{disabled['id']}/settings": (
            "@gone.goat disabled: private Open the settings (@gone.goat)"
        ),
        f"/projects/{home.project_id}/inbox": (
            "1 video waits in the inbox They are in no number until you include them. "
            "Review them (1 video waits in the inbox)"
        ),
    }


def test_a_creator_that_a_person_disabled_needs_nobody(visitor: Visitor, home: Tenant):
    resting, gone = home.add("resting.goat"), home.add("gone.goat")
    requested = home.post(f"/creators/{resting['id']}/scrape").json()["data"]
    home.failed(requested["scrape_id"])
    home.post(f"/creators/{resting['id']}/disable")
    home.disable(gone["id"])
    home.goatherd.catch_up()

    rows = section(visitor.see("/"), "Needs you").all("li")

    assert [row.one("a")["href"] for row in rows] == [
        f"/creators/{gone['id']}/settings"
    ]


def test_creators_who_stopped_posting_are_counted_and_listed(
    visitor: Visitor, home: Tenant
):
    goat = home.add("quiet.goat")["id"]
    home.saw(goat, follower_count=5)
    now = datetime.now(UTC)
    for number, days in enumerate((40, 38, 36)):
        posted_at = now - timedelta(days=days)
        home.found(goat, str(number), posted_at=posted_at)
    home.goatherd.catch_up()

    rows = section(visitor.see("/"), "Needs you").all("li")

    (row,) = [row for row in rows if "stopped posting" in row.text]
    assert row.text.startswith("1 creator stopped posting No post for over a week")
    listed = visitor.see(row.one("a")["href"]).one("tbody").all("tr")
    assert len(listed) == 1


def test_creators_that_no_scrape_has_seen_are_not_called_scraped(
    visitor: Visitor, home: Tenant
):
    seen = home.add("seen.goat")["id"]
    for name in ("new.goat", "newer.goat"):
        home.add(name)
    home.goatherd.catch_up()
    home.goatherd.query(
        "UPDATE creator_list SET last_scraped_at = now() WHERE id = %s", seen
    )

    (row,) = section(visitor.see("/"), "Needs you").all("li")

    assert row.text.startswith("2 creators never scraped No data yet.")
    href = row.one("a")["href"]
    assert href == f"/creators?project_id={home.project_id}&health=never_seen"
    listed = visitor.see(href).one("tbody").all("tr")
    assert len(listed) == 2


def test_a_campaign_shows_which_of_its_own_creators_need_attention(
    visitor: Visitor, home: Tenant
):
    for name in ("outside", "inside"):
        home.disable(home.add(f"{name}.goat")["id"])
    home.goatherd.catch_up()
    inside = home.get("/creators", params={"search": "inside"}).json()["data"][0]["id"]
    campaign_id = home.campaign("C", ("creator", inside))
    home.goatherd.catch_up()

    page = visitor.see(f"/campaigns/{campaign_id}")

    rows = section(page, "Needs you").all("li")
    links = [row.one("a")["href"] for row in rows]
    assert links == [f"/creators/{inside}/settings"]


def test_a_whole_month_is_compared_with_the_month_before(
    visitor: Visitor, goat: Watched
):
    page = visitor.see("/?period=last_month")

    assert goat.id
    (said,) = [p.text for p in page.all("p", role="status") if "compared" in p.text]
    days, before = said.partition(", compared with ")[::2]
    assert days.startswith("1 ")
    assert before.startswith("1 ")
    assert len(page.one("figure", id="chart-main").one("tbody").all("tr")) >= 28


@pytest.mark.parametrize(
    ("query", "field"),
    (
        ("from=2026-13-01", "From"),
        ("from=2026-03-05&to=2026-03-01", "From"),
        ("to=2999-01-01", "To"),
        ("metric=goats", "Metric"),
    ),
)
def test_a_wrong_choice_is_named_and_the_others_stay(
    visitor: Visitor, goat: Watched, query: str, field: str
):
    page = visitor.see(f"/?{query}", status=400)

    assert goat.id
    refusal = page.one("div", role="alert")
    assert refusal.one("strong").text == field
    assert page.one("nav", **{"aria-label": "Main"})
    assert [a.text for a in page.one("div", id="dashboard").all("a")][:2] == [
        "7 days",
        "28 days",
    ]


def test_the_project_chosen_last_comes_back(visitor: Visitor, home: Tenant):
    other = home.post("/projects", {"name": "Zebras"}).json()["data"]
    home.goatherd.catch_up()
    first = visitor.see("/").one("h1").text

    visitor.see(f"/?project_id={other['id']}")

    assert first != "Zebras"
    assert visitor.see("/").one("h1").text == "Zebras"
    assert visitor.get(f"/?project_id={uuid4()}").status_code == 404
    assert visitor.get("/?project_id=goat").status_code == 400


def test_a_campaign_is_chosen_beside_its_project(visitor: Visitor, goat: Watched):
    tenant = goat.tenant
    sheep = tenant.add("sheep")
    spring = tenant.campaign("Spring", ("creator", goat.id))
    empty = tenant.campaign("Empty")
    waiting = tenant.found(goat.id, status="pending_review")
    waits = tenant.campaign("Waits", ("video", waiting))
    other = tenant.post("/projects", {"name": "Zebras"}).json()["data"]["id"]
    tenant.goatherd.catch_up()

    page = visitor.see(f"/?campaign_id={spring}&{DAYS}")

    assert sheep["id"]
    assert page.one("h1").text == "Spring"
    assert cards(page)["New views"].startswith("70")
    choice = page.one("select", id="campaign")
    (chosen,) = [o.text for o in choice.all("option") if "selected" in o.attributes]
    assert chosen == "Spring"
    links = {a["href"] for a in page.all("a")}
    assert f"?period=7d&campaign_id={spring}" in links
    assert f"/campaigns/{spring}/members?sort=new_views&order=desc&{DAYS}" in links
    assert visitor.see(f"/?campaign_id={empty}").one("h2").text == (
        "Nothing is in this campaign yet"
    )
    # Its only member waits for review and does not count.
    assert visitor.see(f"/?campaign_id={waits}").all("figure")
    # Another project was chosen beside it.
    assert visitor.see(f"/?project_id={other}&campaign_id={spring}").one("h1").text == (
        "Zebras"
    )
    assert visitor.get(f"/?campaign_id={uuid4()}").status_code == 404
    assert visitor.get("/?campaign_id=goat").status_code == 400


def test_an_empty_project_shows_how_to_begin(visitor: Visitor, home: Tenant):
    home.goatherd.catch_up()

    page = visitor.see("/")

    steps = page.one("section", **{"aria-labelledby": "begin-title"})
    assert steps.one("a")["href"] == f"/creators/add?project_id={home.project_id}"
    # The other two steps are done: a source, and a project.
    assert len(steps.all("li")) == 2
    assert not page.all("figure")


def test_no_other_organizations_project_is_shown(visitor: Visitor, goatherd: Goatherd):
    other = goatherd.tenant()
    goatherd.catch_up()

    answer = visitor.get(f"/?project_id={other.project_id}")

    assert answer.status_code == 404
    assert read(answer.text).one("h1")


def test_a_plan_that_shows_few_days_shows_what_it_may(goatherd: Goatherd):
    tenant = goatherd.tenant(plan="short")
    visitor = Visitor(goatherd)
    visitor.sign_in(tenant.key)
    a_watched_creator(tenant)

    week = visitor.see("/?period=7d")
    refused = visitor.see("/?period=28d", status=402)

    assert len(section(week, "Posting calendar").all("rect")) == 8
    assert "compared with" not in week.one("p", role="status").text
    assert refused.one("div", role="alert")
