"""A source begins to fail and recovers: each change is an event, once."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain import commands as c
from domain import events as e
from domain.messages import Outcome
from domain.scrape.source_health import decide, source_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WEB = {"organization_id": UUID(int=1), "provider": "web"}
FAILING = e.SourceFailing(**WEB, outcome="blocked", since=NOON)
RECOVERED = e.SourceRecovered(**WEB, since=NOON)


def reported(
    *history: e.SourceEvent, newest: list[Outcome | None], waiting: int = 0
) -> list[e.SourceEvent]:
    retrying: dict[Outcome, int] = {"blocked": waiting} if waiting else {}
    now = NOON + timedelta(hours=len(history))
    command = c.ReportSource(**WEB, newest=tuple(newest), retrying=retrying, now=now)
    return decide(source_of(history), command)


def test_a_source_that_mostly_fails_begins_to_fail():
    assert reported(newest=["blocked", "blocked", "ok", "blocked"]) == [FAILING]
    assert reported(newest=["ok"], waiting=3) == [FAILING]


def test_a_source_that_goes_on_as_before_causes_nothing():
    assert reported(newest=["ok", "blocked", "ok"]) == []
    assert reported(FAILING, newest=["transient"] * 3) == []
    assert reported(FAILING, RECOVERED, newest=["ok"]) == []


def test_a_source_recovers_by_an_answer_alone():
    assert reported(FAILING, newest=["ok", "ok", "blocked"]) == [RECOVERED]
    assert reported(FAILING, newest=[]) == []
    assert reported(FAILING, newest=[None, "not_in_recording"]) == []
    again = reported(FAILING, RECOVERED, newest=["blocked"] * 3)
    assert [type(each) for each in again] == [e.SourceFailing]
