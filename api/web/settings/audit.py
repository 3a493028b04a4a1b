"""/audit: what happened to the organization itself, by day, and who did it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.response import Template
from msgspec import Struct, field

from api.http.error_codes import Code
from api.http.errors import ApiError
from api.http.query import invalid_query
from api.web.activity.days import grouped_by_day
from api.web.kit.csv_file import csv_file
from api.web.kit.forms.as_of_fields import is_backwards, to_api_time
from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext
from api.web.kit.page_query import PageQuery
from api.web.settings.layout import ADMIN, show_settings
from projections.audit import EVENTS, AuditEntry
from projections.organizations.projection import ApiKey
from projections.people import Member

PATH: Final = "/audit"
_MOST = 100


class AuditKind(NamedTuple):
    """A kind of rows: its name for a choice, its label, and how its events begin."""

    name: str
    label: str
    beginnings: tuple[str, ...]


KINDS: Final[Mapping[str, AuditKind]] = {
    "members": AuditKind(
        "Members",
        "Member",
        ("member_", "invitation_", "password_link_", "things_handed_over"),
    ),
    "sign_ins": AuditKind(
        "Sign-ins", "Sign-in", ("person_signed_in", "sign_in_method_")
    ),
    "keys": AuditKind("API keys", "API key", ("api_key_",)),
    "organization": AuditKind(
        "Organization", "Organization", ("organization_", "plan_", "operator_")
    ),
    "projects": AuditKind("Projects", "Project", ("project_",)),
    "campaigns": AuditKind("Campaigns", "Campaign", ("campaign_",)),
    "alert_rules": AuditKind("Alert rules", "Alert rule", ("alert_rule_",)),
    "webhooks": AuditKind("Webhooks", "Webhook", ("webhook_",)),
    "channels": AuditKind("Channels", "Channel", ("channel_",)),
    "reports": AuditKind("Reports", "Report", ("report_",)),
    "shares": AuditKind("Shared links", "Shared link", ("share_",)),
    "erasures": AuditKind("Erasures", "Erasure", ("subject_erased", "earlier_texts_")),
}
# Actors that are neither a person nor a key.
_PROCESSES: Final = (
    ("cli", "The command line"),
    ("directory", "The directory"),
    ("invited", "Invited people"),
    ("up", "The setup"),
    ("policy:retention", "The retention of removed creators"),
    ("policy:invitations", "The end of old invitations"),
)


class AuditQuery(PageQuery, frozen=True, kw_only=True):
    """The rows to show; an empty field does not filter."""

    kind: str = ""
    actor: str = ""
    from_: str = field(default="", name="from")
    to: str = ""
    cursor: str = ""


class AuditLine(Struct, frozen=True, kw_only=True):
    """A row with its label; the other fields are those of a line of activity."""

    entry: AuditEntry
    label: str
    tone: str = ""
    href: str = ""
    project: str = ""


class AuditPages(Controller):
    """The page of the audit, and its file."""

    @page_route(PATH, query=AuditQuery, **ADMIN)
    async def audit(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[AuditQuery],
    ) -> Template:
        """Show what happened to the organization, newest first."""
        context: dict[str, Any] = {
            "query": choices,
            "days": [],
            "more_url": None,
            "kinds": [(key, kind.name) for key, kind in KINDS.items()],
            "actors": await _actors(page, choices.actor),
        }
        try:
            got = await page.get(PATH, list[AuditEntry], **_api_query(page, choices))
        except ApiError as error:
            if error.code is not Code.INVALID_QUERY:
                raise
            return await show_settings(
                page, "settings/audit.html", context, tab=PATH, error=error
            )
        following = got.meta["nextCursor"]
        context |= {
            "days": [
                {"day": day, "name": name, "lines": [_line(entry) for entry in group]}
                for day, name, group in grouped_by_day(
                    got.data, time_zone=page.time_zone
                )
            ],
            "more_url": following and PATH + choices.address(cursor=following),
        }
        return await show_settings(page, "settings/audit.html", context, tab=PATH)

    @page_route(f"{PATH}.csv", query=AuditQuery, **ADMIN)
    async def file(
        self,
        page: NamedDependency[PageContext],
        choices: NamedDependency[AuditQuery],
    ) -> Response[bytes]:
        """Return the chosen rows as a file."""
        params = _api_query(page, choices)
        params.pop("cursor", None)
        got = await page.get_raw(PATH, **params, format="csv")
        return csv_file(got.body, disposition='attachment; filename="audit.csv"')


def _api_query(page: PageContext, choices: AuditQuery) -> dict[str, str]:
    """Return the parameters of the API, with days in the time zone of the page.

    Raises:
        ApiError: ``invalid_query``, if the first day is after the last.
    """
    params = choices.pairs(kind="")
    if "from" in params:
        params["from"] = to_api_time(choices.from_, time_zone=page.time_zone)
    if "to" in params:
        params["to"] = to_api_time(choices.to, time_zone=page.time_zone, is_end=True)
    if is_backwards(params.get("from"), params.get("to")):
        raise invalid_query("from", "the first day lies after the last")
    if choices.kind in KINDS:
        begins = KINDS[choices.kind].beginnings
        params["event"] = ",".join(sorted(e for e in EVENTS if e.startswith(begins)))
    return params


async def _actors(page: PageContext, chosen: str) -> Sequence[tuple[str, str]]:
    """Return the actors to choose from, with the chosen one in any case."""
    members, keys = await asyncio.gather(
        page.get("/members", list[Member], limit=_MOST),
        page.get("/api-keys", list[ApiKey], limit=_MOST),
    )
    found = [
        *((f"person:{member.id}", member.name) for member in members.data),
        *((f"key:{key.id}", f"Key {key.name}") for key in keys.data),
        *_PROCESSES,
    ]
    if chosen and chosen not in dict(found):
        found.append((chosen, "Somebody else"))
    return found


def _line(entry: AuditEntry) -> AuditLine:
    event = entry.event
    labels = (one.label for one in KINDS.values() if event.startswith(one.beginnings))
    return AuditLine(entry=entry, label=next(labels))
