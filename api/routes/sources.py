"""/sources: the state of the sources of scrapes, and a check of a source."""

import asyncio
from contextlib import ExitStack
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, ClassVar
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow

from api.http.query import invalid_query
from api.http.reading.paging import caught_up
from api.http.request import Request
from api.http.responses import Answer
from api.http.routes import read_route
from api.http.writer import CommandWriter
from application.connect.service import Connections
from domain.creator.handle import normalize_handle
from domain.errors import InvalidHandleError
from domain.messages import copied
from domain.scrape.costs import amount_of, why_spent
from domain.scrape.sources import NEXT
from infra.database import Pool, run_read
from infra.setting_forms import ProviderName
from infra.settings import Settings, SettingsError
from projections.engine.reader import Reader
from projections.scrape_runs.sources import SourceActivity, source_activity
from workers.schedule.load import capacities, oldest_counts_at
from workers.sources.check import SourceCheck, check_source
from workers.sources.recordings.file_format import RecordingError
from workers.sources.request_counts import RequestCounts
from workers.sources.settings import SourceSetting, source_settings
from workers.sources.table import PROVIDERS

_OPERATOR: dict[str, Any] = {
    "scope": "admin",
    "operator": True,
    "whole_organization": True,
    "versioned": False,
}


class SourceCapacity(Struct, frozen=True, kw_only=True):
    """The requests that a source may get in a day, and those that the schedule needs.

    ``load`` is the needed part of them; above 1 the schedule slips. The source can
    serve ``creators_possible`` creators like the present ``creators``, or of 300 videos
    at the default intervals while there are none. ``oldest_counts_at`` is the last time
    at which the counted video that was observed longest ago was observed.
    """

    requests_per_day: int
    requests_needed: int
    load: float
    creators: int
    creators_possible: int
    oldest_counts_at: datetime | None


class ProviderState(Struct, frozen=True, kw_only=True):
    """A source of TikTok's data, and its results over all organizations.

    ``configured``: scrapes use the source. ``can_serve`` is false for the reason
    ``why_not``. ``outcomes_24h`` counts its answers to scrapes of the last 24 hours.
    ``requests_today`` counts requests since midnight UTC; a null ``daily_budget`` is no
    limit, and a null cost no price. ``failing``: the source is at fault for most of its
    newest answers, and ``to_do`` says what to try. ``capacity`` is null for sources
    that have no pace of their own, or that another one precedes for all creators.
    """

    provider: str
    configured: bool
    can_serve: bool
    why_not: str | None
    last_success_at: datetime | None
    outcomes_24h: dict[str, int]
    median_duration_ms: int | None
    requests_today: int
    daily_budget: int | None
    cost_today: Decimal | None
    currency: str | None
    failing: bool
    to_do: str | None
    capacity: SourceCapacity | None


class SourceRoutes(Controller):
    """The sources of scrapes."""

    path = "/sources"
    tags = ("Administration",)
    entities: ClassVar = {"source": ProviderState}

    @read_route("/", "listSources", **_OPERATOR)
    async def list_sources(
        self,
        request: Request,
        reader: NamedDependency[Reader],
        settings: NamedDependency[Settings],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[list[ProviderState]]:
        """List the sources of TikTok's data, the first that scrapes use first."""
        await caught_up(request, reader, "scrape_runs")
        return Answer(
            await asyncio.to_thread(
                run_read,
                writer.store.pool,
                lambda connection: provider_states(settings, connection),
            )
        )

    @read_route("/check", "checkSource", **_OPERATOR)
    async def check(
        self,
        request: Request,
        reader: NamedDependency[Reader],
        settings: NamedDependency[Settings],
        writer: NamedDependency[CommandWriter],
        connections: NamedDependency[Connections],
        tiktok_handle: Annotated[
            str,
            QueryParameter(
                max_length=200, description="The handle of the creator to scrape."
            ),
        ],
        provider: Annotated[
            ProviderName | None,
            QueryParameter(
                description="The source to check; by default the first that "
                "can serve the creator."
            ),
        ] = None,
    ) -> Answer[SourceCheck]:
        """Scrape one creator from a source once, and show each step; nothing is stored.

        The requests of the check count against the source's budget. A check takes up to
        a minute and a half.
        """
        await caught_up(request, reader, "scrape_runs")
        try:
            handle = normalize_handle(tiktok_handle)
        except InvalidHandleError as error:
            raise invalid_query("tiktok_handle", _message(error)) from error
        try:
            check = partial(
                _check,
                settings,
                writer.store.pool,
                handle,
                provider,
                request.organization_id,
            )
            return Answer(await connections.outbound.run(check))
        except (SettingsError, RecordingError) as error:
            raise invalid_query("provider", _message(error)) from error


def provider_states(
    settings: Settings, connection: Connection[TupleRow]
) -> list[ProviderState]:
    """Return the state of every source, the first that scrapes use first."""
    activity = source_activity(connection, PROVIDERS, in_use=settings.providers)
    by_provider = {each.provider: each for each in activity}
    possible = capacities(connection, settings)
    oldest = oldest_counts_at(connection) if possible else None
    states: list[ProviderState] = []
    for setting in source_settings(settings):
        did = by_provider[setting.provider]
        fault = did.failing_with if setting.is_configured else None
        price = settings.price(setting.provider)
        why_not = setting.why_not or _why_not(settings, setting, did)
        states.append(
            ProviderState(
                provider=setting.provider,
                configured=setting.is_configured,
                can_serve=why_not is None,
                why_not=why_not,
                last_success_at=did.last_success_at,
                outcomes_24h=did.outcomes_24h,
                median_duration_ms=did.median_duration_ms,
                requests_today=did.requests_today,
                daily_budget=setting.daily_budget,
                cost_today=None
                if price is None
                else amount_of(did.costs_today.get(price.currency, 0)),
                currency=None if price is None else price.currency,
                failing=fault is not None,
                to_do=None if fault is None else NEXT[fault],
                capacity=None
                if (able := possible.get(setting.provider)) is None
                else copied(
                    able,
                    SourceCapacity,
                    load=round(able.load, 3),
                    oldest_counts_at=oldest,
                ),
            )
        )
    return states


def _check(
    settings: Settings,
    pool: Pool,
    handle: str,
    provider: ProviderName | None,
    organization_id: UUID,
) -> SourceCheck:
    # The import loads all that workers depend on, and nothing else in this process
    # needs that.
    from workers.main import choose_providers_for_check

    with ExitStack() as stack:
        providers = choose_providers_for_check(settings, pool, provider)
        for each in providers:
            stack.callback(each.close)
        return check_source(
            providers,
            handle,
            pool=pool,
            counts=RequestCounts(pool, settings),
            organization_id=organization_id,
        )


def _message(error: Exception) -> str:
    return str(error).removesuffix(".")


def _why_not(
    settings: Settings, setting: SourceSetting, did: SourceActivity
) -> str | None:
    if not setting.is_configured:
        return f"GOATHERD_PROVIDERS is {','.join(settings.providers) or 'not set'}."
    budget = setting.daily_budget
    return None if budget is None else why_spent(did.requests_today, budget)
