"""The pages of the log: its events, the trace of a click, and the types of events."""

from typing import Any

import pytest

from domain.events import STORED_NAMES
from infra.eventstore import log_page
from tests.kit.application import Tenant, code_of, data_of
from tests.kit.markup import Element, read
from tests.kit.visitor import Visitor

LOG = "/system/log"
# A page may have so many before it is compressed.
MOST_BYTES = 60_000
READ_MODEL = "/system/read-models/creator_list"


@pytest.fixture
def clicked(home: Tenant) -> list[dict[str, Any]]:
    """The events of one request, which added two creators, oldest first."""
    home.add("earlier.goat")
    handles = [{"tiktok_handle": handle} for handle in ("clicked.goat", "clicked.kid")]
    answer = home.post(home.creators, {"creators": handles})
    assert answer.is_success, answer.text
    home.add("later.goat")
    home.goatherd.catch_up()
    request = answer.headers["X-Request-Id"]
    rows = data_of(home.get("/admin/log", params={"correlation": request}))
    assert len(rows) > 2
    return rows[::-1]


def rows_of(page: Element) -> list[Element]:
    return page.one("table").one("tbody").all("tr")


def waiting_in(event: Element) -> set[str]:
    """The pages of the projections that have not reached an event yet."""
    found = [li for li in event.all("li") if "waiting" in li.text]
    return {li.one("a")["href"] for li in found}


def names_of(page: Element) -> list[str]:
    return [row.one("th").text for row in rows_of(page)]


def test_each_event_of_the_log_leads_to_its_trace(
    visitor: Visitor, clicked: list[dict[str, Any]]
):
    added = clicked[0]

    page = visitor.see(f"{LOG}?stream={added['stream']}&type={added['name']}")

    (row,) = rows_of(page)
    links = {link["href"]: link for link in row.all("a")}
    assert links[f"{LOG}/{added['position']}"].text == added["name"]
    assert links[f"{LOG}?stream={added['stream']}"]["title"] == added["stream"]
    assert links[f"{LOG}?actor={added['actor']}"]["title"] == added["actor"]
    request = added["correlation_id"]
    assert links[f"{LOG}?correlation={request}"]["title"] == request
    assert f"{added['position']:,}" in row.text


def test_the_filters_stay_in_their_fields_and_hold_together(
    visitor: Visitor, clicked: list[dict[str, Any]]
):
    request, first = clicked[0]["correlation_id"], clicked[0]
    query = f"correlation={request}&after={first['position']}"

    page = visitor.see(f"{LOG}?{query}")

    assert names_of(page) == [event["name"] for event in clicked[:0:-1]]
    assert page.one("input", name="correlation")["value"] == request
    assert page.one("input", name="after")["value"] == str(first["position"])
    assert "No event fits" in visitor.see(f"{LOG}?{query}&before=1").text


def test_a_trace_has_everything_that_the_click_caused_and_nothing_else(
    visitor: Visitor, clicked: list[dict[str, Any]]
):
    chosen = clicked[-1]

    page = visitor.see(f"{LOG}/{chosen['position']}")

    trace = page.one("section", aria_label="Trace")
    others = {
        link["href"]: link.text
        for link in trace.all("a")
        if link["href"].removeprefix(f"{LOG}/").isdigit()
    }
    assert others == {
        f"{LOG}/{event['position']}": event["name"] for event in clicked[:-1]
    }
    current = trace.one("li", aria_current="true")
    assert current.one("strong").text == chosen["name"]
    assert f"{LOG}?correlation={chosen['correlation_id']}" in [
        link["href"] for link in page.all("a")
    ]


def test_a_trace_says_how_far_the_projections_of_an_event_are(
    home: Tenant, visitor: Visitor
):
    creator = home.add("slow.goat")
    place = f"{LOG}/{home.goatherd.log(creator['id'])[0].position}"
    home.goatherd.catch_up(but="creator_list")
    behind = visitor.see(place).one("li", aria_current="true")
    home.goatherd.catch_up()

    applied = visitor.see(place).one("li", aria_current="true")

    assert waiting_in(behind) - waiting_in(applied) == {READ_MODEL}
    assert READ_MODEL not in waiting_in(applied)
    assert "1 row of creator_list" in " ".join(applied.text.split())


