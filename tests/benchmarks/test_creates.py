"""Creating creators through HTTP, fifty at once against one by one."""

from itertools import count

import msgspec

from infra.eventstore.store import Store
from tests.benchmarks.harness import Report, interleaved
from tests.benchmarks.load import load, post
from tests.benchmarks.serving import SECRET, a_tenant, serving

SINGLES = 400
BULKS = 40
CONNECTIONS = 4


def test_fifty_at_once_are_created_faster_than_one_by_one(
    store: Store, database_url: str, report: Report
):
    tenant = a_tenant(store)
    path = f"/api/v1/projects/{tenant.project_id}/creators"
    numbers = count()

    def wanted() -> dict[str, str]:
        return {"tiktok_handle": f"goat.number.{next(numbers)}"}

    with serving("api.main:create", database_url=database_url, secret=SECRET) as port:

        def created_a_second(bodies: list[object], creators: int) -> float:
            requests = [
                post(path, msgspec.json.encode(body), key=tenant.key) for body in bodies
            ]
            outcome = load(port, requests, connections=CONNECTIONS)
            assert outcome.all_were(201)
            return creators / outcome.seconds

        bulk, single = interleaved(
            lambda: created_a_second(
                [{"creators": [wanted() for _ in range(50)]} for _ in range(BULKS)],
                50 * BULKS,
            ),
            lambda: created_a_second([wanted() for _ in range(SINGLES)], SINGLES),
        )

    report.compare(
        "Bulk create of 50 through HTTP",
        ours=bulk,
        floor=single,
        unit="creators/s",
        at_least=10,
        how="Bulk create: POST of 50 creators against POST of one, both over "
        f"{CONNECTIONS} connections to one granian worker; each creator is four "
        "events.",
    )
