"""The events of a report: one stream for each, with all of its issues."""

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from domain.messages import Event, Personal
from domain.report.contents import Contents, SectionName
from domain.report.issue import ReportPeriod, ReportScope
from domain.report.waiting import WaitReason
from domain.texts import EarlierTextsForgotten

Weekday = Literal[
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"
]

# Reasons for which Goatherd itself stops a report, until somebody switches it on.
StopReason = Literal["creator_moved"]


class ReportFields(msgspec.Struct, frozen=True, kw_only=True):
    organization_id: UUID
    scope: ReportScope
    name: Personal[str]
    period: ReportPeriod
    weekday: Weekday = "monday"
    hour: int
    recipients: Personal[tuple[str, ...]] = ()
    sections: tuple[SectionName, ...]
    enabled: bool = True
    scheduled_from: datetime


class ReportMade(ReportFields, Event, frozen=True, kw_only=True):
    """Somebody made a report, which falls due from ``scheduled_from`` on.

    A weekly one falls due each ``weekday`` and is about the seven days before. A
    monthly one falls due on the first day of a month and is about the month before.
    Both fall due at ``hour`` in the organization's time zone. ``recipients`` are the
    addresses that get each issue by mail.
    """

    stored_name: ClassVar[str] = "report_made"


class ReportChanged(Event, frozen=True, kw_only=True):
    """The report changed; unset fields stay.

    With ``scheduled_from`` it falls due at other times from then on, or again. With
    ``stopped_because`` Goatherd itself switched it off, and null ends that.
    """

    stored_name: ClassVar[str] = "report_changed"
    organization_id: UUID
    name: Personal[str | msgspec.UnsetType] = msgspec.UNSET
    period: ReportPeriod | msgspec.UnsetType = msgspec.UNSET
    weekday: Weekday | msgspec.UnsetType = msgspec.UNSET
    hour: int | msgspec.UnsetType = msgspec.UNSET
    recipients: Personal[tuple[str, ...] | msgspec.UnsetType] = msgspec.UNSET
    sections: tuple[SectionName, ...] | msgspec.UnsetType = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET
    scheduled_from: datetime | msgspec.UnsetType = msgspec.UNSET
    stopped_because: StopReason | msgspec.UnsetType | None = msgspec.UNSET


class ReportIssued(Event, frozen=True, kw_only=True):
    """An issue was made: its numbers are frozen, with ids in place of names.

    It is about the days from ``first_day`` to ``last_day``, compared with those before,
    if the plan shows them. ``position`` is that of the organization's newest event that
    the numbers know. ``due_at`` is the time at which it fell due, None if somebody
    asked for it. ``color`` is that of the project then (#RRGGBB), None without one.
    ``incomplete_because`` says what was not counted yet when its longest wait was over,
    None if nothing. ``mailed`` is the number of mails that were written.
    """

    stored_name: ClassVar[str] = "report_issued"
    organization_id: UUID
    scope: ReportScope
    number: int
    period: ReportPeriod
    first_day: date
    last_day: date
    compare_first_day: date | None = None
    compare_last_day: date | None = None
    time_zone: str
    position: int
    due_at: datetime | None = None
    sections: tuple[SectionName, ...]
    contents: Contents
    color: str | None = None
    incomplete_because: WaitReason | None = None
    mailed: int = 0


class RecipientUnsubscribed(Event, frozen=True, kw_only=True):
    """A recipient wants no more mails of this report."""

    stored_name: ClassVar[str] = "report_recipient_unsubscribed"
    organization_id: UUID
    address: Personal[str]


class ReportRemoved(Event, frozen=True, kw_only=True):
    """The report falls due no more, and nobody sees its issues."""

    stored_name: ClassVar[str] = "report_removed"
    organization_id: UUID


ReportEvent = (
    ReportMade
    | ReportChanged
    | ReportIssued
    | RecipientUnsubscribed
    | ReportRemoved
    | EarlierTextsForgotten
)
