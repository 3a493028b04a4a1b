"""The commands to a report."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from domain.messages import Command
from domain.report.contents import SECTIONS, Contents, SectionName
from domain.report.events import StopReason, Weekday
from domain.report.issue import ReportPeriod, ReportScope
from domain.report.waiting import WaitReason


class MakeReport(Command, frozen=True, kw_only=True):
    """``at`` is the present time."""

    organization_id: UUID
    scope: ReportScope
    name: str
    period: ReportPeriod = "weekly"
    weekday: Weekday = "monday"
    hour: int = 9
    recipients: tuple[str, ...] = ()
    sections: tuple[SectionName, ...] = SECTIONS
    enabled: bool = True
    at: datetime


class ChangeReport(Command, frozen=True, kw_only=True):
    """``at`` is the present time."""

    at: datetime
    name: str | msgspec.UnsetType = msgspec.UNSET
    period: ReportPeriod | msgspec.UnsetType = msgspec.UNSET
    weekday: Weekday | msgspec.UnsetType = msgspec.UNSET
    hour: int | msgspec.UnsetType = msgspec.UNSET
    recipients: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    sections: tuple[SectionName, ...] | msgspec.UnsetType = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET


class IssueReport(Command, frozen=True, kw_only=True):
    """The fields mean the same as those of ``ReportIssued``."""

    period: ReportPeriod
    first_day: date
    last_day: date
    compare_first_day: date | None
    compare_last_day: date | None
    time_zone: str
    position: int
    due_at: datetime | None
    sections: tuple[SectionName, ...]
    contents: Contents
    color: str | None = None
    incomplete_because: WaitReason | None = None
    mailed: int


class StopReport(Command, frozen=True, kw_only=True):
    """Switch the report off for a reason, until somebody switches it on."""

    because: StopReason


class UnsubscribeRecipient(Command, frozen=True, kw_only=True):
    address: str


class RemoveReport(Command, frozen=True, kw_only=True):
    pass


ReportCommand = (
    ChangeReport | IssueReport | StopReport | UnsubscribeRecipient | RemoveReport
)
