"""The projector: one process that follows and rebuilds every read model."""

import threading
from collections.abc import Sequence
from contextlib import closing, suppress

import structlog

from infra.eventstore.store import Store, open_store
from infra.listener import EVENTS, listen
from infra.loop import run_until_stopped
from infra.settings import Settings
from projections.engine.follower_group import FollowerGroup
from projections.engine.projection import ReadModel
from projections.rebuild.errors import (
    AlreadyRebuildingError,
    RebuildCancelledError,
    StoppedError,
)
from projections.rebuild.rebuild import CONNECTIONS, rebuild
from projections.rebuild.state import outdated, unfinished
from projections.rebuild.transitions import RebuildOptions
from projections.registry import PROJECTIONS

POLL_SECONDS = 10.0
# The projector does not wait for another process, because afterwards it would begin
# anew the rebuild that the other one has just ended.
_NOW = RebuildOptions(patience_seconds=0)

_log = structlog.get_logger()


def run_projections(store: Store, url: str, stop: threading.Event) -> None:
    """Follow the log for every read model until ``stop`` is set, also after outages.

    ``url`` is the store's database, for notifications. The followers need up to
    ``CONNECTIONS`` connections of the store's pool.
    """
    group = FollowerGroup(store, PROJECTIONS)
    threads = [
        threading.Thread(target=group.run, args=(stop,), name="followers", daemon=True),
        threading.Thread(
            target=listen, args=(url, stop, (EVENTS, group.wake)), daemon=True
        ),
        threading.Thread(
            target=keep_rebuilt,
            args=(url, stop, store.settings),
            name="rebuilds",
            daemon=True,
        ),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def keep_rebuilt(
    url: str,
    stop: threading.Event,
    settings: Settings,
    known: Sequence[ReadModel] = PROJECTIONS,
) -> None:
    """Rebuild read models of an older version, and continue unfinished rebuilds.

    Older versions are looked for once, at the start: a later one was rolled back on
    purpose. The old tables are served meanwhile.
    """
    store = open_store(url, pool_size=CONNECTIONS, settings=settings)
    has_checked = False

    def step() -> float:
        nonlocal has_checked
        with suppress(StoppedError):
            for projection in _in_need(store, known, is_first=not has_checked):
                # The need is checked again, because the previous rebuild may have taken
                # long.
                if _in_need(store, [projection], is_first=not has_checked):
                    _rebuild(store, projection, stop)
        has_checked = True
        return POLL_SECONDS

    with closing(store.pool):
        run_until_stopped(step, stop, failed="rebuilds_not_looked_for", pool=store.pool)


def _in_need(
    store: Store, known: Sequence[ReadModel], *, is_first: bool
) -> list[ReadModel]:
    with store.pool.connection() as connection:
        projections = unfinished(connection, known)
        if is_first:
            projections += outdated(connection, known)
    return [*dict.fromkeys(projections)]


def _rebuild(store: Store, projection: ReadModel, stop: threading.Event) -> None:
    try:
        done = rebuild(store, projection, by="projector", stop=stop, options=_NOW)
    except AlreadyRebuildingError:
        # If that process dies, the rebuild is unfinished and is found again.
        return
    except RebuildCancelledError:
        _log.info("rebuild_cancelled", projection=projection.name)
    except StoppedError:
        raise
    except Exception as error:  # noqa: BLE001 - the others can still be built
        _log.error("rebuild_failed", projection=projection.name, error=str(error))
    else:
        assert done.swap is not None, "no dry run"
        _log.info(
            "rebuilt",
            projection=projection.name,
            version=done.version,
            position=done.position,
            locked_ms=round(done.swap.locked_ms, 1),
            compared=done.comparison.summary(),
        )
