"""Pages name the sources of numbers; the page of sources."""

from uuid import UUID

import pytest

from domain import events as e
from infra.ids import new_id
from infra.settings import Settings
from tests.kit.application import Goatherd, Tenant, data_of, started
from tests.kit.databases import new_database
from tests.kit.histories import succeeded
from tests.kit.markup import read
from tests.kit.schedule import follow_schedule
from tests.kit.visitor import Visitor
from workers.sources.demo import DEMO_HANDLES
from workers.sources.request_counts import RequestCounts
from workers.sources.table import PROVIDERS

LINE = (
    "Demo data: these numbers come from a recording, not from TikTok. Set up a source"
)


@pytest.mark.parametrize("path", ("/creators", "/inbox", "/compare", "/system/jobs"))
def test_every_page_says_that_only_a_recording_plays(visitor: Visitor, path: str):
    (line,) = visitor.see(path).all("aside", class_="source-line")

    assert line.text == LINE
    assert line.one("a")["href"] == "/settings/sources"


def test_who_may_not_see_sources_is_told_without_a_link(
    goatherd: Goatherd, home: Tenant
):
    reader = Visitor(goatherd)
    reader.sign_in(home.with_key("read").key)

    (line,) = reader.see("/creators").all("aside", class_="source-line")

    assert (
        line.text == "Demo data: these numbers come from a recording, not from TikTok."
    )


def test_adding_says_it_before_the_button(visitor: Visitor):
    form = visitor.see("/creators/add").one("form", action="/creators/add")

    assert form.text.index("TikTok is not asked") < form.text.index("Cancel")


def test_the_page_shows_each_source_and_how_to_set_one_up(visitor: Visitor):
    page = visitor.see("/settings/sources")

    assert [
        section.one("h3").text for section in page.all("section", class_="card source")
    ] == [f"{row.guide.name} {name}" for name, row in PROVIDERS.items()]
    assert "GOATHERD_PROVIDERS=web" in page.text


def test_a_source_is_checked_with_a_button(visitor: Visitor):
    page = visitor.see("/settings/sources")

    answer = visitor.submit(
        page, "/settings/sources", tiktok_handle=DEMO_HANDLES[0], provider=""
    )

    checked = read(answer.text).one("section", id="checked")
    assert answer.status_code == 200
    assert "ok" in checked.one("h2").text
    assert len(checked.all("li")) == 2


def test_what_is_no_handle_is_said_beside_the_field(visitor: Visitor):
    page = visitor.see("/settings/sources")

    answer = visitor.submit(
        page, "/settings/sources", tiktok_handle="no handle", provider="replay"
    )

    assert answer.status_code == 400
    assert "is not a TikTok handle" in read(answer.text).text


def failed(home: Tenant, creator_id: str, *outcomes: e.Outcome | None) -> None:
    for outcome in outcomes:
        answer = home.post(f"/creators/{creator_id}/scrape")
        home.failed(data_of(answer, status=202)["scrape_id"], outcome=outcome)
    home.goatherd.catch_up()


def test_the_page_of_a_failing_creator_says_why_and_has_a_button(
    home: Tenant, visitor: Visitor
):
    creator_id = home.add("ada")["id"]
    failed(home, creator_id, "blocked", "blocked")

    page = visitor.see(f"/creators/{creator_id}/changes")

    (notice,) = page.all("div", class_="notice bad")
    assert (
        "The last 2 scrapes of the profile failed: the source refused the scrape."
        in notice.text
    )
    (form,) = notice.all("form", action=f"/creators/{creator_id}/scrapes")
    assert form.one("button").text == "Scrape now"


