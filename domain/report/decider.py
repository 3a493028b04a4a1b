"""Reports: the state of one, the events that commands cause, and their effects."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, assert_never
from zoneinfo import ZoneInfo

from msgspec import UNSET
from msgspec.structs import replace

from domain.decisions import check_name
from domain.email import checked_email, same_email
from domain.errors import InvalidEmailError, NotFoundError
from domain.messages import changed_fields, copied
from domain.report import commands as c
from domain.report import events as e
from domain.report.contents import SECTIONS, SectionName
from domain.report.errors import InvalidReportError, ReportStoppedError
from domain.report.issue import ReportScope
from domain.report.schedule import IssuedPeriods, ReportSchedule
from domain.texts import EarlierTextsForgotten, texts_after
from domain.thing import Thing

MOST_RECIPIENTS: Final = 50
LAST_HOUR: Final = 23
# The fields of a report that people can change, and the texts that it keeps.
DETAILS = (*("name", "period", "weekday", "hour", "recipients", "sections", "enabled"),)
CHANGED = (*DETAILS, "scheduled_from", "stopped_because")
TEXTS = ("name", "recipients", "unsubscribed")
# The sections that compare creators, which a report about one creator has not.
_OF_SEVERAL: frozenset[SectionName] = frozenset({"leaders", "gained_and_lost"})
_TIMES = frozenset({"period", "weekday", "hour"})


class ReportState(e.ReportFields, frozen=True, kw_only=True):
    """A report after its history.

    ``issues`` is the number of its issues, and ``last_due_at`` the time at which the
    newest one fell due. ``issued`` are the periods that had one which fell due.
    ``unsubscribed`` are the addresses that want no more mails. ``stopped_because`` is
    the reason for which it is off, None if somebody switched it off.
    """

    version: int = 1
    stopped_because: e.StopReason | None = None
    unsubscribed: tuple[str, ...] = ()
    issues: int = 0
    last_due_at: datetime | None = None
    issued: IssuedPeriods = IssuedPeriods()
    is_removed: bool = False

    def schedule(self, time_zone: str) -> ReportSchedule:
        """Return the times of the report in a time zone."""
        return ReportSchedule(
            period=self.period,
            weekday=self.weekday,
            hour=self.hour,
            zone=ZoneInfo(time_zone),
        )

    def due_at(self, time_zone: str) -> datetime | None:
        """Return when the next issue falls due, also if that is over; None if never."""
        if self.is_removed or not self.enabled:
            return None
        return self.schedule(time_zone).next_due(
            scheduled_from=self.scheduled_from,
            last_due_at=self.last_due_at,
            issued=self.issued,
        )


def make(command: c.MakeReport) -> list[e.ReportEvent]:
    """Return the event of a new report.

    Raises:
        BlankNameError: the name is only blanks.
        InvalidFieldError: the name has control characters.
        InvalidReportError: the scope, the hour, a recipient or the sections are not
            possible.
    """
    check_name(command.name)
    _check_hour(command.hour)
    made = copied(command, e.ReportMade, scheduled_from=command.at)
    return [
        replace(
            made,
            recipients=_addresses(command.recipients, unsubscribed=()),
            sections=_sections(command.sections, command.scope),
        )
    ]


def decide(report: ReportState | None, command: c.ReportCommand) -> list[e.ReportEvent]:
    """Return the events that ``command`` causes; none if nothing would change.

    An issue that fell due is made once for its days, whenever these are due again, and
    a recipient unsubscribes once.

    Raises:
        NotFoundError: there is no report with this id, or it was removed.
        BlankNameError: the name is only blanks.
        InvalidFieldError: the name has control characters.
        InvalidReportError: the hour, a recipient or the sections are not possible.
        ReportStoppedError: an issue was asked for, and the report was stopped.
    """
    if report is None:
        raise NotFoundError("report")
    of: dict[str, Any] = {"organization_id": report.organization_id}
    if isinstance(command, c.RemoveReport):
        return [] if report.is_removed else [e.ReportRemoved(**of)]
    if isinstance(command, c.UnsubscribeRecipient):
        found = _among(command.address, report.recipients)
        if found is None or report.is_removed:
            return []
        return [e.RecipientUnsubscribed(**of, address=found)]
    if isinstance(command, c.StopReport):
        return _stop(report, command.because)
    if report.is_removed:
        raise NotFoundError("report")
    match command:
        case c.IssueReport(due_at=due_at):
            last = report.last_due_at
            if due_at is not None and (
                (last is not None and due_at <= last)
                or report.issued.has(command.period, command.last_day)
            ):
                return []
            if report.stopped_because is not None:
                raise ReportStoppedError
            number = report.issues + 1
            issue = copied(
                command, e.ReportIssued, **of, scope=report.scope, number=number
            )
            return [issue]
        case c.ChangeReport():
            return _change(report, command)
        case _:
            assert_never(command)


def _stop(report: ReportState, because: e.StopReason) -> list[e.ReportEvent]:
    if report.is_removed or report.stopped_because == because:
        return []
    return [
        e.ReportChanged(
            organization_id=report.organization_id,
            enabled=False,
            stopped_because=because,
        )
    ]


def _change(report: ReportState, command: c.ChangeReport) -> list[e.ReportEvent]:
    if command.name is not UNSET:
        check_name(command.name)
    if command.hour is not UNSET:
        _check_hour(command.hour)
    if command.recipients is not UNSET:
        addresses = _addresses(command.recipients, unsubscribed=report.unsubscribed)
        command = replace(command, recipients=addresses)
    if command.sections is not UNSET:
        sections = _sections(command.sections, report.scope)
        command = replace(command, sections=sections)
    changed = changed_fields(command, report, DETAILS)
    if not changed:
        return []
    if not _TIMES.isdisjoint(changed) or changed.get("enabled"):
        changed["scheduled_from"] = command.at
    if changed.get("enabled") and report.stopped_because is not None:
        changed["stopped_because"] = None
    return [e.ReportChanged(organization_id=report.organization_id, **changed)]


def without(address: str, report: Any) -> dict[str, Any]:  # noqa: ANN401 - also a row
    """Return both lists of addresses of a report after one unsubscribed."""
    return {
        "recipients": tuple(
            each
            for each in report.recipients
            if same_email(each) != same_email(address)
        ),
        "unsubscribed": (*report.unsubscribed, address),
    }


def taken_out(report: ReportState, address: str) -> ReportState:
    """Return the report without an address in either of its lists."""
    same = same_email(address)

    def others(addresses: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(each for each in addresses if same_email(each) != same)

    return replace(
        report,
        recipients=others(report.recipients),
        unsubscribed=others(report.unsubscribed),
    )


def texts_of(event: EarlierTextsForgotten) -> dict[str, Any]:
    """Return the texts of a report after its earlier texts were forgotten."""
    kept = texts_after(event, TEXTS)
    lists = {name: tuple(kept[name]) for name in ("recipients", "unsubscribed")}
    return {**kept, **lists}


def _after_issue(report: ReportState, event: e.ReportIssued) -> dict[str, Any]:
    if event.due_at is None:
        return {"issues": event.number}
    issued = report.issued.after(event.period, event.last_day)
    return {"issues": event.number, "last_due_at": event.due_at, "issued": issued}


_REPORT = Thing(
    "report",
    ReportState,
    e.ReportEvent,
    made=e.ReportMade,
    changed=e.ReportChanged,
    ended=e.ReportRemoved,
    details=CHANGED,
    ends="is_removed",
    effects={
        e.ReportIssued: _after_issue,
        e.RecipientUnsubscribed: lambda report, event: without(event.address, report),
        EarlierTextsForgotten: lambda _, event: texts_of(event),
    },
)
evolve, report_of = _REPORT.evolve, _REPORT.of


def _check_hour(hour: int) -> None:
    if not 0 <= hour <= LAST_HOUR:
        raise InvalidReportError("hour", f"must be from 0 to {LAST_HOUR}")


def _sections(
    sections: Iterable[SectionName], scope: ReportScope
) -> tuple[SectionName, ...]:
    """Return the sections in the order of the page, each once.

    Raises:
        InvalidReportError: none is left.
    """
    left = _OF_SEVERAL if scope.type == "creator" else frozenset[SectionName]()
    chosen = {*sections} - left
    if not chosen:
        raise InvalidReportError("sections", "must have at least one for this scope")
    return tuple(each for each in SECTIONS if each in chosen)


def _addresses(
    addresses: Sequence[str], *, unsubscribed: Sequence[str]
) -> tuple[str, ...]:
    """Return the addresses as they are stored, each once.

    Raises:
        InvalidReportError: one is no address, one has unsubscribed, or they are too
            many.
    """
    found: dict[str, str] = {}
    for each in addresses:
        try:
            address = checked_email(each)
        except InvalidEmailError:
            reason = "must be addresses such as ada@example.com"
            raise InvalidReportError("recipients", reason) from None
        if _among(address, unsubscribed) is not None:
            reason = f"must not have {address}, who has unsubscribed"
            raise InvalidReportError("recipients", reason)
        found.setdefault(same_email(address), address)
    if len(found) > MOST_RECIPIENTS:
        raise InvalidReportError("recipients", f"must be at most {MOST_RECIPIENTS}")
    return (*found.values(),)


def _among(address: str, addresses: Iterable[str]) -> str | None:
    same = same_email(address)
    return next((each for each in addresses if same_email(each) == same), None)
