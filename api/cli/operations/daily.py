"""The daily commands: operations of the API that have words of their own."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct


class Daily(Struct, frozen=True, kw_only=True):
    """One command: its words, its operation, and what the operation cannot say.

    ``arguments`` are fields of the body or the query that are given without a flag, and
    ``typed_in`` those that are asked for. With ``each`` the last argument takes several
    values: each makes an entry of that list of the body, with the other options.
    ``columns``, ``ids`` and ``computed`` are those of the table of a list, as
    ``print_list`` has them; the answer about one thing has a line for each. Others are
    answered by ``says``, without the lines that have a field which is null. An answer
    with a list in its field ``rows`` has a table of them before. ``failed`` returns why
    an act failed although its request was right, None if it did not. A list is printed
    whole unless ``is_whole`` is false: then it has its first page.
    """

    words: str
    operation: str
    arguments: str = ""
    typed_in: str = ""
    each: str = ""
    columns: str = ""
    ids: str = ""
    computed: Mapping[str, Callable[[Any], object]] = {}
    rows: str = ""
    says: str = ""
    failed: Callable[[Any], str | None] | None = None
    is_whole: bool = True

    @property
    def group(self) -> str:
        """Return the group of the command, without one an empty text."""
        return self.words.rpartition(" ")[0]

    @property
    def name(self) -> str:
        return self.words.rpartition(" ")[2]


def _price(minor: float | None, currency: str | None) -> str | None:
    if minor is None or currency is None:
        return None
    from domain.money import money

    return money(Decimal(str(minor)), currency)


def _towards(name: str, target: str = "target") -> Callable[[Any], str | None]:
    """Return what tells the reached number, and the target if there is one."""

    def shown(campaign: Any) -> str | None:  # noqa: ANN401 - as its operation has it
        progress = campaign.progress
        if progress is None:
            return None
        one = getattr(progress, name) if name else progress
        aim, reached = getattr(one, target), one.reached
        if aim is None:
            return None if reached is None else str(reached)
        status = "" if one.status is None else f": {one.status.replace('_', ' ')}"
        return f"{'?' if reached is None else reached} of {aim}{status}"

    return shown


def _about(alert: Any) -> str:  # noqa: ANN401 - as its operation has it
    if alert.tiktok_handle is not None:
        return f"@{alert.tiktok_handle}"
    return f"{alert.subject.type} {alert.subject.id}"


def _reports_made(report: Any) -> str:  # noqa: ANN401 - as its operation has it
    is_weekly = report.period == "weekly"
    day = report.weekday if is_weekly else "each 1st of the month"
    return f"{day} {report.hour:02}:00"


def _reports_state(report: Any) -> str:  # noqa: ANN401 - as its operation has it
    if report.stopped_because == "creator_moved":
        return "stopped: its creator moved"
    return "on" if report.enabled else "off"


def _not_taken(test: Any) -> str | None:  # noqa: ANN401 - as its operation has it
    answer = f" {test.answer}" if test.answer else ""
    return None if test.delivered else f"It was not taken. {test.error or ''}{answer}"


def _not_delivered(delivery: Any) -> str | None:  # noqa: ANN401 - as its operation has it
    if delivery.delivered:
        return None
    return delivery.failed or f"It answered with {delivery.status}."


def _projects_seen(member: Any) -> str | int:  # noqa: ANN401 - as its operation has it
    return "all" if member.project_ids is None else len(member.project_ids)


def _payments(member: Any) -> str:  # noqa: ANN401 - as its operation has it
    return "yes" if member.money else "no"


def _not_added(added: Any) -> str | None:  # noqa: ANN401 - as its operation has it
    count = added.failed_count
    return f"{count} of {len(added.results)} not added." if count else None


def _added(one: Any) -> str:  # noqa: ANN401 - as its operation has it
    if one.status == "failed":
        return f"not added: {one.error}"
    return "added" if one.status == "created" else "restored"


def _named(one: Any) -> str:  # noqa: ANN401 - as its operation has it
    if one.tiktok_handle is None:
        return "(erased)"
    return one.tiktok_handle if one.status == "failed" else f"@{one.tiktok_handle}"


def _not_understood(check: Any) -> str | None:  # noqa: ANN401 - as its operation has it
    return None if check.worked else f"{check.provider}: {check.verdict}"


_SENT = (
    "Link  {link}\nUntil {expires_at:%Y-%m-%d %H:%M} UTC, once\n"
    "Mail  goes to {mail}, with a link of its own"
)
_MAILED: Mapping[str, Callable[[Any], object]] = {
    "mail": lambda one: one.email if one.mailed else None
}
_DELIVERED = "Delivered in {duration_ms} ms: status {status}"
_ONCE = "Secret  {secret} (shown only this once)"

DAILY: Sequence[Daily] = (
    Daily(
        words="projects list",
        operation="listProjects",
        columns="name client created=created_at archived=archived_at",
        ids="id",
    ),
    Daily(
        words="projects create",
        operation="createProject",
        arguments="name",
        says="Project {id}: {name}",
    ),
    Daily(
        words="projects change",
        operation="changeProject",
        says="Project {name} changed",
    ),
    Daily(
        words="projects set-logo",
        operation="setProjectLogo",
        says="Project {name} has the logo",
    ),
    Daily(
        words="projects remove-logo",
        operation="removeProjectLogo",
        says="Project {name} has no logo",
    ),
    Daily(
        words="projects archive",
        operation="archiveProject",
        says="Project {name} archived",
    ),
    Daily(
        words="projects restore",
        operation="restoreProject",
        says="Project {name} restored",
    ),
    Daily(
        words="creators add",
        operation="addCreators",
        arguments="tiktok_handle",
        each="creators",
        rows="results",
        columns="creator result",
        computed={"creator": _named, "result": _added},
        failed=_not_added,
    ),
    Daily(
        words="members list",
        operation="listMembers",
        columns="name email role projects payments last_seen",
        ids="id",
        computed={
            "projects": _projects_seen,
            "payments": _payments,
            "last_seen": lambda one: one.last_seen_at or "not signed in",
        },
    ),
    Daily(words="members change", operation="changeMember", says="Changed {email}"),
    Daily(
        words="members leaves",
        operation="listMemberLeaves",
        rows="things",
        columns="kind name choices id",
        computed={
            "choices": lambda one: ", ".join(one.choices).replace("_", "-"),
        },
    ),
    Daily(
        words="members remove",
        operation="removeMember",
        rows="things",
        columns="goes_on=kind name",
        says="Removed {id}",
    ),
    Daily(
        words="members invite",
        operation="createInvitation",
        arguments="email",
        says=_SENT,
        computed=_MAILED,
    ),
    Daily(
        words="members invitations",
        operation="listInvitations",
        columns="email role projects payments until=expires_at",
        ids="id",
        computed={"projects": _projects_seen, "payments": _payments},
    ),
    Daily(
        words="members resend",
        operation="resendInvitation",
        says=_SENT,
        computed=_MAILED,
    ),
    Daily(
        words="members withdraw",
        operation="withdrawInvitation",
        says="Invitation {id} withdrawn",
    ),
    Daily(
        words="bans add",
        operation="banHandle",
        says="@{tiktok_handle} is banned",
    ),
    Daily(
        words="bans remove",
        operation="unbanHandle",
        says="@{tiktok_handle} is not banned",
    ),
    Daily(
        words="bans list",
        operation="listBans",
        columns="handle=tiktok_handle since=created_at reason",
    ),
    Daily(
        words="sources list",
        operation="listSources",
        columns="source=provider in_use=configured last_success=last_success_at "
        "requests_today daily_budget cost_today state",
        computed={
            "cost_today": lambda one: (
                None if one.cost_today is None else f"{one.cost_today} {one.currency}"
            ),
            "state": lambda one: one.to_do or one.why_not or "ok",
        },
    ),
    Daily(
        words="sources check",
        operation="checkSource",
        arguments="tiktok_handle",
        rows="steps",
        columns="step=what status understood ms=duration_ms",
        says="{provider}: {verdict}\nNext: {next}",
        failed=_not_understood,
    ),
    Daily(
        words="campaigns list",
        operation="listCampaigns",
        columns="name creators videos campaigns first_day=starts_on last_day=ends_on "
        "target_views target_posts target_engagement counted=target_scope cost",
        ids="id project_id",
        computed={
            "creators": lambda one: one.item_counts.creators,
            "videos": lambda one: one.item_counts.videos,
            "campaigns": lambda one: one.item_counts.campaigns,
            "cost": lambda one: _price(one.cost_minor, one.currency),
        },
    ),
    Daily(
        words="campaigns show",
        operation="getCampaign",
        columns="name first_day=starts_on last_day=ends_on views posts engagement "
        "counted=target_scope cost cpm",
        computed={
            "views": _towards("", "target_views"),
            "posts": _towards("posts"),
            "engagement": _towards("engagement"),
            "cost": lambda one: _price(one.cost_minor, one.currency),
            "cpm": lambda one: (
                None
                if one.progress is None
                else _price(one.progress.effective_cpm_minor, one.currency)
            ),
        },
    ),
    Daily(
        words="campaigns create",
        operation="createCampaign",
        arguments="name",
        says="Campaign {id}: {name}",
    ),
    Daily(
        words="campaigns change",
        operation="changeCampaign",
        says="Campaign {name} changed",
    ),
    Daily(
        words="campaigns items",
        operation="listCampaignItems",
        columns="item_type name handle=tiktok_handle removed=is_removed added=added_at",
        ids="item_id",
    ),
    Daily(
        words="campaigns add",
        operation="addCampaignItems",
        arguments="item_type item_id",
        each="items",
        says="Campaign {name} has the items",
    ),
    Daily(
        words="campaigns remove",
        operation="removeCampaignItems",
        arguments="item_type item_id",
        each="items",
        says="Campaign {name} has the items no more",
    ),
    Daily(
        words="campaigns delete",
        operation="deleteCampaign",
        says="Campaign {name} deleted",
    ),
    Daily(
        words="webhooks list",
        operation="listWebhooks",
        columns="url types state failures waiting last_delivery=last_delivery_at",
        ids="id",
        computed={
            "state": lambda one: (one.disabled_reason or "enabled").replace("_", " ")
        },
    ),
    Daily(
        words="webhooks create",
        operation="createWebhook",
        arguments="url",
        says=f"Webhook {{id}}\n{_ONCE}",
    ),
    Daily(
        words="webhooks change", operation="changeWebhook", says="Webhook {id} changed"
    ),
    Daily(
        words="webhooks delete", operation="deleteWebhook", says="Webhook {id} deleted"
    ),
    Daily(
        words="webhooks rotate-secret",
        operation="rotateWebhookSecret",
        says=_ONCE,
    ),
    Daily(
        words="webhooks test",
        operation="testWebhook",
        says=_DELIVERED,
        failed=_not_delivered,
    ),
    Daily(
        words="webhooks deliveries",
        operation="listWebhookDeliveries",
        columns="at type position kind attempt result ms=duration_ms",
        ids="event_id id",
        is_whole=False,
        computed={
            "result": lambda one: one.status if one.failed is None else one.failed
        },
    ),
    Daily(
        words="webhooks retry",
        operation="retryWebhookDelivery",
        says=_DELIVERED,
        failed=_not_delivered,
    ),
    Daily(
        words="webhooks replay",
        operation="replayToWebhook",
        says="Sending positions {from_} to {to} again",
    ),
    Daily(
        words="channels list",
        operation="listChannels",
        columns="name kind address state waiting last_sent=last_sent_at "
        "error=last_error",
        ids="id",
        computed={
            "address": lambda one: one.url or one.address or "",
            "state": lambda one: "on" if one.enabled else "off",
        },
    ),
    Daily(
        words="channels create",
        operation="createChannel",
        arguments="kind",
        says=f"Channel {{id}}\n{_ONCE}",
    ),
    Daily(
        words="channels change", operation="changeChannel", says="Channel {id} changed"
    ),
    Daily(
        words="channels delete", operation="deleteChannel", says="Channel {id} deleted"
    ),
    Daily(
        words="channels test",
        operation="testChannel",
        says="Taken in {duration_ms} ms",
        failed=_not_taken,
    ),
    Daily(
        words="shares list",
        operation="listShares",
        columns="name scope days status password=has_password opened=opened_count "
        "last=last_opened_at",
        ids="id scope_id",
        computed={
            "days": lambda one: one.rolling or f"{one.from_} to {one.to or 'now'}"
        },
    ),
    Daily(
        words="shares create",
        operation="createShare",
        arguments="scope scope_id",
        typed_in="password",
        says="Link  {url}\nId    {id}",
    ),
    Daily(
        words="shares change",
        operation="changeShare",
        typed_in="password",
        says="Link {id} changed",
    ),
    Daily(words="shares delete", operation="deleteShare", says="Link {id} deleted"),
    Daily(
        words="views list",
        operation="listViews",
        columns="name list query shown built_in=is_built_in",
        ids="id",
        computed={"shown": lambda one: ",".join(one.columns) or None},
    ),
    Daily(words="views create", operation="createView", says="View {id}"),
    Daily(words="views change", operation="changeView", says="View {id} changed"),
    Daily(words="views delete", operation="deleteView", says="View {id} deleted"),
    Daily(
        words="reports list",
        operation="listReports",
        columns="name scope made recipients issues=issue_count state",
        ids="id scope_id",
        computed={
            "scope": lambda one: one.scope.type,
            "scope_id": lambda one: one.scope.id,
            "made": _reports_made,
            "recipients": lambda one: len(one.recipients),
            "state": _reports_state,
        },
    ),
    Daily(
        words="reports create",
        operation="createReport",
        arguments="name",
        says="Report {id}",
    ),
    Daily(words="reports change", operation="changeReport", says="Report {id} changed"),
    Daily(words="reports delete", operation="deleteReport", says="Report {id} deleted"),
    Daily(
        words="reports send",
        operation="sendReport",
        says="Issue {number}: {from_} to {to}\nSent to {mailed}",
    ),
    Daily(
        words="reports issues",
        operation="listReportIssues",
        columns="number from=from_ to position made=made_at mailed",
    ),
    Daily(
        words="alerts list",
        operation="listAlerts",
        columns="about alert=words severity state since",
        ids="id rule_id creator_id",
        computed={"about": _about},
        is_whole=False,
    ),
    Daily(
        words="alerts show",
        operation="getAlert",
        columns="about alert=words rule=rule_name severity state since fired=opened_at "
        "acknowledged=acknowledged_at aside_until=snoozed_until resolved=resolved_at "
        "value limit",
        computed={
            "about": _about,
            "value": lambda one: one.evidence.value,
            "limit": lambda one: one.evidence.limit,
        },
    ),
    Daily(
        words="alerts acknowledge",
        operation="acknowledgeAlert",
        says="Alert {id} acknowledged",
    ),
    Daily(
        words="alerts snooze",
        operation="snoozeAlert",
        arguments="until",
        says="Alert {id} is put aside until {snoozed_until}",
    ),
    Daily(
        words="alert-rules list",
        operation="listAlertRules",
        columns="name condition=words watches enabled",
        ids="id",
        computed={
            "watches": lambda one: (
                one.scope.type if one.scope.id is None else f"one {one.scope.type}"
            )
        },
    ),
    Daily(
        words="alert-rules create",
        operation="createAlertRule",
        arguments="name",
        says="Rule {id}: {words}",
    ),
    Daily(
        words="alert-rules change",
        operation="changeAlertRule",
        says="Rule {id} changed: {words}",
    ),
    Daily(
        words="alert-rules delete",
        operation="deleteAlertRule",
        says="Rule {id} deleted",
    ),
    Daily(
        words="alert-rules preview",
        operation="previewAlertRule",
        columns="about at value limit",
        computed={
            "about": lambda one: (
                f"@{one.tiktok_handle}"
                if one.tiktok_handle is not None
                else f"{one.subject_type} {one.subject_id}"
            ),
            "value": lambda one: one.evidence.value,
            "limit": lambda one: one.evidence.limit,
        },
    ),
    Daily(
        words="notifications",
        operation="listNotifications",
        columns="at severity news=title",
        is_whole=False,
    ),
    Daily(
        words="activity",
        operation="listActivity",
        columns="at kind what_happened=summary",
        is_whole=False,
    ),
    Daily(
        words="audit",
        operation="listAudit",
        columns="at event what_happened=summary",
        is_whole=False,
    ),
    Daily(
        words="connect-links list",
        operation="listConnectLinks",
        columns="made=created_at until=expires_at used=used_at revoked=revoked_at "
        "address=url",
        ids="id",
    ),
    Daily(
        words="connect-links create",
        operation="createConnectLink",
        says="Link    {id}\nUntil   {expires_at}\nAddress {url}",
    ),
    Daily(
        words="connect-links revoke",
        operation="revokeConnectLink",
        says="Link {id} revoked",
    ),
)


def daily_command(words: Sequence[str]) -> Daily | None:
    """Return the daily command that a command line runs, None if it runs another."""
    for one in DAILY:
        own = one.words.split()
        if own == list(words[: len(own)]):
            return one
    return None
