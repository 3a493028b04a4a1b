"""The dispatch of webhooks: threads that take due endpoints and deliver to them."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import monotonic
from typing import Final, LiteralString
from uuid import UUID

import structlog
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.due.holder import LeaseHolder
from application.due.work import finish_work
from application.due.worker import DueKind, DueWorker, Turn
from application.webhooks.delivery import Deliverer, EndpointFeed
from application.webhooks.endpoints import (
    LEASE,
    NOTICES,
    WORK,
    DueEndpoint,
    due_endpoints,
    next_endpoint_due,
)
from application.webhooks.follow import following
from application.webhooks.notices import tell_admins
from domain import commands as c
from domain.errors import NotFoundError
from domain.webhook.events import WebhookOff
from domain.webhook.handlers import change_webhook
from infra.backoff import Backoff
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import Store
from infra.http_out.posting import SECONDS, Poster
from infra.ids import new_id
from infra.loop import rest_until, run_until_stopped
from infra.outage import OUTAGE
from projections.feed.batch import CHANNEL

THREADS: Final = 24
# Endpoints that are slow or fail have a part of the threads, so that the others do not
# wait for them.
TROUBLED_THREADS: Final = 12
ROUND_SECONDS: Final = 1.0
# Several events at the same time wake the dispatch once.
PAUSE_SECONDS: Final = 0.02
ACTOR: Final = "webhooks"

_TURN_SECONDS = 10.0
_BACKOFF = Backoff(ROUND_SECONDS, longest=ROUND_SECONDS, spread=(1.0, 1.0))

_log = structlog.get_logger()


class WebhookDispatch:
    """Delivers to all endpoints, to each by one thread of one process at a time.

    Any number may run. An endpoint that has much to get gives its thread back after ten
    seconds, and goes on when the others had their turn. A request may take so many
    ``seconds``.
    """

    def __init__(
        self,
        store: Store,
        feed: EndpointFeed,
        *,
        holder: LeaseHolder,
        threads: int = THREADS,
        troubled_threads: int = TROUBLED_THREADS,
        seconds: float = SECONDS,
    ) -> None:
        self._seconds = seconds
        self._store = store
        self._deliverer = Deliverer(store, feed)
        kind = DueKind(name=WORK, handle=self._handle, lease=LEASE, backoff=_BACKOFF)
        self._worker = DueWorker(store.pool, kind, holder=holder)
        self._most = threads
        self._most_troubled = troubled_threads
        self._running: dict[UUID, bool] = {}
        self._busy: set[UUID] = set()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._wake_up = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; continue after failures of the database."""
        self._stop = stop
        with ThreadPoolExecutor(self._most, thread_name_prefix="webhooks") as threads:

            def step() -> float:
                self._start_due(threads)
                due_in = next_endpoint_due(self._store.pool)
                return rest_until(due_in, least=ROUND_SECONDS)

            run_until_stopped(
                step,
                stop,
                failed="webhooks_failed",
                wake_up=self._wake_up,
                pause=PAUSE_SECONDS,
                pool=self._store.pool,
            )

    def wake(self) -> None:
        """Look for due endpoints now; called after ``notices``, and at the end."""
        self._wake_up.set()

    @property
    def notices(self) -> Sequence[tuple[LiteralString, Callable[[], None]]]:
        """The channels whose notifications wake the dispatch."""
        return ((CHANNEL, self.wake), (NOTICES, self.wake))

    def _start_due(self, threads: ThreadPoolExecutor) -> None:
        for due in due_endpoints(self._store.pool):
            if self._takes(due):
                threads.submit(self._serve, due.webhook_id)

    def _takes(self, due: DueEndpoint) -> bool:
        """Tell whether there is a thread for an endpoint, and reserve it."""
        with self._lock:
            troubled = sum(self._running.values())
            if (
                due.webhook_id in self._running
                or len(self._running) >= self._most
                or (due.is_troubled and troubled >= self._most_troubled)
            ):
                return False
            self._running[due.webhook_id] = due.is_troubled
            return True

    def _serve(self, webhook_id: UUID) -> None:
        try:
            self._worker.do_next(str(webhook_id))
        except Exception as error:  # noqa: BLE001 - other endpoints go on
            if not OUTAGE.explains(error, failures=1):
                _log.warning(
                    "webhook_failed", webhook=str(webhook_id), error=repr(error)
                )
        finally:
            with self._lock:
                del self._running[webhook_id]
                was_busy = webhook_id in self._busy
                self._busy.discard(webhook_id)
            # An endpoint that only seems to be due would be asked without end.
            if was_busy:
                self.wake()

    def _handle(self, turn: Turn) -> None:
        """Deliver to an endpoint until its turn ends, or there is nothing left."""
        webhook_id = UUID(turn.work.key)
        began = monotonic()
        is_over = False
        hosts = self._store.settings.webhook_allowed_hosts
        with Poster(hosts, seconds=self._seconds) as poster:
            while not (is_over or self._stop.is_set()):
                if monotonic() - began >= _TURN_SECONDS:
                    break
                result = self._deliverer.batch(turn.work, poster)
                is_over = result.is_over
                if not result.is_idle:
                    with self._lock:
                        self._busy.add(webhook_id)
                if result.off is not None:
                    disable(self._store, webhook_id, result.off)
        if not is_over:
            now = turn.work.taken_at + timedelta(seconds=monotonic() - began)
            with self._store.pool.connection() as connection:
                finish_work(connection.cursor(), turn.work, next_at=now)


def disable(store: Store, webhook_id: UUID, reason: WebhookOff) -> None:
    """Disable an endpoint for a reason of its own; do nothing if it is gone."""
    with store.pool.connection() as connection:
        query = "SELECT organization_id FROM webhook_cursors WHERE webhook_id = %s"
        row = connection.execute(query, (webhook_id,)).fetchone()
    if row is None:
        return
    follow = following(store)

    def within(cursor: Cursor[TupleRow], done: Executed[UUID]) -> None:
        follow(cursor, done)
        tell_admins(cursor, store, webhook_id, off=reason)

    try:
        execute(
            store,
            lambda: change_webhook(
                webhook_id, c.DisableWebhook(reason=reason), organization_id=row[0]
            ),
            context=Context(actor=ACTOR, command_id=new_id(), correlation_id=new_id()),
            in_transaction=within,
        )
    except NotFoundError:
        _log.info("webhook_gone", webhook=str(webhook_id))
