"""The page of the audit: by day, by kind and actor, within days, and its file."""

import csv
from datetime import UTC, datetime, timedelta

from api.web.settings.audit import KINDS
from domain import events as e
from projections.audit import EVENTS
from tests.kit.application import Tenant
from tests.kit.markup import Element
from tests.kit.people import member_of, owner_of
from tests.kit.visitor import Visitor

PATH = "/audit"


def lines(page: Element) -> list[tuple[str, str]]:
    """The kind and the sentence of each row."""
    return [
        (line.all("span")[0].text, line.one("span", class_="said").text)
        for found in page.all("ol", class_="activity")
        for line in found.all("li")
    ]


def test_rows_are_grouped_by_day_and_chosen_by_kind_and_actor(
    visitor: Visitor, home: Tenant
):
    owner_of(home)
    home.post("/projects", {"name": "Alps"})
    home.goatherd.catch_up()

    whole = visitor.see(PATH)
    projects = lines(visitor.see(f"{PATH}?kind=projects"))
    mine = lines(visitor.see(f"{PATH}?actor=key:{home.key_id}"))
    nobody = visitor.see(f"{PATH}?actor=policy:nobody")

    assert whole.one("main").all("h3")[0].text.startswith("Today")
    assert {kind for kind, _ in lines(whole)} >= {"Project", "Member"}
    assert projects[0][0] == "Project"
    assert projects[0][1].startswith('Project "Alps" created by key ')
    assert {kind for kind, _ in projects} == {"Project"}
    assert mine
    assert len(mine) < len(lines(whole))
    assert all(" by key " in sentence for _, sentence in mine)
    assert "Nothing of that kind" in nobody.one("main").text
    options = whole.one("select", id="actor").all("option")
    assert {option.text for option in options} >= {
        *("Anybody", "Ada Alm", "The command line"),
    }


def test_each_kind_of_row_can_be_chosen():
    chosen = [
        name
        for kind in KINDS.values()
        for name in EVENTS
        if name.startswith(kind.beginnings)
    ]

    assert sorted(chosen) == sorted(EVENTS)


def test_days_are_those_of_the_page_and_backward_ones_are_refused(
    visitor: Visitor, home: Tenant
):
    home.goatherd.catch_up()
    today = datetime.now(UTC).date()
    tomorrow, year = today + timedelta(days=1), today - timedelta(days=365)

    within = lines(visitor.see(f"{PATH}?from={year}&to={tomorrow}"))
    until_now = lines(visitor.see(f"{PATH}?to={today}"))
    before = visitor.see(f"{PATH}?to={year}")
    backwards = visitor.get(f"{PATH}?from={tomorrow}&to={year}")

    assert within
    # A last day is in it until its end.
    assert until_now == within
    assert lines(before) == []
    assert backwards.status_code == 400
    assert "the first day lies after the last" in backwards.text


def test_the_file_has_the_chosen_rows_of_all_pages(visitor: Visitor, home: Tenant):
    for number in range(60):
        home.goatherd.append(
            home.organization_id,
            e.ProjectCreated(
                project_id=home.project_id.__class__(int=number), name=f"P{number}"
            ),
        )
    home.goatherd.catch_up()
    page = visitor.see(f"{PATH}?kind=projects")
    answer = visitor.get(f"{PATH}.csv?kind=projects")
    more = [one for one in page.one("main").all("a") if one.text == "Earlier"]

    rows = list(csv.DictReader(answer.text.removeprefix("\ufeff").splitlines()))
    assert len(lines(page)) == 50
    assert len(rows) > 60
    assert {row["event"] for row in rows} <= {
        name for name in EVENTS if name.startswith("project_")
    }
    following = more[0]["href"]
    assert lines(visitor.see(following))
    # The file has all rows, whichever page the link to it is on.
    of_second_page = visitor.get(following.replace(PATH, f"{PATH}.csv"))
    assert of_second_page.text == answer.text


def test_somebody_who_is_no_admin_has_no_tab_and_no_page(home: Tenant):
    reader = Visitor(home.goatherd)
    reader.sign_in(home.with_key("read").key)

    assert reader.get(PATH).status_code == 403
    assert reader.get(f"{PATH}.csv").status_code == 403
    tabs = reader.see("/settings/organization").one("main").all("a")
    assert "Audit" not in {tab.text for tab in tabs}


def test_it_is_not_there_for_people_who_are_limited_to_projects(home: Tenant):
    limited = member_of(home, role="viewer", project_ids=[str(home.project_id)])
    viewer = member_of(home, "Cleo", role="viewer")
    admin = member_of(home, "Dora", role="admin")

    for path in (PATH, f"{PATH}.csv"):
        statuses = [
            each.browser.get(path).status_code for each in (limited, viewer, admin)
        ]
        assert statuses == [404, 403, 200], path
    home.goatherd.catch_up()
    (sentence, *_) = lines(visitor_of(home).see(f"{PATH}?kind=members"))[0][1:]
    assert sentence == "Dora joined as admin."


def visitor_of(tenant: Tenant) -> Visitor:
    visitor = Visitor(tenant.goatherd)
    visitor.sign_in(tenant.key)
    return visitor
