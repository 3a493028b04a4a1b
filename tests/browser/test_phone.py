"""Pages that are wide at a desk can be used on a phone all the same."""

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.api.routes.test_alerts import silent
from tests.browser.layout import PHONE, check_words
from tests.kit.application import Tenant, ago, data_of
from tests.kit.creator_with_numbers import DAYS, a_watched_creator
from tests.kit.judging import judge


@pytest.fixture
def busy(home: Tenant) -> dict[str, str]:
    """An organization whose tables are not empty."""
    creator_id = home.add("lost.goat")["id"]
    home.ask("PUT", "/admin/bans/spam.goat", json={"reason": "Sells goats"})
    home.with_key("read", "write", "admin")
    home.goatherd.catch_up()
    return {"creator_id": creator_id}


def test_what_was_understood_of_pasted_rows_fits(home: Tenant, page: Page):
    home.goatherd.catch_up()
    page.set_viewport_size(ViewportSize(**PHONE))
    page.goto("/creators/add")
    rows = "Handle\tTags\n@abcdefghijklmnopqrstuvwx\tspring, tier A\n@lou lou\t\n"
    page.get_by_label("Handles or profile URLs").fill(rows)

    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_text("is added", exact=True)).to_be_visible()
    check_words(page)


def test_no_name_is_cut_to_make_room_for_a_pill(home: Tenant, page: Page):
    home.add("goat.number.fourteen")
    home.goatherd.catch_up()
    page.set_viewport_size(ViewportSize(**PHONE))

    page.goto("/creators")

    pill = page.locator("#rows").get_by_text("never scraped", exact=True)
    expect(pill).to_be_in_viewport(ratio=1)
    name = page.locator("#rows .name")
    wide, shown = name.evaluate("e => [e.scrollWidth, e.parentElement.clientWidth]")
    assert wide <= shown
    above, below = name.bounding_box(), pill.bounding_box()
    assert above is not None
    assert below is not None
    assert above["y"] + above["height"] <= below["y"]


def test_a_video_names_its_creator_and_project_in_full(home: Tenant, page: Page):
    data_of(home.post("/projects", {"name": "North"}), status=201)
    for handle in ("goat.with.a.name.of.24.signs", "lou"):
        home.found(home.add(handle)["id"], posted_at=ago(3), title="A goat " * 20)
    home.goatherd.catch_up()
    page.set_viewport_size(ViewportSize(**PHONE))

    page.goto("/videos")

    names = page.locator("#rows .post .row > :is(a.theirs, .project)")
    expect(names).to_have_count(4)
    cut = names.evaluate_all("all => all.filter(e => e.scrollWidth > e.clientWidth)")
    assert cut == []
    long, short = (page.locator("#rows > tr", has_text=name) for name in ("24", "lou"))
    tall, flat = long.bounding_box(), short.bounding_box()
    assert tall is not None
    assert flat is not None
    assert flat["height"] < tall["height"] < 100
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_an_alert_is_two_lines_and_names_the_project(home: Tenant, page: Page):
    north = data_of(home.post("/projects", {"name": "North"}), status=201)
    made = home.post(
        f"/projects/{north['id']}/creators", {"tiktok_handle": "north.goat"}
    )
    assert made.status_code == 201, made.text
    project = data_of(home.get(f"/projects/{home.project_id}"))
    silent(home, "quiet.goat", 12, 11, 10)
    judge(home)
    page.set_viewport_size(ViewportSize(**PHONE))

    page.goto("/alerts?project=all")

    alert = page.get_by_role("region", name="Alerts").get_by_role("row").last
    expect(alert).to_contain_text("@quiet.goat")
    expect(alert.get_by_text(project["name"])).to_be_in_viewport(ratio=1)
    health = page.get_by_role("region", name="Creators").get_by_role("row")
    expect(health.filter(has_text="@north.goat")).to_contain_text("North")
    for row in (alert, health.last):
        box = row.bounding_box()
        assert box is not None
        assert box["height"] < 80


def test_what_can_be_done_with_a_row_is_in_sight(
    busy: dict[str, str], page: Page, subtests: pytest.Subtests
):
    assert busy
    page.set_viewport_size(ViewportSize(**PHONE))
    for page_of, act in (("settings/keys", "Revoke"), ("system/bans", "Lift")):
        with subtests.test(page_of):
            page.goto(f"/{page_of}")

            button = page.get_by_role("row").get_by_role("button", name=act).first

            box = button.bounding_box()
            assert box is not None
            assert 0 <= box["x"] <= box["x"] + box["width"] <= PHONE["width"]


