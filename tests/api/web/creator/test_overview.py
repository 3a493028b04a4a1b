"""A creator's overview: the numbers, what makes them, and where there are none."""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import pytest

from api.web.kit import api_client
from domain import events as e
from tests.kit.application import Goatherd, Tenant
from tests.kit.creator_with_numbers import DAYS, Watched, a_watched_creator
from tests.kit.markup import Element
from tests.kit.visitor import Visitor


@pytest.fixture
def goat(home: Tenant) -> Watched:
    return a_watched_creator(home)


def table(page: Element, chart: str) -> list[list[str]]:
    """The rows of a chart's table, the head among them."""
    found = page.one("figure", id=f"chart-{chart}").one("table")
    return [
        [cell.text for cell in row.inside() if cell.tag in {"th", "td"}]
        for row in found.all("tr")
    ]


def drawing(page: Element, chart: str) -> dict[str, Any]:
    """The data from which the script draws a chart."""
    figure = page.one("figure", id=f"chart-{chart}")
    (plot,) = figure.all("div", class_="plot")
    return json.loads(plot["data-chart"])


def figures(page: Element) -> dict[str, str]:
    cards = page.one("dl").all("div")
    return {card.one("dt").text: card.one("dd").text for card in cards}


def link(page: Element, text: str) -> str:
    (found,) = [a["href"] for a in page.all("a") if a.text == text]
    return found


def test_the_figures_say_how_much_came_in_these_days(visitor: Visitor, goat: Watched):
    page = visitor.see(f"/creators/{goat.id}?{DAYS}")

    assert figures(page) == {
        "Followers": "3.5K ▲ +500 in these days",
        "Total likes": "35K ▲ +5K in these days",
        "Included videos": "2 ▲ +1 posted in these days",
        "New views": "70 nothing known in the period before",
        "Engagement by views": (
            "8.6% likes, comments, shares and saves per 100 new views"
        ),
    }


def test_an_overview_requests_its_numbers_at_once(
    visitor: Visitor, goat: Watched, monkeypatch: pytest.MonkeyPatch
):
    paths: list[str] = []
    full_path: Callable[[str], str] = vars(api_client)["_full_path"]

    def noted(path: str) -> str:
        paths.append(path)
        return full_path(path)

    visitor.see(f"/creators/{goat.id}?{DAYS}")
    monkeypatch.setattr(api_client, "_full_path", noted)

    visitor.see(f"/creators/{goat.id}?{DAYS}")

    assert paths.count("/analytics") == 3
    assert paths.count("/activity") == 1
    assert len(paths) == 7


@pytest.fixture
def rounded_goat(home: Tenant) -> Watched:
    """One whose followers were rounded on the 2nd and are exact from the 3rd on."""
    goat = Watched(home, "goat")
    goat.followers(0, 3_800_000, precision="rounded")
    goat.followers(1, 3_894_656, precision="exact")
    goat.followers(2, 3_897_650, precision="exact")
    home.goatherd.catch_up()
    return goat


def test_a_number_that_becomes_exact_is_no_growth_anywhere_on_the_page(
    visitor: Visitor, rounded_goat: Watched
):
    page = visitor.see(f"/creators/{rounded_goat.id}?{DAYS}")
    new = visitor.see(f"/creators/{rounded_goat.id}?{DAYS}&followers=new")

    hint = (
        "A rounded number became exact in these days; that is not counted as a change."
    )
    assert figures(page)["Followers"] == (
        f"3.9M ▲ +2.99K {hint} in these days; a rounded number became exact"
    )
    assert table(page, "followers")[2:5] == [
        ["2 Mar 2026", "about 3,800,000", "baseline, rounded"],
        ["3 Mar 2026", "3,894,656", "became exact"],
        ["4 Mar 2026", "3,897,650", ""],
    ]
    assert table(new, "followers")[2:5] == [
        ["2 Mar 2026", "about 0", "baseline, rounded"],
        ["3 Mar 2026", "0", "became exact"],
        ["4 Mar 2026", "2,994", ""],
    ]
    (line,) = drawing(page, "followers")["lines"]
    assert (line["rounded"], line["sharpened"]) == ([1], [2])
    (path,) = page.one("figure", id="chart-followers").one("svg").all("path")
    assert path["d"].count("M") == 2, "no line leads to where it became exact"
    legend = page.one("details", id="reading").text
    assert "Square: a rounded number became exact" in legend


