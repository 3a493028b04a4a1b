"""The reports of an organization and their issues, as clients read them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import asdict

from domain.analytics.summaries.kpis import known_from, kpi
from domain.messages import copied
from domain.organization.logo import Logo
from domain.report.contents import (
    FIGURES,
    SERIES,
    Contents,
    FigureName,
    FrozenCreator,
    FrozenVideo,
    SectionName,
)
from domain.report.events import StopReason, Weekday
from domain.report.issue import (
    Issue,
    IssueCreator,
    IssueFigure,
    IssueSeries,
    IssueVideo,
    ReportPeriod,
    ReportScope,
)
from domain.report.schedule import ReportSchedule
from domain.report.waiting import IssueWait, WaitReason, wait_of
from infra.structs import structs
from projections.engine.reader import Reader
from projections.reports.projection import IssueRow, ReportRow, issued_periods
from projections.videos.queries import Video, videos_by_id


class ScheduledReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report that is made each week or month, and sent to its recipients.

    A weekly one is made each ``weekday``, a monthly one on the first day of a month, at
    ``hour`` in the organization's time zone. ``recipients`` are addresses, and
    ``unsubscribed`` those that want no more mails; both are null for readers without
    the scope `write`. ``next_due_at`` is null while the report is switched off.
    ``stopped_because`` says why Goatherd itself switched it off: `creator_moved` if the
    creator is in another project now. It is null otherwise, and once somebody switches
    the report on. ``waiting`` says since when an issue that fell due waits, and why; it
    is null if none does. ``issue_count`` is the number of its issues.
    """

    id: UUID
    org_id: UUID
    name: str
    scope: ReportScope
    period: ReportPeriod
    weekday: Weekday
    hour: int
    recipients: list[str] | None
    unsubscribed: list[str] | None
    sections: list[SectionName]
    enabled: bool
    stopped_because: StopReason | None
    next_due_at: datetime | None
    waiting: IssueWait | None
    issue_count: int
    version: int
    created_at: datetime
    updated_at: datetime


