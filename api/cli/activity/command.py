"""The command ``goatherd activity``, for one organization or for all."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from cyclopts import Parameter
from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli import UsageError
from api.cli.kit.caught_up import wait_until_caught_up
from api.cli.kit.databases import fitting
from api.cli.kit.names import (
    OnlyOrganizationOption,
    OnlyProjectOption,
    organization_and_project,
)
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json, print_table
from domain.activity import KINDS, ActivityKind
from domain.analytics.buckets import midnight
from projections.activity.queries import (
    ActivityEntry,
    ActivityFilter,
    activity_query,
    placed_entry,
)

_ZONES = """
SELECT organization_id, time_zone FROM organizations
WHERE %(org)s::uuid IS NULL OR organization_id = %(org)s
"""
_DEFAULT_LIMIT = 50
_A_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


def activity(
    *,
    org: OnlyOrganizationOption = None,
    project: OnlyProjectOption = None,
    creator: Annotated[UUID | None, Parameter(help="Only this creator, by id.")] = None,
    campaign: Annotated[
        UUID | None, Parameter(help="Only this campaign and its members, by id.")
    ] = None,
    kinds: Annotated[
        str | None,
        Parameter(help=f"Only these kinds, with commas between: {', '.join(KINDS)}."),
    ] = None,
    since: Annotated[
        date | None,
        Parameter(help="The first day, in the time zone of the organization."),
    ] = None,
    until: Annotated[date | None, Parameter(help="The last day.")] = None,
    limit: Annotated[
        int, Parameter(help="The number of rows at most, the newest ones.")
    ] = _DEFAULT_LIMIT,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List what happened, newest first."""
    chosen = None if kinds is None else _kinds(kinds)
    with fitting(read_settings(data_dir=data_dir)) as connection:
        named = organization_and_project(connection, org, project)
        wait_until_caught_up(connection, "activity", what="this list is")
        found: list[tuple[Any, ActivityEntry, ZoneInfo]] = []
        for organization_id, time_zone in connection.execute(
            _ZONES, {"org": named["org"]}
        ).fetchall():
            zone = ZoneInfo(time_zone)
            now = datetime.now(UTC)
            end = until and midnight(until + _A_DAY, zone) - _INSTANT
            requested = ActivityFilter(
                kinds=chosen,
                since=None if since is None else midnight(since, zone),
                until=min(now, end or now),
                project_id=named["project"],
                campaign_id=campaign,
                creator_id=creator,
            )
            found += [
                (place, entry, zone)
                for place, entry in _rows(
                    connection, organization_id, requested, limit=limit
                )
            ]
    found.sort(key=lambda each: each[0], reverse=True)
    shown = found[:limit]
    if json:
        print_json([entry for _, entry, _ in shown])
        return
    print_table(
        ("at", "kind", "what happened"),
        (
            (f"{entry.at.astimezone(zone):%Y-%m-%d %H:%M}", entry.kind, entry.summary)
            for _, entry, zone in shown
        ),
    )


def _rows(
    connection: Connection[TupleRow],
    organization_id: UUID,
    requested: ActivityFilter,
    *,
    limit: int,
) -> list[tuple[Any, ActivityEntry]]:
    query, parameters = activity_query(
        organization_id, requested, limit=limit, after=None
    )
    return [placed_entry(row) for row in connection.execute(query, parameters)]


def _kinds(text: str) -> tuple[ActivityKind, ...]:
    names = text.split(",")
    if unknown := sorted({*names} - {*KINDS}):
        raise UsageError(
            f"There is no kind {unknown[0]!r}: the kinds are {', '.join(KINDS)}."
        )
    return tuple(kind for kind in KINDS if kind in names)
