"""The list of creators in a browser: adding, finding, selecting and removing."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, ViewportSize, expect

from tests.browser.layout import PHONE, WIDE, check_layout
from tests.browser.watching import Watch
from tests.kit.application import Tenant, ago
from tests.kit.creator_with_numbers import one_gained_and_one_lost


def handles_shown(page: Page) -> list[str]:
    boxes = page.locator("#rows .pick input")
    return [box.get_attribute("data-name") or "" for box in boxes.all()]


def has_settled(page: Page) -> None:
    """Wait until the links of a list that was replaced do what they say.

    htmx takes them over a moment after they are shown; until then a link leads to a new
    page, on which nothing has the focus.
    """
    expect(page.locator("#list:is(.htmx-request, .htmx-added)")).to_have_count(0)


def with_creators(home: Tenant, *handles: str) -> None:
    for handle in handles:
        home.add(handle)
    home.goatherd.catch_up()


def test_gains_that_are_not_known_yet_leave_the_list_its_width(
    page: Page, home: Tenant, axe: Callable[[Page], None]
):
    creator_id = home.add("newcomer")["id"]
    home.found(creator_id, "1001", posted_at=ago(20))
    home.saw(creator_id, observed_at=ago(1), follower_count=500)
    home.saw_videos(creator_id, {"1001": 1_000}, at=ago(1))
    home.goatherd.catch_up()

    for size in (WIDE, PHONE):
        page.set_viewport_size(ViewportSize(**size))
        page.goto("/creators")

        shown = page.get_by_text("not known before").filter(visible=True)
        expect(shown.first).to_be_visible()
        check_layout(page)
        axe(page)


def test_many_are_pasted_and_what_failed_is_mended(
    page: Page, home: Tenant, axe: Callable[[Page], None]
):
    with_creators(home, "taken")
    page.goto("/creators")
    page.get_by_role("link", name="Add creators").click()
    box = page.get_by_label("Handles or profile URLs")
    box.fill("@ada, https://www.tiktok.com/@bea\n@taken, no/handle")

    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("2 creators are ready")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="no/handle")).to_be_visible()
    axe(page)
    page.get_by_role("button", name="Add 2 creators").click()

    results = page.get_by_role("status").get_by_role("row")
    expect(results.filter(has_text="@ada")).to_contain_text("added")
    expect(results.filter(has_text="@bea")).to_contain_text("added")
    expect(results.filter(has_text="taken")).to_contain_text("failed")
    expect(box).to_have_value("@taken\nno/handle")
    axe(page)
    box.fill("@cleo")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Add 1 creator").click()
    expect(page.get_by_text("1 creator added.")).to_be_visible()
    assert handles_shown(page) == ["@cleo", "@bea", "@ada", "@taken"]
    axe(page)


def test_the_list_follows_what_is_typed_and_says_so_in_its_address(
    page: Page, home: Tenant
):
    with_creators(home, "billy", "bella", "nanny")
    page.goto("/creators")

    page.get_by_label("Search").press_sequentially("ll")

    expect(page.locator("#rows > tr")).to_have_count(2)
    expect(page).to_have_url(re.compile(r"/creators\?search=ll$"))
    expect(page.locator("#found")).to_have_text("2 creators shown.")
    expect(page.get_by_label("Search")).to_be_focused()
    page.get_by_label("Search").fill("nobody")
    expect(page.get_by_role("heading", name="No creator found")).to_be_visible()


def test_that_nobody_was_reached_is_told_until_somebody_is(
    page: Page, home: Tenant, watch: Watch
):
    watch.expects(r"ERR_FAILED|failed request")
    with_creators(home, "billy", "nanny")
    page.goto("/creators")
    page.route("**/creators?*", lambda route: route.abort())
    page.get_by_label("Search").press_sequentially("b")
    notices = page.locator("#flashes")
    expect(notices).to_contain_text("Goatherd cannot be reached now.")
    page.unroute("**/creators?*")

    page.get_by_label("Search").press_sequentially("i")

    expect(page.locator("#rows > tr")).to_have_count(1)
    expect(notices).to_be_empty()


def test_more_are_appended_and_reading_goes_on_at_the_first_of_them(
    page: Page, home: Tenant
):
    home.post(
        home.creators,
        {"creators": [{"tiktok_handle": f"goat.{n:02}"} for n in range(50)]},
    )
    with_creators(home, "goat.50", "goat.51", "goat.52")
    page.goto("/creators?sort=tiktok_handle")

    page.get_by_role("link", name="Show more").click()

    expect(page.locator("#rows > tr")).to_have_count(53)
    expect(page.locator("#rows > tr").nth(50).locator(".opens")).to_be_focused()
    expect(page.get_by_role("link", name="Show more")).to_have_count(0)
    assert handles_shown(page) == [f"@goat.{n:02}" for n in range(53)]


def test_those_selected_are_removed_after_a_question_and_brought_back(
    page: Page, home: Tenant, axe: Callable[[Page], None]
):
    with_creators(home, "ada", "bea", "cleo")
    page.goto("/creators")
    bar = page.get_by_role("region", name="Selected creators")
    expect(bar).to_be_hidden()
    # The script that counts comes late, and finds the boxes as they are then.
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/js/selection.js", hold, times=1)
    page.get_by_label("Select all creators shown").check()
    page.get_by_label("Select @bea").uncheck()
    while not held:
        page.wait_for_timeout(10)
    held[0].continue_()
    expect(bar).to_contain_text("2 creators selected")
    axe(page)

    bar.get_by_role("button", name="Remove…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("@cleo @ada")
    axe(page)
    dialog.get_by_role("button", name="Remove").click()

    expect(page.get_by_text("2 creators removed.")).to_be_visible()
    assert handles_shown(page) == ["@bea"]
    page.get_by_text("Add filter").click()
    page.get_by_label("Status").select_option("removed")
    expect(page.locator("#rows > tr")).to_have_count(2)
    page.get_by_label("Select @cleo").check()
    bar.get_by_role("button", name="Bring back").click()
    expect(page.get_by_text("1 creator brought back.")).to_be_visible()
    expect(page.locator("#rows > tr")).to_have_count(1)
    assert handles_shown(page) == ["@ada"]


def test_those_selected_stay_so_while_others_are_searched_for(
    page: Page, home: Tenant, axe: Callable[[Page], None]
):
    with_creators(home, "ada", "bea", "cleo")
    page.goto("/creators")
    count = page.locator("#count")
    page.get_by_label("Select @ada").check()
    page.get_by_label("Search").fill("b")
    expect(page.locator("#rows > tr")).to_have_count(1)
    expect(count).to_have_text("1 creator selected, none of them in this list")
    page.get_by_label("Select @bea").check()
    expect(count).to_have_text("2 creators selected, 1 of them not in this list")
    axe(page)
    page.get_by_label("Search").fill("")
    expect(page.locator("#rows > tr")).to_have_count(3)
    expect(page.get_by_label("Select @ada")).to_be_checked()
    expect(count).to_have_text("2 creators selected")
    page.get_by_label("Search").fill("cl")
    expect(page.locator("#rows > tr")).to_have_count(1)

    page.get_by_role("button", name="Remove…").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()

    expect(page.get_by_text("2 creators removed.")).to_be_visible()
    page.goto("/creators")
    assert handles_shown(page) == ["@cleo"]


def test_a_selection_is_cleared_where_it_is_not_shown_either(page: Page, home: Tenant):
    with_creators(home, "ada", "bea")
    page.goto("/creators")
    page.get_by_label("Select @ada").check()
    page.get_by_label("Search").fill("b")
    expect(page.locator("#rows > tr")).to_have_count(1)

    page.get_by_role("button", name="Clear selection").click()

    expect(page.get_by_role("region", name="Selected creators")).to_be_hidden()
    page.get_by_label("Search").fill("")
    expect(page.locator("#rows > tr")).to_have_count(2)
    expect(page.get_by_label("Select @ada")).not_to_be_checked()


def test_removing_works_without_scripts_and_asks_on_a_page(
    scriptless: Page, home: Tenant
):
    with_creators(home, "ada", "bea")
    page = scriptless
    page.goto("/creators")
    page.get_by_label("Select @ada").check()
    page.get_by_role("button", name="Remove…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Remove 1 creator?")

    page.get_by_role("button", name="Remove", exact=True).click()

    expect(page.get_by_text("1 creator removed.")).to_be_visible()
    assert handles_shown(page) == ["@bea"]


def test_enter_on_a_box_does_nothing_without_scripts(scriptless: Page, home: Tenant):
    with_creators(home, "ada", "bea")
    head = home.goatherd.head
    scriptless.goto("/creators")
    scriptless.get_by_label("Select @bea").check()

    scriptless.get_by_label("Select @bea").press("Enter")

    scriptless.wait_for_load_state("networkidle")
    expect(scriptless.get_by_label("Select @bea")).to_be_checked()
    assert home.goatherd.head == head


def test_a_phone_shows_cards_that_do_not_scroll_sideways(page: Page, home: Tenant):
    with_creators(home, "a" * 30, "bea")
    page.set_viewport_size({"width": 375, "height": 700})

    for path in ("/creators", "/creators/add"):
        page.goto(path)

        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide == 375, path


@pytest.fixture
def gained_and_lost(home: Tenant) -> dict[str, str]:
    return one_gained_and_one_lost(home)


@pytest.mark.usefixtures("gained_and_lost")
def test_who_lost_followers_this_week_is_found_by_keyboard(
    page: Page, axe: Callable[[Page], None]
):
    page.goto("/creators")
    page.get_by_label("Select @ada").check()
    page.get_by_label("Period").focus()
    page.keyboard.press("7")
    # The heads lead to other days until the list has come.
    expect(page).to_have_url(re.compile("period=7d"))
    expect(page.get_by_label("Period")).to_be_focused()
    has_settled(page)
    head = page.get_by_role("columnheader", name="New followers")

    head.get_by_role("link").press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(head.get_by_role("link")).to_be_focused()
    has_settled(page)
    head.get_by_role("link").press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")

    expect(page.locator("#rows > tr").first).to_contain_text("bea")
    expect(page.locator("#rows > tr").first).to_contain_text("-50")
    expect(page).to_have_url(re.compile("period=7d.*sort=new_followers&order=asc"))
    expect(page.get_by_label("Select @ada")).to_be_checked()
    page.get_by_label("Search").fill("be")
    expect(page.locator("#rows > tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("sort=new_followers"))
    has_settled(page)
    axe(page)


def test_a_first_scrape_fills_its_row_and_the_foot_without_a_reload(
    page: Page, home: Tenant
):
    creator_id = home.add("ada")["id"]
    home.goatherd.catch_up()
    page.goto("/creators")
    row = page.locator("#rows > tr")
    expect(row).to_contain_text("never scraped")
    expect(page.locator("[data-stream-says]")).to_have_text("Live.")

    home.saw(creator_id, observed_at=ago(0.01), follower_count=84_120)
    home.goatherd.catch_up()

    expect(row).to_contain_text("84.1K")
    expect(page.locator("#totals")).to_contain_text("84.1K")


@pytest.mark.usefixtures("gained_and_lost")
def test_the_table_is_sorted_and_its_columns_are_chosen_without_scripts(
    scriptless: Page,
):
    page = scriptless
    page.goto("/creators?period=7d")
    page.get_by_role("link", name="New followers").click()
    page.get_by_role("link", name="New followers").click()
    assert handles_shown(page) == ["@bea", "@ada"]

    page.get_by_text("Columns", exact=True).first.click()
    page.get_by_role("checkbox", name="Posts", exact=True).uncheck()
    page.locator("#columns").get_by_role("button", name="Apply").click()

    expect(page.get_by_role("columnheader", name="Posts")).to_have_count(0)
    assert handles_shown(page) == ["@bea", "@ada"]


@pytest.mark.usefixtures("gained_and_lost")
def test_a_choice_is_the_act_and_a_filter_is_a_chip_that_can_be_taken_away(
    page: Page, axe: Callable[[Page], None]
):
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto("/creators?period=7d")
    page.get_by_text("Add filter").click()
    page.get_by_label("Figure", exact=True).select_option("new_followers")
    page.get_by_label("At least or at most").select_option("at_most")
    page.get_by_label("Number", exact=True).fill("0")
    chip = page.get_by_role("list", name="Filters").get_by_role("listitem")

    expect(chip).to_contain_text("New followers at most 0")
    expect(page.locator("#rows > tr")).to_have_count(1)
    expect(page.get_by_role("button", name=re.compile("Apply|Show$"))).to_have_count(0)
    axe(page)
    page.keyboard.press("Escape")
    expect(page.get_by_label("Number", exact=True)).to_be_hidden()
    box = page.locator("#rows > tr").first.bounding_box()
    assert box is not None
    assert box["y"] < 300
    download = page.get_by_role("link", name="Download CSV").get_attribute("href")
    assert "bound=at_most" in (download or "")

    chip.get_by_role("link").click()

    expect(page.locator("#rows > tr")).to_have_count(2)
    expect(chip).to_have_count(0)
    expect(page.locator("#filters summary")).to_be_focused()
    page.get_by_text("Add filter").click()
    expect(page.get_by_label("Number", exact=True)).to_have_value("")
    page.get_by_label("Period").select_option("custom")
    page.get_by_label("From", exact=True).fill("2026-01-01")
    expect(page).to_have_url(re.compile(r"/creators\?from=2026-01-01&to=[-\d]+$"))
    page.get_by_label("Period").select_option("7d")
    expect(page).to_have_url(re.compile(r"/creators\?period=7d$"))


def test_columns_are_shown_as_they_are_ticked(page: Page, home: Tenant):
    with_creators(home, "ada")
    page.goto("/creators")
    page.get_by_text("Columns", exact=True).first.click()

    page.get_by_role("checkbox", name="Posts", exact=True).uncheck()
    expect(page.get_by_role("columnheader", name="Posts")).to_have_count(0)
    page.get_by_role("checkbox", name="New likes").check()

    expect(page.get_by_role("columnheader", name="New likes")).to_be_visible()
    page.reload()
    expect(page.get_by_role("columnheader", name="New likes")).to_be_visible()


@pytest.mark.usefixtures("gained_and_lost")
def test_filters_are_applied_by_one_button_without_scripts(scriptless: Page):
    page = scriptless
    page.goto("/creators")
    page.get_by_text("Add filter").click()
    page.get_by_label("Figure", exact=True).select_option("new_followers")
    page.get_by_label("At least or at most").select_option("at_most")
    page.get_by_label("Number", exact=True).fill("0")
    page.get_by_label("Period").select_option("7d")

    page.locator("#filters").get_by_role("button", name="Apply").click()

    assert handles_shown(page) == ["@bea"]
    page.get_by_role("link", name="Remove the filter").click()
    assert len(handles_shown(page)) == 2


def test_the_row_is_the_link_and_its_actions_appear_on_hover_and_focus(
    page: Page, home: Tenant
):
    creator_id = home.add("ada")["id"]
    home.saw(creator_id, observed_at=ago(0.01), follower_count=84_120)
    home.goatherd.catch_up()
    address = re.compile(f"/creators/{creator_id}$")
    page.goto("/creators")
    row = page.locator("#rows > tr")
    scrape = row.get_by_role("button", name="Scrape now")
    page.mouse.move(0, 0)
    expect(scrape).to_have_css("opacity", "0")
    scrape.focus()
    expect(scrape).to_have_css("opacity", "1")
    row.hover()
    expect(scrape).to_have_css("opacity", "1")
    # The action is quieter than the name.
    name, action = row.locator(".name"), row.locator(".again")
    weight = "one => Number(getComputedStyle(one).fontWeight)"
    assert action.evaluate(weight) < name.evaluate(weight)

    # The empty part of a cell is the link itself; the number above it leads there, too.
    box = row.locator('td[data-label="Engagement"]').bounding_box()
    assert box is not None
    middle = box["x"] + 3, box["y"] + box["height"] - 3
    with page.context.expect_page() as opened:
        page.mouse.click(*middle, button="middle")
    expect(opened.value).to_have_url(address)
    page.mouse.click(*middle)
    expect(page).to_have_url(address)
    page.go_back()
    row.get_by_text("84.1K").click()
    expect(page).to_have_url(address)
    page.go_back()
    page.get_by_label("Select @ada").check()
    expect(page).to_have_url(re.compile("/creators$"))


def test_the_selected_are_tagged_and_downloaded_from_the_bar(
    page: Page, home: Tenant, axe: Callable[[Page], None]
):
    with_creators(home, "ada", "bea", "cleo")
    page.goto("/creators")
    page.get_by_label("Select @ada").check()
    page.get_by_label("Select @bea").check()
    page.get_by_label("Search").fill("b")
    expect(page.locator("#rows > tr")).to_have_count(1)
    bar = page.get_by_role("region", name="Selected creators")
    with page.expect_download() as download:
        bar.get_by_role("button", name="CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == 3

    bar.locator("summary", has_text="Tag").click()
    axe(page)
    bar.get_by_label("Tags to add").fill("spring")
    bar.get_by_label("Tags to add").press("Enter")

    expect(page.get_by_text("2 creators tagged.")).to_be_visible()
    page.goto("/creators?tag=spring&sort=tiktok_handle")
    assert handles_shown(page) == ["@ada", "@bea"]


def test_the_menu_of_a_row_works_by_keyboard_and_leads_back(
    page: Page, home: Tenant, axe: Callable[[Page], None]
):
    with_creators(home, "ada", "bea")
    page.goto("/creators?search=a")
    row = page.locator("#rows > tr").filter(has_text="@ada")
    opener = row.get_by_role("link", name="Actions: @ada")
    menu = page.locator("#row-menu")

    opener.press("Enter")
    expect(menu.get_by_role("button", name="Scrape now")).to_be_focused()
    axe(page)
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(opener).to_be_focused()
    opener.press("Enter")
    expect(menu.get_by_role("button", name="Scrape now")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    menu.get_by_label("Tags to add").fill("spring")
    menu.get_by_label("Tags to add").press("Enter")

    expect(page.get_by_text("1 creator tagged.")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/creators\?search=a$"))


def test_a_row_leads_to_the_address_of_its_menu_if_the_answer_is_no_menu(
    page: Page, home: Tenant
):
    with_creators(home, "ada")
    page.goto("/creators?search=a")
    # A proxy may ask for its own sign-in with the status 200.
    page.route("**/actions?*", lambda route: route.fulfill(body="<h1>Sign in</h1>"))

    page.get_by_role("link", name="Actions: @ada").click()

    expect(page).to_have_url(re.compile(r"/actions$"))


def test_the_menu_of_a_row_stays_in_the_window_of_a_phone(page: Page, home: Tenant):
    with_creators(home, *(f"goat.{number}" for number in range(12)))
    page.set_viewport_size({"width": 375, "height": 740})
    page.goto("/creators")
    for opener in (page.locator("#rows .dots").first, page.locator("#rows .dots").last):
        opener.click()
        menu = page.locator("#row-menu")
        expect(menu.get_by_role("link", name="Settings")).to_be_in_viewport(ratio=1)
        expect(menu).to_be_in_viewport(ratio=1)
        page.keyboard.press("Escape")


def test_a_script_that_does_not_load_is_asked_for_by_the_next_key(
    page: Page, home: Tenant, watch: Watch
):
    watch.expects("exact.js|net::ERR_FAILED")
    home.add("ada")
    home.goatherd.catch_up()
    requests: list[str] = []
    page.route("**/exact.js", lambda route: (requests.append("refused"), route.abort()))
    page.goto("/creators?sort=tiktok_handle")
    opener = page.locator("#rows > tr").first.locator(".opens")
    opener.focus()

    for _ in range(2):
        with page.expect_event("requestfailed"):
            page.keyboard.press("ArrowRight")
        page.evaluate("document.fonts.ready")

    # Each key asks once.
    assert requests == ["refused"] * 2
    expect(opener).to_be_focused()


def test_arrow_keys_show_the_numbers_of_a_row_in_full(page: Page, home: Tenant):
    for handle, followers in (("ada", 84_120), ("bea", 91_234)):
        creator_id = home.add(handle)["id"]
        home.saw(creator_id, observed_at=ago(0.01), follower_count=followers)
    home.goatherd.catch_up()
    page.goto("/creators?sort=tiktok_handle")
    first = page.locator("#rows > tr").first
    stops = page.locator('#rows [tabindex="0"]').count()
    first.locator(".opens").focus()

    page.keyboard.press("ArrowRight")

    number = first.get_by_text("84.1K")
    expect(number).to_be_focused()
    expect(number).to_have_accessible_name("84,120")
    shown = "one => getComputedStyle(one, '::after').content"
    assert number.evaluate(shown) == '"84,120"'
    page.keyboard.press("ArrowDown")
    below = page.locator("#rows > tr").nth(1).get_by_text("91.2K")
    expect(below).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#rows > tr").nth(1).locator(".opens")).to_be_focused()
    assert page.locator("#rows [tabindex]").count() == stops


def test_every_stop_of_a_date_field_has_a_ring(page: Page):
    page.goto("/creators?from=2026-03-01&to=2026-03-05")
    field = page.locator("#from")
    ring = "one => getComputedStyle(one).outline"
    field.focus()
    stops = 0
    while field.evaluate("one => one.matches(':focus-within')"):
        stops += 1
        assert "solid 3px" in field.evaluate(ring), f"stop {stops}"
        page.keyboard.press("Tab")

    # Its button follows the day, the month and the year.
    assert stops == 4
