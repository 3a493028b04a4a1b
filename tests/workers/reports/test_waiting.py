"""Issues wait until everything is counted that was observed until they fell due."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from api.cli.doctor.checks import check_reports
from api.cli.doctor.results import WarningError
from api.cli.up.demo import import_history, make_weekly_report, track_demo
from api.cli.up.first_run import FirstOrganization
from application.due.worker import DueKind, DueWorker
from application.running_imports import running_import
from domain import events as e
from domain.organization.plans import DEFAULT_PLANS
from domain.streams import demo_report
from infra.eventstore.store import Store
from projections.engine.follower import Follower
from tests.kit.application import Goatherd, Tenant, code_of, data_of, own_installation
from tests.kit.videos import known_videos, settle, take_in
from tests.kit.visitor import Visitor
from workers.reports import issues
from workers.reports.issues import ReportIssues
from workers.reports.touches import KIND, ReportTouches

WEEK = timedelta(days=7)
REASONS = {
    "import": "an import of its project to end",
    "counting": "the newest observations to be counted",
}


@pytest.fixture
def goatherd(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    yield from own_installation(postgres_url, template_database)


@pytest.fixture
def home(goatherd: Goatherd) -> Tenant:
    return goatherd.tenant(is_operator=True)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issues, "_PATIENCE_SECONDS", 0.1)


def work(store: Store) -> None:
    """Let the worker look at each report whose time has come, waiting or not."""
    follower = Follower(ReportTouches(), pool=store.pool, codec=store.codec)
    follower.register()
    follower.catch_up()
    with store.pool.connection() as connection:
        connection.execute("UPDATE due_work SET due_at = now(), not_before = now()")
    issues_of_store = ReportIssues(store, store.settings.all_plans)
    worker = DueWorker(
        store.pool,
        DueKind(name=KIND, handle=issues_of_store.handle, lease=timedelta(seconds=60)),
    )
    while worker.do_next():
        pass


def a_due_report(home: Tenant, **fields: object) -> str:
    """A report that has fallen due once, and was never issued."""
    made = data_of(home.post("/reports", {"name": "Monday", **fields}), status=201)
    home.goatherd.append(
        made["id"],
        e.ReportChanged(
            organization_id=home.organization_id,
            scheduled_from=datetime.now(UTC) - WEEK,
        ),
    )
    home.goatherd.catch_up()
    return made["id"]


def of_project(project_id: UUID | str) -> dict[str, Any]:
    return {"scope": {"type": "project", "id": str(project_id)}}


def visitor_of(home: Tenant) -> Visitor:
    visitor = Visitor(home.goatherd)
    visitor.sign_in(home.key)
    return visitor


def seen(home: Tenant, report_id: UUID | str) -> dict[str, Any]:
    home.goatherd.catch_up()
    return data_of(home.get(f"/reports/{report_id}"))


def test_the_issue_of_the_demo_waits_for_its_past_and_equals_home(
    home: Tenant, goatherd: Goatherd
) -> None:
    first = FirstOrganization(organization_id=home.organization_id)
    store, report_id = goatherd.store, demo_report(home.organization_id)
    known_videos(store)
    track_demo(store, first, plans=DEFAULT_PLANS)
    import_history(store, first)
    make_weekly_report(store, first)

    # The read models have not read the import, then the policies have not, and then
    # these have found videos and not discovered them.
    work(store)
    waits = [seen(home, report_id)["waiting"]]
    work(store)
    waits.append(seen(home, report_id)["waiting"])
    take_in(store)
    work(store)
    waits.append(seen(home, report_id)["waiting"])
    assert [wait and wait["because"] for wait in waits] == ["counting"] * 3
    assert len({wait["since"] for wait in waits}) == 1
    settle(store)
    goatherd.catch_up()
    work(store)

    report = seen(home, report_id)
    issue = data_of(home.get(f"/reports/{report_id}/latest"))
    assert (report["waiting"], report["issue_count"]) == (None, 1)
    assert issue["incomplete_because"] is None
    query = {
        "project_id": str(home.project_id),
        "from": issue["from"],
        "to": issue["to"],
        "tz": issue["time_zone"],
        "compare": "prior_period",
    }
    at_home = data_of(home.get("/analytics/kpis", params=query))
    assert issue["creators_in_all"] == 4
    for figure in issue["kpis"]:
        name = figure.pop("name")
        assert figure == at_home[name]


def test_an_issue_waits_for_imports_of_its_project_alone(
    home: Tenant, goatherd: Goatherd
) -> None:
    other = data_of(home.post("/projects", {"name": "Other"}), status=201)["id"]
    campaign = data_of(
        home.post(f"/projects/{home.project_id}/campaigns", {"name": "Spring"}),
        status=201,
    )
    creator = home.add("goat")
    goatherd.catch_up()
    waiting = [
        a_due_report(home, **scope)
        for scope in (
            {},
            of_project(home.project_id),
            {"scope": {"type": "campaign", "id": campaign["id"]}},
            {"scope": {"type": "creator", "id": creator["id"]}},
        )
    ]
    going_on = a_due_report(home, **of_project(other))

    with running_import(goatherd.url, home.project_id):
        work(goatherd.store)
        during = {each: seen(home, each) for each in (*waiting, going_on)}
        refused = home.post(f"/reports/{waiting[0]}/send")
        page = visitor_of(home).see(f"/reports/{waiting[0]}").text
    # Each issue is an event that the next one knows.
    for _ in waiting:
        goatherd.catch_up()
        work(goatherd.store)

    assert {during[each]["waiting"]["because"] for each in waiting} == {"import"}
    assert [during[each]["issue_count"] for each in waiting] == [0] * 4
    assert (during[going_on]["waiting"], during[going_on]["issue_count"]) == (None, 1)
    assert code_of(refused) == (503, "projection_behind")
    assert "waits for an import of its project to end" in refused.json()["error"]
    assert "The next issue waits." in page
    assert "it waits for an import of its project to end" in page
    for each in waiting:
        after = seen(home, each)
        assert (after["waiting"], after["issue_count"]) == (None, 1)
        shown = data_of(home.get(f"/reports/{each}/latest"))
        assert shown["incomplete_because"] is None


def test_a_read_model_that_never_started_lets_an_issue_wait(
    home: Tenant, goatherd: Goatherd
) -> None:
    report_id = a_due_report(home)
    goatherd.query("UPDATE projection SET name = 'away' WHERE name = 'analytics'")
    try:
        work(goatherd.store)
    finally:
        goatherd.query("UPDATE projection SET name = 'analytics' WHERE name = 'away'")

    after = seen(home, report_id)
    assert (after["waiting"]["because"], after["issue_count"]) == ("counting", 0)


def test_a_task_that_fails_again_and_again_lets_no_issue_wait(
    home: Tenant, goatherd: Goatherd
) -> None:
    report_id = a_due_report(home)
    of = home.organization_id
    goatherd.query(
        "INSERT INTO policy_task (position, subject, kind, organization_id) "
        "VALUES (1, %s, 'window', %s)", of, of
    )  # fmt: skip
    counts: list[int] = []
    for failures in (0, 5):
        goatherd.query("UPDATE policy_task SET failures = %s", failures)
        work(goatherd.store)
        counts.append(seen(home, report_id)["issue_count"])

    assert counts == [0, 1]


def test_after_two_hours_an_issue_is_made_and_says_that_it_may_be_incomplete(
    home: Tenant, goatherd: Goatherd
) -> None:
    report_id = a_due_report(home)

    def waited(minutes: int) -> None:
        since = datetime.now(UTC) - timedelta(minutes=minutes)
        goatherd.query("UPDATE report_waits SET since = %s", since)

    def advice() -> str:
        with psycopg.connect(goatherd.url) as connection:
            return check_reports(connection)

    assert advice() == "No issue of a report waits."
    with running_import(goatherd.url, home.project_id):
        work(goatherd.store)
        assert advice() == f"1 report waits for {REASONS['import']}."
        waited(119)
        work(goatherd.store)
        assert seen(home, report_id)["issue_count"] == 0
        with pytest.raises(WarningError, match="the longest for 119 minutes"):
            advice()
        waited(120)
        work(goatherd.store)

    assert advice() == "No issue of a report waits."
    report = seen(home, report_id)
    assert (report["waiting"], report["issue_count"]) == (None, 1)
    issue = data_of(home.get(f"/reports/{report_id}/latest"))
    (listed,) = data_of(home.get(f"/reports/{report_id}/issues"))
    assert issue["incomplete_because"] == listed["incomplete_because"] == "import"
    page = visitor_of(home).see(f"/reports/{report_id}/latest").text
    assert (
        "These numbers may be incomplete: they waited 2 hours for an import of its "
        "project to end, in vain."
    ) in page


def test_a_report_that_is_switched_off_waits_no_more(
    home: Tenant, goatherd: Goatherd
) -> None:
    report_id = a_due_report(home)
    with running_import(goatherd.url, home.project_id):
        work(goatherd.store)
        data_of(home.patch(f"/reports/{report_id}", {"enabled": False}))
        work(goatherd.store)

    assert seen(home, report_id)["waiting"] is None
    assert goatherd.query("SELECT count(*) FROM report_waits") == [(0,)]
