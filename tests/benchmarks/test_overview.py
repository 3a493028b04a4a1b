"""A creator's overview as a page: how long the server takes, with months behind it."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from api.http.access.sessions import COOKIE, Sessions
from infra.eventstore.store import Store
from infra.keys.digests import digest_of
from projections.engine.follower import Follower
from projections.registry import PROJECTIONS
from tests.benchmarks.harness import Report, Row, interleaved
from tests.benchmarks.load import get, load
from tests.benchmarks.serving import SECRET, a_tenant, serving
from tests.benchmarks.test_analytics import YEAR, population

VIDEOS, LOOKS = 300, 480
SECONDS = 3.0
AT_MOST = 80

_LAST = (YEAR + timedelta(hours=6 * LOOKS)).date()
_VIEWS = {
    "30 days by day": f"?from={_LAST - timedelta(days=29)}&to={_LAST}",
    "12 months by day": "?range=12m&granularity=day",
    "everything, with the period before": "?range=all&compare=prior_period",
}
_HOW = (
    f"Overview: GET /creators/{{id}} as a page, of a creator with {VIDEOS} videos and "
    f"{LOOKS} snapshots of them, signed in, over one open connection, {SECONDS:g} s a "
    "round; the p95 of each round, from the first byte of the request to the last byte "
    "of the answer. The page loads its largest videos later, in a request of their "
    "own. The floor is the page for an unknown creator."
)


@pytest.mark.parametrize("what", _VIEWS)
def test_an_overview_is_there_before_anybody_waits(
    store: Store, database_url: str, report: Report, what: str
):
    tenant = a_tenant(store)
    home = (tenant.organization_id, tenant.project_id)
    found = population(
        store,
        creators=1,
        videos=VIDEOS,
        looks=LOOKS,
        every=timedelta(hours=6),
        home=home,
    )
    for projection in PROJECTIONS:
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()
    with store.pool.connection() as connection:
        connection.execute("VACUUM ANALYZE")
    sessions = Sessions(SECRET)
    session = sessions.begin(digest_of(tenant.key))
    cookie = f"{COOKIE}={sessions.sealed(session)}"
    overview = f"/creators/{found.creators[0]}{_VIEWS[what]}"
    missing = f"/creators/{tenant.project_id}"

    with serving("api.main:create", database_url=database_url, secret=SECRET) as port:
        shown = httpx.get(
            f"http://127.0.0.1:{port}{overview}", headers={"Cookie": cookie}
        )
        ours, floor = interleaved(
            worst(port, get(overview, cookie=cookie), status=200),
            worst(port, get(missing, cookie=cookie), status=404),
        )

    assert "Videos with the most new views" in shown.text
    assert "data-chart" in shown.text
    report.add(
        Row(
            what=f"A creator's overview, {what}, {len(shown.content):,} bytes, p95",
            ours=ours.written("ms"),
            floor=floor.written("ms"),
            ratio=ours.over(floor).written(),
            bar=(f"under {AT_MOST} ms", ours.median < AT_MOST),
            how=_HOW,
        )
    )


def worst(port: int, request: bytes, *, status: int) -> Callable[[], float]:
    """Return what measures the p95 of a round, in milliseconds."""

    def measure() -> float:
        outcome = load(port, [request], connections=1, seconds=SECONDS)
        assert outcome.all_were(status)
        return outcome.milliseconds(95)

    return measure
