"""The list of campaigns in a browser: a choice is the act, and rows are selected."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.kit.application import Tenant


def test_a_filter_acts_at_once_and_its_chip_takes_it_away(
    page: Page, home: Tenant, axe: Callable[[Page], None]
):
    path = f"/projects/{home.project_id}/campaigns"
    home.post(path, {"name": "Autumn", "ends_on": "2026-01-31"})
    home.campaign("Spring")
    home.goatherd.catch_up()
    page.goto("/campaigns")
    expect(page.get_by_role("button", name=re.compile("Show|Apply"))).to_have_count(0)

    page.get_by_text("Add filter").click()
    page.get_by_label("Days", exact=True).select_option("ended")

    expect(page.locator("#rows > tr")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/campaigns\?phase=ended$"))
    axe(page)
    page.get_by_label("Remove the filter: Ended").click()
    expect(page.locator("#rows > tr")).to_have_count(2)


def test_selected_campaigns_are_compared_and_a_row_opens_its_campaign(
    page: Page, home: Tenant
):
    ids = [home.campaign(name) for name in ("Autumn", "Spring")]
    home.goatherd.catch_up()
    page.goto("/campaigns?sort=name")
    expect(page.locator("#bar")).to_be_hidden()

    page.get_by_label("Select all campaigns shown").check()

    expect(page.locator("#count")).to_have_text("2 campaigns selected")
    page.locator("#bar").get_by_role("button", name="Compare").click()
    expect(page).to_have_url(re.compile("entity=campaign"))
    for id_ in ids:
        expect(page).to_have_url(re.compile(id_))
    page.goto("/campaigns?sort=name")
    page.locator("#rows > tr").nth(1).locator("td").last.click(force=True)
    expect(page).to_have_url(re.compile(rf"/campaigns/{ids[1]}$"))


def test_a_dialog_names_the_campaigns_before_they_are_deleted(page: Page, home: Tenant):
    for name in ("Autumn", "Spring"):
        home.campaign(name)
    home.goatherd.catch_up()
    page.goto("/campaigns?sort=name")
    page.get_by_label("Select Autumn").check()

    page.locator("#bar").get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete 1 campaign?")
    expect(dialog).to_contain_text("Autumn")
    dialog.get_by_role("button", name="Delete").click()

    expect(page.get_by_text("1 campaign deleted.")).to_be_visible()
    home.goatherd.catch_up()
    page.goto("/campaigns")
    expect(page.locator("#rows > tr")).to_have_count(1)
