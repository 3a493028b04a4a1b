"""/s/{token}: the page behind a shared link, its CSV files and its password."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct
from msgspec.structs import replace

from api.http.access.addresses import source_of
from api.http.access.failed_logins import FailedLogins
from api.http.access.sessions import set_cookie
from api.http.access.slowed_tries import SharedChecks, SlowedTries, Try
from api.http.error_codes import Code
from api.http.errors import ApiError
from api.http.request import Request
from api.routes.campaigns.routes import ShownCampaign
from api.routes.reports.file import csv_of_issue
from api.web.charts.measures import groups_for
from api.web.charts.sheets import drawn_sheet
from api.web.dashboard.query import DashboardQuery
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.page import PageResponse
from api.web.kit.site import POLICY, Site
from api.web.shared.context import SharedContext
from api.web.shared.dashboard import shared_dashboard
from api.web.shared.days import (
    SharedDays,
    days_of_share,
    progress_as_of,
    query_of,
    shows_progress,
)
from api.web.shared.file import shared_file
from application.shares.links import path_of
from application.shares.service import FoundIssue, FoundShare, SharedLinks
from domain.analytics.targets import Progress
from domain.organization.logo import Logo
from domain.report.issue import Issue
from domain.share.decider import ShareState
from projections.creators.creator import Creator
from projections.reports.queries import ListedIssue

COOKIE = "goatherd_share"
# The issues of a report that are read at once, to find that of a moment.
_ISSUES = 100

_PURPOSE = "password of a share"
_COOKIE_SECONDS = 12 * 3_600
_TIME_BYTES = 8
_LONGEST_TOKEN = 200
_SEE_OTHER = 303
_PAGES_A_MINUTE, _FILES_A_MINUTE = 60, 30
_TOO_OFTEN = "Too many requests for this page."
_PRIVATE = "private, no-store"
# Everybody who has the address sees the page, so no other site and no search engine
# may learn it.
_QUIET = {
    "Cache-Control": _PRIVATE,
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}


class SharePasswordForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The password of a link."""

    password: str = ""


class _Notice(Struct, frozen=True, kw_only=True):
    """Words in place of a page, and their status."""

    status: int
    title: str
    text: str


class _Project(Struct, frozen=True):
    name: str
    client: str | None
    comment: str | None
    logo: Logo | None


class _Subject(Struct, frozen=True, kw_only=True):
    """The thing that a page is about, as its head shows it."""

    name: str
    detail: str
    project: _Project
    creator: Creator | None = None
    campaign: ShownCampaign | None = None
    issue: Issue | None = None


_UNKNOWN = _Notice(
    status=404,
    title="There is no such page",
    text="Check the address with the person who sent it.",
)
_OVER = _Notice(
    status=410,
    title="This link has ended",
    text="The page that it led to is no longer shared. The person who sent it can make "
    "another one.",
)
_NOT_KEPT = _Notice(
    status=403,
    title="These days are no longer shown",
    text="The numbers of these days are no longer kept. The person who sent the link "
    "can make another one.",
)
_BUSY = _Notice(
    status=429,
    title="One moment",
    text="This page was opened very often in the last minute. Try again in a moment.",
)


class SharedLimits:
    """The requests that a process answers in a minute, and the tries of passwords."""

    def __init__(self) -> None:
        # Many addresses together guess no faster than one.
        self.tries = SlowedTries(refuses_by_account=True, checks=SharedChecks())
        self._unknown = FailedLogins(refusal=_TOO_OFTEN)
        self._pages = FailedLogins(limit=_PAGES_A_MINUTE, refusal=_TOO_OFTEN)
        self._files = FailedLogins(limit=_FILES_A_MINUTE, refusal=_TOO_OFTEN)

    def count_unknown(self, address: str) -> None:
        """Count a request with a token that no link has.

        Raises:
            ApiError: ``rate_limit_exceeded``.
        """
        self._unknown.count(address)

    def count_page(self, found: FoundShare | FoundIssue, address: str) -> None:
        """Count a request for a page.

        Raises:
            ApiError: ``rate_limit_exceeded``.
        """
        self._pages.count(f"{found.id} {source_of(address)}")

    def count_file(self, found: FoundShare | FoundIssue) -> None:
        """Count a request for a file, which spreadsheets send from many addresses.

        Raises:
            ApiError: ``rate_limit_exceeded``.
        """
        self._files.count(str(found.id))


