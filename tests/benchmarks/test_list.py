"""The list through HTTP, against a handler that runs the same SELECT, and uvicorn."""

from collections.abc import Callable

import httpx

from infra.eventstore.store import Store
from tests.benchmarks.harness import Report, Row, interleaved
from tests.benchmarks.load import get, load
from tests.benchmarks.populations import add_population
from tests.benchmarks.serving import SECRET, a_tenant, serving

CREATORS = 5_000
CONNECTIONS = 16
SECONDS = 3.0

_HOW = (
    f"List: GET /api/v1/creators (the 50 newest of {CREATORS:,}, the key checked, a "
    f"plan without limits) over {CONNECTIONS} open connections, {SECONDS:g} s a round, "
    "from one client process on the same machine. Both sides are one granian process "
    "with the same settings. The floor is a Litestar handler that runs the same SELECT "
    "on the same kind of pool and encodes the same structs, without key, limits, "
    "row-level security or our headers."
)


def test_the_list_costs_little_more_than_its_select(
    store: Store, database_url: str, report: Report
):
    tenant = a_tenant(store)
    add_population(database_url, CREATORS, organization_id=tenant.organization_id)
    request = get("/api/v1/creators", key=tenant.key)

    with (
        serving("api.main:create", database_url=database_url, secret=SECRET) as list_,
        serving(
            "tests.benchmarks.bare_app:create",
            database_url=database_url,
            test_organization=str(tenant.organization_id),
        ) as bare,
    ):
        answers = [
            httpx.get(
                f"http://127.0.0.1:{list_}/api/v1/creators",
                headers={"Authorization": f"Bearer {tenant.key}"},
            ),
            httpx.get(f"http://127.0.0.1:{bare}/creators"),
        ]
        ours, floor = interleaved(
            requests_a_second(list_, request), requests_a_second(bare, get("/creators"))
        )

    assert len(answers[0].json()["data"]) == 50
    assert answers[0].json()["data"] == answers[1].json()["data"]
    report.compare(
        "List of 50 creators through HTTP",
        ours=ours,
        floor=floor,
        unit="requests/s",
        at_least=0.6,
        how=_HOW,
    )


def test_the_list_on_granian_and_on_uvicorn(
    store: Store, database_url: str, report: Report
):
    tenant = a_tenant(store)
    add_population(database_url, CREATORS, organization_id=tenant.organization_id)
    request = get("/api/v1/creators", key=tenant.key)
    settings = {"database_url": database_url, "secret": SECRET}

    with (
        serving("api.main:create", **settings) as granian,
        serving("api.main:create", server="uvicorn", **settings) as uvicorn,
    ):
        ours, other = interleaved(
            requests_a_second(granian, request), requests_a_second(uvicorn, request)
        )

    report.add(
        Row(
            what="The same list on granian, against uvicorn (uvloop, httptools)",
            ours=ours.written("requests/s"),
            floor=other.written("requests/s"),
            ratio=ours.over(other).written(),
        )
    )


def requests_a_second(port: int, request: bytes) -> Callable[[], float]:
    """Return what measures a server for a round."""

    def measure() -> float:
        outcome = load(port, [request], connections=CONNECTIONS, seconds=SECONDS)
        assert outcome.all_were(200)
        return outcome.rate

    return measure
