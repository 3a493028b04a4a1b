"""Projects as pages: the list with figures, and the dashboard of one."""

from tests.kit.application import Goatherd, Tenant
from tests.kit.creator_with_numbers import DAYS, a_watched_creator
from tests.kit.visitor import Visitor


def test_projects_are_listed_by_name_with_their_figures(visitor: Visitor, home: Tenant):
    a_watched_creator(home)

    (row,) = visitor.see("/projects").one("tbody").all("tr")

    assert row.one("a")["href"] == f"/projects/{home.project_id}"
    assert row.all("td")[0].one("span")["title"] == "170"


def test_a_project_shows_its_dashboard_and_leads_to_its_parts(
    visitor: Visitor, home: Tenant
):
    a_watched_creator(home)

    page = visitor.see(f"/projects/{home.project_id}?{DAYS}")

    cards = {c.one("dt").text: c.one("dd").text for c in page.one("dl").all("div")}
    assert cards["New views"].startswith("70")
    tabs = [a["href"] for a in page.one("nav", aria_label="Project").all("a")]
    assert tabs[1:4] == [
        f"/creators?project_id={home.project_id}",
        f"/campaigns?project_id={home.project_id}",
        f"/projects/{home.project_id}/inbox",
    ]


def test_a_project_of_another_organization_is_not_found(
    visitor: Visitor, goatherd: Goatherd
):
    other = goatherd.tenant()
    goatherd.catch_up()

    assert visitor.get(f"/projects/{other.project_id}").status_code == 404
