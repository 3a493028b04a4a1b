"""Notes below charts: marked, written, changed, deleted, and switched off."""

import json
from typing import Any

import pytest

from tests.kit.application import Tenant, data_of
from tests.kit.creator_with_numbers import DAYS, Watched, a_watched_creator
from tests.kit.markup import Element, read
from tests.kit.visitor import Visitor

PATH = "/analytics/annotations"
COMPARE = "/compare?metric=views&mode=new&granularity=day&tz=UTC"


@pytest.fixture
def goat(home: Tenant) -> Watched:
    return a_watched_creator(home)


def note(tenant: Tenant, scope: str, scope_id: object, **fields: str) -> dict[str, Any]:
    """Write a note about March 3 with the API."""
    own = {"scope": scope, "scope_id": str(scope_id), "starts_on": "2026-03-03"}
    answer = tenant.post(PATH, {**own, "text": "The sale began.", **fields})
    tenant.goatherd.catch_up()
    return data_of(answer, status=201)


def marks(page: Element, chart: str) -> list[tuple[str, str, str]]:
    """The marks that a script draws on a chart: day, kind and text."""
    (plot,) = page.one("figure", id=f"chart-{chart}").all("div", class_="plot")
    found = json.loads(plot["data-chart"])["marks"]
    return [(mark["date"], mark["kind"], mark["text"]) for mark in found]


def lines(page: Element) -> list[str]:
    shown = page.one("section", id="happened").all("li")
    return [each.all("p")[0].text for each in shown]


def notes(tenant: Tenant) -> list[str]:
    tenant.goatherd.catch_up()
    return [one["text"] for one in data_of(tenant.get(PATH, params={"kind": "note"}))]


@pytest.mark.parametrize(
    ("place", "chart"),
    (
        ("/?", "main"),
        ("/projects/{project}?", "main"),
        ("/creators/{creator}?", "followers"),
        (f"{COMPARE}&entity=project&ids={{project}}&", "compared"),
    ),
)
def test_what_happened_is_on_every_chart_and_in_the_list_unless_switched_off(
    visitor: Visitor, home: Tenant, goat: Watched, place: str, chart: str
):
    note(home, "project", home.project_id)
    note(
        home, "org", home.organization_id, starts_on="2026-02-01", ends_on="2026-03-02"
    )
    address = place.format(project=home.project_id, creator=goat.id) + DAYS

    page = visitor.see(address)
    off = visitor.see(f"{address}&marks=off")

    assert marks(page, chart) == [
        ("2026-03-02", "post", "1 video posted"),
        ("2026-03-01", "note", "The sale began. (1 Feb to 2 Mar 2026)"),
        ("2026-03-03", "note", "The sale began."),
    ]
    assert lines(page) == [
        "3 Mar 2026 The sale began.",
        "1 Feb to 2 Mar 2026 The sale began.",
    ]
    drawn = page.one("figure", id=f"chart-{chart}").one("svg").all("title")
    assert [each.text for each in drawn] == [text for *_, text in marks(page, chart)]
    assert (
        "1 Feb to 2 Mar 2026"
        in page.one("figure", id=f"chart-{chart}").one("table").text
    )
    assert marks(off, chart) == []
    assert lines(off) == lines(page)


def test_a_video_has_its_posting_and_its_notes_on_the_chart(
    visitor: Visitor, home: Tenant, goat: Watched
):
    videos = data_of(home.get(f"/videos?creator_id={goat.id}"))
    video = next(one["id"] for one in videos if one["title"] == "Video 2")
    note(home, "video", video)
    note(home, "creator", goat.id, starts_on="2026-03-04")
    path = f"/creators/{goat.id}/videos/{video}"

    page = visitor.see(path)

    march = [mark for mark in marks(page, "video") if mark[0] < "2026-04"]
    assert march == [
        ("2026-03-02", "post", "posted"),
        ("2026-03-03", "note", "The sale began."),
        ("2026-03-04", "note", "The sale began."),
    ]
    assert marks(visitor.see(f"{path}?marks=off"), "video") == []


