"""Housekeeping: deletes rows that were kept for a while, in a dispatcher's thread."""

import threading
from collections.abc import Collection

from application.accounts.invitations import forget_old_addresses
from application.erase import pictures, sealed_list
from application.erase.idle_rebuilds import cancel_idle_rebuilds
from application.erase.tidy import tidy_if_due
from application.mail import outbox
from application.notifications import news
from application.shares import issue_links
from application.webhooks import sending
from infra import idempotency
from infra.eventstore.store import Store
from infra.loop import run_until_stopped
from projections.registry import PROJECTIONS
from workers.policies.retention import erase_removed

ROUND_SECONDS = 60.0


class Housekeeping:
    """Deletes old rows: answers, mails, news, deliveries, invitations, creators.

    Once the ``projections`` have applied an erasure, housekeeping also makes PostgreSQL
    forget the old rows of their tables, and ends idle rebuilds. Any number may run,
    because doing a task twice does no harm.
    """

    def __init__(self, store: Store, projections: Collection[str]) -> None:
        self._store = store
        self._projections = projections

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; continue after failures of the database."""

        def step() -> float:
            self.round()
            return ROUND_SECONDS

        run_until_stopped(
            step,
            stop,
            failed="housekeeping_failed",
            longest_backoff=ROUND_SECONDS,
            pool=self._store.pool,
        )

    def round(self) -> None:
        """Do the due tasks once."""
        idempotency.prune(self._store.pool)
        outbox.prune(self._store.pool)
        news.prune(self._store.pool)
        sealed_list.prune(self._store.pool)
        sending.prune(self._store.pool)
        pictures.prune(self._store.pool)
        issue_links.prune(self._store.pool)
        cancel_idle_rebuilds(self._store.pool, PROJECTIONS)
        tidy_if_due(self._store.pool, self._projections)
        forget_old_addresses(self._store)
        erase_removed(self._store)
