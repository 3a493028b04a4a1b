"""Issues that fall due: each is made once, and the newest one is sent once."""

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from application.due.worker import DueKind, DueWorker
from domain import events as e
from domain.report.events import Weekday
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store, open_store
from infra.settings import Settings
from projections.engine.follower import Follower
from projections.rebuild.rebuild import rebuild
from projections.reports.projection import Reports
from tests.kit.application import Goatherd, Tenant, data_of, own_installation
from tests.kit.faults import victim
from tests.kit.patience import PATIENTLY
from tests.kit.threads import due_done
from workers.reports.issues import ReportIssues
from workers.reports.touches import KIND, ReportTouches

DAY, WEEK = timedelta(days=1), timedelta(days=7)
MISSED = 5
ADA, BO = "ada@example.com", "bo@example.com"
SMTP = "smtp://127.0.0.1:9?from=goat@herd.example&tls=none"


@pytest.fixture(scope="module")
def goatherd(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    yield from own_installation(postgres_url, template_database)


@pytest.fixture
def home(goatherd: Goatherd) -> Tenant:
    return goatherd.tenant(is_operator=True)


def kind_of(store: Store) -> DueKind:
    issues = ReportIssues(store, store.settings.all_plans)
    return DueKind(name=KIND, handle=issues.handle, lease=timedelta(seconds=2))


def mailing_store(url: str, settings: Settings) -> Store:
    return open_store(url, pool_size=4, settings=replace(settings, smtp_url=SMTP))


def made_weeks_ago(home: Tenant, weeks: int, **fields: object) -> str:
    """A report that has fallen due so many times, and was never issued."""
    report = {"name": "Monday", "recipients": [ADA, BO], **fields}
    made = data_of(home.post("/reports", report), status=201)
    home.goatherd.append(
        made["id"],
        e.ReportChanged(
            organization_id=home.organization_id,
            scheduled_from=datetime.now(UTC) - weeks * WEEK,
        ),
    )
    touch(home.goatherd)
    return made["id"]


def touch(goatherd: Goatherd) -> None:
    goatherd.catch_up()
    store = goatherd.store
    follower = Follower(ReportTouches(), pool=store.pool, codec=store.codec)
    follower.register()
    follower.catch_up()


def issues_of(goatherd: Goatherd, report_id: str) -> list[e.ReportIssued]:
    """The issues of a report; workers wait for the read models meanwhile."""
    goatherd.catch_up()
    return [
        event
        for event in goatherd.events(report_id)
        if isinstance(event, e.ReportIssued)
    ]


NEVER = datetime.max.replace(tzinfo=UTC)


def due_at(goatherd: Goatherd, report_id: str) -> datetime:
    rows = goatherd.query(
        "SELECT due_at FROM due_work WHERE kind = %s AND key = %s", KIND, report_id
    )
    return rows[0][0] if rows else NEVER


def work_until_killed(url: str, settings: Settings) -> None:
    store = mailing_store(url, settings)
    with due_done(url, store.pool, kind_of(store)):
        threading.Event().wait()


def test_killed_workers_make_each_missed_issue_once_and_send_the_newest(
    home: Tenant, goatherd: Goatherd
):
    report_id = made_weeks_ago(home, MISSED)
    settings = goatherd.store.settings

    for part in (1, 3):
        with victim(work_until_killed, goatherd.url, settings) as process:
            assert wait_until(
                lambda part=part: len(issues_of(goatherd, report_id)) >= part,
                seconds=PATIENTLY,
            )
            process.kill()
    with victim(work_until_killed, goatherd.url, settings):
        assert wait_until(
            lambda: len(issues_of(goatherd, report_id)) >= MISSED, seconds=PATIENTLY
        )
        now = datetime.now(UTC)
        assert wait_until(lambda: due_at(goatherd, report_id) > now, seconds=PATIENTLY)

    issues = issues_of(goatherd, report_id)
    times = [issue.due_at for issue in issues]
    assert set(Counter(times).values()) == {1}
    assert times == sorted(filter(None, times))
    assert [issue.number for issue in issues] == [*range(1, MISSED + 1)]
    assert [issue.mailed for issue in issues] == [0] * (MISSED - 1) + [2]
    for issue in issues:
        assert issue.due_at is not None
        assert issue.last_day - issue.first_day == timedelta(days=6)
        assert issue.last_day == (issue.due_at - timedelta(days=1)).date()
    assert goatherd.query("SELECT count(*) FROM mails")[0][0] == 2
    news = goatherd.query("SELECT path FROM notifications WHERE kind = 'report'")
    assert news == [(f"/reports/{report_id}/issues/{MISSED}",)]


def test_work_follows_the_report_and_the_time_zone(home: Tenant, goatherd: Goatherd):
    report_id = made_weeks_ago(home, 0, weekday="monday", hour=9)
    worker = DueWorker(goatherd.store.pool, kind_of(goatherd.store))

    def works() -> None:
        touch(goatherd)
        while worker.do_next():
            pass

    works()
    waiting = due_at(goatherd, report_id)
    assert datetime.now(UTC) < waiting < NEVER
    assert issues_of(goatherd, report_id) == []

    data_of(home.patch(f"/reports/{report_id}", {"enabled": False}))
    works()
    assert due_at(goatherd, report_id) == NEVER

    data_of(home.patch(f"/reports/{report_id}", {"enabled": True}))
    works()
    assert due_at(goatherd, report_id) < NEVER
    data_of(home.patch("/organization", {"time_zone": "Asia/Tokyo"}))
    goatherd.query(
        "UPDATE due_work SET due_at = now() + interval '9 days' WHERE key = %s",
        report_id,
    )
    touch(goatherd)
    assert due_at(goatherd, report_id) <= datetime.now(UTC)
    works()
    shown = data_of(home.get(f"/reports/{report_id}"))
    expected = datetime.fromisoformat(shown["next_due_at"])
    tomorrow = datetime.now(UTC) + timedelta(days=1, minutes=1)
    assert due_at(goatherd, report_id) <= min(expected, tomorrow)

    data_of(home.delete(f"/reports/{report_id}"))
    works()
    assert due_at(goatherd, report_id) == NEVER


def test_no_issue_is_made_while_the_project_is_archived(
    home: Tenant, goatherd: Goatherd
):
    data_of(home.post("/projects", {"name": "Another"}), status=201)
    scope = {"type": "project", "id": str(home.project_id)}
    goatherd.catch_up()
    report_id = made_weeks_ago(home, 1, scope=scope)
    worker = DueWorker(goatherd.store.pool, kind_of(goatherd.store))

    def works() -> None:
        goatherd.catch_up()
        touch(goatherd)
        goatherd.query(
            "UPDATE due_work SET due_at = now(), not_before = now() WHERE key = %s",
            report_id,
        )
        while worker.do_next():
            pass

    data_of(home.delete(f"/projects/{home.project_id}"))
    works()
    archived, waits = issues_of(goatherd, report_id), due_at(goatherd, report_id)
    data_of(home.post(f"/projects/{home.project_id}/restore"))
    works()

    assert archived == []
    assert datetime.now(UTC) < waits < NEVER
    assert len(issues_of(goatherd, report_id)) == 1


def test_days_that_had_an_issue_are_not_due_again_in_a_zone_further_west(
    home: Tenant, goatherd: Goatherd
):
    # Both places have passed the hour, 26 hours apart.
    then = datetime.now(UTC).astimezone(ZoneInfo("Pacific/Kiritimati")) - 2 * DAY
    zone = {"time_zone": "Pacific/Kiritimati"}
    data_of(home.patch("/organization", zone))
    report_id = made_weeks_ago(
        home, 1, weekday=get_args(Weekday)[then.weekday()], hour=then.hour
    )
    worker = DueWorker(goatherd.store.pool, kind_of(goatherd.store))

    def works() -> None:
        touch(goatherd)
        while worker.do_next():
            pass

    works()
    (issue,) = issues_of(goatherd, report_id)
    data_of(home.patch("/organization", {"time_zone": "Etc/GMT+12"}))
    works()
    again = issues_of(goatherd, report_id)
    shown = [data_of(home.get(f"/reports/{report_id}"))["next_due_at"]]
    rebuild(goatherd.store, Reports(), by="test")
    goatherd.catch_up()
    shown.append(data_of(home.get(f"/reports/{report_id}"))["next_due_at"])
    works()

    assert again == issues_of(goatherd, report_id) == [issue]
    assert issue.due_at is not None
    next_at = issue.due_at + 7 * DAY + timedelta(hours=26)
    assert [*map(datetime.fromisoformat, shown)] == [next_at] * 2


def test_without_a_mail_server_issues_are_made_and_not_sent(
    home: Tenant, goatherd: Goatherd
):
    before = goatherd.query("SELECT count(*) FROM mails")[0][0]
    report_id = made_weeks_ago(home, 1)
    store = goatherd.store
    no_server = open_store(
        goatherd.url, pool_size=4, settings=replace(store.settings, smtp_url=None)
    )
    try:
        worker = DueWorker(no_server.pool, kind_of(no_server))
        while worker.do_next():
            pass
    finally:
        no_server.pool.close()

    (issue,) = issues_of(goatherd, report_id)
    assert issue.mailed == 0
    assert goatherd.query("SELECT count(*) FROM mails")[0][0] == before


def test_an_issue_that_fell_due_before_a_restore_is_made_and_not_mailed(
    home: Tenant, goatherd: Goatherd
):
    store = mailing_store(goatherd.url, goatherd.store.settings)
    worker = DueWorker(store.pool, kind_of(store))

    def mailed_by(report_id: str) -> int:
        while worker.do_next():
            pass
        return issues_of(goatherd, report_id)[-1].mailed

    before = goatherd.query("SELECT count(*) FROM mails")[0][0]
    goatherd.query("INSERT INTO restores VALUES (now()), (now() - interval '9 days')")
    try:
        held_back = made_weeks_ago(home, 1)
        assert mailed_by(held_back) == 0
        # One that fell due after the restore is sent.
        goatherd.query("UPDATE restores SET at = now() - interval '8 days'")
        assert mailed_by(made_weeks_ago(home, 1)) == 2
    finally:
        goatherd.query("DELETE FROM restores")
        store.pool.close()

    assert goatherd.query("SELECT count(*) FROM mails")[0][0] == before + 2
    ((title,),) = goatherd.query(
        "SELECT title FROM notifications WHERE path = %s",
        f"/reports/{held_back}/issues/1",
    )
    assert title == "A weekly report is ready, and was not sent after the restore"


def test_a_rebuild_makes_the_same_issues_again(home: Tenant, goatherd: Goatherd):
    report_id = made_weeks_ago(home, 0)
    data_of(home.post(f"/reports/{report_id}/send"), status=201)
    goatherd.catch_up()
    before: Any = data_of(home.get(f"/reports/{report_id}/latest"))

    rebuild(goatherd.store, Reports(), by="test")
    goatherd.catch_up()

    assert data_of(home.get(f"/reports/{report_id}/latest")) == before
    assert UUID(before["report_id"]) == UUID(report_id)