def test_a_rounded_figure_has_about_before_it_and_says_why(
    visitor: Visitor, rounded_goat: Watched
):
    days = "from=2026-03-01&to=2026-03-02"

    page = visitor.see(f"/creators/{rounded_goat.id}?{days}")

    card = page.one("dl").all("div")[0]
    (level, *_) = card.one("dd").all("span")
    assert level.text.startswith("about 3.8M")
    assert level["data-why"] == (
        "about 3,800,000. Rounded by the source: the exact number is not known."
    )


def test_what_makes_a_number_says_what_was_rounded(
    visitor: Visitor, rounded_goat: Watched
):
    why = f"{DAYS}&followers=new&explain=followers&on="

    rounded = visitor.see(f"/creators/{rounded_goat.id}?{why}2026-03-02")
    exact = visitor.see(f"/creators/{rounded_goat.id}?{why}2026-03-03")

    assert "baseline" in rounded.one("section", id="explained").text
    assert "2 Mar 2026: about 0 new followers" in rounded.text
    assert "became exact: it was rounded before" in (
        exact.one("section", id="explained").text
    )


def test_views_are_set_against_the_period_before(visitor: Visitor, goat: Watched):
    goat.looked(3, v1=265)
    goat.tenant.goatherd.catch_up()

    page = visitor.see(f"/creators/{goat.id}?from=2026-03-05&to=2026-03-06")

    # 140 against the 70 and 0 of March 3 and 4.
    assert figures(page)["New views"] == "140 ▲ +100% against 70 in the period before"


def test_days_with_today_say_until_when_the_period_before_is_counted(
    visitor: Visitor, goat: Watched
):
    page = visitor.see(f"/creators/{goat.id}?range=7d")

    # The last quarter of an hour of a day ends with it.
    views = re.fullmatch(
        r"0 none in the period before( until \d\d:(00|15|30|45))?",
        figures(page)["New views"],
    )
    assert views
    assert views[1] or datetime.now(UTC).hour == 23


def test_growth_is_not_told_against_days_in_part_unknown(
    visitor: Visitor, goat: Watched
):
    goat.looked(3, v1=265)
    goat.tenant.goatherd.catch_up()

    page = visitor.see(f"/creators/{goat.id}?from=2026-03-04&to=2026-03-06")

    # Nobody had looked on March 1.
    assert (
        figures(page)["New views"]
        == "140 70 in the part of the period before that is known"
    )


def test_the_figures_of_days_gone_by_are_those_of_their_end(
    visitor: Visitor, goat: Watched
):
    page = visitor.see(f"/creators/{goat.id}?from=2026-03-01&to=2026-03-02")
    before = visitor.see(f"/creators/{goat.id}?from=2026-01-01&to=2026-01-31")

    assert figures(page)["Followers"].startswith("3K ")
    assert figures(page)["Total likes"].startswith("30K ")
    assert figures(before)["Followers"] == "\N{EN DASH}"


def test_the_latest_scrape_is_a_real_one_however_many_were_imported_since(
    visitor: Visitor, goat: Watched
):
    scrape = goat.tenant.post(f"/creators/{goat.id}/scrape").json()["data"]
    for _ in range(130):
        goat.was_imported()
    goat.tenant.goatherd.catch_up()

    page = visitor.see(f"/creators/{goat.id}")

    assert scrape["scrape_id"]
    assert "imported" not in page.text.lower()


