"""Reports: made, changed, issued once for each time, unsubscribed from and removed."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.errors import BlankNameError, CorruptHistoryError, NotFoundError
from domain.messages import copied
from domain.report.contents import SECTIONS, Contents
from domain.report.decider import ReportState, decide, evolve, make, report_of
from domain.report.errors import InvalidReportError, ReportStoppedError
from domain.report.issue import ReportScope
from tests.kit.builders import NOON, ORGANIZATION
from tests.kit.scenario import Scenario

ADA, BO = "ada@example.com", "bo@example.com"
OF: dict[str, Any] = {"organization_id": ORGANIZATION}
WHOLE = ReportScope(type="org")
MAKE = c.MakeReport(**OF, scope=WHOLE, name="Monday", recipients=(ADA, BO), at=NOON)
MADE = e.ReportMade(
    **OF,
    scope=WHOLE,
    name="Monday",
    period="weekly",
    weekday="monday",
    hour=9,
    recipients=(ADA, BO),
    sections=SECTIONS,
    scheduled_from=NOON,
)
LATER = NOON + timedelta(days=3)
ISSUE = c.IssueReport(
    period="weekly",
    first_day=date(2026, 2, 23),
    last_day=date(2026, 3, 1),
    compare_first_day=None,
    compare_last_day=None,
    time_zone="UTC",
    position=7,
    due_at=NOON,
    sections=SECTIONS,
    contents=Contents(),
    mailed=2,
)
ISSUED = copied(ISSUE, e.ReportIssued, **OF, scope=WHOLE, number=1)
UNSUBSCRIBED = e.RecipientUnsubscribed(**OF, address=ADA)
REMOVED = e.ReportRemoved(**OF)


def changing(**fields: object) -> c.ChangeReport:
    return c.ChangeReport(at=LATER, **fields)  # pyright: ignore[reportArgumentType]


@pytest.fixture
def scenario() -> Scenario[ReportState | None, c.ReportCommand, e.ReportEvent]:
    return Scenario(decide, evolve, nothing=None)


def test_a_report_keeps_each_address_once_and_sections_in_their_order():
    doubled = (f" {ADA} ", "ADA@Example.com", BO)
    chosen = replace(MAKE, recipients=doubled, sections=("videos", "kpis", "videos"))

    assert make(MAKE) == [MADE]
    assert make(chosen) == [replace(MADE, sections=("kpis", "videos"))]


def test_a_report_that_is_not_possible_is_refused():
    of_creator = ReportScope(type="creator", id=UUID(int=7))
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"hour": 24}, "hour"),
        ({"recipients": ("ada",)}, "recipients"),
        ({"recipients": tuple(f"a{n}@b.example" for n in range(51))}, "recipients"),
        ({"sections": ()}, "sections"),
        ({"sections": ("leaders",), "scope": of_creator}, "sections"),
    ]
    for fields, name in wrong:
        with pytest.raises(InvalidReportError) as refused:
            make(replace(MAKE, **fields))
        assert refused.value.field == name
    with pytest.raises(BlankNameError):
        make(replace(MAKE, name=" "))


def test_other_times_begin_when_they_are_chosen(
    scenario: Scenario[ReportState | None, c.ReportCommand, e.ReportEvent],
):
    off = e.ReportChanged(**OF, enabled=False)
    scenario.given(MADE).when(changing(enabled=False)).then(off)
    scenario.given(MADE, off).when(changing(enabled=True)).then(
        e.ReportChanged(**OF, enabled=True, scheduled_from=LATER)
    )
    scenario.given(MADE).when(changing(weekday="friday", hour=16)).then(
        e.ReportChanged(**OF, weekday="friday", hour=16, scheduled_from=LATER)
    )
    scenario.given(MADE).when(changing(name="Later")).then(
        e.ReportChanged(**OF, name="Later")
    )
    scenario.given(MADE).when(changing(name="Monday", hour=9)).then_nothing()


def test_an_issue_is_made_once_for_each_time(
    scenario: Scenario[ReportState | None, c.ReportCommand, e.ReportEvent],
):
    week = timedelta(days=7)
    days = {"first_day": date(2026, 3, 2), "last_day": date(2026, 3, 8)}
    second = replace(ISSUE, due_at=NOON + week, **days)
    by_hand = replace(ISSUE, due_at=None)

    scenario.given(MADE).when(ISSUE).then(ISSUED)
    scenario.given(MADE, ISSUED).when(ISSUE).then_nothing()
    scenario.given(MADE, ISSUED).when(replace(ISSUE, due_at=NOON - week)).then_nothing()
    scenario.given(MADE, ISSUED).when(second).then(
        replace(ISSUED, due_at=NOON + week, number=2, **days)
    )
    scenario.given(MADE, ISSUED).when(by_hand).then(
        replace(ISSUED, due_at=None, number=2)
    )
    scenario.given(MADE, REMOVED).when(ISSUE).then_refused(NotFoundError)


def test_days_that_had_an_issue_are_not_due_again(
    scenario: Scenario[ReportState | None, c.ReportCommand, e.ReportEvent],
):
    """They are in a place further west, at a later hour, and after both."""
    tokyo = datetime(2026, 3, 2, 0, tzinfo=UTC)
    issued = replace(ISSUED, due_at=tokyo)
    later = e.ReportChanged(**OF, hour=18, scheduled_from=tokyo + timedelta(hours=1))
    monthly = e.ReportChanged(**OF, period="monthly", scheduled_from=LATER)
    honolulu = datetime(2026, 3, 9, 19, tzinfo=UTC)

    scenario.given(MADE, issued).when(
        replace(ISSUE, due_at=tokyo + timedelta(hours=19))
    ).then_nothing()
    for history, zone, due_at in (
        ([MADE, issued], "Asia/Tokyo", datetime(2026, 3, 9, 0, tzinfo=UTC)),
        ([MADE, issued], "Pacific/Honolulu", honolulu),
        ([MADE, issued, later], "Asia/Tokyo", datetime(2026, 3, 9, 9, tzinfo=UTC)),
        # A month is another period, also one that ended before the week.
        ([MADE, issued, monthly], "UTC", datetime(2026, 4, 1, 9, tzinfo=UTC)),
        # One that somebody asked for keeps nothing from falling due.
        ([MADE, replace(ISSUED, due_at=None)], "UTC", tokyo + timedelta(hours=9)),
    ):
        state = report_of(history)
        assert state is not None
        assert state.due_at(zone) == due_at, (zone, len(history))


def test_the_next_issue_follows_the_last_one_or_the_choice_of_times():
    made = evolve(None, MADE)
    monday = datetime(2026, 3, 2, 9, tzinfo=UTC)

    assert made.due_at("UTC") == monday
    issued = evolve(made, replace(ISSUED, due_at=monday))
    assert issued.due_at("UTC") == monday + timedelta(days=7)
    off = evolve(issued, e.ReportChanged(**OF, enabled=False))
    assert off.due_at("UTC") is None
    long_after = monday + timedelta(days=70)
    back = e.ReportChanged(**OF, enabled=True, scheduled_from=long_after)
    assert evolve(off, back).due_at("UTC") == long_after + timedelta(days=7)
    assert evolve(issued, REMOVED).due_at("UTC") is None


def test_a_stopped_report_makes_no_issue_before_somebody_switches_it_on(
    scenario: Scenario[ReportState | None, c.ReportCommand, e.ReportEvent],
):
    stop = c.StopReport(because="creator_moved")
    stopped = e.ReportChanged(**OF, enabled=False, stopped_because="creator_moved")
    off = e.ReportChanged(**OF, enabled=False)
    on = e.ReportChanged(**OF, enabled=True, stopped_because=None, scheduled_from=LATER)
    by_hand = replace(ISSUE, due_at=None)

    scenario.given(MADE).when(stop).then(stopped)
    scenario.given(MADE, off).when(stop).then(stopped)
    scenario.given(MADE, stopped).when(stop).then_nothing()
    scenario.given(MADE, REMOVED).when(stop).then_nothing()
    scenario.given(MADE, stopped).when(by_hand).then_refused(ReportStoppedError)
    scenario.given(MADE, off).when(by_hand).then(replace(ISSUED, due_at=None))
    scenario.given(MADE, stopped).when(changing(enabled=True)).then(on)
    scenario.given(MADE, stopped, on).when(by_hand).then(replace(ISSUED, due_at=None))
    scenario.given(MADE, stopped, on).when(stop).then(stopped)
    state = report_of([MADE, stopped])
    assert state is not None
    assert state.due_at("UTC") is None


def test_a_recipient_unsubscribes_once_and_is_not_added_again(
    scenario: Scenario[ReportState | None, c.ReportCommand, e.ReportEvent],
):
    leave = c.UnsubscribeRecipient(address="ADA@example.com")

    scenario.given(MADE).when(leave).then(UNSUBSCRIBED)
    scenario.given(MADE, UNSUBSCRIBED).when(leave).then_nothing()
    scenario.given(MADE, REMOVED).when(leave).then_nothing()
    scenario.given(MADE, UNSUBSCRIBED).when(changing(recipients=(ADA,))).then_refused(
        InvalidReportError
    )
    state = report_of([MADE, UNSUBSCRIBED])
    assert state is not None
    assert (state.recipients, state.unsubscribed) == ((BO,), (ADA,))


def test_nothing_happens_to_what_is_gone(
    scenario: Scenario[ReportState | None, c.ReportCommand, e.ReportEvent],
):
    scenario.given(MADE).when(c.RemoveReport()).then(REMOVED)
    scenario.given(MADE, REMOVED).when(c.RemoveReport()).then_nothing()
    scenario.given(MADE, REMOVED).when(changing(name="x")).then_refused(NotFoundError)
    scenario.given().when(changing(name="x")).then_refused(NotFoundError)
    with pytest.raises(CorruptHistoryError):
        evolve(None, REMOVED)
    assert report_of([]) is None


def test_earlier_texts_are_forgotten_with_their_addresses():
    kept = {"name": "Monday", "recipients": [BO]}
    forgotten = e.EarlierTextsForgotten(
        **OF, kind="report", of=UUID(int=1), subject=UUID(int=2), texts=kept
    )

    state = report_of([MADE, UNSUBSCRIBED, forgotten])

    assert state is not None
    assert (state.recipients, state.unsubscribed) == ((BO,), ())
