"""The command ``goatherd audit``, for one organization or for all."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from cyclopts import Parameter
from msgspec import Struct

from api.cli import UsageError
from api.cli.kit.caught_up import wait_until_caught_up
from api.cli.kit.databases import database_url, fitting, opened_store, rows_of
from api.cli.kit.names import OnlyOrganizationOption, organization_named
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json, print_table
from domain.analytics.buckets import midnight
from infra.database import COMMAND_NAME
from infra.eventstore.codec import Codec
from projections.audit import (
    EVENTS,
    AuditEntry,
    AuditFilter,
    actors_named,
    page_of_audit,
)
from projections.engine.snapshot_reader import snapshot

_ZONES = """
SELECT organization_id AS id, time_zone FROM organizations
WHERE %(org)s::uuid IS NULL OR organization_id = %(org)s
"""
_DEFAULT_LIMIT = 50
_A_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


class _Organization(Struct, frozen=True):
    id: UUID
    time_zone: str


def audit(
    *,
    org: OnlyOrganizationOption = None,
    event: Annotated[
        str | None,
        Parameter(help="Only these events, with commas between, such as plan_changed."),
    ] = None,
    actor: Annotated[
        str | None,
        Parameter(help="Only what this person or key did, by id, or by actor."),
    ] = None,
    from_: Annotated[
        date | None,
        Parameter(
            name="--from", help="The first day, in the time zone of the organization."
        ),
    ] = None,
    to: Annotated[date | None, Parameter(help="The last day.")] = None,
    limit: Annotated[
        int, Parameter(help="The number of rows at most, the newest ones.")
    ] = _DEFAULT_LIMIT,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List what happened to organizations themselves, newest first.

    These are changes of members, keys, settings, plans, projects, campaigns and alert
    rules, erasures, and sign-ins of members with changes of how they sign in.
    """
    events = None if event is None else _events(event)
    settings = read_settings(data_dir=data_dir)
    with fitting(settings) as connection:
        org_id = None if org is None else organization_named(connection, org)
        wait_until_caught_up(
            connection,
            *("audit", "api_keys", "people", "projects", "alerts", "campaigns"),
            what="this list is",
        )
        found = rows_of(connection, _Organization, _ZONES, {"org": org_id})
    requested = {
        one.id: AuditFilter(
            events=events,
            actors=None if actor is None else actors_named(actor),
            since=None if from_ is None else midnight(from_, ZoneInfo(one.time_zone)),
            until=None
            if to is None
            else midnight(to + _A_DAY, ZoneInfo(one.time_zone)) - _INSTANT,
        )
        for one in found
    }
    with opened_store(settings) as store:
        rows = asyncio.run(
            _rows(database_url(settings), store.codec, requested, limit=limit)
        )
    zones = {one.id: ZoneInfo(one.time_zone) for one in found}
    rows.sort(key=lambda row: row[1].position, reverse=True)
    shown = rows[:limit]
    if json:
        print_json([entry for _, entry in shown])
        return
    print_table(
        ("at", "event", "what happened"),
        (
            (_minute(entry.at, zones[of]), entry.event, entry.summary)
            for of, entry in shown
        ),
    )


def _minute(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


async def _rows(
    url: str, codec: Codec, requested: dict[UUID, AuditFilter], *, limit: int
) -> list[tuple[UUID, AuditEntry]]:
    rows: list[tuple[UUID, AuditEntry]] = []
    async with snapshot(url, "audit", application_name=COMMAND_NAME, codec=codec) as (
        reader,
        _,
    ):
        for id_, of in requested.items():
            page: Sequence[AuditEntry] = await page_of_audit(
                reader, id_, of, limit=limit
            )
            rows += [(id_, entry) for entry in page]
    return rows


def _events(text: str) -> frozenset[str]:
    names = frozenset(text.split(","))
    if unknown := sorted(names - EVENTS):
        raise UsageError(
            f"There is no event {unknown[0]!r} in an audit: the events are "
            f"{', '.join(sorted(EVENTS))}."
        )
    return names