def test_the_table_of_a_chart_has_every_day_and_what_to_know_of_it(
    visitor: Visitor, goat: Watched
):
    page = visitor.see(f"/creators/{goat.id}?{DAYS}")

    assert table(page, "views") == [
        ["Day", "Views", "Note"],
        ["1 Mar 2026", "\N{EN DASH}", "no scrape"],
        ["2 Mar 2026", "0", "baseline, 1 video posted"],
        ["3 Mar 2026", "70", ""],
        ["4 Mar 2026", "0", ""],
        ["5 Mar 2026", "0", "no scrape"],
    ]
    assert "a baseline, which existed before the first scrape" in page.text
    reported = drawing(page, "views")
    assert reported["lines"][0]["values"] == [None, 0, 70, 0, 0]
    assert reported["lines"][0]["baseline"] == [1]
    assert reported["isBars"] is True


def test_a_day_that_is_not_over_is_marked(visitor: Visitor, goat: Watched):
    page = visitor.see(f"/creators/{goat.id}?range=7d")

    rows = table(page, "views")
    *before, today = [row[-1] for row in rows[1:]]
    assert before == ["no scrape"] * 6
    assert today.startswith("not over yet, no scrape, Added as @goat, tracked from")
    assert drawing(page, "views")["lines"][0]["partial"] == [6]


def test_every_choice_stands_in_the_address(visitor: Visitor, goat: Watched):
    page = visitor.see(
        f"/creators/{goat.id}?{DAYS}&granularity=month&views=cumulative"
        "&followers=new&compare=prior_period&metric=likes&mode=cumulative"
    )

    assert table(page, "views")[0] == ["Month", "Views", "1 month before", "Note"]
    assert table(page, "views")[1][:2] == ["Mar 2026", "170"]
    # Days from the first on until the fifth, as they are of March.
    assert table(page, "views")[1][2:] == [
        "\N{EN DASH} Feb 2026",
        "baseline, only a part of it, 1 video posted",
    ]
    assert drawing(page, "views")["lines"][1]["of"] == ["2026-02-01"]
    assert table(page, "followers")[1][:2] == ["Mar 2026", "500"]
    assert table(page, "metric")[1][:2] == ["Mar 2026", "16"]
    week = dict(parse_qsl(urlsplit(link(page, "Week")).query))
    assert week == {
        "from": "2026-03-01",
        "to": "2026-03-05",
        "granularity": "week",
        "compare": "prior_period",
        "followers": "new",
        "views": "cumulative",
        "metric": "likes",
        "mode": "cumulative",
    }
    assert "from" not in dict(parse_qsl(urlsplit(link(page, "90 days")).query))


def test_the_period_before_is_drawn_bucket_over_bucket(visitor: Visitor, goat: Watched):
    page = visitor.see(
        f"/creators/{goat.id}?from=2026-03-04&to=2026-03-05&compare=prior_period"
    )

    now, before = drawing(page, "views")["lines"]
    assert (now["values"], before["values"]) == ([0, 0], [0, 70])
    assert before["isPrior"]
    assert before["dates"] == now["dates"] == ["2026-03-04", "2026-03-05"]
    assert before["of"] == ["2026-03-02", "2026-03-03"]
    assert table(page, "views")[1] == ["4 Mar 2026", "0", "0 2 Mar 2026", ""]


def test_everything_begins_on_the_day_that_something_was_known(
    visitor: Visitor, goat: Watched
):
    page = visitor.see(f"/creators/{goat.id}?range=all&granularity=day")

    assert table(page, "followers")[1][:2] == ["2 Mar 2026", "3,000"]


def test_what_would_be_too_many_days_is_shown_by_week(visitor: Visitor, goat: Watched):
    page = visitor.see(f"/creators/{goat.id}?from=2024-01-01&granularity=day")

    assert table(page, "followers")[0][0] == "Week"


