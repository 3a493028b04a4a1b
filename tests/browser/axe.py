"""axe-core, which finds elements that people with other senses or tools cannot use."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Page

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

_SOURCE = (
    Path(__file__).parent.parent.parent
    / "api/web/frontend/node_modules/axe-core/axe.min.js"
)
_RUN = "options => axe.run(document, {resultTypes: ['violations'], ...options})"
# A scheme changes colours and nothing else, so every rule is tried in one of them.
_COLOURS = ("color-contrast", "link-in-text-block")
_OF_COLOURS: dict[str, Any] = {"runOnly": _COLOURS}
# axe leaves out targets under 24 px unless it is told to look for them.
_ALL: dict[str, Any] = {"rules": {"target-size": {"enabled": True}}}
_WITHOUT_COLOURS: dict[str, Any] = {
    "rules": {**_ALL["rules"], **{name: {"enabled": False} for name in _COLOURS}}
}


def check_with_axe(
    page: Page, schemes: Sequence[Scheme] = SCHEMES, *, of_colours: bool = True
) -> None:
    """Assert that axe finds nothing in a page as it is, in light and in dark.

    The rules about colours take most of the time.
    """
    found: list[str] = []
    options = _ALL if of_colours else _WITHOUT_COLOURS
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if not page.evaluate("'axe' in window"):
            # Not as a script of the page's: its policy forbids those, rightly.
            page.evaluate(_source())
        result = page.evaluate(_RUN, options)
        options = _OF_COLOURS
        found += [f"{scheme}: {line}" for line in _violations(result)]
    assert not found, "\n".join([f"axe on {page.url}:", *found])


def _violations(result: dict[str, Any]) -> Iterator[str]:
    for violation in result["violations"]:
        for node in violation["nodes"]:
            reasons = node["failureSummary"].replace("\n", " ")
            where = " ".join(map(str, node["target"]))
            yield f"{violation['id']} at {where}: {reasons} | {node['html'][:200]}"


@cache
def _source() -> str:
    return f"{_SOURCE.read_text()}; undefined"
