"""Pages that are wide at a desk can be used on a phone all the same."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.layout import PHONE, WIDE
from tests.kit.application import Tenant

FOLDED = (
    "/creators/{creator_id}/scrapes",
    "/operations/bans",
    "/operations/jobs",
    "/operations/jobs?show=failed",
    "/operations/keys",
    "/operations/projections",
)

# Words of ours that stand on two lines, and tables that have to be scrolled.
_BROKEN = """
() => {
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const {data, parentElement} = texts.currentNode;
    if (parentElement.closest(".theirs, pre, [popover]")) continue;
    for (const word of data.matchAll(/\\p{L}+/gu)) {
      const range = document.createRange();
      range.setStart(texts.currentNode, word.index);
      range.setEnd(texts.currentNode, word.index + word[0].length);
      if (range.getClientRects().length > 1) found.push(word[0]);
    }
  }
  for (const table of document.querySelectorAll(".table"))
    if (table.scrollWidth > table.clientWidth)
      found.push(`a table is ${table.scrollWidth} wide, not ${table.clientWidth}`);
  return found;
}
"""


@pytest.fixture
def busy(home: Tenant) -> dict[str, str]:
    """An organization whose tables are not empty."""
    creator_id = home.add("lost.goat")["id"]
    requested = home.post(f"/creators/{creator_id}/scrape").json()["data"]
    home.failed(requested["scrape_id"])
    home.ask("PUT", "/admin/bans/spam.goat", json={"reason": "Sells goats"})
    home.with_key("read", "write", "admin")
    home.goatherd.catch_up()
    return {"creator_id": creator_id}


@pytest.mark.parametrize("path", FOLDED)
def test_small_tables_fit_and_break_no_word_of_ours(
    busy: dict[str, str], page: Page, axe: Callable[[Page], None], path: str
):
    for size in (WIDE, PHONE):
        page.set_viewport_size(ViewportSize(**size))
        page.goto(path.format(**busy))
        expect(page.get_by_role("table")).to_be_visible()
        assert page.evaluate(_BROKEN) == [], size
    axe(page)


def test_what_was_understood_of_pasted_rows_fits(home: Tenant, page: Page):
    home.goatherd.catch_up()
    page.set_viewport_size(ViewportSize(**PHONE))
    page.goto("/creators/add")
    rows = "Handle\tTags\n@abcdefghijklmnopqrstuvwx\tspring, tier A\n@lou lou\t\n"
    page.get_by_label("Handles or profile URLs").fill(rows)

    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_text("is added", exact=True)).to_be_visible()
    assert page.evaluate(_BROKEN) == []


@pytest.mark.parametrize(("page_of", "act"), (("keys", "Revoke"), ("bans", "Lift")))
def test_what_can_be_done_with_a_row_is_in_sight(
    busy: dict[str, str], page: Page, page_of: str, act: str
):
    assert busy
    page.set_viewport_size(ViewportSize(**PHONE))
    page.goto(f"/operations/{page_of}")

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
