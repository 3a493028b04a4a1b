"""The requests to sources and their costs, day by day: of a creator, and of all."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.scrape.costs import amount_of
from projections.engine.reader import Reader

MOST_DAYS = 30

_OF_CREATOR = b"""
SELECT day, provider, requests, cost_millionths, currency FROM source_request
WHERE organization_id = %(organization)s AND creator_id = %(creator)s
    AND day > (now() AT TIME ZONE 'UTC')::date - %(days)s::int
ORDER BY day DESC, provider, currency
"""
_OF_ORGANIZATIONS = """
SELECT r.day, r.provider, sum(r.requests)::bigint, sum(r.cost_millionths)::bigint,
       r.currency, r.organization_id, o.name
FROM source_request AS r LEFT JOIN organizations AS o USING (organization_id)
WHERE r.day > (now() AT TIME ZONE 'UTC')::date - %s::int
GROUP BY r.day, r.provider, r.currency, r.organization_id, o.name
ORDER BY r.day DESC, 3 DESC, r.provider, o.name
"""


class SourceRequests(msgspec.Struct, frozen=True, kw_only=True):
    """The requests to a provider on a day of UTC, and their cost.

    ``cost`` and ``currency`` are null if no price was set.
    """

    day: date
    provider: str
    requests: int
    cost: Decimal | None
    currency: str | None


class OrganizationRequests(SourceRequests, frozen=True, kw_only=True):
    """An organization's requests to a provider on a day of UTC.

    ``organization_id`` is null for checks on the command line.
    """

    organization_id: UUID | None
    organization_name: str | None


async def requests_of_creator(
    reader: Reader, organization_id: UUID, creator_id: UUID
) -> list[SourceRequests]:
    """Return the requests for a creator in the last 30 days, the newest first."""
    rows = await reader.rows(
        organization_id,
        _OF_CREATOR,
        {"organization": organization_id, "creator": creator_id, "days": MOST_DAYS},
    )
    return [
        SourceRequests(
            day=day,
            provider=provider,
            requests=requests,
            cost=amount_of(cost) if currency else None,
            currency=currency or None,
        )
        for day, provider, requests, cost, currency in rows
    ]


def requests_of_organizations(
    connection: Connection[TupleRow], *, days: int
) -> list[OrganizationRequests]:
    """Return the requests of all organizations by falling day and number."""
    return [
        OrganizationRequests(
            day=day,
            provider=provider,
            requests=requests,
            cost=amount_of(cost) if currency else None,
            currency=currency or None,
            organization_id=organization_id,
            organization_name=name,
        )
        for day, provider, requests, cost, currency, organization_id, name in (
            connection.execute(_OF_ORGANIZATIONS, (days,))
        )
    ]