def test_a_number_is_explained_by_what_was_seen(visitor: Visitor, goat: Watched):
    page = visitor.see(f"/creators/{goat.id}?{DAYS}&explain=views&on=2026-03-03")

    reasons = page.one("section", id="explained")
    assert reasons.one("h2").text == "3 Mar 2026: 70 new views"
    rows = [
        [cell.text for cell in row.inside() if cell.tag in {"th", "td"}]
        for row in reasons.all("tr")
    ]
    when = "3 Mar 2026, 12:00"
    assert rows[1:] == [
        ["Video 2", when, "test", "\N{EN DASH}", "40", "40"],
        ["<i>Old</i> goat", when, "test", "100", "130", "30"],
    ]


def test_a_level_is_explained_by_the_number_that_was_seen_last(
    visitor: Visitor, goat: Watched
):
    query = f"{DAYS}&followers=cumulative&explain=followers&on=2026-03-03"

    reasons = visitor.see(f"/creators/{goat.id}?{query}").one("section", id="explained")

    heads = [head.text for head in reasons.one("thead").all("th")]
    assert heads == ["Video or profile", "Checked", "Source", "Number seen"]
    assert "The last count seen on 3 Mar 2026" in reasons.text
    (row,) = reasons.one("tbody").all("tr")
    assert row.all("td")[-1].text == reasons.one("h2").text.split()[3]


def test_a_rate_is_explained_by_both_its_parts(visitor: Visitor, goat: Watched):
    page = visitor.see(f"/creators/{goat.id}?{DAYS}&explain=metric&on=2026-03-03")

    reasons = page.one("section", id="explained")
    assert "100 \N{MULTIPLICATION SIGN} 7 / 70 = 10.00%" in reasons.text
    assert "Divided" in reasons.text
    assert "Divided by" in reasons.text


def test_the_form_around_the_table_asks_for_the_reasons(
    visitor: Visitor, goat: Watched
):
    page = visitor.see(f"/creators/{goat.id}?{DAYS}")

    form = page.one("figure", id="chart-views").one("details").one("form")
    hidden = {i["name"]: i["value"] for i in form.all("input", type="hidden")}
    days = [button["value"] for button in form.all("button", name="on")]
    assert hidden == {"from": "2026-03-01", "to": "2026-03-05", "explain": "views"}
    # A day with an unknown number has no reasons.
    assert days == ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]


def test_the_videos_that_gained_most_stand_by_their_gain(
    visitor: Visitor, goat: Watched
):
    page = visitor.see(f"/creators/{goat.id}?{DAYS}&show=top")

    items = [item.text for item in page.one("ol").all("li")]
    assert items == ["▶ Video 2 45 64%", "▶ <i>Old</i> goat 25 36%"]
    # The drawn meadows are ours.
    pictures = page.one("ol").all("img")
    assert [one["src"][:21] for one in pictures] == ["/images/drawn/meadow/"] * 2
    compared = dict(
        parse_qsl(urlsplit(link(page, "Compare the largest on one chart")).query)
    )
    assert compared["entity"] == "video"
    assert len(compared["ids"].split(",")) == 2


def test_a_creator_that_nobody_saw_yet_has_no_charts(
    visitor: Visitor, home: Tenant, goatherd: Goatherd
):
    creator_id = home.add("newcomer")["id"]
    goatherd.catch_up()

    page = visitor.see(f"/creators/{creator_id}")

    assert "No numbers yet" in [h.text for h in page.all("h2")]
    assert "on its way" in page.text
    assert page.all("figure") == []


def test_a_creator_without_counted_videos_is_told_so(visitor: Visitor, home: Tenant):
    goat = Watched(home, "goat")
    goat.followers(0, 100)
    home.goatherd.catch_up()

    page = visitor.see(f"/creators/{goat.id}?{DAYS}")

    assert "No video of @goat is included yet" in page.text
    assert (
        "There are no numbers for these days."
        in page.one("figure", id="chart-views").text
    )
    assert drawing(page, "followers")["lines"][0]["values"][-1] == 100