class SharedPages(Controller):
    """The pages behind shared links."""

    path = "/s/{token:str}"
    include_in_schema = False

    @get("/", opt={"scope": None})
    async def show(
        self,
        request: Request,
        token: FromPath[str],
        site: NamedDependency[Site],
        shared_links: NamedDependency[SharedLinks],
        shared_limits: NamedDependency[SharedLimits],
    ) -> PageResponse:
        """Show the page, or a CSV file of its numbers."""
        given = parse_qs(request.scope["query_string"].decode("latin-1"))
        form = given.get("format", [""])[0]
        try:
            found = await _found(request, shared_links, shared_limits, token)
            if found is None:
                return _notice(site, _UNKNOWN)
            if _is_over(found):
                return _notice(site, _OVER)
            if form == "csv":
                shared_limits.count_file(found)
            else:
                shared_limits.count_page(found, _address(request))
            if isinstance(found, FoundIssue):
                return await _issue_answer(request, site, shared_links, found, form)
            if found.share.has_password and not _has_password(request, site, found):
                return _password_form(site, found)
            opened = await _OpenedPage.of(request, site, shared_links, found)
            if form == "logo":
                return await opened.logo()
            if form == "csv":
                return await opened.file(given)
            answer = await opened.page(given)
        except ApiError as error:
            return _refused(site, error)
        if not given and b"prefetch" not in (request.raw_header(b"sec-purpose") or b""):
            await shared_links.count_opening(found)
        return answer

    @post("/", opt={"scope": None, "form": SharePasswordForm})
    async def enter(
        self,
        request: Request,
        token: FromPath[str],
        site: NamedDependency[Site],
        shared_links: NamedDependency[SharedLinks],
        shared_limits: NamedDependency[SharedLimits],
    ) -> PageResponse:
        """Take the password, and go to the page if it is right."""
        password = request.form_as(SharePasswordForm).password
        try:
            found = await _found(request, shared_links, shared_limits, token)
            if found is None:
                return _notice(site, _UNKNOWN)
            if _is_over(found):
                return _notice(site, _OVER)
            shared_limits.count_page(found, _address(request))
        except ApiError as error:
            return _refused(site, error)
        if isinstance(found, FoundShare) and found.share.has_password:
            one = Try(address=_address(request), email=str(found.id))
            if (wait := shared_limits.tries.refused_for(one)) > 0:
                return _password_form(site, found, wait=wait)
            shared_limits.tries.count(one)
            if not await shared_links.is_password(found, password):
                return _password_form(site, found, is_wrong=True)
            shared_limits.tries.forgive(one)
            until = int(time.time()) + _COOKIE_SECONDS
            proof = _password_proof(found) + until.to_bytes(_TIME_BYTES)
            request.context.response_headers.append(
                set_cookie(
                    COOKIE,
                    site.sessions.signed(_PURPOSE, proof),
                    seconds=_COOKIE_SECONDS,
                    is_tls=request.is_tls,
                    path=path_of(token),
                    is_framed=found.share.embed,
                )
            )
        return Response(
            None,
            status_code=_SEE_OTHER,
            headers={**_QUIET, "Location": path_of(token)},
        )


class _OpenedPage:
    """Somebody who may see the page: what they read, and what they get."""

    def __init__(
        self, site: Site, found: FoundShare, context: SharedContext, subject: _Subject
    ) -> None:
        self._site = site
        self._found = found
        self._share = found.share
        self._page = context
        self._subject = subject

    @classmethod
    async def of(
        cls, request: Request, site: Site, links: SharedLinks, found: FoundShare
    ) -> "_OpenedPage":
        """Return the page of a link.

        Raises:
            ApiError: the thing is gone.
        """
        context = await SharedContext.of(request, site, found, links.limits_of(found))
        return cls(site, found, context, await _subject_of(context, found.share))

    async def logo(self) -> Response[bytes]:
        """Return the logo of the project.

        Raises:
            ApiError: the project has none.
        """
        return await _logo(self._page, self._share.project_id)

    async def file(self, given: Mapping[str, list[str]]) -> Response[bytes]:
        """Return a CSV file.

        Raises:
            ApiError: the thing is gone, or the plan does not show these days.
        """
        if self._subject.issue is not None:
            return _issue_file(self._subject.issue)
        days = self._days(query_of(given))
        if not days.has_begun:
            days = replace(days, first=days.today, last=days.today)
        table = given.get("table", [""])[0]
        answer = await shared_file(self._page, self._share, days, table=table)
        answer.headers.update(_QUIET)
        return answer

    async def page(self, given: Mapping[str, list[str]]) -> PageResponse:
        """Return the page.

        Raises:
            ApiError: the thing is gone, or the plan does not show these days.
        """
        if self._subject.issue is not None:
            return self._issue_page(self._subject.issue)
        query = query_of(given)
        days = self._days(query)
        share, zone = self._share, ZoneInfo(self._page.time_zone)
        dashboard = None
        if days.has_begun:
            async with self._page.one_moment():
                dashboard = await shared_dashboard(self._page, share, days, query)
        at = (share.as_of_at or datetime.now(UTC)).astimezone(zone)
        return _show(
            self._site,
            "shared/page.html",
            {
                "share": share,
                "subject": self._subject,
                "organization": self._page.organization.name,
                "time_zone": self._page.time_zone,
                "query": query,
                "days": days,
                "it": dashboard,
                "groups": groups_for(share.scope),
                "as_of": f"{at.day} {at:%b %Y, %H:%M}",
            },
            frames=share.origins if share.embed else (),
        )

    def _issue_page(self, issue: Issue) -> PageResponse:
        frames = self._share.origins if self._share.embed else ()
        return _issue_page(self._site, issue, frames=frames)

    def _days(self, query: DashboardQuery) -> SharedDays:
        return days_of_share(
            self._share,
            query,
            zone=ZoneInfo(self._page.time_zone),
            now=datetime.now(UTC),
            keeps=self._page.principal.limits.stats_history_retention_days,
        )


