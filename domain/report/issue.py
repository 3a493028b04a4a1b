"""An issue of a report, as people read it: frozen numbers with their present names."""

from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct

from domain.analytics.series import Value
from domain.analytics.summaries.kpis import Kpi
from domain.organization.logo import Logo
from domain.report.contents import FigureName, SectionName, SeriesName
from domain.report.waiting import WaitReason

ReportPeriod = Literal["weekly", "monthly"]
ReportScopeType = Literal["org", "project", "campaign", "creator"]

_A_DAY = timedelta(days=1)


class ReportScope(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The organization, project, campaign or creator that a report is about.

    ``id`` may be left out for the organization.
    """

    type: ReportScopeType
    id: UUID | None = None


class IssueFigure(Kpi, frozen=True, kw_only=True):
    """A key figure of the period, with its change since the period before."""

    name: FigureName


class IssueSeries(Struct, frozen=True, kw_only=True):
    """The values of each day, in the order of ``days_of`` the issue.

    ``rounded`` are the indexes of values that depend on rounded levels. ``previous``
    has the values of the period before, empty if nothing is compared; it may have
    another length in monthly reports.
    """

    name: SeriesName
    values: list[Value]
    previous: list[Value]
    rounded: list[int]


class IssueCreator(Struct, frozen=True, kw_only=True):
    """A creator's figures in the period; the name is the present one.

    ``tiktok_handle`` is null once the creator was erased. ``followers`` and ``views``
    are levels at the end of the period.
    """

    creator_id: UUID
    tiktok_handle: str | None
    display_name: str | None
    new_views: int | None
    new_followers: int | None
    followers: int | None
    views: int | None
    posts: int
    engagement_rate: float | None
    followers_rounded: bool
    new_followers_rounded: bool
    new_followers_sharpened: bool


class IssueVideo(Struct, frozen=True, kw_only=True):
    """A video's figures in the period; title and address are the present ones.

    ``title``, ``url``, ``tiktok_handle`` and ``posted_at`` are null once the video's
    creator was erased. Counts are levels at the end of the period.
    """

    video_id: UUID
    creator_id: UUID | None
    tiktok_handle: str | None
    title: str | None
    url: str | None
    posted_at: datetime | None
    new_views: int | None
    view_count: int | None
    like_count: int | None
    comment_count: int | None
    share_count: int | None
    save_count: int | None


class Issue(Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """One issue of a report: the days from ``from`` to ``to``, frozen at ``position``.

    Numbers stay as they were when the issue was made, and so does the ``color`` of its
    project as #RRGGBB, null for the usual one. Names, the letterhead of the project and
    its logo are the present ones. ``number`` counts the issues of the
    report from 1. ``due_at`` is the time at which the issue fell due; one that somebody
    asked for has none. ``compare_from`` and ``compare_to`` are the period before, null
    if the plan does not show it. ``sections`` are those of the report at that time, in
    their order; the lists of other sections are empty. ``creators_in_all`` and
    ``videos_in_all`` count what the lists were cut from. ``incomplete_because`` says
    what the issue waited for in vain: `import` is the end of an import of its project,
    and `counting` that observations are counted. It is null if nothing was lacking.
    """

    id: UUID
    report_id: UUID
    number: int
    name: str
    period: ReportPeriod
    scope: ReportScope
    scope_name: str
    organization_name: str
    project_id: UUID | None
    project_name: str | None
    client: str | None
    logo: Logo | None
    color: str | None
    from_: date
    to: date
    compare_from: date | None
    compare_to: date | None
    time_zone: str
    position: int
    due_at: datetime | None
    made_at: datetime
    incomplete_because: WaitReason | None = None
    sections: list[SectionName]
    kpis: list[IssueFigure]
    charts: list[IssueSeries]
    leaders: list[IssueCreator]
    gained: list[IssueCreator]
    lost: list[IssueCreator]
    videos: list[IssueVideo]
    creators_in_all: int
    videos_in_all: int


def days_of(issue: Issue) -> list[date]:
    """Return the days of an issue, which the values of its series belong to."""
    amount = (issue.to - issue.from_).days + 1
    return [issue.from_ + number * _A_DAY for number in range(amount)]
