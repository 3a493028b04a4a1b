"""axe-core, which finds elements that people with other senses or tools cannot use.

axe takes long for each element. It looks at a document with every rule once, and again
only with the rules and at the elements whose result can be another one: after a change
of its size, or of its colours. ``make full`` compares the colours of every element.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Page, ViewportSize

from tests.browser.layout import PHONE, WIDE, check_layout
from tests.kit.depth import IS_FULL

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

_SOURCE = (
    Path(__file__).parent.parent.parent
    / "api/web/frontend/node_modules/axe-core/axe.min.js"
)
_CONTRAST = "color-contrast"
# These rules look at the attributes of an element that is shown, at any size alike.
_OF_MARKUP = (
    "aria-allowed-attr",
    "aria-conditional-attr",
    "aria-valid-attr",
    "aria-valid-attr-value",
    "autocomplete-valid",
)
# axe leaves out targets under 24 px unless it is told to look for them.
_RULES = {"target-size": {"enabled": True}, _CONTRAST: {"enabled": False}}
_RULES_OF_SIZE = _RULES | {name: {"enabled": False} for name in _OF_MARKUP}

# The elements that were shown in an earlier look at the same document are left out.
_LOOK = """
async ({rules, ofMarkup, isResized}) => {
  const options = {resultTypes: ["violations"]};
  const shown = [...document.querySelectorAll("*")]
    .filter(element => element.checkVisibility({visibilityProperty: true}));
  const found = (await axe.run(document, {...options, rules})).violations;
  const before = isResized ? window.shownToAxe : new Set(shown);
  // A page that follows events may have replaced some meanwhile.
  const fresh = shown.filter(element => element.isConnected && !before.has(element));
  if (fresh.length) {
    const again = await axe.run({include: fresh}, {...options, runOnly: ofMarkup});
    found.push(...again.violations);
  }
  window.shownToAxe = new Set(shown);
  return found;
}
"""
# Texts have the same contrast where they and all that they stand in have the same
# names, classes and colours. They are known from then on, unless axe found a fault or
# was in doubt. A gradient or a picture behind a text always makes it doubt.
_COMPARE_COLOURS = """
async ({rules, known}) => {
  const digestOf = (...parts) => {
    let [one, other] = [0xdeadbeef, 0x41c6ce57];
    const text = parts.join(" ");
    for (let at = 0; at < text.length; at++) {
      one = Math.imul(one ^ text.charCodeAt(at), 0x9e3779b1);
      other = Math.imul(other ^ text.charCodeAt(at), 0x5f356495);
    }
    return `${one} ${other}`;
  };
  const places = new Map();
  const placeOf = (element) => {
    if (!element) return "";
    if (!places.has(element)) {
      const style = getComputedStyle(element);
      places.set(element, digestOf(
        placeOf(element.parentElement), element.localName, element.classList,
        style.color, style.backgroundColor, style.backgroundImage, style.opacity,
        style.position, style.filter, style.mixBlendMode,
        element.matches("[disabled], [aria-disabled=true]"), element.control?.disabled,
      ));
    }
    return places.get(element);
  };
  const hasText = (element) => [...element.childNodes].some(
    ({nodeType, data}) => nodeType === Node.TEXT_NODE && data.trim());
  const knownBefore = new Set(known);
  const digests = new Map();
  for (const element of document.body.querySelectorAll("*")) {
    const isField = element.matches("input, select, textarea");
    if (!(isField || hasText(element)) || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const digest = digestOf(
      placeOf(element), style.fontSize, style.fontWeight, style.textShadow,
      style.textDecorationLine, hasText(element.parentElement),
    );
    if (!knownBefore.has(digest)) digests.set(element, digest);
  }
  if (!digests.size) return [[], []];
  const {violations, incomplete} = await axe.run(
    {include: [...digests.keys()]},
    {runOnly: rules, resultTypes: ["violations", "incomplete"], elementRef: true},
  );
  const isDoubtful = (node) => node.any.every(
    ({data}) => !["bgGradient", "bgImage"].includes(data?.messageKey));
  const doubts = incomplete.map(({nodes}) => ({nodes: nodes.filter(isDoubtful)}));
  const open = [...violations, ...doubts].flatMap(({nodes}) => nodes);
  const openDigests = new Set(open.map(({element}) => digests.get(element)));
  for (const {nodes} of violations) for (const node of nodes) delete node.element;
  const harmless = new Set(digests.values()).difference(openDigests);
  return [violations, [...harmless]];
}
"""
_known_colours: set[str] = set()


def check_at(page: Page, size: dict[str, int]) -> None:
    """Assert that a page is in order on a phone, and after that at a desk.

    A page is loaded once: only charts depend on the size at which that is.
    """
    assert size in (PHONE, WIDE)
    page.set_viewport_size(ViewportSize(width=size["width"], height=size["height"]))
    check_layout(page)
    is_wide = size == WIDE
    # A phone's colours in the dark are those of a desk.
    schemes = SCHEMES if is_wide else SCHEMES[:1]
    check_with_axe(page, schemes, is_resized=is_wide)


def check_with_axe(
    page: Page, schemes: Sequence[Scheme] = SCHEMES, *, is_resized: bool = False
) -> None:
    """Assert that axe finds nothing in a page as it is, in light and in dark.

    A page that was checked before and has only another size since then is looked at
    with the rules, and at the parts, for which that makes a difference.
    """
    found: list[str] = []
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        is_first = scheme == schemes[0]
        if is_first and not is_resized and not page.evaluate("'axe' in window"):
            # Not as a script of the page's: its policy forbids those, rightly.
            page.evaluate(_source())
        violations: list[dict[str, Any]] = []
        if is_first:
            rules = _RULES_OF_SIZE if is_resized else _RULES
            look = {"rules": rules, "ofMarkup": _OF_MARKUP, "isResized": is_resized}
            violations += page.evaluate(_LOOK, look)
            violations += _compare_colours(page, [_CONTRAST])
        else:
            # A link in a text may be told from it by its colour alone.
            violations += _compare_colours(page, [_CONTRAST, "link-in-text-block"])
        found += [f"{scheme}: {line}" for line in _lines_of(violations)]
    assert not found, "\n".join([f"axe on {page.url}:", *found])


def _compare_colours(page: Page, rules: list[str]) -> list[dict[str, Any]]:
    known = [] if IS_FULL else [*_known_colours]
    compare = {"rules": rules, "known": known}
    violations, harmless = page.evaluate(_COMPARE_COLOURS, compare)
    _known_colours.update(harmless)
    return violations


def _lines_of(violations: list[dict[str, Any]]) -> Iterator[str]:
    for violation in violations:
        for node in violation["nodes"]:
            reasons = node["failureSummary"].replace("\n", " ")
            where = " ".join(map(str, node["target"]))
            yield f"{violation['id']} at {where}: {reasons} | {node['html'][:200]}"


@cache
def _source() -> str:
    return f"{_SOURCE.read_text()}; undefined"