def test_days_after_the_last_look_say_that_nobody_looked(
    visitor: Visitor, goat: Watched
):
    reported = "There was no scrape in these days"

    page = visitor.see(f"/creators/{goat.id}?from=2026-06-01&to=2026-06-30")

    assert reported in page.text
    assert reported not in visitor.see(f"/creators/{goat.id}?{DAYS}").text
    (shown,) = (a for a in page.all("a") if a.text == "Show all days")
    assert reported not in visitor.see(f"/creators/{goat.id}{shown['href']}").text


def test_days_before_the_first_look_say_when_that_was(visitor: Visitor, goat: Watched):
    page = visitor.see(f"/creators/{goat.id}?from=2026-01-01&to=2026-01-31")

    assert "the first scrape was on 2 Mar 2026" in page.text
    assert "range=all" in link(page, "Show all since then")


@pytest.mark.parametrize(
    ("query", "said"),
    (
        ("from=2026-03-05&to=2026-03-01", "From must not be after 2026-03-01."),
        ("from=yesterday", "From must be a date, such as 2026-11-24."),
        ("from=1066-01-01", "From must not be before 1970-01-01."),
        ("metric=goats", "Metric must be one of"),
        ("top=posts", "Top must be one of"),
        (f"{DAYS}&explain=views&on=2026-04-01", "Date must be the first day of a day"),
    ),
)
def test_a_wrong_choice_is_named_and_the_form_stays(
    visitor: Visitor, goat: Watched, query: str, said: str
):
    show = "&show=top" if query.startswith("top") else ""

    page = visitor.see(f"/creators/{goat.id}?{query}{show}", status=400)

    (alert,) = page.all("div", role="alert")
    assert said in alert.text
    assert page.all("input", id="from")


def test_what_a_form_leaves_empty_is_the_usual(visitor: Visitor, goat: Watched):
    names = ("range", "from", "to", "granularity", "compare", "followers", "views")
    query = "&".join(f"{name}=" for name in (*names, "metric", "mode", "top"))

    page = visitor.see(f"/creators/{goat.id}?{query}")

    assert len(table(page, "views")) == 1 + 28


def test_days_that_the_plan_does_not_show_are_refused_in_words(goatherd: Goatherd):
    tenant = goatherd.tenant(plan="free")
    goat = a_watched_creator(tenant)
    visitor = Visitor(goatherd)
    visitor.sign_in(tenant.key)

    refused = visitor.see(f"/creators/{goat.id}?range=90d", status=402)
    usual = visitor.see(f"/creators/{goat.id}")

    assert "The plan shows 30 days of history" in refused.text
    assert "Show the last 28 days" in refused.text
    # Without the period before, which the plan does not show either.
    assert "period before" not in figures(usual)["New views"]


def test_the_days_to_choose_are_those_of_every_page(visitor: Visitor, home: Tenant):
    goat = a_watched_creator(home)
    lists = visitor.see("/creators").one("select", name="period").all("option")
    everywhere = [one.text for one in lists if one["value"] != "custom"]
    usual, former, last_week = (
        visitor.see(f"/creators/{goat.id}{query}").one("div", id="overview")
        for query in ("", "?range=30d", "?range=last_week")
    )

    choices = usual.one("div", aria_label="Days").all("a")

    assert [one.text for one in choices] == [*everywhere, "12 months", "All"]
    assert [one.text for one in choices if "aria-current" in one.attributes] == [
        "28 days"
    ]
    assert first_and_last(usual)[1] - first_and_last(usual)[0] == timedelta(days=27)
    assert first_and_last(former)[1] - first_and_last(former)[0] == timedelta(days=29)
    monday, sunday = first_and_last(last_week)
    assert (monday.weekday(), sunday - monday) == (0, timedelta(days=6))
    assert timedelta(0) < datetime.now(UTC).date() - sunday <= timedelta(days=7)


def first_and_last(overview: Element) -> tuple[date, date]:
    """Return the days in the fields for own dates."""
    first, last = (overview.one("input", name=name)["value"] for name in ("from", "to"))
    return date.fromisoformat(first), date.fromisoformat(last)


