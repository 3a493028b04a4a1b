"""Running: every read model followed in one process, woken by one listener."""

import threading
from random import uniform

import structlog

from infra.store import Store
from projections import PROJECTIONS
from projections.follower import Follower, listen

_log = structlog.get_logger()


def run_projections(store: Store, url: str, stop: threading.Event) -> None:
    """Keep every read model level with the log until ``stop`` is set.

    ``url`` is the store's database, to listen on. Outages are waited out. Each follower
    needs a connection of the store's pool while it works.
    """
    bells = [threading.Event() for _ in PROJECTIONS]

    def ring() -> None:
        for bell in bells:
            bell.set()

    threads = [
        threading.Thread(
            target=_follow,
            args=(Follower(projection, pool=store.pool, codec=store.codec), stop, bell),
            name=projection.name,
            daemon=True,
        )
        for projection, bell in zip(PROJECTIONS, bells, strict=True)
    ]
    threads.append(threading.Thread(target=listen, args=(url, stop, ring), daemon=True))
    for thread in threads:
        thread.start()
    stop.wait()
    ring()
    for thread in threads:
        thread.join()


def _follow(follower: Follower, stop: threading.Event, woken: threading.Event) -> None:
    failures = 0
    while not stop.is_set():
        try:
            follower.register()
        except Exception as error:  # noqa: BLE001 - it must outlive any fault
            failures += 1
            _log.warning(
                "follower_not_registered",
                projection=follower.projection.name,
                error=repr(error),
                failures=failures,
            )
            stop.wait(uniform(0.5, 1.5) * min(0.1 * 2**failures, 5))  # noqa: S311
        else:
            follower.run(stop, woken)
            return
