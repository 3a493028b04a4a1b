"""The change log of a creator as a page, the creator as it was, and two moments."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain.messages import IMPORT_PROVIDER
from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.builders import NOON
from tests.kit.markup import Element
from tests.kit.visitor import Visitor

HOSTILE = '<img src=x onerror=alert(1)>"'
README = "# Goat\n\nKnows how to climb.\nEats shoes.\n" + "Hay.\n" * 10


@pytest.fixture
def creator(home: Tenant) -> dict[str, Any]:
    """A creator that was added and changed twice."""
    creator = home.add("ada", readme=README)
    path = f"/creators/{creator['id']}"
    home.patch(path, {"tiktok_handle": "ada.l"})
    home.patch(path, {"readme": README.replace("shoes", "boots"), "metadata": {"a": 1}})
    home.goatherd.catch_up()
    return creator


def changes(creator: dict[str, Any], rest: str = "") -> str:
    return f"/creators/{creator['id']}/changes{rest}"


def said(page: Element) -> list[str]:
    return [p.text for p in page.all("p") if "said" in p.attributes.get("class", "")]


def own(home: Tenant, creator: dict[str, Any]) -> list[dict[str, Any]]:
    """The changes of the creator itself, oldest first."""
    events = "creator_added,handle_changed,creator_details_changed"
    path = f"/creators/{creator['id']}/history?event={events}"
    return data_of(home.get(path))[::-1]


def fields(page: Element) -> dict[str, list[str]]:
    """The values of each field on the page, without the words that mark it."""
    rows = [row for table in page.all("table") for row in table.all("tr")]
    return {
        row.one("th", scope="row").text.removesuffix(" differs"): [
            cell.text for cell in row.all("td")
        ]
        for row in rows
        if row.all("th", scope="row")
    }


def differing(page: Element) -> set[str]:
    heads = [h for table in page.all("table") for h in table.all("th", scope="row")]
    return {
        h.text.removesuffix(" differs") for h in heads if h.text.endswith("differs")
    }


# The log of changes


def test_the_log_says_what_happened_who_did_it_and_where_it_stands(
    home: Tenant, visitor: Visitor, creator: dict[str, Any]
):
    renamed = own(home, creator)[1]

    page = visitor.see(changes(creator))

    assert "Renamed from @ada to @ada.l by key First key." in said(page)
    assert said(page)[-1].startswith("Added as @ada,")
    (entry,) = [
        e for e in page.all("li") if e.text.startswith("Renamed from @ada to @ada.l")
    ]
    assert len(entry.all("time")) == 1
    assert entry.text.count("by key First key") == 2, "in the sentence and the details"
    (details,) = entry.all("details")
    where = f"position {renamed['position']} of the log, version 2 of the creator."
    assert details.text.endswith(where)
    today = datetime.now(UTC)
    assert page.all("h2")[0].text == f"{today.day} {today:%b %Y}"


def test_what_was_known_later_than_it_happened_says_both_times(
    home: Tenant, visitor: Visitor, creator: dict[str, Any]
):
    home.saw(creator["id"], follower_count=12)
    home.goatherd.catch_up()

    page = visitor.see(changes(creator, "?kind=profile_snapshot_recorded"))

    (entry,) = [e for e in page.all("li") if "12 followers" in e.text]
    assert f"seen {NOON.day} {NOON:%b %Y}, 12:00" in entry.text
    assert "Recorded " in entry.one("details").text


def test_scrapes_are_counted_and_listed_only_when_that_is_chosen(
    home: Tenant, visitor: Visitor, creator: dict[str, Any]
):
    home.saw(creator["id"], follower_count=12)
    home.goatherd.catch_up()
    scraped = said(visitor.see(changes(creator, "?kind=scrapes")))
    assert any("12 followers" in s for s in scraped)

    page = visitor.see(changes(creator))
    between = visitor.see(changes(creator, "/diff?from=2020-01-01"))

    for each in (page, between):
        assert not {*said(each)} & {*scraped}
        assert "Renamed from @ada to @ada.l by key First key." in said(each)
        assert "scrapes are not listed." in each.text
        (link,) = [a for a in each.all("a") if a.text == "Show them, too"]
        assert {*scraped} < {*said(visitor.see(link["href"]))}


def test_an_imported_run_says_that_it_was(
    home: Tenant, visitor: Visitor, creator: dict[str, Any]
):
    home.saw(creator["id"], follower_count=12, provider=IMPORT_PROVIDER)
    home.goatherd.catch_up()

    page = visitor.see(changes(creator, "?kind=scrapes"))

    assert any("imported by" in e.text for e in page.all("li") if "12 f" in e.text)


def test_a_milestone_is_marked_as_derived(
    home: Tenant, visitor: Visitor, creator: dict[str, Any]
):
    home.saw(creator["id"], follower_count=900)
    home.saw(creator["id"], follower_count=1_200, observed_at=NOON + timedelta(hours=1))
    home.goatherd.catch_up()

    page = visitor.see(changes(creator, "?kind=milestones"))

    assert said(page) == ["Passed 1,000 followers, with 1,200 seen. derived"]


@pytest.mark.parametrize(
    ("kind", "amount"),
    (("creator", 3), ("handle_changed", 1), ("videos", 0), ("", None)),
)
def test_the_log_is_filtered_by_kind(
    visitor: Visitor, creator: dict[str, Any], kind: str, amount: int | None
):
    page = visitor.see(changes(creator, f"?kind={kind}&from=&to="))

    assert amount in {None, len(said(page))}
    (chosen,) = [o for o in page.all("option") if "selected" in o.attributes] or [None]
    assert (chosen["value"] if chosen else "") == kind
    assert ("Nothing of that kind" in page.text) is (amount == 0)


def test_the_log_is_filtered_by_days_of_the_organization(
    goatherd: Goatherd, visitor: Visitor
):
    tenant = goatherd.tenant(time_zone="Pacific/Kiritimati")
    creator = tenant.add("ada")
    goatherd.catch_up()
    visitor.sign_in(tenant.key)
    (added,) = own(tenant, creator)
    there = datetime.fromisoformat(added["recorded_at"]) + timedelta(hours=14)
    day, next_day = ((there + timedelta(days=n)).date().isoformat() for n in (0, 1))

    on_it = visitor.see(changes(creator, f"?kind=creator&from={day}&to={day}"))
    after = visitor.see(changes(creator, f"?kind=creator&from={next_day}"))

    assert len(said(on_it)) == 1
    assert said(after) == []
    assert on_it.all("h2")[0].text == f"{there.day} {there:%b %Y}"


def test_a_page_of_the_log_leads_to_the_next(
    home: Tenant, visitor: Visitor, creator: dict[str, Any]
):
    for followers in range(60):
        home.saw(creator["id"], follower_count=followers)
    home.goatherd.catch_up()
    first = visitor.see(changes(creator, "?kind=profile_snapshot_recorded"))
    more = first.one("p", id="more").one("a")["href"]

    second = visitor.see(more)

    assert (len(said(first)), len(said(second))) == (50, 10)
    assert second.all("h2")[0].text.endswith(", continued")
    assert not second.all("p", id="more")


def test_many_videos_in_a_row_are_one_line_that_opens(
    home: Tenant, visitor: Visitor, creator: dict[str, Any]
):
    for _ in range(5):
        home.found(creator["id"])
    home.goatherd.catch_up()

    page = visitor.see(changes(creator, "?kind=video_discovered"))

    summaries = [each.text for each in page.all("summary")]
    (folded,) = [each for each in summaries if not each.startswith("Details")]
    assert folded.startswith("5 videos found by ")
    assert len(said(page)) == 5


@pytest.mark.parametrize(
    ("query", "status", "message"),
    (
        ("?kind=weather", 400, "must be one of"),
        ("?from=yesterday", 400, "must be a position of the log"),
        ("?kind=weather&weather=fine", 400, "must be one of"),
        ("?from=2026-03-02&to=2026-03-01", 400, "the first day lies after the last"),
        ("?from=8&to=7", 400, "the first day lies after the last"),
    ),
)
def test_a_filter_that_is_none_is_told(
    visitor: Visitor, creator: dict[str, Any], query: str, status: int, message: str
):
    answer = visitor.get(changes(creator, query))

    assert answer.status_code == status
    assert message in answer.text


def test_what_others_wrote_is_text_on_each_view(
    home: Tenant, visitor: Visitor, creator: dict[str, Any]
):
    path = f"/creators/{creator['id']}"
    texts = {"display_name": HOSTILE, "description": f"{HOSTILE}\n\u05d0{HOSTILE}"}
    data_of(home.patch(path, texts))
    home.goatherd.catch_up()
    before = own(home, creator)[-1]["position"] - 1

    for rest in ("", f"/as-of?as_of={before}", f"/diff?from={before}"):
        page = visitor.see(changes(creator, rest))
        assert HOSTILE in page.text
        assert not page.all("img", src="x")


# As it was


def test_the_creator_is_shown_as_it_was_beside_what_it_is(
    home: Tenant, visitor: Visitor, creator: dict[str, Any]
):
    added = own(home, creator)[0]

    page = visitor.see(changes(creator, f"/as-of?as_of={added['position']}"))

    shown = fields(page)
    assert shown["Handle"] == ["ada", "ada.l"]
    assert shown["Metadata"][0] == "not set"
    assert shown["Status"] == ["active", "the same"]
    assert differing(page) == {"Handle", "Notes", "Metadata"}
    assert "3 fields differ from now" in page.one("caption").text
    assert "Version 1" in page.text


def test_the_slider_stands_at_the_last_change_before_a_moment(
    home: Tenant, visitor: Visitor, creator: dict[str, Any]
):
    added, renamed, _ = own(home, creator)

    at_rename = visitor.see(changes(creator, f"/as-of?as_of={renamed['position']}"))
    just_before = visitor.see(
        changes(creator, f"/as-of?as_of={renamed['position'] - 1}")
    )
    now = visitor.see(changes(creator, "/as-of"))

    sliders = [
        page.one("input", type="range") for page in (at_rename, just_before, now)
    ]
    assert [slider["value"] for slider in sliders] == ["1", "0", "3"]
    assert {slider["max"] for slider in sliders} == {"3"}
    texts = [slider["aria-valuetext"] for slider in sliders]
    assert texts[0].endswith(renamed["summary"])
    assert texts[1].endswith(added["summary"])
    assert texts[2] == "Now"
    links = [a["href"] for a in now.one("ol", id="steps").all("a")]
    assert links[0] == changes(creator, "/as-of")
    assert links[-1] == changes(creator, f"/as-of?as_of={added['position']}")


def test_before_a_creator_was_added_there_is_nothing_and_that_is_said(
    visitor: Visitor, creator: dict[str, Any]
):
    page = visitor.see(changes(creator, "/as-of?as_of=2020-01-01T00:00"))

    assert "Not tracked yet" in page.text
    assert not page.all("table")


@pytest.mark.parametrize(
    ("text", "message"),
    (
        ("2999-01-01T00:00", "The time must not lie in the future."),
        ("tomorrow", "The time must be a position of the log"),
    ),
)
def test_a_moment_that_is_none_is_told_at_its_field(
    visitor: Visitor, creator: dict[str, Any], text: str, message: str
):
    page = visitor.see(changes(creator, f"/as-of?as_of={text}"), status=400)

    assert page.one("p", id="as-of-problem").text.startswith(message)
    assert page.one("input", id="as-of")["value"] == text


# Two moments


def test_two_moments_are_compared_field_by_field_with_what_was_between(
    home: Tenant, visitor: Visitor, creator: dict[str, Any]
):
    added, renamed, described = own(home, creator)
    bounds = f"from={added['position']}&to={described['position']}"

    page = visitor.see(changes(creator, f"/diff?{bounds}"))

    shown = fields(page)
    assert shown["Handle"] == ["ada", "ada.l"]
    assert shown["Version"] == ["1", "3"]
    assert set(shown) == {"Handle", "Notes", "Metadata", "Last changed", "Version"}
    assert renamed["summary"] in said(page)
    assert added["summary"] not in said(page)


def test_changed_tags_are_a_changed_field(
    home: Tenant, visitor: Visitor, creator: dict[str, Any]
):
    home.patch(f"/creators/{creator['id']}", {"tags": ["spring", "tier A"]})
    home.goatherd.catch_up()
    tagged = own(home, creator)[-1]["position"]

    page = visitor.see(changes(creator, f"/diff?from={tagged - 1}&to={tagged}"))

    assert fields(page)["Tags"] == ["not set", "spring, tier A"]
    assert "Tags" in fields(visitor.see(changes(creator, "/as-of")))


def test_a_long_text_is_compared_line_by_line(
    home: Tenant, visitor: Visitor, creator: dict[str, Any]
):
    described = own(home, creator)[-1]["position"]

    page = visitor.see(changes(creator, f"/diff?from={described - 1}&to={described}"))

    gone = [line.text for line in page.all("del")]
    assert gone == ["Removed: Eats shoes."]
    assert "Added: Eats boots." in [line.text for line in page.all("ins")]
    assert "7 lines the same" in page.text or "8 lines the same" in page.text


def test_two_days_are_compared_until_now_if_the_last_has_not_ended(
    visitor: Visitor, creator: dict[str, Any]
):
    today = datetime.now(UTC).date().isoformat()

    page = visitor.see(changes(creator, f"/diff?from=2020-01-01&to={today}"))

    assert fields(page)["Handle"] == ["not set", "ada.l"]
    assert "was not tracked yet" in page.text


@pytest.mark.parametrize(
    ("query", "status", "message"),
    (
        ("", 200, "Compare two times"),
        ("?from=&to=", 200, "Compare two times"),
        ("?from=2020-01-01&to=2020-01-02", 200, "Not tracked yet"),
        ("?from=2999-01-01", 400, "The first time must not lie in the future."),
        ("?from=1&to=nought", 400, "The second time must be a position"),
        ("?from=2&to=1", 400, "The first time must not come after to."),
    ),
)
def test_what_cannot_be_compared_is_told(
    visitor: Visitor, creator: dict[str, Any], query: str, status: int, message: str
):
    page = visitor.see(changes(creator, f"/diff{query}"), status=status)

    assert message in page.text


def test_both_views_of_two_states_mark_a_count_that_its_source_rounds(
    home: Tenant, visitor: Visitor, creator: dict[str, Any]
):
    home.saw(creator["id"], follower_count=3_800_000, precision="rounded")
    before = home.goatherd.head
    home.saw(creator["id"], follower_count=3_800_000, precision="exact")
    home.goatherd.catch_up()

    for rest in (f"/as-of?as_of={before}", f"/diff?from={before}"):
        page = visitor.see(changes(creator, rest))
        rounded, exact = fields(page)["Followers"]
        assert (
            rounded
            == "about 3,800,000 Rounded by the source: the exact number is not known."
        )
        assert exact == "3,800,000"
    assert page.one("span", tabindex="0")["data-why"].startswith(
        "about 3,800,000. Rounded"
    )


@pytest.mark.parametrize("rest", ("", "/as-of", "/diff"))
def test_another_organizations_creator_is_not_there(
    stranger: Tenant, visitor: Visitor, rest: str
):
    foreign = stranger.add("ada")
    stranger.goatherd.catch_up()

    for creator_id in (foreign["id"], str(uuid4())):
        visitor.see(changes({"id": creator_id}, rest), status=404)
