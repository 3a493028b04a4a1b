"""Guesses of passwords from many addresses, and what they cost everybody else."""

import http.client
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from urllib.parse import urlencode

from infra.eventstore.store import Store
from projections.engine.follower import Follower
from projections.registry import PROJECTIONS
from tests.benchmarks.harness import Report, Row, interleaved
from tests.benchmarks.load import get, load
from tests.benchmarks.serving import SECRET, a_tenant, serving

ADDRESSES, A_SECOND, AT_ONCE = 100, 50, 10
SECONDS, ROUNDS = 5.0, 9
AT_MOST = 1.1
_HOW = (
    f"Guesses: GET /creators over one open connection, {SECONDS:g} s a round, the p50. "
    f"During ours, {ADDRESSES} addresses of the loopback send {A_SECOND} wrong "
    "passwords a second; during the floor nobody does."
)
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_guesses_slow_nobody_else_down(store: Store, database_url: str, report: Report):
    tenant = a_tenant(store)
    for projection in PROJECTIONS:
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()
    request = get("/api/v1/creators", key=tenant.key)

    with serving("api.main:create", database_url=database_url, secret=SECRET) as port:

        def measured() -> float:
            outcome = load(port, [request], connections=1, seconds=SECONDS)
            assert outcome.all_were(200)
            return outcome.milliseconds(50)

        def meanwhile() -> float:
            with guessing(guess):
                return measured()

        statuses, numbers = Counter[int](), count()

        def guess() -> None:
            number = next(numbers)
            of = number % ADDRESSES
            connection = http.client.HTTPConnection(
                "127.0.0.1", port, source_address=(f"127.0.1.{of + 1}", 0), timeout=60
            )
            sent = {"email": f"ada.{of}@example.com", "password": f"wrong {number}"}
            connection.request("POST", "/sign-in", urlencode(sent), _FORM)
            statuses[connection.getresponse().status] += 1
            connection.close()

        ours, floor = interleaved(meanwhile, measured, rounds=ROUNDS)

    ratio = ours.over(floor)
    report.add(
        Row(
            what=f"A request while {statuses.total():,} wrong passwords come, "
            f"{statuses[401]:,} of them checked, p50",
            ours=ours.written("ms"),
            floor=floor.written("ms"),
            ratio=ratio.written(),
            bar=(f"at most {AT_MOST:g} times", ratio.median <= AT_MOST),
            how=_HOW,
        )
    )


@contextmanager
def guessing(guess: Callable[[], None]) -> Iterator[None]:
    """Guess in its own threads until done, so many times a second."""
    over, room = threading.Event(), threading.Semaphore(AT_ONCE)

    def one() -> None:
        try:
            guess()
        finally:
            room.release()

    def all_of_them() -> None:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            while not over.wait(1 / A_SECOND):
                if room.acquire(blocking=False):
                    threads.submit(one)

    thread = threading.Thread(target=all_of_them)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
