"""The handlers that make, change and revoke shared links."""

from collections.abc import Collection
from uuid import UUID

from domain import commands as c
from domain.campaign.decider import campaign_of
from domain.creator.decider import creator_of
from domain.decisions import Decision, Handler, Histories, check_version, on
from domain.errors import NotFoundError, about_field
from domain.organization.decider import organization_of
from domain.report.decider import report_of
from domain.share.decider import OwnDays, decide, make, share_of
from domain.share.errors import InvalidShareError
from domain.share.events import ShareScope


def make_share(share_id: UUID, command: c.MakeShare) -> Handler[UUID]:
    """Make a link to a page about a creator, campaign, project or report.

    Raises:
        NotFoundError: the organization has no such thing.
        InvalidShareError: the days, the end or the origins are not possible, or the
            report is about the whole organization.
    """
    histories = yield (share_id, command.organization_id, command.scope_id)
    with about_field("scope_id"):
        scope, scope_id = _thing_of(command, histories)
        if scope_id not in histories:
            histories = yield (share_id, command.organization_id, scope_id)
        project_id = _project_of(scope, scope_id, command.organization_id, histories)
        if project_id is None:
            raise NotFoundError(command.scope)
    own_days: OwnDays = (None, None)
    if command.scope == "campaign":
        campaign = campaign_of(histories[scope_id])
        if campaign is not None:
            own_days = campaign.starts_on, campaign.ends_on
    made = make(command, project_id=project_id, own_days=own_days)
    events = on(share_id, made)
    # The thing may be moved or erased at this moment.
    guards = () if command.scope == "project" else (command.scope_id,)
    return Decision(share_id, events=events, guards=guards)


def change_share(
    share_id: UUID,
    command: c.ChangeShare | c.RevokeShare,
    *,
    organization_id: UUID,
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    """Change or revoke a link.

    Raises:
        NotFoundError: the organization has no such link, or it was revoked.
        InvalidShareError: the days, the end or the origins are not possible.
    """
    histories = yield (share_id,)
    share = share_of(histories[share_id])
    if share is None or share.organization_id != organization_id:
        raise NotFoundError("share")
    check_version(len(histories[share_id]), expected_versions)
    return Decision(share_id, events=on(share_id, decide(share, command)))


def _thing_of(command: c.MakeShare, histories: Histories) -> tuple[ShareScope, UUID]:
    """Return the thing that the numbers of the page are about.

    Raises:
        NotFoundError: the organization has no such report.
        InvalidShareError: the report is about the whole organization.
    """
    if command.scope != "report":
        return command.scope, command.scope_id
    report = report_of(histories[command.scope_id])
    if report is None or report.organization_id != command.organization_id:
        raise NotFoundError("report")
    if report.is_removed:
        raise NotFoundError("report")
    kind, id_ = report.scope.type, report.scope.id
    if kind == "org" or id_ is None:
        reason = "must be a report about a project, a campaign or a creator"
        raise InvalidShareError("scope_id", reason)
    return kind, id_


def _project_of(
    scope: ShareScope, scope_id: UUID, organization_id: UUID, histories: Histories
) -> UUID | None:
    """Return the present project of the thing, None if there is no such thing."""
    match scope:
        case "project":
            organization = organization_of(histories[organization_id])
            known = organization is not None and scope_id in (organization.projects)
            return scope_id if known else None
        case "creator":
            creator = creator_of(histories[scope_id])
            if creator is None or creator.organization_id != organization_id:
                return None
            return None if creator.status == "erased" else creator.project_id
        case "campaign":
            campaign = campaign_of(histories[scope_id])
            if campaign is None or campaign.organization_id != organization_id:
                return None
            return None if campaign.is_deleted else campaign.project_id
        case "report":
            return None
