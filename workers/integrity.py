"""Signs a root of the log once a day, and checks the log when that is requested."""

import threading
from pathlib import Path

import structlog

from application.integrity.make_root import make_root_if_due
from application.integrity.requested_check import run_requested_check
from application.integrity.signing import InstallationSigner
from infra.database import Pool
from infra.eventstore.append import Context
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.loop import SAFETY_SECONDS, run_until_stopped

ACTOR = "roots"
ROUND_SECONDS = 60.0

_log = structlog.get_logger()


def sign_roots_daily(
    store: Store, signer: InstallationSigner, stop: threading.Event
) -> None:
    """Sign a root whenever the newest one is a day old, until ``stop`` is set."""

    def step() -> float:
        context = Context(actor=ACTOR, command_id=new_id())
        root = make_root_if_due(store, signer.open(), context=context)
        if root is not None:
            _log.debug("root_signed", position=root.position, streams=root.streams)
        return ROUND_SECONDS

    run_until_stopped(
        step,
        stop,
        failed="root_not_signed",
        longest_backoff=ROUND_SECONDS,
        pool=store.pool,
    )


def check_when_requested(
    url: str,
    pool: Pool,
    signer: InstallationSigner,
    stop: threading.Event,
    wake_up: threading.Event,
    *,
    progress: Path | None = None,
) -> None:
    """Check the log whenever somebody requests it, until ``stop`` is set.

    ``wake_up`` is set after a request, and the table is read once a minute in any case.
    The file ``progress`` has the finished parts, as ``verify`` says.
    """

    def step() -> float:
        if run_requested_check(url, pool, signer, progress=progress):
            _log.info("log_checked")
        return SAFETY_SECONDS

    run_until_stopped(
        step,
        stop,
        failed="log_not_checked",
        wake_up=wake_up,
        longest_backoff=60.0,
        pool=pool,
    )
