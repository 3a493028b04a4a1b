"""Messages of success go by themselves, and what was asked for appears by itself."""

from playwright.sync_api import Page, expect


def test_success_is_a_toast_that_goes_and_pushes_nothing_down(page: Page):
    page.clock.install()
    page.goto("/projects")
    before = page.locator("h1").bounding_box()
    page.goto("/settings/organization")
    page.get_by_role("button", name="Save").first.click()

    toast = page.locator(".flash")
    expect(toast).to_have_text("The settings were saved.")
    after = page.locator("h1").bounding_box()
    assert before is not None
    assert after is not None
    assert after["y"] == before["y"]
    page.clock.run_for(9_000)
    expect(toast).to_have_count(0)


def test_a_toast_closes_at_a_press(page: Page):
    page.goto("/settings/organization")
    page.get_by_role("button", name="Save").first.click()

    page.get_by_role("button", name="Close this message").click()

    expect(page.locator(".flash")).to_have_count(0)
