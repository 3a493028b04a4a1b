"""Settings and the system: who sees which tab, and how Goatherd is."""

import re

import pytest

from domain.events import Scope
from tests.kit.application import Goatherd, Tenant
from tests.kit.visitor import Visitor

ADMIN_PAGES = (
    "/system/read-models",
    "/system/read-models/creator_list",
    "/system/log",
    "/system/log/1",
    "/system/log/types",
    "/system/log/types/creator_added",
    "/system/bans",
    "/settings/keys",
)
PAGES = (
    *ADMIN_PAGES,
    "/system/jobs",
    "/settings/organization",
    "/settings/personal-data",
    "/projects",
)
FORMER = {
    "/operations": "/settings",
    "/operations/organization": "/settings/organization",
    "/operations/keys": "/settings/keys",
    "/operations/sources": "/settings/sources",
    "/operations/projects": "/projects",
    "/operations/jobs?show=failed": "/system/jobs?show=failed",
    "/operations/bans": "/system/bans",
    "/operations/integrity": "/system/integrity",
    "/operations/projections": "/system/read-models",
    "/operations/projections/creator_list": "/system/read-models/creator_list",
}


def signed_in(tenant: Tenant, *scopes: Scope) -> Visitor:
    visitor = Visitor(tenant.goatherd)
    visitor.sign_in(tenant.with_key(*scopes).key)
    return visitor


def name_of(page: str) -> str:
    return "System" if page.startswith("/system") else "Settings"


def tab_of(page: str) -> str:
    """The address of a page's tab: its first two parts."""
    return "/".join(page.split("/")[:3])


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_one_heading_and_marks_its_tab(visitor: Visitor, page: str):
    seen = visitor.see(page)

    tabs = seen.one("nav", aria_label=name_of(page))
    assert seen.one("h1").text == name_of(page)
    assert tabs.one("a", aria_current="page")["href"] == tab_of(page)
    assert not [e for e in seen.inside() if "style" in e.attributes]
    assert all(script.attributes.get("src") for script in seen.all("script"))


@pytest.mark.parametrize("page", PAGES)
def test_settings_and_the_system_are_for_those_who_signed_in(
    passer_by: Visitor, page: str
):
    answer = passer_by.get(page)

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/?next=")


@pytest.mark.parametrize("page", ADMIN_PAGES)
def test_who_may_not_administer_sees_no_such_tab_and_is_told_why(
    home: Tenant, page: str
):
    reader = signed_in(home, "read")

    system = reader.see("/system/jobs").one("nav", aria_label="System")
    settings = reader.see("/settings/organization").one("nav", aria_label="Settings")
    refused = reader.see(page, status=403)

    assert [tab.text for tab in system.all("a")] == ["Jobs"]
    assert [tab.text for tab in settings.all("a")] == [
        "Organization",
        "Projects",
        "Personal data",
    ]
    assert "needs the scope admin" in refused.one("h1").text


@pytest.mark.parametrize("scopes", (("read",), ("read", "admin")))
def test_each_place_leads_to_its_first_page(home: Tenant, scopes: tuple[Scope, ...]):
    visitor = signed_in(home, *scopes)

    for place, first in (
        ("/settings", "/settings/organization"),
        ("/system", "/system/jobs"),
    ):
        answer = visitor.get(place)

        assert answer.status_code == 303
        assert answer.headers["Location"] == first


def test_the_account_menu_leads_to_its_places(visitor: Visitor):
    menu = visitor.see("/creators").one("div", id="account")

    places = [link["href"] for link in menu.all("a")][:4]
    assert places == ["/you", "/alerts", "/reports", "/settings"]


@pytest.mark.parametrize(("former", "place"), FORMER.items())
def test_a_former_address_leads_to_the_new_one_for_good(
    visitor: Visitor, former: str, place: str
):
    answer = visitor.get(former)

    assert answer.status_code == 301
    assert answer.headers["Location"] == place


def test_a_person_is_found_to_answer_what_is_stored_about_them(
    home: Tenant, visitor: Visitor
):
    ada = home.add("ada.goat")
    home.add("other")
    home.goatherd.catch_up()

    page = visitor.see("/settings/personal-data?search=ada")

    links = [a["href"] for a in page.one("ul", class_="plain found").all("a")]
    assert links == [f"/creators/{ada['id']}/personal-data"]
    nobody = visitor.see("/settings/personal-data?search=nobody")
    assert "Nobody has" in nobody.one("p", role="status").text


def test_what_is_not_well_is_said_with_what_to_do(goatherd: Goatherd, visitor: Visitor):
    goatherd.catch_up()
    goatherd.query("UPDATE projection SET heartbeat_at = now()")
    well = visitor.see("/system/jobs")
    goatherd.query(
        "UPDATE projection SET heartbeat_at = now() - interval '5 minutes' "
        "WHERE name = 'videos'"
    )

    ill = visitor.see("/system/jobs")

    assert "All ok" in well.text
    assert "All ok" not in ill.text
    (problem,) = ill.all("div", role="alert")
    assert re.search(r"videos last reported 3\d\d s ago", problem.text)
    assert "Start goatherd project" in problem.text


def test_a_dead_letter_is_a_concern_and_no_alarm(goatherd: Goatherd, visitor: Visitor):
    goatherd.catch_up()
    goatherd.query("UPDATE projection SET heartbeat_at = now()")
    goatherd.query(
        "INSERT INTO dead_letter (projection, position, name, error, failed_at) "
        "VALUES ('bans', 7, 'goat_milked', 'Nobody <b>knows</b> it', now())"
    )
    try:
        page = visitor.see("/system/read-models/bans")
    finally:
        goatherd.query("DELETE FROM dead_letter")

    (problem,) = page.all("div", role="note")
    assert "could not apply goat_milked" in problem.text
    section = page.one("section", id="dead-letters")
    assert "Nobody <b>knows</b> it" in section.text