def test_compared_creators_say_whose_note_it_is(
    visitor: Visitor, home: Tenant, goat: Watched
):
    other = Watched(home, "kid")
    other.posted("3", day=1 / 24)
    other.looked(1, v3=40)
    note(home, "creator", other.id)

    page = visitor.see(f"{COMPARE}&entity=creator&ids={goat.id},{other.id}&{DAYS}")

    assert marks(page, "compared") == [
        ("2026-03-02", "post", "1 video posted by @goat"),
        ("2026-03-02", "post", "1 video posted by @kid"),
        ("2026-03-03", "note", "@kid: The sale began."),
    ]
    assert "about @kid" in page.one("section", id="happened").one("li").text


def test_a_note_is_written_where_the_chart_is(
    visitor: Visitor, home: Tenant, goat: Watched
):
    address = f"/creators/{goat.id}?{DAYS}"

    answer = visitor.submit(
        visitor.see(address), "/annotations", text=" On tour ", starts_on="2026-03-04"
    )

    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        f"{address}#happened",
    )
    assert notes(home) == ["On tour"]
    assert lines(visitor.see(address)) == ["4 Mar 2026 On tour"]
    (written,) = data_of(home.get(PATH, params={"kind": "note"}))
    assert (written["scope"], written["scope_id"]) == ("creator", goat.id)


def test_a_refused_note_is_shown_again_with_what_is_wrong(
    visitor: Visitor, home: Tenant, goat: Watched
):
    address = f"/creators/{goat.id}?{DAYS}"
    form = visitor.see(address)

    answer = visitor.submit(
        form,
        "/annotations",
        text="On tour",
        starts_on="2026-03-04",
        ends_on="2026-03-01",
    )

    assert answer.status_code == 400
    page = read(answer.text)
    assert page.one("textarea").text.strip() == "On tour"
    (problem,) = page.all("span", class_="problem")
    assert problem.text == "The last day must not be before the first day."
    assert notes(home) == []
    again = visitor.submit(page, "/annotations", ends_on="2026-03-05")
    assert again.headers["Location"] == f"{address}#happened"
    assert notes(home) == ["On tour"]


def test_a_note_that_somebody_else_changed_is_not_lost(
    visitor: Visitor, home: Tenant, goat: Watched
):
    written = note(home, "creator", goat.id)
    page = visitor.see(f"/creators/{goat.id}?{DAYS}")
    home.patch(f"{PATH}/{written['id']}", {"text": "Theirs"})
    action = f"/annotations/{written['id']}"

    answer = visitor.submit(page, action, text="Mine")

    assert answer.status_code == 412
    shown = read(answer.text)
    assert shown.one("textarea").text.strip() == "Mine"
    assert notes(home) == ["Theirs"]
    assert visitor.submit(shown, action).status_code == 303
    assert notes(home) == ["Mine"]


def test_a_note_is_deleted(visitor: Visitor, home: Tenant, goat: Watched):
    written = note(home, "creator", goat.id)
    address = f"/creators/{goat.id}?{DAYS}"

    visitor.submit(visitor.see(address), f"/annotations/{written['id']}/delete")

    assert notes(home) == []
    assert lines(visitor.see(address)) == []


def test_whoever_may_only_read_sees_notes_and_no_forms(
    visitor: Visitor, home: Tenant, goat: Watched
):
    note(home, "creator", goat.id)
    visitor.sign_in(home.with_key("read").key)

    page = visitor.see(f"/creators/{goat.id}?{DAYS}")

    assert lines(page) == ["3 Mar 2026 The sale began."]
    assert page.one("section", id="happened").all("form") == []


def test_nobody_is_led_to_another_site(visitor: Visitor, home: Tenant, goat: Watched):
    page = visitor.see(f"/creators/{goat.id}?{DAYS}")

    answer = visitor.submit(
        page,
        "/annotations",
        text="Hi",
        back="https://example.com/",
        starts_on="2026-03-04",
    )

    assert answer.headers["Location"] == "/#happened"
    assert notes(home) == ["Hi"]
