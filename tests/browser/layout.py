"""The shape of a page: checks that hold for any content."""

from playwright.sync_api import Page

WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 375, "height": 740}

# Elements that reach beyond the page; what scrolls or hides what is too wide may.
FAULTS = """
() => {
  const root = document.scrollingElement;
  const faults = [];
  if (root.scrollWidth > root.clientWidth)
    faults.push(`the page is ${root.scrollWidth} wide, not ${root.clientWidth}`);
  const contains = (element) => {
    const up = element.parentElement;
    if (!up || up === document.body) return false;
    return getComputedStyle(up).overflowX !== "visible" || contains(up);
  };
  const told = (element) => {
    const classes = [...element.classList].join(".");
    return element.localName + (classes && "." + classes);
  };
  for (const element of document.body.querySelectorAll("*:not(.skip, option)")) {
    const box = element.getBoundingClientRect();
    if (!box.width || !box.height || contains(element)) continue;
    if (box.right > root.clientWidth + 1 || box.left < -1)
      faults.push(`${told(element)} reaches from ${box.left} to ${box.right}`);
  }
  return faults.slice(0, 10);
}
"""
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
HEADER = """
() => {
  const box = document.querySelector("header.top").getBoundingClientRect();
  return [box.left, box.top + scrollY, box.width, box.height];
}
"""


def check_layout(page: Page) -> None:
    """Assert that nothing reaches beyond the page, so that nobody scrolls sideways."""
    faults = page.evaluate(FAULTS)
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert not faults, "\n".join([f"{page.url} at {width} px:", *faults])


def check_words(page: Page) -> None:
    """Assert that no word of ours is broken, and that no table has to be scrolled."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert page.evaluate(_BROKEN) == [], f"{page.url} at {width} px"
