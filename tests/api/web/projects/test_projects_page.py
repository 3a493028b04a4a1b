"""Projects as pages: the list with figures, and the dashboard of one."""

from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.creator_with_numbers import DAYS, a_watched_creator
from tests.kit.markup import Element
from tests.kit.visitor import Visitor


def test_projects_are_listed_by_name_with_their_figures(visitor: Visitor, home: Tenant):
    a_watched_creator(home)

    (row,) = visitor.see("/projects").one("tbody").all("tr")

    assert row.one("a")["href"] == f"/projects/{home.project_id}?period=28d"
    assert row.all("td")[0].one("span")["title"] == "170"


def test_projects_are_sorted_by_a_figure_over_the_chosen_days(
    visitor: Visitor, home: Tenant
):
    a_watched_creator(home)
    second = data_of(home.post("/projects", {"name": "Awaiting"}), status=201)["id"]
    home.goatherd.catch_up()

    def ids(page: Element) -> list[str]:
        links = [row.one("a")["href"] for row in page.one("tbody").all("tr")]
        return [link.split("/")[2].partition("?")[0] for link in links]

    page = visitor.see("/projects?period=90d")
    (views,) = [th for th in page.all("th") if th.text == "All views"]
    most = visitor.see(f"/projects{views.one('a')['href']}")
    by_name = visitor.see("/projects?sort=name")

    assert ids(most) == [str(home.project_id), second]
    assert ids(by_name) == [second, str(home.project_id)]
    (sorted_by,) = [th for th in most.all("th") if "aria-sort" in th.attributes]
    assert (sorted_by.text, sorted_by["aria-sort"]) == ("All views", "descending")
    links = [a["href"] for a in most.one("tbody").all("a")]
    assert all(link.endswith("?period=90d") for link in links)


def test_a_project_shows_its_dashboard_and_leads_to_its_parts(
    visitor: Visitor, home: Tenant
):
    a_watched_creator(home)

    page = visitor.see(f"/projects/{home.project_id}?{DAYS}")

    (first, _) = page.one("section", aria_label="Key figures").all("dl")
    cards = {c.one("dt").text: c.one("dd").text for c in first.all("div")}
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
