import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from api.http.access.auth import Principal
from api.http.access.rate_limit import RequestLimiter
from api.http.errors import ApiError
from api.routes.usage import read_counts
from domain.organization.plans import Limits
from infra.database import own_pool
from tests.kit.tiny_app import ORGANIZATION_ID, Keyring, tiny_app

NOTES = "/api/v1/notes"
OTHER_ORGANIZATION = UUID(int=99)


@pytest.fixture
def database(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def client(database_url: str, keyring: Keyring) -> Iterator[TestClient[Litestar]]:
    pool = own_pool(database_url, size=4)

    @asynccontextmanager
    async def opened(_: Litestar) -> AsyncIterator[None]:
        async with pool:
            yield

    app = tiny_app(keyring, pool=pool, lifespan=[opened])
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def pass_time(database: psycopg.Connection, by: timedelta) -> None:
    """Move the counted requests that long into the past."""
    database.execute("UPDATE api_usage SET started_at = started_at - %s", (by,))


def counted(database: psycopg.Connection) -> dict[UUID, int]:
    rows = database.execute("SELECT subject_id, used FROM api_usage")
    return dict(rows)


def test_a_plan_without_limits_says_nothing_and_asks_no_database(
    client: TestClient[Litestar], keyring: Keyring, database: psycopg.Connection
):
    header = keyring.add(1, "read", limits=Limits())

    answer = client.get(NOTES, headers=header)

    assert answer.status_code == 200
    assert not [name for name in answer.headers if "ratelimit" in name]
    assert counted(database) == {}


def principal(number: int, limits: Limits) -> Principal:
    return Principal(
        key_id=UUID(int=number),
        organization_id=UUID(int=number),
        scopes=frozenset(),
        plan="any",
        limits=limits,
    )


def test_what_has_no_limit_a_day_is_counted_all_the_same(
    database_url: str, database: psycopg.Connection
):
    first, second = principal(1, Limits()), principal(2, Limits())
    by_minute = principal(3, Limits(max_requests_per_minute=2))

    async def spend() -> None:
        async with own_pool(database_url, size=2) as pool:
            here, there = RequestLimiter(pool), RequestLimiter(pool)
            for limiter in (here, there, here):
                await limiter.spend(first)
            await here.spend(second)
            for _ in range(2):
                await there.spend(by_minute)
            with pytest.raises(ApiError):
                await there.spend(by_minute)
            for limiter in (here, there, there):
                await limiter.write_counts()

    asyncio.run(spend())
    days = "SELECT subject_id, used FROM api_usage WHERE subject_id = organization_id"
    assert dict(database.execute(days).fetchall()) == {
        UUID(int=1): 3,
        UUID(int=2): 1,
        UUID(int=3): 2,
    }

    pass_time(database, timedelta(days=1))
    asyncio.run(spend())
    assert dict(database.execute(days).fetchall())[UUID(int=1)] == 3


def test_counts_that_could_not_be_written_are_written_later(
    database_url: str, database: psycopg.Connection
):
    async def spend() -> None:
        async with own_pool(database_url, size=1) as pool:
            limiter = RequestLimiter(pool)
            await limiter.spend(principal(1, Limits()))
            database.execute("ALTER TABLE api_usage RENAME TO away")
            with pytest.raises(psycopg.errors.UndefinedTable):
                await limiter.write_counts()
            database.execute("ALTER TABLE away RENAME TO api_usage")
            await limiter.spend(principal(1, Limits()))
            await limiter.write_counts()

    asyncio.run(spend())

    assert counted(database) == {UUID(int=1): 2}


def test_the_request_after_the_last_one_of_a_minute_is_refused(
    client: TestClient[Litestar], keyring: Keyring
):
    header = keyring.add(1, "read", limits=Limits(max_requests_per_minute=3))

    answers = [client.get(NOTES, headers=header) for _ in range(5)]

    assert [a.status_code for a in answers] == [200, 200, 200, 429, 429]
    assert [a.headers["X-RateLimit-Remaining"] for a in answers[:4]] == list("2100")
    refused = answers[3]
    wait = int(refused.headers["Retry-After"])
    assert 50 <= wait <= 60
    assert refused.json()["meta"]["code"] == "rate_limit_exceeded"
    assert refused.json()["meta"]["retryAfter"] == wait
    assert refused.headers["RateLimit"] == f'"key";r=0;t={wait}'
    assert refused.headers["RateLimit-Policy"] == '"key";q=3;w=60'


def test_a_minute_after_its_first_request_a_key_is_let_in_again(
    client: TestClient[Litestar], keyring: Keyring, database: psycopg.Connection
):
    header = keyring.add(1, "read", limits=Limits(max_requests_per_minute=1))
    client.get(NOTES, headers=header)

    pass_time(database, timedelta(seconds=50))
    too_soon = client.get(NOTES, headers=header)
    pass_time(database, timedelta(seconds=10))
    in_time = client.get(NOTES, headers=header)

    assert (too_soon.status_code, in_time.status_code) == (429, 200)
    assert int(too_soon.headers["Retry-After"]) <= 10


def test_keys_of_one_organization_have_a_minute_each_and_share_the_day(
    client: TestClient[Litestar], keyring: Keyring
):
    limits = Limits(max_requests_per_minute=3, max_api_requests_per_day=4)
    first = keyring.add(1, "read", limits=limits)
    second = keyring.add(2, "read", limits=limits)
    foreign = keyring.add(3, "read", limits=limits, organization_id=OTHER_ORGANIZATION)

    answers = [
        client.get(NOTES, headers=header)
        for header in (first, first, first, first, second, second, foreign)
    ]

    assert [a.status_code for a in answers] == [200, 200, 200, 429, 200, 429, 200]
    assert [a.headers["RateLimit"].partition(";t=")[0] for a in answers] == [
        '"key";r=2',
        '"key";r=1',
        '"key";r=0',
        '"key";r=0',
        '"org-day";r=0',
        '"org-day";r=0',
        '"key";r=2',
    ]
    assert answers[0].headers["RateLimit-Policy"] == (
        '"key";q=3;w=60, "org-day";q=4;w=86400'
    )


def test_a_request_the_minute_refuses_does_not_count_for_the_day(
    client: TestClient[Litestar], keyring: Keyring, database: psycopg.Connection
):
    limits = Limits(max_requests_per_minute=1, max_api_requests_per_day=10)
    header = keyring.add(1, "read", limits=limits)

    for _ in range(5):
        client.get(NOTES, headers=header)

    assert counted(database) == {UUID(int=1): 1, ORGANIZATION_ID: 1}


def test_a_day_over_its_limit_ends_at_midnight_utc(
    client: TestClient[Litestar], keyring: Keyring, database: psycopg.Connection
):
    header = keyring.add(1, "read", limits=Limits(max_api_requests_per_day=1))
    client.get(NOTES, headers=header)

    refused = client.get(NOTES, headers=header)
    pass_time(database, timedelta(days=1))
    next_day = client.get(NOTES, headers=header)

    now = datetime.now(UTC)
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
    seconds_left = (midnight - now).total_seconds()
    assert refused.status_code == 429
    assert abs(int(refused.headers["Retry-After"]) - seconds_left) < 5
    resets_at = int(refused.headers["X-RateLimit-Reset"])
    assert abs(resets_at - midnight.timestamp()) <= 2
    assert next_day.status_code == 200


def test_a_plan_may_allow_no_request_at_all(
    client: TestClient[Litestar], keyring: Keyring
):
    header = keyring.add(1, "read", limits=Limits(max_api_requests_per_day=0))

    answer = client.get(NOTES, headers=header)

    assert answer.status_code == 429
    assert answer.headers["X-RateLimit-Limit"] == "0"


def test_both_limits_used_up_at_once_still_refuse(
    client: TestClient[Litestar], keyring: Keyring
):
    limits = Limits(max_requests_per_minute=2, max_api_requests_per_day=1)
    header = keyring.add(1, "read", limits=limits)

    answers = [client.get(NOTES, headers=header) for _ in range(3)]

    assert [a.status_code for a in answers] == [200, 429, 429]
    assert answers[1].headers["RateLimit"].startswith('"org-day";r=0;')
    assert answers[1].headers["X-RateLimit-Limit"] == "1"


def test_every_answer_to_a_limited_key_says_what_is_left(
    client: TestClient[Litestar], keyring: Keyring
):
    header = keyring.add(1, "read", limits=Limits(max_requests_per_minute=60))

    answers = [
        client.get(f"{NOTES}?limit=0", headers=header),
        client.put("/api/v1/names/ada", headers=header),
        client.get(f"{NOTES}/{UUID(int=5)}", headers=header),
    ]

    assert [a.status_code for a in answers] == [400, 403, 404]
    assert [a.headers["X-RateLimit-Remaining"] for a in answers] == ["59", "58", "57"]


def test_many_requests_at_once_never_pass_the_limit(
    client: TestClient[Litestar], keyring: Keyring, database: psycopg.Connection
):
    limits = Limits(max_requests_per_minute=30, max_api_requests_per_day=40)
    headers = [keyring.add(number, "read", limits=limits) for number in (1, 2)]

    with ThreadPoolExecutor(8) as threads:
        statuses = list(
            threads.map(
                lambda number: (
                    client.get(NOTES, headers=headers[number % 2]).status_code
                ),
                range(80),
            )
        )

    assert sorted(statuses) == [200] * 40 + [429] * 40
    assert counted(database)[ORGANIZATION_ID] == 40


def test_the_day_so_far_can_be_asked_for(
    client: TestClient[Litestar],
    keyring: Keyring,
    database: psycopg.Connection,
    database_url: str,
):
    async def today() -> int | None:
        async with own_pool(database_url, size=1) as pool:
            requests, *_ = await read_counts(pool, ORGANIZATION_ID)
            return requests

    header = keyring.add(1, "read", limits=Limits(max_api_requests_per_day=10))
    before = asyncio.run(today())

    for _ in range(2):
        client.get(NOTES, headers=header)
    after = asyncio.run(today())
    pass_time(database, timedelta(days=1))

    assert (before, after, asyncio.run(today())) == (None, 2, None)


def test_a_database_that_is_away_is_not_the_clients_fault(keyring: Keyring):
    header = keyring.add(1, "read", limits=Limits(max_requests_per_minute=60))

    with TestClient(tiny_app(keyring), raise_server_exceptions=False) as client:
        answer = client.get(NOTES, headers=header)

    assert answer.status_code == 503
    assert answer.json()["meta"]["code"] == "unavailable"
    assert answer.headers["Retry-After"] == "1"
