"""The pages of projections: how far they are, and rebuilds from there."""

from collections.abc import Iterator

import pytest

from projections.rebuild.rebuild import rebuild
from projections.registry import PROJECTIONS
from tests.kit.application import Goatherd
from tests.kit.markup import read
from tests.kit.visitor import Visitor

PAGE = "/operations/projections"
BANS = f"{PAGE}/bans"


@pytest.fixture(autouse=True)
def no_rebuild(goatherd: Goatherd) -> Iterator[None]:
    goatherd.catch_up()
    yield
    visitor = Visitor(goatherd)
    visitor.sign_in(goatherd.tenant().key)
    visitor.post(f"{BANS}/cancel")
    goatherd.query("DELETE FROM projection_rebuild")


def test_every_projection_is_listed_in_words(visitor: Visitor):
    page = visitor.see(PAGE)

    names = {row.one("th").one("a").text for row in page.one("tbody").all("tr")}
    cells = {
        cell["data-cell"] for cell in page.all("td") if "data-cell" in cell.attributes
    }
    assert {"Creators", "Analytics", "Jobs", "Change logs of creators"} <= names
    assert {f"{each.name}.rebuild" for each in PROJECTIONS} <= cells
    assert page.one("p", data_stream=f"{PAGE}/stream").one("a").text == "Reload"


def test_a_rebuild_is_asked_for_seen_and_given_up(visitor: Visitor):
    visitor.submit(visitor.see(BANS), f"{BANS}/rebuild")
    going = visitor.see(BANS)

    visitor.submit(going, f"{BANS}/cancel")
    after = visitor.see(BANS)

    part = going.one("section", id="rebuild")
    assert part.one("progress")
    assert "by the key you are signed in with" in part.text
    assert not going.all("form", action=f"{BANS}/rebuild")
    assert after.one("form", action=f"{BANS}/rebuild")
    assert "cancelled" in after.one("section", id="rebuild").text


def test_what_a_rebuild_compared_and_how_long_the_swap_took_is_shown(
    goatherd: Goatherd, visitor: Visitor
):
    (bans,) = [each for each in PROJECTIONS if each.name == "bans"]
    rebuild(goatherd.store, bans, by="cli")

    part = visitor.see(BANS).one("section", id="rebuild")

    assert "swapped in" in part.text
    assert "by cli" in part.text
    assert "All rows that were compared are equal." in part.text
    assert "The tables were swapped in" in part.text
    assert [row.one("th").text for row in part.one("tbody").all("tr")] == ["bans"]


def test_a_rebuild_that_failed_says_where_and_why(goatherd: Goatherd, visitor: Visitor):
    visitor.submit(visitor.see(BANS), f"{BANS}/rebuild")
    goatherd.query(
        "UPDATE projection_rebuild SET status = 'failed', error = 'No <i>room</i>', "
        "error_position = 1234, error_event = 'handle_banned' WHERE name = 'bans'"
    )

    part = visitor.see(BANS).one("section", id="rebuild")

    assert "No <i>room</i>" in part.text
    assert "At position 1,234, the event handle_banned" in part.text
    assert part.one("form", action=f"{BANS}/rebuild")


def test_rows_that_differ_are_swapped_in_only_by_a_button_of_their_own(
    goatherd: Goatherd, visitor: Visitor
):
    visitor.submit(visitor.see(BANS), f"{BANS}/rebuild")
    goatherd.query("UPDATE projection_rebuild SET status = 'refused'")
    page = visitor.see(BANS)
    plain, forced = page.all("form", action=f"{BANS}/rebuild")

    assert not plain.all("input", name="force")
    answer = visitor.post(
        f"{BANS}/rebuild", {"force": forced.one("input", name="force")["value"]}
    )

    assert answer.status_code == 303
    assert goatherd.query("SELECT is_forced FROM projection_rebuild") == [(True,)]


def test_what_is_no_read_model_has_no_button_and_says_why_it_is_refused(
    visitor: Visitor,
):
    page = visitor.see(f"{PAGE}/scrape_jobs")
    refused = visitor.post(f"{PAGE}/scrape_jobs/rebuild")

    assert "cannot be rebuilt here" in page.one("section", id="rebuild").text
    assert not page.all("form", action=f"{PAGE}/scrape_jobs/rebuild")
    assert refused.status_code == 409
    assert "is no read model" in read(refused.text).one("p", role="alert").text


@pytest.mark.parametrize("name", ("goats", "%3Cscript%3E", "a%2Fb"))
def test_a_projection_that_there_is_not_is_not_found(visitor: Visitor, name: str):
    assert visitor.get(f"{PAGE}/{name}").status_code == 404
