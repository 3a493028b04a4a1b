"""The list's floor: a Litestar application that runs its SELECT and nothing else.

No key, no limits, no request id, no headers of ours, no cursor, no wall around the
tenant: the rest is the cost of server, framework, driver, database and encoder.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from litestar import Litestar, get

from api.http.reading.paging import DEFAULT_LIMIT
from api.http.responses import Envelope, PageMeta
from infra.database import own_pool
from infra.settings import Settings
from projections.creators.creator import creator_from_columns
from projections.creators.search_sql import CreatorQueryVariant, list_query


def create() -> Litestar:
    """Return the application; granian calls this."""
    # The same pool as the list's own, but for its role and its shorter patience.
    pool = own_pool(
        os.environ["GOATHERD_DATABASE_URL"], size=Settings().reading_pool_size
    )
    query = list_query(
        CreatorQueryVariant(statuses=2, sort="created_at", has_after=False)
    )
    params = {
        "organization": UUID(os.environ["GOATHERD_TEST_ORGANIZATION"]),
        "status0": "active",
        "status1": "disabled",
        "head": DEFAULT_LIMIT + 1,
        "limit": DEFAULT_LIMIT + 1,
    }

    @get("/creators")
    async def creators() -> Envelope:
        async with pool.connection() as connection:
            cursor = connection.cursor(binary=True)
            await cursor.execute(query, params, prepare=True)
            rows = await cursor.fetchall()
        page = [creator_from_columns(row) for row in rows[:DEFAULT_LIMIT]]
        return Envelope(page, None, PageMeta(next_cursor=None, limit=DEFAULT_LIMIT))

    @asynccontextmanager
    async def open_pool(app: Litestar) -> AsyncGenerator[None]:
        del app
        await pool.open()
        yield
        await pool.close()

    return Litestar(
        [creators], lifespan=[open_pool], logging_config=None, openapi_config=None
    )
