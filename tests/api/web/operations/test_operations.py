"""The frame of operations: who sees which tab, and how Goatherd is."""

import pytest

from domain.events import Scope
from tests.kit.application import Goatherd, Tenant
from tests.kit.visitor import Visitor

ADMIN_PAGES = ("projections", "projections/creator_list", "keys", "bans")
PAGES = (*ADMIN_PAGES, "jobs", "organization")


def signed_in(tenant: Tenant, *scopes: Scope) -> Visitor:
    visitor = Visitor(tenant.goatherd)
    visitor.sign_in(tenant.with_key(*scopes).key)
    return visitor


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_one_heading_and_marks_its_tab(visitor: Visitor, page: str):
    seen = visitor.see(f"/operations/{page}")

    tabs = seen.one("nav", aria_label="Operations")
    assert seen.one("h1").text == "Operations"
    assert tabs.one("a", aria_current="page")["href"] == (
        f"/operations/{page.partition('/')[0]}"
    )
    assert not [e for e in seen.inside() if "style" in e.attributes]
    assert all(script.attributes.get("src") for script in seen.all("script"))


@pytest.mark.parametrize("page", PAGES)
def test_pages_of_operations_are_for_those_who_signed_in(passer_by: Visitor, page: str):
    answer = passer_by.get(f"/operations/{page}")

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/?next=")


@pytest.mark.parametrize("page", ADMIN_PAGES)
def test_who_may_not_administer_sees_no_such_tab_and_is_told_why(
    home: Tenant, page: str
):
    reader = signed_in(home, "read")

    tabs = reader.see("/operations/jobs").one("nav", aria_label="Operations")
    refused = reader.see(f"/operations/{page}", status=403)

    assert [tab.text for tab in tabs.all("a")] == ["Organization", "Projects", "Jobs"]
    assert "needs the scope admin" in refused.one("h1").text


@pytest.mark.parametrize("scopes", (("read",), ("read", "admin")))
def test_operations_lead_to_the_first_page_that_one_may_see(
    home: Tenant, scopes: tuple[Scope, ...]
):
    answer = signed_in(home, *scopes).get("/operations")

    assert answer.status_code == 303
    assert answer.headers["Location"] == "/operations/organization"


def test_what_is_not_well_is_said_with_what_to_do(goatherd: Goatherd, visitor: Visitor):
    goatherd.catch_up()
    goatherd.query("UPDATE projection SET heartbeat_at = now()")
    well = visitor.see("/operations/jobs")
    goatherd.query(
        "UPDATE projection SET heartbeat_at = now() - interval '5 minutes' "
        "WHERE name = 'videos'"
    )

    ill = visitor.see("/operations/jobs")

    assert "All ok" in well.text
    assert "All ok" not in ill.text
    (problem,) = ill.all("div", role="alert")
    assert "videos last reported 300 s ago" in problem.text
    assert "Start goatherd project" in problem.text


def test_a_dead_letter_is_a_concern_and_no_alarm(goatherd: Goatherd, visitor: Visitor):
    goatherd.catch_up()
    goatherd.query("UPDATE projection SET heartbeat_at = now()")
    goatherd.query(
        "INSERT INTO dead_letter (projection, position, name, error, failed_at) "
        "VALUES ('bans', 7, 'goat_milked', 'Nobody <b>knows</b> it', now())"
    )
    try:
        page = visitor.see("/operations/projections/bans")
    finally:
        goatherd.query("DELETE FROM dead_letter")

    (problem,) = page.all("div", role="note")
    assert "could not apply goat_milked" in problem.text
    section = page.one("section", id="dead-letters")
    assert "Nobody <b>knows</b> it" in section.text
