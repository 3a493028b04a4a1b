"""/reports: made, changed, sent and removed, and issues whose numbers stand still."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from application.move.move_creator import MoveCommand
from domain import commands as c
from infra.embedded.processes import wait_until
from infra.eventstore.execute import execute
from infra.ids import new_id
from tests.api.http.test_limited_people import limited_to, limits
from tests.kit.application import Goatherd, Tenant, ago, code_of, data_of
from tests.kit.builders import asking
from tests.kit.patience import PATIENTLY
from tests.kit.visitor import Visitor

__all__ = ["limits"]

ADA, BO = "ada@example.com", "bo@example.com"


def made(home: Tenant, **fields: object) -> dict[str, Any]:
    report = data_of(home.post("/reports", {"name": "Monday", **fields}), status=201)
    home.goatherd.catch_up()
    return report


def of_project(home: Tenant) -> dict[str, Any]:
    return {"scope": {"type": "project", "id": str(home.project_id)}}


def sent(home: Tenant, report: dict[str, Any]) -> dict[str, Any]:
    home.goatherd.catch_up()
    issue = data_of(home.post(f"/reports/{report['id']}/send"), status=201)
    home.goatherd.catch_up()
    return issue


def a_posting_creator(home: Tenant, handle: str = "goat") -> str:
    """A creator with a video that gained views in the last weeks."""
    creator_id = home.add(handle)["id"]
    video_id = str(new_id().int % 10**18 + 10**18)
    home.found(creator_id, video_id, posted_at=ago(20))
    for day in (21, 15, 8, 4, 0.1):
        views = round(10_000 - 400 * day)
        home.saw_videos(creator_id, {video_id: views}, at=ago(day))
        followers = 1_000 - round(10 * day)
        home.saw(creator_id, follower_count=followers, observed_at=ago(day))
    home.goatherd.catch_up()
    return creator_id


def test_a_report_is_made_with_sensible_choices(home: Tenant) -> None:
    report = made(home, recipients=[ADA, " ADA@example.com ", BO])

    assert report["scope"] == {"type": "org", "id": None}
    assert (report["period"], report["weekday"], report["hour"]) == (
        "weekly",
        "monday",
        9,
    )
    assert report["recipients"] == [ADA, BO]
    assert report["sections"] == [
        *("kpis", "charts", "leaders", "gained_and_lost", "videos"),
    ]
    due = datetime.fromisoformat(report["next_due_at"])
    assert datetime.now(UTC) < due <= datetime.now(UTC) + timedelta(days=7)
    assert data_of(home.get("/reports")) == [report]
    assert data_of(home.get(f"/reports/{report['id']}")) == report


def test_what_is_not_possible_is_refused_with_the_name_of_the_field(
    home: Tenant,
) -> None:
    creator_id = home.add("goat")["id"]
    of_creator = {"scope": {"type": "creator", "id": creator_id}}
    for wrong, field in (
        ({"name": " "}, "name"),
        ({"hour": 24}, "hour"),
        ({"weekday": "Monday"}, "weekday"),
        ({"period": "daily"}, "period"),
        ({"recipients": ["ada"]}, "recipients"),
        ({"recipients": [f"a{n}@example.com" for n in range(51)]}, "recipients"),
        ({"sections": []}, "sections"),
        ({"sections": ["leaders"], **of_creator}, "sections"),
        ({"scope": {"type": "project"}}, "scope"),
    ):
        answer = home.post("/reports", {"name": "Monday", **wrong})
        assert code_of(answer) == (400, "invalid_body"), (wrong, answer.text)
        (problem,) = answer.json()["meta"]["fields"]
        assert problem["path"].startswith(f"/{field}"), wrong
    nobody = {"scope": {"type": "campaign", "id": str(new_id())}}
    answer = home.post("/reports", {"name": "Monday", **nobody})
    assert code_of(answer) == (404, "not_found")


def test_a_report_is_changed_in_part_and_removed_with_its_issues(home: Tenant) -> None:
    report = made(home)
    issue = sent(home, report)
    path = f"/reports/{report['id']}"

    off = data_of(home.patch(path, {"enabled": False, "name": "Later"}))
    assert (off["enabled"], off["next_due_at"], off["name"]) == (False, None, "Later")
    monthly = data_of(home.patch(path, {"period": "monthly", "enabled": True}))
    assert datetime.fromisoformat(monthly["next_due_at"]).day == 1
    stale = home.patch(path, {"name": "x"}, headers={"If-Match": '"1"'})
    assert code_of(stale) == (412, "version_conflict")

    data_of(home.delete(path))
    home.goatherd.catch_up()
    assert data_of(home.get("/reports")) == []
    for gone in ("", "/issues", "/latest", f"/issues/{issue['number']}"):
        assert code_of(home.get(f"{path}{gone}")) == (404, "not_found"), gone
    assert code_of(home.post(f"{path}/send")) == (404, "not_found")
    assert code_of(home.patch(path, {"name": "x"})) == (404, "not_found")


def test_an_issue_has_the_numbers_of_analytics_and_keeps_them(home: Tenant) -> None:
    creator_id = a_posting_creator(home)
    report = made(home, **of_project(home))
    project = f"/projects/{home.project_id}"
    data_of(home.patch(project, {"color": "#0f766e"}))

    listed = sent(home, report)
    issue = data_of(home.get(f"/reports/{report['id']}/latest"))

    assert issue["color"] == "#0f766e"
    path = f"/reports/{report['id']}/issues"
    assert data_of(home.get(path)) == [listed]
    for named in (listed["number"], listed["id"]):
        assert data_of(home.get(f"{path}/{named}")) == issue
    first, last = date.fromisoformat(issue["from"]), date.fromisoformat(issue["to"])
    assert (last - first, first.weekday()) == (timedelta(days=6), 0)
    days = {
        "project_id": str(home.project_id),
        "from": issue["from"],
        "to": issue["to"],
    }
    kpis = data_of(
        home.get("/analytics/kpis", params={**days, "compare": "prior_period"})
    )
    assert len(issue["kpis"]) == 11
    for kpi in issue["kpis"]:
        assert kpi == {**kpis[kpi["name"]], "name": kpi["name"]}
    (leader,) = issue["leaders"]
    assert leader["creator_id"] == creator_id
    assert leader["tiktok_handle"] == "goat"
    assert leader["new_views"] == kpis["new_views"]["value"] > 0
    (video,) = issue["videos"]
    assert video["new_views"] == kpis["new_views"]["value"]
    chart = next(each for each in issue["charts"] if each["name"] == "new_views")
    assert sum(filter(None, chart["values"])) == kpis["new_views"]["value"]
    assert len(chart["values"]) == len(chart["previous"]) == 7
    assert issue["position"] <= home.goatherd.head

    # A later import and another colour change the past, and not the issue.
    data_of(home.patch(project, {"color": "#ffd400"}))
    home.found(creator_id, "5" * 18, posted_at=ago(9))
    for day in (9, 3):
        home.saw_videos(creator_id, {"5" * 18: round(90_000 / day)}, at=ago(day))
    home.goatherd.catch_up()
    later = data_of(home.get(f"{path}/{listed['number']}"))
    assert later == issue
    assert sent(home, report)["number"] == 2
    newest = data_of(home.get(f"/reports/{report['id']}/latest"))
    assert newest["kpis"][0] != issue["kpis"][0]
    assert newest["color"] == "#ffd400"


def test_an_issue_of_all_projects_has_the_totals_of_the_list(home: Tenant) -> None:
    a_posting_creator(home)
    report = made(home)

    sent(home, report)
    issue = data_of(home.get(f"/reports/{report['id']}/latest"))

    days = {"from": issue["from"], "to": issue["to"]}
    totals = home.get("/creators", params=days).json()["meta"]["totals"]
    by_name = {kpi["name"]: kpi["value"] for kpi in issue["kpis"]}
    for name in ("views", "new_views", "likes", "posts", "new_followers"):
        assert by_name[name] == totals[name], name
    chart = next(each for each in issue["charts"] if each["name"] == "new_views")
    assert sum(filter(None, chart["values"])) == totals["new_views"]
    assert [each["tiktok_handle"] for each in issue["leaders"]] == ["goat"]
    assert len(issue["videos"]) == 1


def test_an_issue_is_a_file_for_spreadsheets_as_well(home: Tenant) -> None:
    a_posting_creator(home)
    report = made(home, **of_project(home))
    sent(home, report)

    answer = home.get(f"/reports/{report['id']}/latest", params={"format": "csv"})

    assert answer.headers["content-type"].startswith("text/csv")
    rows = [*csv.DictReader(io.StringIO(answer.text))]
    issue = data_of(home.get(f"/reports/{report['id']}/latest"))
    views = next(row for row in rows if row["section"] == "kpis")
    assert views["figure"] == "new_views"
    assert int(views["value"]) == issue["kpis"][0]["value"]
    charted = [row for row in rows if row["section"] == "charts"]
    assert len(charted) == 7 * len(issue["charts"])
    assert {row["name"] for row in rows if row["section"] == "leaders"} == {"goat"}


def test_erased_people_leave_numbers_without_a_name(
    home: Tenant, goatherd: Goatherd
) -> None:
    creator_id = a_posting_creator(home, "gone.goat")
    report = made(home, **of_project(home))
    sent(home, report)
    path = f"/reports/{report['id']}/latest"
    before = data_of(home.get(path))

    erase = {"confirm": "gone.goat"}
    assert home.post(f"/creators/{creator_id}/erase", erase).status_code == 200
    goatherd.catch_up()
    after = data_of(home.get(path))

    assert after["kpis"] == before["kpis"]
    (leader,) = after["leaders"]
    assert (leader["tiktok_handle"], leader["display_name"]) == (None, None)
    assert leader["new_views"] == before["leaders"][0]["new_views"]
    (video,) = after["videos"]
    assert (video["title"], video["url"], video["tiktok_handle"]) == (None,) * 3
    assert "gone.goat" not in home.get(path).text
    assert b"gone.goat" not in b"".join(
        bytes(row[0])
        for row in goatherd.query(
            "SELECT state FROM goatherd_events WHERE originator_id = %s", report["id"]
        )
    )


def test_recipients_are_sealed_and_shown_to_writers_alone(
    home: Tenant, goatherd: Goatherd
) -> None:
    report = made(home, recipients=[ADA])
    viewer = home.with_key("read")

    (shown,) = data_of(viewer.get("/reports"))

    assert (shown["recipients"], shown["unsubscribed"]) == (None, None)
    assert shown["name"] == "Monday"
    stored = goatherd.query(
        "SELECT state FROM goatherd_events WHERE originator_id = %s", report["id"]
    )
    assert all(ADA.encode() not in bytes(row[0]) for row in stored)
    assert code_of(viewer.post(f"/reports/{report['id']}/send")) == (
        403,
        "insufficient_scope",
    )
    feed = home.get("/events", params={"types": "*"})
    assert ADA not in feed.text

    path = f"/reports/{report['id']}"
    data_of(home.patch(path, {"recipients": [BO]}))
    goatherd.catch_up()
    data_of(home.post(f"{path}/forget-texts"))
    # A process may hold the key for a second.
    assert wait_until(
        lambda: ADA not in repr(goatherd.events(report["id"])), seconds=PATIENTLY
    )
    goatherd.catch_up()
    assert data_of(home.get(path))["recipients"] == [BO]


def test_limited_people_see_and_send_reports_of_their_projects(
    home: Tenant, limits: dict[UUID, frozenset[UUID]]
) -> None:
    whole = made(home)
    own = made(home, **of_project(home))
    person = limited_to(home, limits, home.project_id)

    assert [each["id"] for each in data_of(person.get("/reports"))] == [own["id"]]
    assert code_of(person.post(f"/reports/{whole['id']}/send")) == (404, "not_found")
    assert code_of(person.post("/reports", {"name": "All"}))[0] == 404
    home.goatherd.catch_up()
    issue = data_of(person.post(f"/reports/{own['id']}/send"), status=201)
    home.goatherd.catch_up()
    path = f"/reports/{own['id']}/issues/{issue['number']}"
    assert data_of(person.get(path)) == data_of(home.get(path))
    data_of(home.post(f"/reports/{whole['id']}/send"), status=201)
    home.goatherd.catch_up()
    assert code_of(person.get(f"/reports/{whole['id']}/latest")) == (404, "not_found")


def test_reports_from_before_a_move_stay_with_those_who_see_the_other_project(
    home: Tenant, limits: dict[UUID, frozenset[UUID]]
) -> None:
    creator_id = a_posting_creator(home)
    of_creator = {"scope": {"type": "creator", "id": creator_id}}
    report = made(home, **of_creator, recipients=[ADA])
    first = sent(home, report)
    second = data_of(home.post("/projects", {"name": "Rival"}), status=201)
    move = {"project_id": second["id"], "history": "stay"}
    data_of(home.post(f"/creators/{creator_id}/move", move))
    home.goatherd.catch_up()
    later = made(home, **of_creator)
    sent(home, later)
    person = limited_to(home, limits, UUID(second["id"]))
    both = limited_to(home, limits, UUID(second["id"]), home.project_id)

    assert [each["id"] for each in data_of(person.get("/reports"))] == [later["id"]]
    assert len(data_of(person.get(f"/reports/{later['id']}/issues"))) == 1
    path = f"/reports/{report['id']}"
    for hidden in ("", "/issues", "/latest", f"/issues/{first['number']}"):
        assert code_of(person.get(f"{path}{hidden}")) == (404, "not_found"), hidden
    for refused in (
        person.patch(path, {"enabled": True}),
        person.patch(path, {"name": "Ours"}),
        person.post(f"{path}/send"),
        person.delete(path),
    ):
        assert code_of(refused) == (404, "not_found"), refused.text
    data_of(person.patch(f"/reports/{later['id']}", {"name": "Ours"}))
    for answer in (person.patch(path, {"hour": 5}), person.delete(path)):
        assert code_of(answer) == (404, "not_found")
    assert data_of(both.patch(path, {"hour": 5}))["hour"] == 5
    assert len(data_of(both.get("/reports"))) == 2

    # Somebody who sees both projects lets it go on in the new one.
    data_of(both.patch(path, {"enabled": True}))
    newest = sent(home, report)
    assert data_of(person.get(path))["recipients"] == [ADA]
    assert data_of(person.get(f"{path}/issues")) == [newest]
    assert len(data_of(both.get(f"{path}/issues"))) == 2
    assert data_of(person.post(f"{path}/send"), status=201)["number"] == 3


def test_an_issue_leaves_out_creators_that_moved_out_of_the_readers_sight(
    home: Tenant, limits: dict[UUID, frozenset[UUID]]
) -> None:
    moved, stays, erased = (a_posting_creator(home, each) for each in "xyz")
    report = made(home, **of_project(home))
    path = f"/reports/{report['id']}/issues/{sent(home, report)['number']}"
    second = data_of(home.post("/projects", {"name": "Rival"}), status=201)
    move = {"project_id": second["id"], "history": "whole"}
    data_of(home.post(f"/creators/{moved}/move", move))
    home.goatherd.catch_up()
    data_of(home.post(f"/creators/{erased}/erase", {"confirm": "z"}))
    home.goatherd.catch_up()
    person = limited_to(home, limits, home.project_id)
    link = {"scope": "report", "scope_id": report["id"]}
    share = data_of(home.post("/shares", link), status=201)
    home.goatherd.catch_up()
    guest = Visitor(home.goatherd)

    def ids(tenant: Tenant, list_: str) -> set[str]:
        return {each["creator_id"] for each in data_of(tenant.get(path))[list_]}

    for list_ in ("leaders", "gained", "videos"):
        assert ids(home, list_) == {moved, stays, erased}, list_
        assert ids(person, list_) == {stays, erased}, list_
    assert moved not in person.get(path, params={"format": "csv"}).text
    assert guest.get(urlsplit(share["url"]).path).text.count("Erased creator") == 2


def test_a_report_stops_when_its_creator_moves_until_somebody_switches_it_on(
    home: Tenant,
) -> None:
    creator_id = a_posting_creator(home)
    scope = {"type": "creator", "id": creator_id}
    report = made(home, scope=scope, recipients=[ADA])
    # The read model does not know this one yet.
    late = data_of(home.post("/reports", {"name": "Late", "scope": scope}), status=201)
    second = data_of(home.post("/projects", {"name": "Rival"}), status=201)
    move = {"project_id": second["id"], "history": "whole"}
    data_of(home.post(f"/creators/{creator_id}/move", move))
    home.goatherd.catch_up()

    path = f"/reports/{report['id']}"
    assert data_of(home.get(f"/creators/{creator_id}/move"))["reports"] == []
    for one in (path, f"/reports/{late['id']}"):
        stopped = data_of(home.get(one))
        assert (stopped["enabled"], stopped["stopped_because"]) == (
            False,
            "creator_moved",
        )
        assert stopped["next_due_at"] is None
    refused = home.post(f"{path}/send")
    assert code_of(refused) == (409, "report_stopped")
    assert "switch it on" in refused.text
    news = {
        (each["title"], each["path"]) for each in data_of(home.get("/notifications"))
    }
    title = "A report stopped, because its creator moved to another project"
    assert (title, path) in news
    assert data_of(home.patch(path, {"name": "Still"}))["stopped_because"]

    on = data_of(home.patch(path, {"enabled": True}))
    assert (on["stopped_because"], on["recipients"]) == (None, [ADA])
    home.goatherd.catch_up()
    preview = data_of(home.get(f"/creators/{creator_id}/move"))
    assert preview["reports"] == [{"id": report["id"], "name": "Still"}]
    assert on["next_due_at"] is not None
    assert sent(home, report)["number"] == 1
    visible = data_of(home.get(path))
    assert (visible["enabled"], visible["stopped_because"]) == (True, None)


def test_a_report_that_is_switched_on_during_a_move_stops_as_well(
    home: Tenant,
) -> None:
    creator_id = a_posting_creator(home)
    report = made(home, scope={"type": "creator", "id": creator_id})
    path = f"/reports/{report['id']}"
    places = [
        UUID(data_of(home.post("/projects", {"name": name}), status=201)["id"])
        for name in ("Rival", "Other")
    ]

    def moved(project_id: UUID, meanwhile: Callable[[], object]) -> None:
        store = home.goatherd.store
        move = c.MoveCreator(project_id=project_id, history="whole")
        command = MoveCommand(
            store, UUID(creator_id), move, organization_id=home.organization_id
        )
        left = [meanwhile]

        def once() -> None:
            while left:
                left.pop()()

        execute(
            store,
            command.handler,
            context=asking(),
            check=once,
            in_transaction=command.in_transaction,
        )
        home.goatherd.catch_up()

    moved(places[0], lambda: None)
    moved(places[1], lambda: data_of(home.patch(path, {"enabled": True})))

    stopped = data_of(home.get(path))
    assert (stopped["enabled"], stopped["stopped_because"]) == (False, "creator_moved")


def test_the_preview_of_an_erasure_names_reports_to_the_persons_own_address(
    home: Tenant,
) -> None:
    creator_id = home.add("goat")["id"]
    report = made(home, recipients=[ADA, BO])
    preview = f"/creators/{creator_id}/erase"
    assert data_of(home.get(preview))["mentions"] == []

    data_of(home.patch(f"/creators/{creator_id}", {"contact_email": ADA.title()}))
    (mention,) = data_of(home.get(preview))["mentions"]

    path = f"/reports/{report['id']}"
    assert (mention["kind"], mention["field"]) == ("report", "recipients")
    assert mention["change"] == f"PATCH {path}"
    data_of(home.patch(path, {"recipients": [BO]}))
    home.goatherd.catch_up()
    (mention,) = data_of(home.get(preview))["mentions"]
    assert mention["earlier"]
    data_of(home.post(f"{path}/forget-texts"))
    home.goatherd.catch_up()
    # A process may hold the key for a second.
    assert wait_until(
        lambda: data_of(home.get(preview))["mentions"] == [], seconds=PATIENTLY
    )
