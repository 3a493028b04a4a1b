"""/reports: the list, one report with its issues, and an issue as people read it."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Final, get_args
from urllib.parse import quote
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Response, Template
from msgspec import Struct, field

from api.http.bodies.form_body import typed
from api.http.error_codes import Code
from api.http.errors import ApiError
from api.web.charts.sheets import drawn_sheet
from api.web.kit.csv_file import csv_file
from api.web.kit.forms.fields import VersionedForm
from api.web.kit.forms.project_choices import Choice, all_projects, some_campaigns
from api.web.kit.handlers import form_route, page_route
from api.web.kit.names import NamedType, present_names
from api.web.kit.page import PageContext, PageResponse
from api.web.sign_in.page import SignIn
from application.rendering.pdf import can_write_pdf
from domain.errors import NotFoundError
from domain.report.contents import SECTION_TITLES, SECTIONS
from domain.report.events import Weekday
from domain.report.issue import Issue, ReportScope
from domain.report.waiting import WAITS_FOR
from projections.reports.queries import ListedIssue, ScheduledReport

_ALL = "org"


class ReportForm(VersionedForm, frozen=True, kw_only=True):
    """A report as people type it; ``about`` is ``org``, or a kind and an id."""

    name: Annotated[str, typed("Name")] = ""
    about: str = _ALL
    period: str = "weekly"
    weekday: str = "monday"
    hour: str = "9"
    recipients: Annotated[str, typed("Recipients")] = ""
    sections: list[str] = field(default_factory=lambda: [*SECTIONS])

    def body(self) -> dict[str, Any]:
        """Return the fields that a new report and a changed one have."""
        return {
            "name": self.name.strip(),
            "period": self.period,
            "weekday": self.weekday,
            "hour": int(self.hour[:2]) if self.hour.isdecimal() else -1,
            "recipients": self.recipients.replace(",", " ").split(),
            "sections": self.sections,
        }

    def scope(self) -> dict[str, str]:
        """Return the scope of a new report."""
        kind, _, of = self.about.partition(":")
        return {"type": kind, "id": of} if of else {"type": kind}


def form_of(report: ScheduledReport) -> ReportForm:
    """Return the form of a report as it is."""
    return ReportForm(
        name=report.name,
        about=report.scope.type,
        period=report.period,
        weekday=report.weekday,
        hour=str(report.hour),
        recipients="\n".join(report.recipients or ()),
        sections=[*report.sections],
        version=str(report.version),
    )


PATH: Final = "/reports"

_PER_PAGE: Final = 50
_NO_MAIL: Final = (
    "Reports are made here and not mailed: Goatherd has no mail server yet. Operators "
    "name one in GOATHERD_SMTP_URL."
)
_SHOWN_ERRORS: Final = {
    Code.INVALID_BODY,
    Code.LIMIT_REACHED,
    Code.NOT_FOUND,
    Code.VERSION_CONFLICT,
}
_UNSENT: Final = {
    Code.LIMIT_REACHED,
    Code.NOT_FOUND,
    Code.PROJECTION_BEHIND,
    Code.REPORT_STOPPED,
}


class ListedReport(Struct, frozen=True, kw_only=True):
    """A report, and the present name of what it is about."""

    report: ScheduledReport
    about: str


class ReportPages(Controller):
    """The reports of the organization, or of the projects that a person may see."""

    path = PATH

    @page_route()
    async def reports(
        self,
        page: NamedDependency[PageContext],
        sign_in: NamedDependency[SignIn],
        cursor: FromQuery[str] = "",
        about: FromQuery[str] = "",
    ) -> Template:
        """List the reports, newest first, with the form for another one."""
        form = ReportForm(about=about or ReportForm().about)
        return await _show_all(page, sign_in, cursor=cursor, form=form)

    @form_route(form=ReportForm)
    async def make(
        self, page: NamedDependency[PageContext], sign_in: NamedDependency[SignIn]
    ) -> PageResponse:
        """Make a report, and show it."""
        form = page.form(ReportForm)
        body = {**form.body(), "scope": form.scope()}
        try:
            made = (await page.send("POST", PATH, ScheduledReport, body)).data
        except ApiError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            return await _show_all(page, sign_in, form=form, error=error)
        page.flash("The report was made.")
        return page.go_to(f"{PATH}/{made.id}")

    @page_route("/{report_id:uuid}")
    async def report(
        self,
        page: NamedDependency[PageContext],
        sign_in: NamedDependency[SignIn],
        report_id: FromPath[UUID],
        cursor: FromQuery[str] = "",
    ) -> Template:
        """Show a report, its issues, and the form that changes it."""
        return await _show_one(page, sign_in, report_id, cursor=cursor)

    @form_route("/{report_id:uuid}", form=ReportForm)
    async def change(
        self,
        page: NamedDependency[PageContext],
        sign_in: NamedDependency[SignIn],
        report_id: FromPath[UUID],
    ) -> PageResponse:
        """Change a report, unless another person changed it."""
        form, path = page.form(ReportForm), f"{PATH}/{report_id}"
        version = form.made_from
        try:
            await page.send(
                "PATCH", path, ScheduledReport, form.body(), version=version
            )
        except ApiError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            return await _show_one(page, sign_in, report_id, form=form, error=error)
        page.flash("The report was saved.")
        return page.go_to(path)

    @form_route("/{report_id:uuid}/switch")
    async def switch(
        self, page: NamedDependency[PageContext], report_id: FromPath[UUID]
    ) -> PageResponse:
        """Switch a report on or off."""
        path = f"{PATH}/{report_id}"
        report = (await page.get(path, ScheduledReport)).data
        body = {"enabled": not report.enabled}
        await page.send("PATCH", path, ScheduledReport, body)
        page.flash("The report is off." if report.enabled else "The report is on.")
        return page.go_to(path)

    @form_route("/{report_id:uuid}/remove")
    async def remove(
        self, page: NamedDependency[PageContext], report_id: FromPath[UUID]
    ) -> PageResponse:
        """Remove a report with its issues."""
        await page.send("DELETE", f"{PATH}/{report_id}", ScheduledReport)
        page.flash("The report was removed.")
        return page.go_to(PATH)

    @form_route("/{report_id:uuid}/send")
    async def send(
        self,
        page: NamedDependency[PageContext],
        sign_in: NamedDependency[SignIn],
        report_id: FromPath[UUID],
    ) -> PageResponse:
        """Make an issue now, and show it."""
        path = f"{PATH}/{report_id}"
        try:
            issue = (await page.send("POST", f"{path}/send", ListedIssue)).data
        except ApiError as error:
            if error.code not in _UNSENT:
                raise
            return await _show_one(page, sign_in, report_id, error=error)
        to = f" and sent to {issue.mailed}" if issue.mailed else ""
        page.flash(f"The issue was made{to}.")
        return page.go_to(f"{path}/issues/{issue.number}")

    @page_route("/{report_id:uuid}/latest")
    async def latest(
        self, page: NamedDependency[PageContext], report_id: FromPath[UUID]
    ) -> Template:
        """Show the newest issue."""
        return await _show_issue(page, report_id, "latest")

    @page_route("/{report_id:uuid}/issues/{issue_id:str}")
    async def issue(
        self,
        page: NamedDependency[PageContext],
        report_id: FromPath[UUID],
        issue_id: FromPath[str],
    ) -> PageResponse:
        """Show one issue, or return its CSV or PDF if its number has such an end."""
        name, _, form = issue_id.partition(".")
        which = f"issues/{quote(name, safe='')}"
        if not form:
            return await _show_issue(page, report_id, which)
        if form not in {"csv", "pdf"}:
            raise NotFoundError("report_issue")
        got = await page.get_raw(f"{PATH}/{report_id}/{which}", format=form)
        named = got.headers["content-disposition"]
        if form == "csv":
            return csv_file(got.body, disposition=named)
        return Response(
            got.body,
            media_type=got.headers["content-type"],
            headers={"Content-Disposition": named},
        )


async def _show_issue(page: PageContext, report_id: UUID, which: str) -> Template:
    path = f"{PATH}/{report_id}"
    issue = (await page.get(f"{path}/{which}", Issue)).data
    context = {
        "issue": issue,
        "shown": drawn_sheet(issue),
        "path": path,
        "has_pdf": can_write_pdf(),
    }
    return page.show("reports/issue.html", context)


async def _show_all(
    page: PageContext,
    sign_in: SignIn,
    *,
    form: ReportForm,
    cursor: str = "",
    error: ApiError | None = None,
) -> Template:
    got, choices = await asyncio.gather(
        page.get(PATH, list[ScheduledReport], limit=_PER_PAGE, cursor=cursor or None),
        _choices(page, form),
    )
    about = await _names_of(page, [one.scope for one in got.data])
    context: dict[str, Any] = {
        **_of_forms(sign_in),
        "reports": [
            ListedReport(report=one, about=name)
            for one, name in zip(got.data, about, strict=True)
        ],
        "choices": choices,
        "form": form,
        "more_url": got.next_url(PATH),
    }
    return page.show("reports/list.html", context, error=error)


async def _show_one(
    page: PageContext,
    sign_in: SignIn,
    report_id: UUID,
    *,
    form: ReportForm | None = None,
    cursor: str = "",
    error: ApiError | None = None,
) -> Template:
    path = f"{PATH}/{report_id}"
    got, issues = await asyncio.gather(
        page.get(path, ScheduledReport),
        page.get(
            f"{path}/issues", list[ListedIssue], limit=_PER_PAGE, cursor=cursor or None
        ),
    )
    report = got.data
    context: dict[str, Any] = {
        **_of_forms(sign_in),
        "report": report,
        "about": (await _names_of(page, [report.scope]))[0],
        "issues": issues.data,
        "more_url": issues.next_url(path),
        "form": form or form_of(report),
        "path": path,
    }
    return page.show("reports/report.html", context, error=error)


def _of_forms(sign_in: SignIn) -> dict[str, Any]:
    return {
        "mail_problem": "" if sign_in.accounts.can_mail else _NO_MAIL,
        "sections": SECTION_TITLES,
        "weekdays": [(day, day.capitalize()) for day in get_args(Weekday)],
        "hours": [(hour, f"{hour:02}:00") for hour in range(24)],
        "waits_for": WAITS_FOR,
    }


async def _choices(
    page: PageContext, form: ReportForm
) -> list[tuple[str, list[Choice]]]:
    """Return the things that a report can be about, in groups."""
    if not page.may("write"):
        return []
    projects, campaigns = await asyncio.gather(all_projects(page), some_campaigns(page))
    groups: list[tuple[str, list[Choice]]] = [
        ("Projects", [(f"project:{one.id}", one.name) for one in projects]),
        ("Campaigns", campaigns.choices("campaign:")),
    ]
    kind, _, of = form.about.partition(":")
    if kind == "creator" and of:
        try:
            id_ = UUID(of)
        except ValueError:
            return groups
        (name,) = await _names_of(page, [ReportScope(type="creator", id=id_)])
        groups.insert(0, ("Creators", [(form.about, name)]))
    return groups


async def _names_of(page: PageContext, scopes: Sequence[ReportScope]) -> list[str]:
    """Return the present names of what reports are about."""
    things: list[tuple[NamedType, UUID]] = [
        (scope.type, scope.id)
        for scope in scopes
        if scope.type != "org" and scope.id is not None
    ]
    names = await present_names(page, things)
    return [
        "All projects"
        if scope.type == "org" or scope.id is None
        else names.get(scope.id, "Something that is gone")
        for scope in scopes
    ]