async def _found(
    request: Request, links: SharedLinks, limits: SharedLimits, token: str
) -> FoundShare | FoundIssue | None:
    """Return the link with the token.

    Raises:
        ApiError: ``rate_limit_exceeded``, after too many unknown tokens.
    """
    found = await links.found(token[:_LONGEST_TOKEN])
    if found is None:
        limits.count_unknown(_address(request))
    return found


def _is_over(found: FoundShare | FoundIssue) -> bool:
    if isinstance(found, FoundIssue):
        return found.is_over
    return found.share.is_over(datetime.now(UTC))


async def _issue_answer(
    request: Request, site: Site, links: SharedLinks, found: FoundIssue, form: str
) -> PageResponse:
    """Return the issue of a recipient's link as a page, its CSV or its logo.

    Raises:
        ApiError: the issue is not there any more.
    """
    page = await SharedContext.of(request, site, found, links.limits_of(found))
    path = f"/reports/{found.report_id}/issues/{found.number}"
    issue = (await page.get(path, Issue)).data
    if form == "csv":
        return _issue_file(issue)
    if form == "logo":
        return await _logo(page, issue.project_id)
    return _issue_page(site, issue)


async def _logo(page: SharedContext, project_id: UUID | None) -> Response[bytes]:
    """Return the logo of a project.

    Raises:
        ApiError: there is none.
    """
    got = await page.get_raw(f"/projects/{project_id}/logo")
    return Response(
        got.body,
        media_type=got.headers["content-type"],
        headers={
            **_QUIET,
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


def _issue_page(
    site: Site, issue: Issue, *, frames: tuple[str, ...] = ()
) -> PageResponse:
    context = {"issue": issue, "shown": drawn_sheet(issue)}
    return _show(site, "shared/report.html", context, frames=frames)


async def _subject_of(page: SharedContext, share: ShareState) -> _Subject:
    """Return the thing that a link is about, as it is now.

    Raises:
        ApiRefusedError: ``not_found`` or ``gone``: it is not there any more, or in
            another project.
    """
    project = (await page.get(f"/projects/{share.project_id}", _Project)).data
    if "notes" in share.hide:
        project = replace(project, comment=None)
    match share.scope:
        case "creator":
            path = f"/creators/{share.scope_id}"
            creator = (await page.get(path, Creator)).data
            if creator.status == "erased":
                raise ApiError(Code.GONE)
            handle = f"@{creator.tiktok_handle}"
            return _Subject(
                name=creator.display_name or handle,
                detail=handle if creator.display_name else "",
                project=project,
                creator=creator,
            )
        case "campaign":
            path = f"/campaigns/{share.scope_id}"
            campaign = (await page.get(path, ShownCampaign)).data
            progress = await _progress_of(page, share, campaign)
            campaign = replace(campaign, progress=progress)
            return _Subject(
                name=campaign.name,
                detail=project.name,
                project=project,
                campaign=_without_hidden(campaign, share),
            )
        case "project":
            return _Subject(name=project.name, detail="", project=project)
        case "report":
            issue = await _issue_of(page, share)
            return _Subject(
                name=issue.name, detail=issue.scope_name, project=project, issue=issue
            )


async def _issue_of(page: SharedContext, share: ShareState) -> Issue:
    """Return the newest issue of a report, or the newest one of a link's moment.

    Raises:
        ApiRefusedError: ``not_found``: the report was removed, or has no issue yet.
    """
    path = f"/reports/{share.scope_id}"
    which = "latest"
    if share.as_of_at is not None:
        which = f"issues/{await _number_at(page, path, share.as_of_at)}"
    return (await page.get(f"{path}/{which}", Issue)).data


async def _number_at(page: SharedContext, path: str, moment: datetime) -> int:
    """Return the number of the newest issue of a moment.

    Raises:
        ApiError: ``not_found``: there was no issue yet.
    """
    cursor: str | None = None
    while True:
        got = await page.get(
            f"{path}/issues", list[ListedIssue], limit=_ISSUES, cursor=cursor
        )
        for one in got.data:
            if one.made_at <= moment:
                return one.number
        cursor = got.meta["nextCursor"]
        if cursor is None:
            raise ApiError(Code.NOT_FOUND)


def _issue_file(issue: Issue) -> Response[bytes]:
    name = f"report-{issue.to}.csv"
    return Response(
        csv_of_issue(issue).encode(),
        media_type="text/csv",
        headers={**_QUIET, "Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _progress_of(
    page: SharedContext, share: ShareState, campaign: ShownCampaign
) -> Progress | None:
    """Return the progress of a campaign within the days of a link.

    There is none if the campaign began before these days, or nobody knew of the
    campaign at the end of them.

    Raises:
        ApiRefusedError: the API refused.
    """
    zone = ZoneInfo(page.time_zone)
    as_of = progress_as_of(share, zone=zone, now=datetime.now(UTC))
    if as_of is not None:
        path = f"/campaigns/{campaign.id}"
        try:
            campaign = (await page.get(path, ShownCampaign, as_of=as_of)).data
        except ApiRefusedError as error:
            if error.code in {Code.NOT_FOUND, Code.RETENTION_EXCEEDED}:
                return None
            raise
    began = campaign.starts_on or campaign.created_at.astimezone(zone).date()
    return campaign.progress if shows_progress(share, began) else None


def _without_hidden(campaign: ShownCampaign, share: ShareState) -> ShownCampaign:
    progress = campaign.progress
    if "money" in share.hide:
        campaign = replace(campaign, cost_minor=None, currency=None)
        if progress is not None:
            progress = replace(
                progress, cost_minor=None, currency=None, effective_cpm_minor=None
            )
    if "notes" in share.hide:
        campaign = replace(campaign, description=None)
    return replace(campaign, progress=progress)


def _password_proof(found: FoundShare) -> bytes:
    """Return what the cookie begins with: another password makes it worthless.

    The time at which the cookie ends follows, in seconds since 1970.
    """
    return found.id.bytes + found.share.passwords.to_bytes(8)


def _has_password(request: Request, site: Site, found: FoundShare) -> bool:
    given = request.sent_cookies.get(COOKIE)
    signed = site.sessions.verified(_PURPOSE, given)
    if signed is None:
        return False
    proof, until = signed[:-_TIME_BYTES], int.from_bytes(signed[-_TIME_BYTES:])
    return proof == _password_proof(found) and until > time.time()


def _password_form(
    site: Site, found: FoundShare, *, is_wrong: bool = False, wait: int = 0
) -> PageResponse:
    """Return the form that asks for the password, which says nothing of the page."""
    answer = _show(
        site,
        "shared/password.html",
        {"is_wrong": is_wrong, "wait": wait},
        status=429 if wait else 401,
        frames=found.share.origins if found.share.embed else (),
    )
    if wait:
        answer.headers["Retry-After"] = str(wait)
    return answer


def _refused(site: Site, error: ApiError) -> PageResponse:
    """Return the page for what the API refused.

    Raises:
        ApiError: the error, unless a visitor can have caused it.
    """
    match error.code:
        case Code.NOT_FOUND | Code.GONE:
            return _notice(site, _OVER)
        case Code.RETENTION_EXCEEDED:
            return _notice(site, _NOT_KEPT)
        case Code.RATE_LIMIT_EXCEEDED:
            answer = _notice(site, _BUSY)
            answer.headers.update(error.headers)
            return answer
        case _:
            raise error


def _notice(site: Site, notice: _Notice) -> PageResponse:
    return _show(site, "shared/notice.html", {"notice": notice}, status=notice.status)


def _show(
    site: Site,
    template: str,
    context: dict[str, Any],
    *,
    status: int = 200,
    frames: tuple[str, ...] = (),
) -> PageResponse:
    allowed = " ".join(frames) or "'none'"
    policy = POLICY.replace("frame-ancestors 'none'", f"frame-ancestors {allowed}")
    return site.render(
        template,
        {**context, "page": None, "flash": None},
        status=status,
        headers={**_QUIET, "Content-Security-Policy": policy},
    )


def _address(request: Request) -> str:
    client = request.scope["client"]
    return client[0] if client else ""
