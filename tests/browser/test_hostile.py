"""Pages show every text of others as text, in its place, and nothing happens."""

import re
from collections.abc import Callable
from urllib.parse import quote
from uuid import UUID

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from domain import events as e
from domain.streams import video_stream
from infra.eventstore.codec import NewEvent
from infra.ids import new_id
from tests.browser.furnished import position_of
from tests.browser.hostile import ALL, FROM_SOURCES, STRINGS, in_one_line
from tests.browser.layout import FAULTS, HEADER, PHONE, WIDE
from tests.browser.places import is_elsewhere, is_for_people, places, visit
from tests.browser.served import Served
from tests.browser.watching import Watch
from tests.kit.application import Tenant, code_of, data_of
from tests.kit.builders import NOON, asking
from tests.kit.markup import read
from tests.kit.operations import ids_of

# Where a creator's own texts stand.
TABS = tuple(f"/creators/{{creator_id}}{tab}" for tab in ("", "/notes", "/settings"))
# The pages of this many creators have one among them that is visited.
VISITED = 8
LONGEST_NAME, LONGEST_DESCRIPTION = 200, 5_000

# Elements that none of our templates has, so that they can only come from a text.
_FOREIGN = """
() => {
  const elements = document.querySelectorAll(
    "iframe, object, embed, math, base, plaintext, video, style, script:not([src]), " +
    "link[href*='evil'], form[action*='evil']"
  );
  const found = [...elements].map(element => element.outerHTML.slice(0, 200));
  const ours = /^(https:[/][/]www[.]tiktok[.]com[/]|[/#?]|mailto:|$)/;
  // Notes may lead elsewhere, which is then told nothing.
  const leads = (element) => element.localName === "a" &&
    /^https?:/.test(element.href) && /nofollow/.test(element.rel) &&
    /noopener/.test(element.rel) && /noreferrer/.test(element.rel);
  for (const element of document.querySelectorAll("*"))
    for (const {name, value} of element.attributes)
      if (/^(on|hx-on)/.test(name) || (/^(href|src|action|xlink:href)$/.test(name) &&
          !ours.test(value) && !leads(element)))
        found.push(`${name}=${value}`.slice(0, 200));
  return found;
}
"""
# Texts that could turn the direction of the text around them, without isolation.
_NOT_ISOLATED = """
() => {
  const turns = /[\\u0590-\\u08ff\\u200f\\u202a-\\u202e\\u2066-\\u2069]/;
  const holds = (element) =>
    element !== null && element.localName !== "main" && (
      /isolate|plaintext/.test(getComputedStyle(element).unicodeBidi) ||
      element.localName === "textarea" || holds(element.parentElement));
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const {data, parentElement} = texts.currentNode;
    if (turns.test(data) && !holds(parentElement))
      found.push(parentElement.outerHTML.slice(0, 200));
  }
  return found;
}
"""
# Another page, parsed by the browser and put in the place of this one, which costs less
# than a visit. A script in it is a foreign element, whether or not it would run.
_PUT = """
async path => {
  const answer = await fetch(path);
  if (!answer.ok) throw Error(`${path}: ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.body.replaceWith(page.body);
}
"""
_TALL = """
most => [...document.querySelectorAll("tbody tr, main li, main article")]
  .map(row => [row.getBoundingClientRect().height, row.innerHTML.slice(0, 300)])
  .filter(([height]) => height > most)
"""
# All of it at once: a question to the browser takes longer than its answer.
_LOOKS = f"""
most => [
  ({_FOREIGN})(), ({_NOT_ISOLATED})(), most ? ({_TALL})(most) : [], ({FAULTS})(),
  ({HEADER})(),
]
"""


@pytest.fixture(scope="module")
def population(running_goatherd: Served) -> tuple[Tenant, dict[str, str]]:
    """A creator for each string, which is its name, description and notes."""
    tenant = running_goatherd.tenant()
    ids = dict(zip(ALL, added(tenant, len(ALL)), strict=True))
    seen = [
        e.ProfileSnapshotRecorded(
            organization_id=tenant.organization_id,
            creator_id=UUID(creator_id),
            observed_at=NOON,
            provider="test",
            avatar_url="https://evil.example/goat.png",
            display_name=text if text in FROM_SOURCES else None,
        )
        for text, creator_id in ids.items()
    ]
    # A transaction for each would keep every follower of the log awake.
    tenant.goatherd.store.append(
        [NewEvent(new_id(), 1, event) for event in seen], context=asking()
    )
    for text, creator_id in ids.items():
        if text in FROM_SOURCES:
            continue
        change = {
            "display_name": in_one_line(text)[:LONGEST_NAME],
            "description": text[:LONGEST_DESCRIPTION],
            "readme": text,
        }
        changed = tenant.patch(f"/creators/{creator_id}", change)
        assert changed.status_code == 200, changed.text
    tenant.goatherd.catch_up()
    return tenant, ids


