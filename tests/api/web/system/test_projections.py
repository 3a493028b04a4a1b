"""The pages of projections: how far they are, and rebuilds from there."""

from collections.abc import Iterator

import pytest

from api.system.all_projections import ALL_PROJECTIONS
from api.web.system.projections import name_of
from projections.rebuild.rebuild import rebuild
from projections.registry import PROJECTIONS
from tests.kit.application import Goatherd, Tenant
from tests.kit.markup import read
from tests.kit.visitor import Visitor
from tests.projections.engine.refused_rows import refused

PAGE = "/system/read-models"
BANS = f"{PAGE}/bans"
CREATORS = f"{PAGE}/creator_list"
DECIDE = f"{CREATORS}/dead-letters"


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
    nameless = [p.name for p in ALL_PROJECTIONS if name_of(p.name) == p.name]
    assert nameless == []
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


@pytest.fixture
def dead_letter(goatherd: Goatherd, home: Tenant) -> Iterator[int]:
    """The position of a renaming that the list of creators could not apply."""
    creator = home.add("heidi")
    with refused(goatherd.store, "wolf"):
        home.patch(f"/creators/{creator['id']}", {"tiktok_handle": "wolf"})
        goatherd.catch_up()
        ((position,),) = goatherd.query("SELECT position FROM dead_letter")
        yield position
    goatherd.query("DELETE FROM dead_letter")
    goatherd.query("DELETE FROM dead_letter_decision")


def test_a_dead_letter_is_skipped_with_the_key_and_the_reason_written_down(
    goatherd: Goatherd, visitor: Visitor, home: Tenant, dead_letter: int
):
    page = visitor.see(CREATORS)

    answer = visitor.submit(page, DECIDE, decision="skip", reason=" No wolves. ")
    after = visitor.see(CREATORS)

    assert answer.status_code == 303
    assert f"position {dead_letter:,} was left out" in after.text
    assert "The projection has applied every event so far." in after.text
    assert goatherd.query(
        "SELECT position, decision, decided_by, reason FROM dead_letter_decision"
    ) == [(dead_letter, "skipped", f"key:{home.key_id}", "No wolves.")]


def test_a_retry_that_fails_again_says_why_and_one_that_succeeds_clears_it(
    goatherd: Goatherd, visitor: Visitor, dead_letter: int
):
    page = visitor.see(CREATORS)
    visitor.submit(page, DECIDE, decision="retry", reason="again")
    failed = visitor.see(CREATORS)
    goatherd.query("ALTER TABLE creator_list DROP CONSTRAINT refused")

    visitor.submit(failed, DECIDE, decision="retry", reason="The constraint is gone.")
    after = visitor.see(CREATORS)

    assert "failed again: CheckViolation" in failed.text
    assert failed.all("form", action=DECIDE)
    assert f"position {dead_letter:,} was applied" in after.text
    assert not after.all("form", action=DECIDE)


@pytest.mark.usefixtures("dead_letter")
def test_a_decision_needs_a_reason(goatherd: Goatherd, visitor: Visitor):
    answer = visitor.submit(visitor.see(CREATORS), DECIDE, reason="  ")

    assert answer.status_code == 400
    assert goatherd.query("SELECT count(*) FROM dead_letter") == [(1,)]
    assert goatherd.query("SELECT count(*) FROM dead_letter_decision") == [(0,)]


def test_only_an_operator_s_admin_key_decides(
    goatherd: Goatherd, home: Tenant, dead_letter: int
):
    path = f"/api/v1/admin/projections/creator_list/dead-letters/{dead_letter}"
    body = {"decision": "skip", "reason": "no"}

    def ask(tenant: Tenant, path: str = path) -> int:
        headers = {"Authorization": f"Bearer {tenant.key}"}
        return goatherd.client.post(path, json=body, headers=headers).status_code

    nobody = goatherd.client.post(path, json=body).status_code
    reader = ask(home.with_key("read", "write"))
    stranger = ask(goatherd.tenant())
    nowhere = ask(home, path.replace(str(dead_letter), "1"))
    unknown = ask(home, path.replace("creator_list", "goats"))

    assert (nobody, reader, stranger) == (401, 403, 403)
    assert (nowhere, unknown) == (404, 404)
    assert goatherd.query("SELECT count(*) FROM dead_letter") == [(1,)]