class ListedIssue(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """An issue in the list of its report: the days that it is about, and its place.

    ``position`` is where its numbers are frozen. ``due_at`` is null if somebody asked
    for it. ``mailed`` is the number of recipients to whom it was sent.
    ``incomplete_because`` is that of the issue.
    """

    id: UUID
    report_id: UUID
    number: int
    period: ReportPeriod
    from_: date
    to: date
    position: int
    due_at: datetime | None
    made_at: datetime
    mailed: int
    incomplete_because: WaitReason | None = None


class _PresentName(NamedTuple):
    tiktok_handle: str | None
    display_name: str | None


class _Letterhead(NamedTuple):
    organization: str
    project_id: UUID | None
    project: str | None
    client: str | None
    logo: Any
    color: str | None
    scope_name: str | None


_NOBODY = _PresentName(None, None)
_REPORT = ", ".join(f"r.{name}" for name in ReportRow.__struct_fields__)
_ISSUE = ", ".join(f"i.{name}" for name in IssueRow.__struct_fields__)
_THERE = f"""
SELECT o.time_zone, w.since, w.because, {_REPORT} FROM reports r
LEFT JOIN organizations o ON o.organization_id = r.organization_id
LEFT JOIN report_waits w
    ON w.organization_id = r.organization_id AND w.report_id = r.id
WHERE r.organization_id = %(organization)s AND r.removed_at IS NULL
"""
_ONE = f"{_THERE} AND r.id = %(id)s".encode()
_PAGE = f"""
{_THERE}
AND (%(value)s::timestamptz IS NULL
     OR (r.created_at, r.id) < (%(value)s, %(last_id)s))
ORDER BY r.created_at DESC, r.id DESC LIMIT %(limit)s
""".encode()
_ISSUES = """
FROM report_issues i JOIN reports r
    ON r.organization_id = i.organization_id AND r.id = i.report_id
WHERE i.organization_id = %(organization)s AND i.report_id = %(report)s
AND r.removed_at IS NULL
"""
_PAGE_OF_ISSUES = f"""
SELECT i.id, i.report_id, i.number, i.period, i.first_day, i.last_day, i.position,
       i.due_at, i.made_at, i.mailed, i.incomplete_because
{_ISSUES} AND (%(before)s::integer IS NULL OR i.number < %(before)s)
ORDER BY i.number DESC LIMIT %(limit)s
""".encode()
_ONE_ISSUE = f"""
SELECT r.name, {_ISSUE} {_ISSUES}
AND (%(number)s::integer IS NULL OR i.number = %(number)s)
AND (%(issue)s::uuid IS NULL OR i.id = %(issue)s)
AND (%(until)s::timestamptz IS NULL OR i.made_at <= %(until)s)
ORDER BY i.number DESC LIMIT 1
""".encode()
_ABOUT_CREATOR = b"""
SELECT id, name FROM reports WHERE organization_id = %(organization)s
AND scope_type = 'creator' AND scope_id = %(creator)s
AND removed_at IS NULL AND stopped_because IS NULL ORDER BY name, id
"""
_LETTERHEAD = b"""
SELECT o.name, p.id, p.name, p.client, p.logo, p.color,
       CASE %(type)s WHEN 'org' THEN o.name WHEN 'project' THEN p.name
           WHEN 'campaign' THEN c.name ELSE '@' || l.tiktok_handle END
FROM organizations o
LEFT JOIN campaigns c ON %(type)s = 'campaign'
    AND c.organization_id = o.organization_id AND c.id = %(id)s
LEFT JOIN creator_list l ON %(type)s = 'creator' AND l.status <> 'erased'
    AND l.organization_id = o.organization_id AND l.id = %(id)s
LEFT JOIN projects p ON p.organization_id = o.organization_id AND p.id = CASE %(type)s
    WHEN 'project' THEN %(id)s WHEN 'campaign' THEN c.project_id
    WHEN 'creator' THEN l.project_id END
WHERE o.organization_id = %(organization)s
"""
_CREATORS = b"""
SELECT c.id, n.tiktok_handle, coalesce(n.display_name, n.scraped_display_name)
FROM creator_list c
LEFT JOIN creator_list n ON c.status <> 'erased'
    AND n.organization_id = c.organization_id AND n.id = c.id
WHERE c.organization_id = %(organization)s AND c.id = ANY(%(ids)s)
"""


class StoppingReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report about a creator that stops if the creator moves."""

    id: UUID
    name: str


async def reports_to_stop(
    reader: Reader, organization_id: UUID, creator_id: UUID
) -> list[StoppingReport]:
    """Return the reports about a creator that stop if the creator moves."""
    params = {"organization": organization_id, "creator": creator_id}
    return structs(
        StoppingReport, await reader.rows(organization_id, _ABOUT_CREATOR, params)
    )


async def one_report(
    reader: Reader, organization_id: UUID, report_id: UUID, *, has_recipients: bool
) -> ScheduledReport | None:
    """Return one report of an organization, None without it."""
    params = {"organization": organization_id, "id": report_id}
    rows = await reader.rows(organization_id, _ONE, params)
    return next(iter(_reports(rows, has_recipients=has_recipients)), None)


async def page_of_reports(
    reader: Reader,
    organization_id: UUID,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None,
    has_recipients: bool,
) -> list[ScheduledReport]:
    """Return up to ``limit`` reports after the given one, newest first."""
    rows = await reader.page(organization_id, _PAGE, limit=limit, after=after)
    return _reports(rows, has_recipients=has_recipients)


def report_from_row(
    row: ReportRow,
    *,
    time_zone: str,
    has_recipients: bool,
    waiting: IssueWait | None,
) -> ScheduledReport:
    """Return a row as clients read it."""
    schedule = ReportSchedule(
        period=row.period,
        weekday=row.weekday,
        hour=row.hour,
        zone=ZoneInfo(time_zone),
    )
    next_due = schedule.next_due(
        scheduled_from=row.scheduled_from,
        last_due_at=row.last_due_at,
        issued=issued_periods(row),
    )
    is_on = row.enabled and row.removed_at is None
    return copied(
        row,
        ScheduledReport,
        org_id=row.organization_id,
        scope=ReportScope(type=row.scope_type, id=row.scope_id),
        recipients=[*row.recipients] if has_recipients else None,
        unsubscribed=[*row.unsubscribed] if has_recipients else None,
        sections=[*row.sections],
        next_due_at=next_due if is_on else None,
        waiting=waiting if is_on else None,
        issue_count=row.issues,
    )


async def page_of_issues(
    reader: Reader,
    organization_id: UUID,
    report_id: UUID,
    *,
    limit: int,
    before: int | None,
) -> list[ListedIssue]:
    """Return up to ``limit`` issues before a number, newest first."""
    params = {
        "organization": organization_id,
        "report": report_id,
        "before": before,
        "limit": limit,
    }
    rows = await reader.rows(organization_id, _PAGE_OF_ISSUES, params)
    return structs(ListedIssue, rows)


async def one_issue(
    reader: Reader,
    organization_id: UUID,
    report_id: UUID,
    *,
    number: int | UUID | None = None,
    until: datetime | None = None,
) -> Issue | None:
    """Return an issue by its number or id, or the newest one.

    With ``until`` it is among those made up to then. None if there is no such report or
    issue.
    """
    params = {
        "organization": organization_id,
        "report": report_id,
        "number": number if isinstance(number, int) else None,
        "issue": number if isinstance(number, UUID) else None,
        "until": until,
    }
    rows = await reader.rows(organization_id, _ONE_ISSUE, params)
    for name, *columns in rows:
        (row,) = structs(IssueRow, [tuple(columns)])
        return await issue_of(reader, row, name=name)
    return None


async def issue_of(reader: Reader, row: IssueRow, *, name: str) -> Issue:
    """Return an issue with the present names of what it is about.

    A creator that is now in a project that the reader may not see has no row in it.
    """
    contents = msgspec.convert(row.contents, Contents)
    organization_id = row.organization_id
    scope = ReportScope(type=row.scope_type, id=row.scope_id)
    head = await _letterhead(reader, organization_id, scope)
    videos = await videos_by_id(
        reader, organization_id, [each.video_id for each in contents.videos]
    )
    ranked = (*contents.leaders, *contents.gained, *contents.lost)
    names = await _names_of(
        reader,
        organization_id,
        [
            *(each.creator_id for each in ranked),
            *(each.creator_id for each in contents.videos if each.creator_id),
        ],
    )
    return Issue(
        id=row.id,
        report_id=row.report_id,
        number=row.number,
        name=name,
        period=row.period,
        scope=scope,
        scope_name=head.scope_name or "Erased creator",
        organization_name=head.organization,
        project_id=head.project_id,
        project_name=head.project,
        client=head.client,
        logo=msgspec.convert(head.logo, Logo | None),
        color=row.color,
        from_=row.first_day,
        to=row.last_day,
        compare_from=row.compare_first_day,
        compare_to=row.compare_last_day,
        time_zone=row.time_zone,
        position=row.position,
        due_at=row.due_at,
        made_at=row.made_at,
        incomplete_because=row.incomplete_because,
        sections=[*row.sections],
        kpis=[
            IssueFigure(name=each, **_kpi(contents, each, row.first_day))
            for each in FIGURES
            if each in contents.kpis
        ],
        charts=[
            IssueSeries(
                name=each,
                values=[*contents.charts[each].values],
                previous=[*contents.charts[each].previous],
                rounded=[*contents.charts[each].rounded],
            )
            for each in SERIES
            if each in contents.charts
        ],
        leaders=_creators(contents.leaders, names),
        gained=_creators(contents.gained, names),
        lost=_creators(contents.lost, names),
        videos=[
            _video(each, videos.get(each.video_id), names)
            for each in contents.videos
            if each.creator_id is None or each.creator_id in names
        ],
        creators_in_all=contents.creators_in_all,
        videos_in_all=contents.videos_in_all,
    )


async def color_of_project(
    reader: Reader, organization_id: UUID, scope: ReportScope
) -> str | None:
    """Return the colour of the project that the scope is or belongs to."""
    return (await _letterhead(reader, organization_id, scope)).color


async def _letterhead(
    reader: Reader, organization_id: UUID, scope: ReportScope
) -> _Letterhead:
    params = {"organization": organization_id, "type": scope.type, "id": scope.id}
    rows = await reader.rows(organization_id, _LETTERHEAD, params)
    return _Letterhead(*rows[0])


def _kpi(contents: Contents, name: FigureName, first: date) -> dict[str, Any]:
    frozen = asdict(contents.kpis[name])
    found = kpi(
        frozen.pop("value"),
        frozen.pop("previous"),
        known_from=known_from(
            name,
            lambda each: contents.kpis[each].value if each in contents.kpis else None,
            _first_day(contents, name, first),
        ),
        **frozen,
    )
    return asdict(found)


def _first_day(contents: Contents, name: FigureName, first: date) -> date | None:
    """Return the first day of the charts on which something was known of a figure."""
    series = "new_followers" if name == "new_followers" else "new_views"
    chart = contents.charts.get(series)
    values = () if chart is None else chart.values
    days = (nth for nth, value in enumerate(values) if value is not None)
    nth = next(days, None)
    return None if nth is None else first + timedelta(days=nth)


def _creators(
    frozen: Iterable[FrozenCreator], names: Mapping[UUID, _PresentName]
) -> list[IssueCreator]:
    return [
        copied(each, IssueCreator, **names[each.creator_id]._asdict())
        for each in frozen
        if each.creator_id in names
    ]


def _video(
    frozen: FrozenVideo, video: Video | None, names: Mapping[UUID, _PresentName]
) -> IssueVideo:
    if video is None or video.is_erased:
        video = None
    name = names[frozen.creator_id] if frozen.creator_id else _NOBODY
    return copied(
        frozen,
        IssueVideo,
        tiktok_handle=name.tiktok_handle,
        title=video and video.title,
        url=video and video.url,
        posted_at=video and video.posted_at,
    )


async def _names_of(
    reader: Reader, organization_id: UUID, ids: Iterable[UUID]
) -> dict[UUID, _PresentName]:
    """Return the names of the creators that the reader sees, none of erased ones."""
    params = {"organization": organization_id, "ids": [*dict.fromkeys(ids)]}
    rows = await reader.rows(organization_id, _CREATORS, params)
    return {row[0]: _PresentName(row[1], row[2]) for row in rows}


def _reports(rows: Sequence[Any], *, has_recipients: bool) -> list[ScheduledReport]:
    return [
        report_from_row(
            row,
            time_zone=zone or "UTC",
            has_recipients=has_recipients,
            waiting=wait_of(since, because),
        )
        for (zone, since, because, *_), row in zip(
            rows, structs(ReportRow, [each[3:] for each in rows]), strict=True
        )
    ]