@pytest.fixture(scope="module")
def collected(running_goatherd: Served) -> tuple[Tenant, dict[str, str]]:
    """A tenant with everything, and its ids; one creator has all of the strings.

    They are the titles of its videos, its notes, and what it was called in its time.
    """
    tenant = running_goatherd.tenant(is_operator=True)
    ids = ids_of(tenant) | {"handle": "collector"}
    creator = tenant.add("collector")
    renamed = tenant.patch("/organization", {"name": "<b>" + "W" * 80})
    assert renamed.status_code == 200, renamed.text
    for text in STRINGS[::8]:
        made = tenant.post("/projects", {"name": in_one_line(text)[:100]})
        assert made.status_code == 201, made.text
    for text in STRINGS:
        named = tenant.patch(
            f"/creators/{creator['id']}", {"display_name": in_one_line(text)[:200]}
        )
        assert named.status_code == 200, named.text
    every = "\n\n".join(STRINGS)
    described = {"description": every[:LONGEST_DESCRIPTION], "readme": every}
    changed = tenant.patch(f"/creators/{creator['id']}", described)
    assert changed.status_code == 200, changed.text
    videos = [
        NewEvent(
            video_stream(tenant.project_id, str(number)),
            1,
            e.VideoDiscovered(
                organization_id=tenant.organization_id,
                project_id=tenant.project_id,
                creator_id=UUID(creator["id"]),
                tiktok_video_id=str(number),
                handle="goat",
                tracking_status="pending_review" if number % 2 else "auto_tracked",
                scrape_id=new_id(),
                pseudonym=str(number),
                title=text,
            ),
        )
        for number, text in enumerate(ALL, 10**18)
    ]
    tenant.goatherd.store.append(videos, context=asking())
    ids["video_id"] = str(videos[-1].originator_id)
    tenant.goatherd.catch_up()
    ids |= {"position": position_of(tenant, creator["id"]), "event": "creator_added"}
    return tenant, ids | {"creator_id": creator["id"], "name": "creator_list"}


def added(tenant: Tenant, count: int) -> list[str]:
    """The ids of so many new creators."""
    handles = [f"goat{number}" for number in range(count)]
    ids: list[str] = []
    for start in range(0, count, 50):
        some = [{"tiktok_handle": handle} for handle in handles[start : start + 50]]
        answer = tenant.post(tenant.creators, {"creators": some})
        results = data_of(answer, status=201)["results"]
        ids += [result["creator"]["id"] for result in results]
    return ids


def plain(text: str | None) -> str:
    """The text as HTML keeps it: what is blank is one space."""
    return " ".join((text or "").split())


def check_harmless(page: Page, *, tallest: int = 0) -> None:
    """Assert that what stands on a page is text, and that the page has its shape."""
    foreign, not_isolated, tall, faults, header = page.evaluate(_LOOKS, tallest)
    assert foreign == []
    assert not_isolated == []
    assert tall == []
    assert faults == [], page.url
    left, top, width, height = header
    assert (left, top) == (0, 0)
    assert page.viewport_size is not None
    assert width == page.viewport_size["width"]
    assert height < 200


def test_there_are_enough_of_them():
    assert len(set(ALL)) == len(ALL)
    assert len(ALL) >= 60


@pytest.mark.timeout(600)
def test_a_page_full_of_them_shows_text_in_its_place(
    collected: tuple[Tenant, dict[str, str]],
    sign_in: Callable[[Tenant], Page],
    subtests: pytest.Subtests,
):
    tenant, ids = collected
    page = sign_in(tenant)
    for path in filter(is_for_people, places()):
        with subtests.test(path):
            visit(page, path, ids)
            if is_elsewhere(page, path, ids):
                continue
            for size, tallest in ((PHONE, 700), (WIDE, 400)):
                page.set_viewport_size(ViewportSize(**size))
                check_harmless(page, tallest=tallest)


