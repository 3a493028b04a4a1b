"""``goatherd notifications``: the news of the bell."""

from datetime import datetime
from typing import Annotated, LiteralString
from uuid import UUID

from cyclopts import Parameter
from msgspec import Struct

from api.cli.kit.databases import fitting, rows_of
from api.cli.kit.names import OnlyOrganizationOption, organization_named
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_list
from domain.messages import Severity

_LIST: LiteralString = """
SELECT id, organization_id AS org_id, project_id, kind, severity, title, at, alert_ids
FROM notifications
WHERE person_id IS NULL
AND (%(organization)s::uuid IS NULL OR organization_id = %(organization)s)
ORDER BY at DESC, id DESC LIMIT %(limit)s
"""
_DEFAULT_LIMIT = 50


class News(Struct, frozen=True, kw_only=True):
    """A notification of an organization; those of single people are left out."""

    id: UUID
    org_id: UUID
    project_id: UUID | None
    kind: str
    severity: Severity
    title: str
    at: datetime
    alert_ids: list[UUID]


def notifications(
    *,
    org: OnlyOrganizationOption = None,
    limit: Annotated[
        int, Parameter(help="The number of notifications at most, the newest ones.")
    ] = _DEFAULT_LIMIT,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List the news of the last 30 days, but those for single people."""
    with fitting(read_settings(data_dir=data_dir)) as connection:
        org_id = None if org is None else organization_named(connection, org)
        found = rows_of(
            connection, News, _LIST, {"organization": org_id, "limit": limit}
        )
    print_list(found, "at severity news=title", json=json)