def test_the_current_tab_is_in_sight_and_the_page_at_its_top(
    busy: dict[str, str], page: Page
):
    page.set_viewport_size(ViewportSize(**PHONE))

    page.goto(f"/creators/{busy['creator_id']}/settings")

    tab = page.get_by_role("navigation", name="Creator").get_by_text("Settings")
    expect(tab).to_be_in_viewport(ratio=1)
    assert page.evaluate("scrollY") == 0


def test_the_bar_at_the_bottom_leads_everywhere(page: Page):
    page.set_viewport_size(ViewportSize(**PHONE))
    page.goto("/creators")

    bar = page.get_by_role("navigation", name="Phone")
    names = ("Home", "Creators", "Videos", "Inbox")
    for name in names:
        link = bar.get_by_role("link", name=name)
        expect(link).to_be_in_viewport(ratio=1)
    expect(bar.get_by_role("link", name="Creators")).to_have_attribute(
        "aria-current", "page"
    )
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()

    bar.get_by_role("button", name="More").click()
    page.get_by_role("link", name="Campaigns").click()

    expect(page.get_by_role("heading", name="Campaigns", exact=True)).to_be_visible()


# Rows of a list that are higher than two lines, and what is cut off in them.
_CUT_OFF = """
() => [...document.querySelectorAll("#rows > tr")].flatMap((row) => {
  const found = [];
  const own = row.getBoundingClientRect();
  if (own.height > 68) found.push(`a row is ${own.height} high`);
  const box = row.querySelector(".pick input")?.getBoundingClientRect();
  const picture = row.querySelector(".thumb")?.getBoundingClientRect();
  if (box && picture && box.right > picture.left)
    found.push(`a box ends at ${box.right}, and its picture begins at ${picture.left}`);
  for (const cell of row.querySelectorAll("td")) {
    const {left, right, width} = cell.getBoundingClientRect();
    const isCut = cell.scrollWidth > cell.clientWidth + 1;
    if (width && (left < own.left || right > own.right + 1 || isCut))
      found.push(`${cell.className} reaches from ${left} to ${right}`);
  }
  return found;
})
"""


def test_fifty_creators_are_short_and_sorted_by_a_choice(home: Tenant, page: Page):
    for number in range(50):
        home.add(f"goat.number.{number:02}")
    seen = home.add("goat.with.a.name.of.24.signs", description="")
    home.saw(seen["id"], observed_at=ago(0.01), follower_count=84_120)
    home.found(seen["id"], posted_at=ago(3), title="A goat " * 20)
    home.disable(home.add("goat.disabled")["id"])
    # The name of the project is shortened in the line with the bell and the account.
    home.ask("PATCH", f"/projects/{home.project_id}", json={"name": "Winter sports"})
    home.goatherd.catch_up()
    page.set_viewport_size(ViewportSize(**PHONE))
    page.goto("/creators")
    expect(page.locator("#rows > tr")).to_have_count(50)

    height, width = page.evaluate(
        "[document.documentElement.scrollHeight, document.documentElement.scrollWidth]"
    )
    assert height < 6_000
    assert width <= PHONE["width"]
    assert page.evaluate(_CUT_OFF) == []
    page.set_viewport_size(ViewportSize(width=320, height=640))
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.set_viewport_size(ViewportSize(**PHONE))
    for box in page.locator(".pick input:visible").all():
        size = box.bounding_box()
        assert size is not None
        assert min(size["width"], size["height"]) >= 24

    page.get_by_label("Sort by").select_option("Creator")

    expect(page.locator("#rows > tr").first).to_contain_text("goat.disabled")
    expect(page.get_by_label("Sort by")).to_have_value("tiktok_handle")


def test_a_row_shows_what_its_list_is_sorted_by_on_two_lines(
    home: Tenant, page: Page, subtests: pytest.Subtests
):
    goat = a_watched_creator(home)
    home.goatherd.catch_up()
    page.set_viewport_size(ViewportSize(**PHONE))
    lists = (
        ("creators", "average_views_per_post"),
        ("videos", "share_count"),
        (f"creators/{goat.id}/videos", "engagement_rate"),
    )
    for name, usual in lists:
        page.goto(f"/{name}?{DAYS}")
        orders = page.get_by_label("Sort by").locator("option")
        assert usual in {one.get_attribute("value") for one in orders.all()}
        for order in orders.all():
            value = order.get_attribute("value")
            with subtests.test(f"{name} by {value}"):
                page.goto(f"/{name}?{DAYS}&sort={value}")
                assert page.evaluate(_CUT_OFF) == []
                shown = page.locator("#rows > tr").first.locator(
                    "td[data-label]:visible"
                )
                assert shown.count() >= 2
    # The last page's own choice is a box of its own, unlike the controls of lists.
    reasons = page.get_by_role("navigation", name="Why they are included, or not")
    expect(reasons).to_have_css("display", "flex")
