"""The limits on streams of pages, at a server as we ship it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from api.http.access.sessions import COOKIE, Sessions
from api.web.kit.cell_stream import MOST_OF_PROCESS, MOST_OF_SESSION
from infra.keys.digests import digest_of
from tests.api.web.system.test_projection_stream import serving
from tests.kit.application import SECRET, Goatherd, Tenant, own_installation
from tests.kit.patience import PATIENTLY
from tests.kit.ports import free_port

PATHS = ("/creators/stream?period=7d&ids=", "/system/read-models/stream")


@pytest.fixture(scope="module")
def goatherd(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    yield from own_installation(postgres_url, template_database)


@pytest.fixture
def origin(goatherd: Goatherd, tmp_path: Path) -> Iterator[str]:
    """Where a server answers, which has no streams yet."""
    port = free_port()
    with serving(goatherd, port, tmp_path):
        yield f"http://127.0.0.1:{port}"


def cookie_of(tenant: Tenant) -> str:
    """The cookie of a new session with the tenant's key."""
    sessions = Sessions(SECRET.strip())
    return f"{COOKIE}={sessions.sealed(sessions.begin(digest_of(tenant.key)))}"


class Visitor:
    """Opens streams, several at the same time, and holds them."""

    def __init__(self, client: httpx.AsyncClient, stack: AsyncExitStack) -> None:
        self.client = client
        self.stack = stack
        self.read: list[AsyncIterator[bytes]] = []

    async def open(self, cookie: str, path: str) -> httpx.Response:
        """Return the answer of a stream, once it has sent something."""
        request = self.client.build_request("GET", path, headers={"Cookie": cookie})
        answer = await self.client.send(request, stream=True)
        self.stack.push_async_callback(answer.aclose)
        if answer.status_code == 200:
            # The connection lasts as long as what reads it.
            self.read.append(answer.aiter_raw())
            await anext(self.read[-1])
        return answer

    async def open_all(self, cookies: list[str]) -> Counter[int]:
        """Open a stream for each cookie at once, and return how often each status."""
        answers = await asyncio.gather(
            *(self.open(each, PATHS[i % 2]) for i, each in enumerate(cookies))
        )
        for answer in answers:
            if answer.status_code == 204:
                assert await answer.aread() == b""
        return Counter(answer.status_code for answer in answers)


def client_of(origin: str) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None)
    return httpx.AsyncClient(base_url=origin, limits=limits, timeout=PATIENTLY)


async def until_open(origin: str, cookies: list[str]) -> None:
    """Return once all streams can be open at the same time, because others ended."""
    statuses: Counter[int] = Counter()
    async with asyncio.timeout(PATIENTLY):
        while statuses[200] < len(cookies):
            async with client_of(origin) as client, AsyncExitStack() as stack:
                statuses = await Visitor(client, stack).open_all(cookies)
            await asyncio.sleep(0.1)


@pytest.mark.anyio
async def test_a_session_has_some_streams_of_pages_also_in_a_race(
    goatherd: Goatherd, origin: str
):
    home = goatherd.tenant(is_operator=True)
    cookie, others = cookie_of(home), cookie_of(home)
    async with client_of(origin) as client, AsyncExitStack() as stack:
        visitor = Visitor(client, stack)

        raced = await visitor.open_all([cookie] * (MOST_OF_SESSION + 8))
        one_more = await visitor.open_all([cookie, cookie])
        other_session = await visitor.open_all([others, others])

    assert raced == {200: MOST_OF_SESSION, 204: 8}
    assert one_more == {204: 2}
    assert other_session == {200: 2}
    # The places are free again once the browsers are gone.
    await until_open(origin, [cookie] * MOST_OF_SESSION)


@pytest.mark.anyio
async def test_a_process_has_some_streams_of_pages(goatherd: Goatherd, origin: str):
    home = goatherd.tenant(is_operator=True)
    cookies = [
        cookie
        for _ in range(MOST_OF_PROCESS // MOST_OF_SESSION)
        for cookie in [cookie_of(home)] * MOST_OF_SESSION
    ]
    late = cookie_of(home)
    async with client_of(origin) as client, AsyncExitStack() as stack:
        visitor = Visitor(client, stack)

        raced = await visitor.open_all([*cookies, late, late])
        refused = await visitor.open_all([late, late])
        others = await client.get("/creators", headers={"Cookie": late})

    assert raced == {200: MOST_OF_PROCESS, 204: 2}
    assert refused == {204: 2}
    assert others.status_code == 200
    await until_open(origin, [late])
