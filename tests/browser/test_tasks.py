"""The tasks of docs/tasks.md, by the pages alone, with their clicks counted."""

import csv
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from infra.embedded.processes import wait_until
from infra.ids import new_id
from tests.browser.furnished import furnish
from tests.browser.test_passkeys import sign_in
from tests.kit.application import Tenant, data_of
from tests.kit.paths import ROOT
from tests.kit.patience import PATIENTLY
from tests.kit.people import PASSWORD, owner_of
from workers.sources.table import PROVIDERS

_DOCUMENT = (ROOT / "docs" / "tasks.md").read_text()
CLICKS = {
    int(number): int(clicks)
    for number, clicks in re.findall(
        r"^## (\d+)\. [^\n]+\n\nClicks: (\d+)\n", _DOCUMENT, re.MULTILINE
    )
}
_ROWS = "\n".join(
    ["Name\tHandle\tTags", *(f"Goat {n}\tgoat.{n:03}\tlaunch" for n in range(50))]
)


class Task:
    """A manager who begins at Home, and their counted clicks."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0

    def click(self, place: Locator) -> None:
        place.click()
        self.clicks += 1

    def follow(self, name: str, *, within: Locator | None = None) -> None:
        """Click a link of this name."""
        self.click((within or self.page).get_by_role("link", name=name, exact=True))

    def press(self, name: str | re.Pattern[str]) -> None:
        """Click a button of this name."""
        self.click(self.page.get_by_role("button", name=name))

    def navigate(self, name: str) -> None:
        self.click(self.page.get_by_label("Main").get_by_role("link", name=name))

    def section(self, title: str) -> Locator:
        heading = self.page.get_by_role("heading", name=title, exact=True)
        return self.page.locator("section", has=heading)


@pytest.fixture
def ids(home: Tenant) -> dict[str, str]:
    return furnish(home)


@pytest.fixture
def task(ids: dict[str, str], page: Page) -> Task:
    assert ids
    return begun(page)


@pytest.fixture
def reading(
    furnished: tuple[Tenant, dict[str, str]], sign_in: Callable[[Tenant], Page]
) -> Task:
    """A task that changes nothing, in an organization that tests share."""
    tenant, _ = furnished
    return begun(sign_in(tenant))


def begun(page: Page) -> Task:
    """A task of the person who signed in on the page, who is at Home."""
    # A dialog of printing would stop the test.
    page.add_init_script("window.print = () => { window.printed = true; }")
    page.goto("/")
    return Task(page)


def test_task_01_compares_this_week_with_last_week(reading: Task):
    page = reading.page
    reading.follow("This week")

    expect(page).to_have_url(re.compile("period=this_week"))
    cards = page.get_by_label("Key figures")
    expect(cards).to_contain_text(re.compile(r"New views\s*\d.*last week", re.DOTALL))
    expect(page.get_by_role("status").last).to_contain_text("compared with")
    assert reading.clicks == CLICKS[1]


def test_task_02_shows_who_grew_most_and_who_stopped_posting(
    task: Task, home: Tenant, ids: dict[str, str]
):
    now = datetime.now(UTC)
    # Early on a Monday nobody has been seen in the week that begins.
    for each in data_of(home.get("/creators", params={"status": "active"})):
        followers = 10 if each["id"] == ids["creator_id"] else 1_000_000
        home.saw(each["id"], observed_at=now, follower_count=followers)
    home.goatherd.catch_up()

    task.follow("This week")

    lists = task.section("Gains and losses").get_by_role("list")
    lost = lists.last
    expect(lists).to_have_count(2)
    expect(lists.first.get_by_role("listitem")).to_have_count(2)
    expect(lost.get_by_role("listitem")).to_have_count(1)
    expect(lost).to_contain_text("Goat of the Day")
    # How many there were on Monday depends on what day it is.
    expect(lost).to_contain_text(re.compile(r"-8[5-9](\.\d)?K"))
    expect(task.section("Needs you")).to_contain_text("2 creators stopped posting")
    assert task.clicks == CLICKS[2]


def test_task_03_makes_a_campaign_with_creators_and_a_target(task: Task):
    page = task.page
    task.navigate("Campaigns")
    task.follow("New campaign")
    page.get_by_role("textbox", name="Name").fill("Winter hay")
    page.get_by_role("textbox", name="Creators").fill("@goat.of.the.day @kid @ewe")
    first = datetime.now(UTC) - timedelta(days=20)
    last = datetime.now(UTC) + timedelta(days=10)
    page.get_by_role("textbox", name="First day").fill(f"{first:%Y-%m-%d}")
    page.get_by_role("textbox", name="Last day").fill(f"{last:%Y-%m-%d}")
    page.get_by_role("textbox", name="Views", exact=True).fill("2m")
    task.press("Create campaign")

    expect(page.get_by_role("heading", level=1)).to_have_text("Winter hay")
    progress = page.get_by_role("main")
    expect(progress).to_contain_text(re.compile(r"K of 2M views gained"))
    expect(page.get_by_label("Key figures")).to_contain_text("New views")
    assert task.clicks == CLICKS[3]


def test_task_04_decides_about_the_inbox_by_keyboard(task: Task):
    page, keys = task.page, task.page.keyboard
    task.navigate("Inbox")
    expect(page.locator(".video:visible")).to_have_count(5)
    # Keys act once the scripts of the page have run.
    page.wait_for_load_state()
    keys.press("j")
    keys.press("i")
    expect(page.locator(".video:visible")).to_have_count(4)
    keys.press("x")
    expect(page.locator(".video:visible")).to_have_count(3)
    keys.press("u")
    expect(page.locator(".video:visible")).to_have_count(4)
    assert task.clicks == CLICKS[4]


def test_task_05_finds_a_video_by_its_title_and_shows_its_chart(reading: Task):
    page = reading.page
    reading.navigate("Videos")
    # The field searches once the scripts know it.
    page.wait_for_load_state()
    expect(page.locator(".htmx-added, .htmx-request")).to_have_count(0)
    page.get_by_role("searchbox").fill("own")
    titles = page.get_by_role("table").get_by_role("link", name="A bell of one's own")
    expect(page.get_by_role("link", name="How to climb")).to_have_count(0)
    reading.click(titles.first)

    expect(page.get_by_role("main")).to_contain_text("A bell of one's own")
    expect(page.get_by_role("slider").first.locator("canvas")).to_be_visible()
    assert reading.clicks == CLICKS[5]


def test_task_06_compares_two_campaigns(task: Task, home: Tenant, ids: dict[str, str]):
    for name in ("Spring grass", "Winter hay"):
        home.campaign(name, ("creator", ids["creator_id"]))
    home.goatherd.catch_up()
    page = task.page
    task.navigate("Campaigns")
    task.follow("Compare")

    figures = page.get_by_role("table").first
    for name in ("Spring grass", "Winter hay"):
        expect(figures.get_by_role("columnheader", name=name)).to_be_visible()
    expect(page.get_by_role("slider").locator("canvas")).to_be_visible()
    assert task.clicks == CLICKS[6]


def test_task_07_makes_a_page_for_a_client(reading: Task):
    page = reading.page
    reading.follow("Last week")
    expect(page).to_have_url(re.compile("period=last_week"))
    reading.press("Print")
    assert page.evaluate("window.printed")

    page.emulate_media(media="print")
    for title in ("Top creators", "Top videos"):
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    expect(page.get_by_label("Key figures")).to_contain_text("in the week before")
    expect(page.get_by_role("status").last).to_contain_text("compared with")
    expect(page.locator("header.top")).to_be_hidden()
    assert len(page.pdf()) > 10_000
    assert reading.clicks == CLICKS[7]


def test_task_08_adds_50_pasted_lines(task: Task, home: Tenant):
    page = task.page
    task.navigate("Creators")
    task.follow("Add creators")
    page.get_by_label("Handles or profile URLs").fill(_ROWS)
    task.press("Continue")
    task.press("Add 50 creators")

    expect(page.get_by_role("heading", name="Results")).to_be_visible()
    expect(page.get_by_text("added", exact=True)).to_have_count(50)
    tagged = {"tag": "launch", "limit": "100"}

    def is_listed() -> bool:
        return len(home.get("/creators", params=tagged).json()["data"]) == 50

    assert wait_until(is_listed, seconds=PATIENTLY)
    assert task.clicks == CLICKS[8]


def test_task_09_explains_a_number(reading: Task):
    chart = reading.page.get_by_role("slider")
    expect(chart.locator("canvas")).to_be_visible()
    chart.hover()
    expect(chart).to_have_attribute("aria-valuetext", re.compile("new views"))
    reading.click(chart)

    explained = reading.page.locator("#explained")
    expect(explained).to_contain_text("new views")
    expect(explained.get_by_role("row").nth(1)).to_contain_text("test")
    assert reading.clicks == CLICKS[9]


def test_task_10_erases_a_person_and_proves_it(
    task: Task, home: Tenant, ids: dict[str, str]
):
    page = task.page
    task.click(task.section("Top creators").get_by_role("link", name="Goat of the Day"))
    task.follow("Settings")
    task.click(page.locator("summary", has_text="Erase this person"))
    page.get_by_role("textbox", name="Type the handle").fill("goat.of.the.day")
    task.press("Erase this person for good")

    # The workers of an installation keep these up to date, too.
    home.goatherd.catch_up()
    expect(page.get_by_text("The person was erased.")).to_be_visible()
    proof = page.get_by_role("link", name="Download the proof")
    expect(proof).to_be_visible()
    expect(page.locator("#remains")).to_contain_text("Searched for")
    with page.expect_download() as download:
        proof.click()
    saved = json.loads(Path(download.value.path()).read_text())
    assert saved["called"] == "erased-1"
    # Samples are of all organizations, and tests have creators with the same names.
    found = [one["place"] for one in saved["findings"]["found"]]
    assert [place for place in found if not place.startswith("statistics")] == []
    gone = home.get(f"/creators/{ids['creator_id']}").json()["data"]
    assert gone["status"] == "erased"
    assert task.clicks == CLICKS[10]


def test_task_11_makes_a_link_by_which_a_creator_connects(task: Task):
    page = task.page
    task.click(task.section("Top creators").get_by_role("link", name="Goat of the Day"))
    task.follow("Settings")
    task.press("Make a link")

    link = page.get_by_label("The link", exact=True)
    expect(link).to_be_in_viewport()
    expect(link).to_have_value(re.compile(r"^https://goatherd\.example/connect/\S+$"))
    expect(page.get_by_text("open this link")).to_have_count(0)
    assert task.clicks == CLICKS[11]


def test_task_12_shows_which_source_works_and_its_price(reading: Task):
    page = reading.page
    reading.follow("Sources and prices")

    sources = page.get_by_role("region").filter(has_text="Price:")
    expect(sources).to_have_count(len(PROVIDERS))
    paid = page.get_by_role("region", name="ScrapeCreators")
    expect(paid).to_contain_text("not in use")
    expect(paid).to_contain_text("A credit for each request")
    assert reading.clicks == CLICKS[12]


def test_task_13_lets_a_colleague_see_one_project_only(
    home: Tenant, strangers_page: Page, context: BrowserContext
):
    other = home.add("kid")["id"]
    spring = data_of(home.post("/projects", {"name": "Spring"}), status=201)["id"]
    added = home.post(f"/projects/{spring}/creators", {"tiktok_handle": "spring.goat"})
    assert added.status_code == 201, added.text
    home.goatherd.catch_up()
    page = strangers_page
    sign_in(page, owner_of(home))
    task = begun(page)
    task.follow("Invite people")
    page.get_by_role("textbox", name="Email").fill(f"{new_id()}@example.com")
    task.click(page.get_by_label("Only these:"))
    task.click(page.get_by_label("Spring"))
    task.press("Invite")
    link = page.get_by_label("The link", exact=True).input_value()
    assert task.clicks == CLICKS[13]

    context.clear_cookies()
    page.goto(urlsplit(link).path)
    expect(page.get_by_role("main")).to_contain_text("You see the project Spring.")
    page.get_by_label("Your name").fill("Ben Berg")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("button", name="Account")).to_be_visible()

    page.goto("/creators?project=all")
    expect(page.get_by_role("link", name="spring.goat").first).to_be_visible()
    expect(page.get_by_role("link", name="kid", exact=True)).to_have_count(0)
    assert page.request.get(f"/creators/{other}").status == 404


def test_task_14_marks_a_launch_day_in_the_chart(task: Task):
    page = task.page
    chart = page.get_by_role("slider")
    expect(chart.locator("canvas")).to_be_visible()
    chart.hover()
    task.click(chart)
    page.get_by_label(re.compile(r"^Mark \d+ \w+ \d+$")).fill("The new bell is out")
    task.press("Save note")

    expect(page.locator("#happened")).to_contain_text("The new bell is out")
    assert task.clicks == CLICKS[14]


def test_task_15_shows_everything_that_changed_yesterday(
    task: Task, home: Tenant, ids: dict[str, str]
):
    yesterday = datetime.now(UTC).replace(hour=0, minute=5) - timedelta(days=1)
    home.found(ids["creator_id"], title="A new bell", posted_at=yesterday)
    home.goatherd.catch_up()
    task.page.reload()

    task.follow("Yesterday", within=task.section("Latest activity"))

    rows = task.page.get_by_role("main").get_by_role("listitem")
    expect(rows.filter(has_text="A new bell")).to_have_count(1)
    expect(task.page.get_by_role("heading", level=2)).to_have_text(
        re.compile("^Yesterday")
    )
    assert task.clicks == CLICKS[15]


def test_task_16_shows_which_video_drove_last_months_views(reading: Task):
    reading.follow("Last month")

    rows = reading.section("Top videos").get_by_role("row")
    # The fourth of each creator has the most views.
    expect(rows.nth(1)).to_contain_text("Video ")
    expect(reading.page).to_have_url(re.compile("period=last_month"))
    assert reading.clicks == CLICKS[16]


def test_task_17_renames_a_creator(task: Task, home: Tenant, ids: dict[str, str]):
    page = task.page
    task.click(task.section("Top creators").get_by_role("link", name="Goat of the Day"))
    task.follow("Settings")
    page.get_by_role("textbox", name="Handle").fill("goat.of.tomorrow")
    task.press("Rename")

    expect(page.get_by_role("link", name="@goat.of.tomorrow")).to_be_visible()
    renamed = home.get(f"/creators/{ids['creator_id']}").json()["data"]
    assert renamed["tiktok_handle"] == "goat.of.tomorrow"
    assert task.clicks == CLICKS[17]


def test_task_18_counts_all_that_waits(task: Task):
    page = task.page
    task.navigate("Inbox")
    task.click(page.get_by_label("Select all"))
    task.press("Include selected")

    expect(page.locator("#done")).to_have_text("5 videos were included.")
    expect(page.locator(".video:visible")).to_have_count(0)
    assert task.clicks == CLICKS[18]


def test_task_19_compares_three_creators_in_a_spreadsheet(
    reading: Task, tmp_path: Path
):
    page = reading.page
    reading.follow("Search")
    page.get_by_label("Find anything").fill("compare")
    expect(page.locator("#finder-found a")).to_have_count(1)
    page.keyboard.press("Enter")
    for handle in ("goat.of.the.day", "kid", "ewe"):
        reading.click(
            page.locator(".suggestions").get_by_role("link", name=f"@{handle}")
        )
        expect(page.locator(".compared")).to_contain_text(f"@{handle}")
    with page.expect_download() as download:
        reading.follow("Download table")

    saved = tmp_path / "saved.csv"
    download.value.save_as(saved)
    lines = list(csv.reader(saved.read_text("utf-8-sig").splitlines()))
    assert lines[0] == ["day", "goat.of.the.day", "kid", "ewe"]
    assert len(lines) == 29
    assert reading.clicks == CLICKS[19]


def test_task_20_shows_what_was_known_two_weeks_ago(reading: Task):
    page = reading.page
    then = datetime.now(UTC) - timedelta(days=14)
    reading.click(
        reading.section("Top creators").get_by_role("link", name="Goat of the Day")
    )
    reading.follow("Change log")
    reading.follow("As it was")
    page.get_by_label("As of a time").fill(f"{then:%Y-%m-%dT12:00:00}")
    reading.press("Show")
    expect(page.get_by_text("Not tracked yet")).to_be_visible()
    reading.follow("figures of that day")

    expect(page.locator(".days")).to_contain_text(f"{then.day} {then:%b %Y}")
    expect(page.locator(".kpi .figure").first).not_to_have_text("\N{EN DASH}")
    assert reading.clicks == CLICKS[20]


def test_task_21_gets_a_disabled_creator_going_again(task: Task, home: Tenant):
    page = task.page
    task.click(
        task.section("Needs you").get_by_role(
            "link", name="Open the settings (@nanny)", exact=True
        )
    )
    task.press("Try again")

    expect(page.get_by_text("Tracked again; two scrapes are queued.")).to_be_visible()
    (nanny,) = home.get("/creators", params={"search": "nanny"}).json()["data"]
    assert nanny["status"] == "active"
    assert task.clicks == CLICKS[21]


def test_task_22_shares_the_numbers_of_a_creator(task: Task, home: Tenant):
    page = task.page
    task.click(task.section("Top creators").get_by_role("link", name="Goat of the Day"))
    task.press("Share")
    page.get_by_label("Name", exact=True).fill("For the client")
    task.press("Make the link")

    expect(page.locator("input[readonly]")).to_have_value(re.compile("/s/"))
    share, *_ = home.get("/shares").json()["data"]
    assert (share["name"], share["scope"]) == ("For the client", "creator")
    assert task.clicks == CLICKS[22]


def test_task_23_makes_a_rule_after_a_look_at_the_past(task: Task, home: Tenant):
    page = task.page
    task.follow("Search")
    page.get_by_label("Find anything").fill("rule")
    expect(page.locator("#finder-found a").first).to_have_text("Make a rule")
    page.keyboard.press("Enter")
    page.get_by_label("Days", exact=True).fill("20")
    task.press("Show when it would have fired")
    expect(page.locator("main")).not_to_contain_text("Not judged yet")
    task.press("Make rule")

    # The ready rule links to it as well, because it is silent where this one holds.
    made = page.get_by_role("link", name="A creator posts nothing")
    expect(made.first).to_be_visible()
    rules = home.get("/alert-rules").json()["data"]
    assert {"type": "no_post_for_days", "days": 20} in [
        rule["condition"] for rule in rules
    ]
    assert task.clicks == CLICKS[23]


def test_task_24_makes_a_webhook_and_shows_its_secret(task: Task, home: Tenant):
    page = task.page
    task.follow("Search")
    page.get_by_label("Find anything").fill("webhooks")
    expect(page.locator("#finder-found a")).to_have_count(1)
    page.keyboard.press("Enter")
    page.get_by_label("Address").fill("https://goats.example.com/hook")
    task.press("Create the webhook")

    expect(page.get_by_label("The secret")).to_have_value(re.compile("^whsec_"))
    webhook, *_ = home.get("/webhooks").json()["data"]
    assert webhook["url"] == "https://goats.example.com/hook"
    assert task.clicks == CLICKS[24]


def test_the_document_has_each_task_once_and_lists_its_clicks():
    tested = re.findall(
        r"^def test_task_(\d+)_", Path(__file__).read_text(), re.MULTILINE
    )
    assert [*CLICKS] == sorted(int(number) for number in tested)
    assert [*CLICKS] == [*range(1, 25)]
    for number, clicks in CLICKS.items():
        part = _DOCUMENT.split(f"## {number}. ")[1].split("\n## ")[0]
        assert len(re.findall(r"^\d+\. ", part, re.MULTILINE)) == clicks
