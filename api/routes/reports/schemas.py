"""The bodies of requests about reports."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from api.http.bodies.fields_to_change import FieldsToChange
from domain.report.contents import SECTIONS, SectionName
from domain.report.decider import LAST_HOUR, MOST_RECIPIENTS
from domain.report.events import Weekday
from domain.report.issue import ReportPeriod, ReportScope

_ReportName = Annotated[str, Meta(min_length=1, max_length=100, examples=["Monday"])]
_Scope = Annotated[
    ReportScope,
    Meta(
        description="The whole organization, or one project, campaign or creator by "
        "its id.",
        examples=[{"type": "org"}],
    ),
]
_Weekday = Annotated[
    Weekday, Meta(description="The day of a weekly report; it is about the 7 before.")
]
_Hour = Annotated[
    int,
    Meta(
        ge=0,
        le=LAST_HOUR,
        description="The hour of the day, in the organization's time zone.",
    ),
]
_Recipients = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=254)], ...],
    Meta(
        max_length=MOST_RECIPIENTS,
        description="The addresses that get each issue by mail. One that has "
        "unsubscribed is refused.",
        examples=[["ada@example.com"]],
    ),
]
_Sections = Annotated[
    tuple[SectionName, ...],
    Meta(
        min_length=1,
        max_length=len(SECTIONS),
        description="The parts of each issue, by default all of them. A report about "
        "one creator has no `leaders` and no `gained_and_lost`.",
    ),
]


class NewReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A report to make; without a scope it is about the whole organization."""

    name: _ReportName
    scope: _Scope = ReportScope(type="org")
    period: ReportPeriod = "weekly"
    weekday: _Weekday = "monday"
    hour: _Hour = 9
    recipients: _Recipients = ()
    sections: _Sections = SECTIONS
    enabled: bool = True


class ReportChange(FieldsToChange, frozen=True, kw_only=True):
    """The fields to change; others stay. At least one field is needed.

    The scope stays what it was, so that the issues of a report are comparable.
    """

    name: _ReportName | UnsetType = UNSET
    period: ReportPeriod | UnsetType = UNSET
    weekday: _Weekday | UnsetType = UNSET
    hour: _Hour | UnsetType = UNSET
    recipients: _Recipients | UnsetType = UNSET
    sections: _Sections | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
