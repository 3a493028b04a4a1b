"""One answer is one moment: rows written between two queries are not in it."""

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from projections.engine import moment
from projections.engine.reader import Query, Reader, Statement
from projections.engine.snapshot_reader import SnapshotReader
from tests.kit.application import Tenant, ago
from tests.kit.operations import Ask, ask_for, ids_of, operations

# Each is read in a transaction of its own, from what is no read model.
OTHERWISE_READ = {
    *("getLogCheck", "listProjections", "getProjection", "getOrganization"),
    *("getPersonalData", "getProof", "previewCreatorErasure", "getUsage"),
    *("findErasureRemains", "listLog"),
}
# The parts of an answer that tell when it was requested.
NOW = re.compile(r'"oldest_due_seconds":[0-9.]+|"to":{"position":\d+,"at":"[^"]+"}')
# A source answers this one anew each time, and not the database.
OF_A_SOURCE = "checkSource"
FIGURES = {"entity": "project", "from": str(ago(3).date()), "mode": "new"}


@pytest.fixture
def furnished(home: Tenant) -> tuple[Tenant, dict[str, str]]:
    """An organization with two creators whose videos were seen twice."""
    ids = ids_of(home)
    second = home.add("second.goat")
    for hours in (3, 2):
        home.saw(second["id"], observed_at=ago(hours / 24), follower_count=90 - hours)
        home.saw_videos(second["id"], {"7001": 50 - hours}, at=ago(hours / 24))
    home.found(second["id"], "7001")
    home.goatherd.catch_up()
    return home, {**ids, "second_id": second["id"]}


def writes(tenant: Tenant, ids: dict[str, str]) -> Callable[[], None]:
    """A write that changes most of what there is to read, each time it is called."""
    views = 1_000

    def write() -> None:
        nonlocal views
        views += 100
        at = datetime.now(UTC) - timedelta(seconds=1)
        for creator_id, name in (("creator_id", "7002"), ("second_id", "7001")):
            tenant.saw(ids[creator_id], observed_at=at, follower_count=views)
            tenant.saw_videos(ids[creator_id], {name: views}, at=at)
        video_id = tenant.found(ids["creator_id"], status="pending_review")
        assert tenant.post(f"/videos/{video_id}/scrape").status_code == 202
        tenant.patch(f"/creators/{ids['creator_id']}", {"description": f"{views}"})
        tenant.patch(f"/campaigns/{ids['campaign_id']}", {"name": f"Now {views}"})
        tenant.post(tenant.creators, {"tiktok_handle": f"goat.{views}"})
        tenant.goatherd.catch_up()

    return write


def reads(ids: dict[str, str]) -> list[tuple[str, Ask]]:
    """A read of everything that can be read, and of what is made of several parts."""
    found = [
        (operation.id, ask_for(operation, ids))
        for operation in operations().values()
        if operation.method == "GET"
        and operation.id not in {*OTHERWISE_READ, OF_A_SOURCE}
    ]
    parts = {**FIGURES, "entity_id": ids["project_id"], "metric": "views"}
    more: list[tuple[str, dict[str, str]]] = [
        ("/analytics", {**parts, "breakdown": "creator", "compare": "prior_period"}),
        ("/analytics", {**parts, "breakdown": "video"}),
        ("/analytics", {**parts, "metric": "views,followers,posts"}),
        ("/analytics/explain", {**parts, "date": str(ago(0).date())}),
        ("/analytics/kpis", {"project_id": ids["project_id"]}),
        ("/creators", {"sort": "new_views", "period": "7d", "format": "csv"}),
        ("/creators", {"figures": "followers>=0", "period": "7d"}),
        ("/videos", {"sort": "new_views", "period": "7d"}),
    ]
    return found + [
        (f"{path} {query}", Ask(method="GET", path=path, params=query))
        for path, query in more
    ]


def test_no_answer_has_what_is_written_between_two_of_its_queries(
    furnished: tuple[Tenant, dict[str, str]], monkeypatch: pytest.MonkeyPatch
):
    tenant, ids = furnished
    write = writes(tenant, ids)
    ask = moment.rows_of
    round_trips = 0
    is_writing = False

    async def ask_and_write(
        connection: AsyncConnection[TupleRow],
        queries: Sequence[Query],
        *,
        after: Sequence[Statement],
    ) -> list[list[TupleRow]]:
        nonlocal round_trips, is_writing
        rows = await ask(connection, queries, after=after)
        if not is_writing:
            round_trips += 1
        if round_trips == 1 and not is_writing:
            is_writing = True
            await asyncio.to_thread(write)
            is_writing = False
        return rows

    differing: list[str] = []
    of_several = 0
    for name, request in reads(ids):
        quiet = request.made_by(tenant)
        if quiet.status_code == 410:
            continue
        assert quiet.status_code == 200, (name, quiet.text)
        round_trips = 0
        with monkeypatch.context() as patched:
            patched.setattr(moment, "rows_of", ask_and_write)
            disturbed = request.made_by(tenant)
        of_several += round_trips > 1
        if NOW.sub("", disturbed.text) != NOW.sub("", quiet.text):
            differing.append(name)

    assert differing == []
    assert of_several > 20


def test_an_answer_after_a_wait_is_not_of_before_it(
    home: Tenant, monkeypatch: pytest.MonkeyPatch
):
    creator = home.add("ada")
    wait = Reader.position
    waits = 0

    async def wait_until_it_is_followed(reader: Reader, name: str) -> int:
        nonlocal waits
        reached = await wait(reader, name)
        waits += 1
        if waits == 1:
            await asyncio.to_thread(home.goatherd.catch_up)
        return reached

    monkeypatch.setattr(Reader, "position", wait_until_it_is_followed)
    head = str(home.goatherd.head)
    answer = home.get(
        "/creators", params={"period": "7d"}, headers={"Goatherd-Min-Position": head}
    )

    assert [row["id"] for row in answer.json()["data"]] == [creator["id"]]
    assert waits > 1


def test_every_connection_is_given_back_however_the_request_ends(home: Tenant):
    creator: dict[str, Any] = home.add("ada")
    home.goatherd.catch_up()
    pool = pool_of(home)
    for path in (
        f"/creators/{creator['id']}",
        f"/creators/{home.organization_id}",
        "/creators?period=7d",
        "/creators?period=7d&cursor=none",
        f"/analytics/kpis?project_id={home.project_id}&compare=prior_period",
        f"/analytics/kpis?project_id={home.organization_id}",
        f"/analytics/aggregate/outliers?project_id={home.project_id}",
    ):
        home.get(path)

    stats = pool()

    assert stats["pool_available"] == stats["pool_size"]


def pool_of(tenant: Tenant) -> Callable[[], dict[str, int]]:
    """How the application's pool of readers is."""
    provided = tenant.goatherd.client.app.dependencies["reader"].dependency
    reader = provided(_Writing())
    assert type(reader) is Reader
    assert not isinstance(reader, SnapshotReader)
    return reader._pool.get_stats  # noqa: SLF001 - nothing else tells


class _Writing:
    method = "POST"
    context = SimpleNamespace(principal=None)