def test_a_strangers_creator_is_not_found(visitor: Visitor, stranger: Tenant):
    theirs = stranger.add("secret")["id"]
    stranger.goatherd.catch_up()

    assert visitor.get(f"/creators/{theirs}").status_code == 404
    assert visitor.get(f"/creators/{uuid4()}").status_code == 404


def test_a_scrape_is_asked_for_and_told_of(visitor: Visitor, goat: Watched):
    page = visitor.see(f"/creators/{goat.id}")

    sent = visitor.submit(page, f"/creators/{goat.id}/scrapes", job_type="video_stats")
    goat.tenant.goatherd.catch_up()

    assert (sent.status_code, sent.headers["location"]) == (303, f"/creators/{goat.id}")
    line = visitor.see(f"/creators/{goat.id}").one("div", id="scrape")
    assert "queued Figures of videos, requested just now" in line.text
    assert line["hx-trigger"] == "every 2s"
    requested = goat.tenant.get(f"/creators/{goat.id}/scrapes").json()["data"][0]
    assert (requested["job_type"], requested["trigger"]) == ("video_stats", "manual")


def test_a_scrape_that_failed_says_why(visitor: Visitor, goat: Watched):
    visitor.submit(visitor.see(f"/creators/{goat.id}"), f"/creators/{goat.id}/scrapes")
    goat.tenant.goatherd.catch_up()
    scrape = goat.tenant.get(f"/creators/{goat.id}/scrapes").json()["data"][0]
    goat.tenant.goatherd.append(
        scrape["id"],
        e.ScrapeFailed(
            organization_id=goat.tenant.organization_id,
            creator_id=UUID(goat.id),
            job_type="creator_profiles",
            provider="test",
            outcome="private",
            error="The account is <b>private</b>.",
            attempts=3,
        ),
    )
    goat.tenant.goatherd.catch_up()

    line = visitor.see(f"/creators/{goat.id}").one("div", id="scrape")
    listed = visitor.see(f"/creators/{goat.id}/scrapes").one("tbody").all("tr")[0]

    assert "failed Profile, just now : the account is private (3 attempts)" in line.text
    assert "The account is <b>private</b>." in line.text
    assert "hx-trigger" not in line.attributes
    assert "failed the account is private" in listed.text


def test_a_scrape_beyond_the_plan_is_refused_and_nothing_is_stored(goatherd: Goatherd):
    tenant = goatherd.tenant(plan="free")
    goat = a_watched_creator(tenant)
    visitor = Visitor(goatherd)
    visitor.sign_in(tenant.key)
    path = f"/creators/{goat.id}/scrapes"
    page = visitor.see(f"/creators/{goat.id}")
    visitor.submit(page, path)
    head = goatherd.head

    refused = visitor.submit(visitor.see(f"/creators/{goat.id}"), path)

    assert refused.status_code == 402
    assert "The plan allows " in refused.text
    assert goatherd.head == head


def test_who_may_only_read_sees_no_button(goatherd: Goatherd, home: Tenant):
    goat = a_watched_creator(home)
    reader = Visitor(goatherd)
    reader.sign_in(home.with_key("read").key)

    page = reader.see(f"/creators/{goat.id}")

    assert "Scrape now" not in page.text
    assert reader.post(f"/creators/{goat.id}/scrapes").status_code == 403


def test_no_page_brings_styles_or_scripts_of_its_own(visitor: Visitor, goat: Watched):
    pages = (
        "",
        f"?{DAYS}&explain=views&on=2026-03-03",
        f"?{DAYS}&show=top",
        "/scrapes",
    )

    for path in pages:
        page = visitor.see(f"/creators/{goat.id}{path}")
        for element in page.inside():
            assert not {"style", "onclick", "hx-on"} & element.attributes.keys()
            assert element.tag != "style"
            assert element.tag != "script" or not element.text
