"""Sentences for events of reports, without the actor."""

from msgspec import UNSET

from domain.phrases import counted, joined
from domain.report import events as e
from domain.report.contents import SECTION_TITLES

SentencedReportEvent = (
    e.ReportMade | e.ReportChanged | e.RecipientUnsubscribed | e.ReportRemoved
)


def sentence(event: SentencedReportEvent) -> str:
    match event:
        case e.ReportMade(name=name, period=period):
            named = "" if name == "erased" else f' "{name}"'
            to = counted(len(event.recipients), "recipient")
            return f"{period.title()} report{named} with {to} made"
        case e.ReportChanged():
            return f"Report changed: {joined(_changes(event))},"
        case e.RecipientUnsubscribed():
            return "Recipient of a report unsubscribed"
        case e.ReportRemoved():
            return "Report removed"


def _switched(event: e.ReportChanged) -> str:
    if event.stopped_because == "creator_moved":
        return "stopped, because its creator moved to another project"
    return "switched on" if event.enabled else "switched off"


def _changes(event: e.ReportChanged) -> list[str]:
    changes: list[str] = []
    if event.name is not UNSET:
        changes.append(f'named "{event.name}"')
    if event.period is not UNSET:
        changes.append(f"{event.period}")
    if event.weekday is not UNSET:
        changes.append(f"on {event.weekday.title()}")
    if event.hour is not UNSET:
        changes.append(f"at {event.hour}:00")
    if event.recipients is not UNSET:
        changes.append(counted(len(event.recipients), "recipient"))
    if event.sections is not UNSET:
        titles = [SECTION_TITLES[each].lower() for each in event.sections]
        changes.append(f"shows {joined(titles)}")
    if event.enabled is not UNSET:
        changes.append(_switched(event))
    return changes
