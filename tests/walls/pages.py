"""The pages of the demo: forms, lists and all else, without their looks."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from tests.browser.places import QUERIES, address_of, is_for_people, places
from tests.kit.markup import Element, read
from tests.kit.people import PASSWORD
from tests.kit.visitor import Visitor, filled_in
from tests.walls.demo import Demo
from tests.walls.outline import differing_lines, html_lines, text_lines
from tests.walls.volatile import without_measured, without_volatile

# Pages that look otherwise with another address, and those of no signed-in person.
FURTHER = (
    "/?project=all",
    "/activity?kinds=posted",
    "/alerts?state=resolved",
    "/alerts/rules/new?type=views_drop",
    "/alerts/rules/new?type=no_post_for_days",
    "/campaigns?status=all&target_status=behind",
    "/campaigns/{campaign_id}/history?kind=campaign_item_added",
    "/compare?entity=creator&ids={creator_ids}&metric=followers",
    "/creators?status=all&sort=followers&period=7d",
    "/creators?status=all&search=goat&tag=Spring",
    "/creators/{creator_id}?metric=views&period=90d",
    "/creators/{creator_id}/changes?event=creator_details_changed",
    "/creators/{creator_id}/notes?edit=readme",
    "/creators/{creator_id}/notes?edit=metadata",
    "/projects/{project_id}/inbox?status=excluded",
    "/search?q=goat",
    "/settings/sources?provider=web",
    "/system/jobs?show=failed",
    "/videos?sort=views&tracking_status=auto_tracked",
)
STRANGERS = ("/sign-in", "/sign-in/key", "/sign-in/forgotten", "/docs/errors")
# Files of thousands of lines are shown with their first ones.
_SHOWN = 12
# No name, number, time, address or password may have a control character.
_WRONG = "x\x07"
_CHOSEN = {"checkbox", "file", "hidden", "radio", "submit"}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A page as somebody saw it: its lines, and the forms in it."""

    lines: list[str]
    forms: list[Element]


def seen_by(visitor: Visitor, demo: Demo) -> dict[str, Seen]:
    """Return the pages of somebody who is signed in, by their paths."""
    ids = {**demo.ids, "creator_ids": ",".join(demo.creator_ids)}
    paths = [path for path in places() if not path.endswith("/stream")]
    return {
        path: _seen(
            visitor.get(address_of(path, ids) + QUERIES.get(path, "").format(**ids))
        )
        for path in sorted({*filter(_is_seen, paths), *FURTHER})
    }


def by_area(seen: Mapping[str, Seen]) -> dict[str, dict[str, list[str]]]:
    """Return the lines of pages: by the first word of the path, and by the path."""
    found: dict[str, dict[str, list[str]]] = {}
    for path, page in seen.items():
        area = path.partition("?")[0].strip("/").partition("/")[0].partition(".")[0]
        found.setdefault(area or "home", {})[path] = page.lines
    return found


def differences(
    seen: Mapping[str, Seen], viewed: Mapping[str, Seen]
) -> dict[str, list[str]]:
    """Return what a viewer sees otherwise than the owner, by the path."""
    return {
        path: _difference(page.lines, viewed[path].lines)
        for path, page in seen.items()
        if page.lines != viewed[path].lines
    }


def _difference(before: list[str], now: list[str]) -> list[str]:
    # The first line is the title or the status.
    return now if before[:1] != now[:1] else differing_lines(before, now)


def refusals(demo: Demo, seen: Mapping[str, Seen]) -> dict[str, list[str]]:
    """Return how each form that people fill in differs after wrong input."""
    forms = {
        f"{without_volatile(form['action'])} with {', '.join(wrong)}": form
        for page in seen.values()
        for form in page.forms
        if form.attributes.get("method") == "post" and (wrong := _wrong(form))
    }
    return {heading: _refused(demo, form) for heading, form in forms.items()}


def _wrong(form: Element) -> dict[str, str]:
    """Return wrong input by the names of what people fill in."""
    return {
        control["name"]: _WRONG
        for control in form.inside()
        if "name" in control.attributes
        and (
            control.tag == "textarea"
            or (
                control.tag == "input"
                and control.attributes.get("type", "text") not in _CHOSEN
            )
        )
    }


def _refused(demo: Demo, form: Element) -> list[str]:
    action = form["action"]
    answer = demo.owner.post(action, {**filled_in(form), **_wrong(form)})
    page = _seen(answer)
    if answer.is_redirect:
        # The next form would wait for what this one did.
        demo.goatherd.catch_up()
    for again in page.forms:
        if (
            again.attributes.get("action") == action
            and _wrong(again).keys() == _wrong(form).keys()
        ):
            return [
                f"status {answer.status_code}",
                *differing_lines(html_lines(form), html_lines(again)),
            ]
    return page.lines


def shared(demo: Demo) -> dict[str, list[str]]:
    """Return the pages behind shared links, and the question for a password."""
    stranger = Visitor(demo.goatherd)
    wrong = stranger.post(demo.locked, {"password": "wrong"})
    right = stranger.post(demo.locked, {"password": PASSWORD})
    return {
        "open": _seen(stranger.get(demo.shared)).lines,
        "CSV": _seen(stranger.get(f"{demo.shared}?format=csv")).lines,
        "unknown": _seen(stranger.get("/s/unknown")).lines,
        "wrong password": _seen(wrong).lines,
        "right password": _seen(right).lines,
        "locked": _seen(stranger.get(demo.locked)).lines,
    }


def around(demo: Demo) -> dict[str, list[str]]:
    """Return what stands around each page, and the pages of strangers."""
    # The page that was open before chooses the project.
    demo.owner.get("/creators", params={"project": "all"})
    body = read(demo.owner.get("/you").text).one("body")
    body.children = [
        child
        for child in body.children
        if isinstance(child, str) or child.tag != "main"
    ]
    stranger = Visitor(demo.goatherd)
    return {
        "around": html_lines(body),
        **{path: _seen(stranger.get(path)).lines for path in STRANGERS},
    }


def _is_seen(path: str) -> bool:
    return is_for_people(path) or path.endswith(".csv")


def _seen(answer: httpx.Response) -> Seen:
    if answer.is_redirect:
        to = f"{answer.status_code} to {answer.headers['Location']}"
        return Seen(lines=[to], forms=[])
    lines = []
    if answer.status_code != httpx.codes.OK:
        lines.append(f"status {answer.status_code}")
    if not answer.headers.get("Content-Type", "").startswith("text/html"):
        return Seen(lines=[*lines, *text_lines(answer.text, shown=_SHOWN)], forms=[])
    page = read(answer.text)
    main = page.one("main")
    # Lines that differ are without the ones before, which say what was measured.
    shown = without_measured("\n".join(html_lines(main))).splitlines()
    lines += [page.one("head").one("title").text, *shown]
    return Seen(lines=lines, forms=main.all("form"))