def test_a_position_that_is_not_in_the_log_is_not_found(visitor: Visitor):
    for position in ("0", "999999999999", f"{2**64}"):
        visitor.see(f"{LOG}/{position}", status=404)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    (
        ("after", "soon", "Must be a position of the log, a day such as"),
        ("before", "2026-13-01", "Must be a position of the log, a day such as"),
        ("stream", "goat", "Must be a UUID"),
        ("type", "goat_milked", "Knows no 'goat_milked'"),
    ),
)
def test_a_filter_that_cannot_be_read_is_refused_at_its_field(
    home: Tenant, visitor: Visitor, name: str, value: str, problem: str
):
    refused = home.get("/admin/log", params={name: value})
    assert code_of(refused) == (400, "invalid_query")

    page = visitor.see(f"{LOG}?{name}={value}&actor=cli", status=400)

    assert problem in page.one("p", id=f"h-{name}").text
    field = next(e for e in page.inside() if e.attributes.get("name") == name)
    assert field["aria-invalid"] == "true"
    assert field["aria-describedby"] == f"h-{name}"
    assert page.one("input", name="actor")["value"] == "cli"
    assert not page.all("table")


def test_a_page_says_how_far_it_looked_and_leads_on(
    visitor: Visitor,
    clicked: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(log_page, "MOST_EXAMINED", 4)
    query = f"correlation={clicked[0]['correlation_id']}"
    page, found = visitor.see(f"{LOG}?{query}&after={clicked[0]['position'] - 1}"), []

    while True:
        found += names_of(page) if page.all("table") else []
        if not page.all("p", class_="more"):
            break
        assert "positions" in page.text
        page = visitor.see(page.one("p", class_="more").one("a")["href"])

    assert found == [event["name"] for event in clicked[::-1]]


def test_each_type_of_events_is_described_with_its_fields(
    home: Tenant, visitor: Visitor, subtests: pytest.Subtests
):
    stored = data_of(home.get("/admin/log/types"))
    listed = visitor.see(f"{LOG}/types")
    links = {link["href"]: link.text for link in listed.all("a")}
    for one in stored:
        with subtests.test(one["name"]):
            place = f"{LOG}/types/{one['name']}"
            assert links[place] == one["name"]

            page = visitor.see(place)

            described = one["summary"].replace("`", "").replace(" ", "")
            assert described in "".join(page.text.split())
            assert f"in version {one['version']} of" in page.text
            fields = [
                {
                    "path": row.one("th").text,
                    "type": kind.text,
                    "is_optional": required.text == "no",
                    "is_personal": personal.text == "yes, sealed",
                }
                for row in rows_of(page)
                for kind, required, personal in [row.all("td")]
            ]
            assert fields == one["fields"]


def test_a_type_that_is_not_there_is_not_found(visitor: Visitor):
    assert "goat_milked" not in STORED_NAMES
    visitor.see(f"{LOG}/types/goat_milked", status=404)


def test_pages_of_the_log_are_small(home: Tenant, visitor: Visitor):
    handles = [{"tiktok_handle": f"herd.{number}"} for number in range(40)]
    answer = home.post(home.creators, {"creators": handles})
    assert answer.is_success, answer.text
    home.goatherd.catch_up()

    for page in (LOG, f"{LOG}/types", f"{LOG}/types/alert_opened"):
        assert len(visitor.get(page).content) < MOST_BYTES


def test_a_day_after_which_to_look_is_over(
    visitor: Visitor, clicked: list[dict[str, Any]]
):
    day = clicked[0]["recorded_at"][:10]
    query = f"stream={clicked[0]['stream']}"

    for name, value, is_there in (
        ("after", day, False),
        ("before", day, False),
        ("after", "2026-01-01", True),
        ("before", "2026-01-01", False),
    ):
        answer = visitor.get(f"{LOG}?{query}&{name}={value}")
        assert bool(read(answer.text).all("table")) is is_there