def test_a_creator_whose_videos_fail_says_so_though_its_profile_is_seen(
    home: Tenant, visitor: Visitor
):
    creator_id = home.add("ada")["id"]
    query = {"job_type": "video_stats"}
    run = data_of(home.post(f"/creators/{creator_id}/scrape", query), status=202)
    home.failed(run["scrape_id"], outcome="blocked")
    seen = succeeded(UUID(creator_id), organization_id=home.organization_id)
    home.goatherd.append(new_id(), seen)
    home.goatherd.catch_up()

    page = visitor.see(f"/creators/{creator_id}")
    listed = visitor.see("/creators")
    log = visitor.see(f"/creators/{creator_id}/changes")
    action = f"/creators/{creator_id}/scrapes"
    button = log.one("form", action=action).one("button")
    visitor.submit(log, action, **{button["name"]: button["value"]})
    visitor.post("/creators/scrape", {"only": creator_id})
    home.goatherd.catch_up()
    newest = data_of(home.get(f"/creators/{creator_id}/scrapes", params={"limit": 2}))

    (notice,) = page.all("div", class_="notice bad")
    assert "The last scrape of video figures failed" in notice.text
    assert "refused (video figures)" in listed.text
    assert button.text == "Scrape now"
    assert [one["job_type"] for one in newest] == ["video_stats"] * 2
    assert {one["status"] for one in newest} == {"queued"}


@pytest.mark.parametrize("rest", ("", "/scrapes"))
def test_where_the_newest_scrape_is_shown_its_reason_and_the_button_are_there_once(
    home: Tenant, visitor: Visitor, rest: str
):
    creator_id = home.add("ada")["id"]
    failed(home, creator_id, "blocked", "blocked")

    page = visitor.see(f"/creators/{creator_id}{rest}")

    (notice,) = page.all("div", class_="notice bad")
    assert "The last 2 scrapes of the profile failed, since " in notice.text
    line = page.one("div", id="scrape")
    assert "the source refused the scrape" in line.text
    around = page.text.replace(line.text, "") if not rest else notice.text
    assert "the source refused the scrape" not in around
    buttons = [one for one in page.all("button") if one.text == "Scrape now"]
    assert len(buttons) == 1


def test_the_page_of_a_disabled_creator_has_a_button_to_re_enable_it(
    home: Tenant, visitor: Visitor
):
    creator_id = home.add("ada")["id"]
    home.disable(creator_id)
    home.goatherd.catch_up()
    page = visitor.see(f"/creators/{creator_id}")

    visitor.submit(page, f"/creators/{creator_id}/settings/reenable")

    home.goatherd.catch_up()
    assert home.shown(creator_id)["status"] == "active"


def test_of_a_creator_that_the_recording_does_not_have_nothing_is_claimed(
    home: Tenant, visitor: Visitor
):
    creator_id = home.add("ada")["id"]
    failed(home, creator_id, "not_in_recording")

    page = visitor.see(f"/creators/{creator_id}")

    (notice,) = page.all("div", class_="notice")
    assert "The recording does not have @ada, and TikTok was not asked." in notice.text
    assert page.text.count("TikTok was not asked") == 1
    assert "failed" not in page.text.lower()


def test_every_source_that_there_is_has_a_guide():
    for row in PROVIDERS.values():
        assert row.guide.steps
        assert row.guide.lines[0].startswith("GOATHERD_PROVIDERS=")


def test_the_page_shows_requests_and_what_they_cost(
    goatherd: Goatherd, visitor: Visitor, home: Tenant
):
    counts = RequestCounts(goatherd.store.pool, Settings(web_price="0.0005 USD"))
    for _ in range(3):
        counts.take("web", home.organization_id, None)

    page = visitor.see("/settings/sources")

    assert "Public pages: 3 requests, 0.0015 USD" in page.text


@pytest.mark.parametrize(
    ("budget", "percent", "notice"),
    (
        (26, 77, None),
        (25, 80, "This source is nearly at its limit"),
        (19, 105, "The schedule needs more requests than this source may get"),
    ),
)
def test_the_page_says_how_many_creators_a_source_can_serve_and_warns(
    postgres_url: str,
    template_database: str,
    budget: int,
    percent: int,
    notice: str | None,
):
    with (
        new_database(postgres_url, template=template_database) as url,
        started(url, providers="web", web_daily_budget=str(budget)) as goatherd,
    ):
        tenant = goatherd.tenant(is_operator=True)
        tenant.add("ada")
        follow_schedule(goatherd.store)
        goatherd.catch_up()
        visitor = Visitor(goatherd)
        visitor.sign_in(tenant.key)
        page = visitor.see("/settings/sources")

    web, *_ = page.all("section", class_="card source")
    assert f"20 needed of {budget} ({percent} %)" in web.text
    assert f"1 of about {budget // 20}" in web.text
    assert (notice or "") in web.text
    assert ("longer intervals" in web.text) is (notice is not None)