def test_a_list_of_such_names_keeps_its_shape(
    population: tuple[Tenant, dict[str, str]], sign_in: Callable[[Tenant], Page]
):
    tenant, _ = population
    page = sign_in(tenant)
    next_page = "/creators"
    while next_page:
        answer = page.goto(next_page)
        for size, tallest in ((PHONE, 500), (WIDE, 200)):
            page.set_viewport_size(ViewportSize(**size))
            check_harmless(page, tallest=tallest)
        assert answer is not None
        # By the link, as without a script, so that each is looked at by itself.
        links = read(answer.text()).all("a")
        more = [link["href"] for link in links if link.text == "Show more"]
        next_page = more[0] if more else ""


def test_the_pages_of_a_creator_with_such_a_name_say_it_as_it_is(
    population: tuple[Tenant, dict[str, str]],
    sign_in: Callable[[Tenant], Page],
    subtests: pytest.Subtests,
):
    tenant, ids = population
    page = sign_in(tenant)
    page.set_viewport_size(ViewportSize(**PHONE))
    heading = page.get_by_role("heading", level=1)
    for tab in TABS:
        # All of them where most is made of them, elsewhere some.
        every = 1 if tab.endswith("notes") else 4
        for number, (text, creator_id) in enumerate([*ids.items()][::every]):
            with subtests.test(f"{tab} {text[:40]!a}"):
                path = tab.format(creator_id=creator_id)
                if number % VISITED == 0:
                    page.goto(path)
                else:
                    page.evaluate(_PUT, path)
                check_harmless(page)
                name = (
                    text if text in FROM_SOURCES else in_one_line(text)[:LONGEST_NAME]
                )
                assert plain(heading.text_content()) == plain(name)


def test_none_of_them_is_a_handle(home: Tenant, subtests: pytest.Subtests):
    for text in STRINGS:
        with subtests.test(text[:80]):
            answer = home.post(home.creators, {"tiktok_handle": text})

            assert code_of(answer) == (409, "invalid_handle")
            assert (
                "is not a TikTok handle: it has 1 to 30 letters"
                in answer.json()["error"]
            )
            assert home.counted == 0


def test_what_is_no_handle_is_said_in_its_place(home: Tenant, page: Page, watch: Watch):
    watch.expects("status of (400|409)")
    lines = [re.sub(r"[\s,;\x1c-\x1f\x85]+", "_", text) for text in STRINGS[:50]]
    page.goto("/creators/add")
    box = page.get_by_label("Handles or profile URLs")
    box.fill("\n".join(lines))

    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_role("heading", name="Left out")).to_be_visible()
    for size in (WIDE, PHONE):
        page.set_viewport_size(ViewportSize(**size))
        check_harmless(page)
    page.get_by_role("button", name="Change the text").click()
    expect(page.get_by_role("button", name="Continue")).to_be_visible()
    expect(box).to_have_value("\n".join(lines))
    for size in (PHONE, WIDE):
        page.set_viewport_size(ViewportSize(**size))
        check_harmless(page)
    assert home.counted == 0


def test_what_nobody_sees_is_in_nobodys_way(home: Tenant, page: Page):
    home.goatherd.catch_up()
    page.goto("/creators/add")
    copied = "\N{FIRST STRONG ISOLATE}@ada\N{POP DIRECTIONAL ISOLATE}"
    page.get_by_label("Handles or profile URLs").fill(copied)

    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Add 1 creator").click()

    expect(page.get_by_text("1 creator added.")).to_be_visible()
    # The field searches once the scripts know it.
    page.wait_for_load_state()
    page.wait_for_function("window.htmx !== undefined")
    expect(page.locator(".htmx-added, .htmx-request")).to_have_count(0)
    page.get_by_label("Search").fill("\N{LEFT-TO-RIGHT EMBEDDING}ada")
    expect(page).to_have_url(re.compile("search="))
    expect(page.get_by_text("@ada")).to_be_visible()
    check_harmless(page)


def test_what_is_searched_for_is_said_in_its_place(
    home: Tenant, page: Page, watch: Watch
):
    watch.expects("status of 400")
    home.add("goat")
    home.goatherd.catch_up()
    for text in STRINGS[::5]:
        page.goto(f"/creators?search={quote(text)}")
        check_harmless(page)
