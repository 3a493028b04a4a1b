"""The dispatcher: creates jobs from requests in the log, and enqueues due ones."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from dramatiq.brokers.redis import RedisBroker

from application.channels.delivery import ChannelMessages
from application.connect import revocation
from application.connect.endings import ConnectionEndings
from application.connect.service import revoke_until_stopped
from application.due import work as due
from application.due.holder import LeaseHolder
from application.due.turns import every
from application.due.worker import DueKind, DueWorkers
from application.mail import outbox
from application.mail.sender import send_until_stopped
from application.webhooks.dispatch import WebhookDispatch
from application.webhooks.feed import LogFeed
from domain.organization.plans import DEFAULT_PLANS, Limits
from infra.eventstore.store import Store
from infra.listener import EVENTS, listen
from infra.loop import SAFETY_SECONDS, rest_until, run_until_stopped
from projections.engine.follower_group import FollowerGroup
from projections.engine.projection import Projection
from projections.registry import PROJECTIONS
from workers.alerts import touches
from workers.alerts.checks import EVERY, AlertChecks
from workers.alerts.touches import AlertTouches
from workers.broker import enqueue_scrapes, waiting_messages
from workers.housekeeping import Housekeeping
from workers.lease_watch import LeaseWatch
from workers.policies import auto_disable
from workers.policies.figures import FigurePolicies
from workers.policies.known_videos import KnownVideos
from workers.policies.runner import VideoPolicies
from workers.reports import touches as report_touches
from workers.reports.issues import ReportIssues
from workers.reports.touches import ReportTouches
from workers.schedule.projection import Schedule
from workers.schedule.scheduler import Scheduler
from workers.scraping import jobs
from workers.scraping.enqueue import StartRate, enqueue_due, next_job_due
from workers.scraping.identity import CreatorIdentities
from workers.scraping.turns import ListTurns


def due_kinds(
    store: Store, plans: Mapping[str, Limits], stopping: threading.Event
) -> Sequence[DueKind]:
    """Return the kinds of work that fall due by time."""
    return (
        DueKind(
            name=touches.KIND,
            handle=AlertChecks(store, plans, stopping).handle,
            next_turn=every(EVERY, missed="once"),
        ),
        ChannelMessages(store).due_kind,
        DueKind(
            name=report_touches.KIND,
            handle=ReportIssues(store, plans).handle,
        ),
    )


def followed_projections() -> tuple[Projection, ...]:
    """Return the projections of workers and policies."""
    return (
        CreatorIdentities(),
        ListTurns(),
        ConnectionEndings(),
        jobs.ScrapeJobs(),
        auto_disable.VerdictStreaks(),
        Schedule(),
        AlertTouches(),
        ReportTouches(),
        KnownVideos(),
    )


ROUND_SECONDS = 1.0
# After jobs were enqueued, the queue may soon have room again.
BUSY_ROUND_SECONDS = 0.1
# Every recorded result wakes the dispatcher, and several at the same time wake it once.
PAUSE_SECONDS = 0.05
# A lease has ended if it did not change for this much longer than it lasts.
GRACE_SECONDS = 2


class Dispatcher:
    """Follows the log for the workers' projections and policies, and enqueues jobs.

    Any number may run. Each projection has one checkpoint row, whose lock lets one
    follower work at a time, and one dispatcher at a time enqueues. The scheduler, the
    policies about videos and figures, due work, mail, webhooks and housekeeping run in
    their own threads. A lease of a worker lasts for ``lease_seconds``.
    """

    def __init__(
        self,
        store: Store,
        broker: RedisBroker,
        *,
        url: str,
        plans: Mapping[str, Limits] = DEFAULT_PLANS,
        lease_seconds: int = jobs.LEASE_SECONDS,
    ) -> None:
        self._scheduler = Scheduler(store, plans)
        self._plans = plans
        self._store = store
        self._broker = broker
        self._url = url
        self._wake_up = threading.Event()
        self._policies = VideoPolicies(store)
        self._figure_policies = FigurePolicies(store, url=url)
        self._followers = FollowerGroup(
            store, followed_projections(), applied=self._wake, pause=PAUSE_SECONDS
        )
        self._housekeeping = Housekeeping(
            store,
            {*self._followers.names, *(projection.name for projection in PROJECTIONS)},
        )
        self._holder = LeaseHolder(url)
        self._webhooks = WebhookDispatch(store, LogFeed(store), holder=self._holder)
        self._stopping = threading.Event()
        self._due = DueWorkers(
            store.pool, due_kinds(store, plans, self._stopping), holder=self._holder
        )
        self._mails, self._consents = threading.Event(), threading.Event()
        self._start_rate = StartRate()
        self._lease_watch = LeaseWatch[UUID, datetime](
            seconds=lease_seconds + GRACE_SECONDS
        )

    def run(
        self,
        stop: threading.Event,
        *notices: tuple[LiteralString, Callable[[], None]],
    ) -> None:
        """Work until ``stop`` is set; outlast failures of database and broker.

        ``notices`` are channels of the database, with functions of other loops that
        their notifications wake.
        """
        threads = [
            threading.Thread(target=self._listen, args=(stop, *notices), daemon=True),
            threading.Thread(target=self._followers.run, args=(stop,), daemon=True),
            threading.Thread(target=self._policies.run, args=(stop,), daemon=True),
            threading.Thread(
                target=self._figure_policies.run, args=(stop,), daemon=True
            ),
            threading.Thread(target=self._scheduler.run, args=(stop,), daemon=True),
            threading.Thread(target=self._housekeeping.run, args=(stop,), daemon=True),
            threading.Thread(
                target=send_until_stopped,
                args=(self._store, stop, self._mails),
                daemon=True,
            ),
            threading.Thread(target=self._webhooks.run, args=(stop,), daemon=True),
            threading.Thread(target=self._due.run, args=(stop,), daemon=True),
            threading.Thread(
                target=revoke_until_stopped,
                args=(self._store, self._store.settings, stop, self._consents),
                daemon=True,
            ),
        ]
        for thread in threads:
            thread.start()

        def step() -> float:
            if self.round():
                return BUSY_ROUND_SECONDS
            if not self._store.settings.providers:
                return SAFETY_SECONDS
            return rest_until(next_job_due(self._store.pool), least=ROUND_SECONDS)

        run_until_stopped(
            step,
            stop,
            failed="dispatcher_failed",
            wake_up=self._wake_up,
            pool=self._store.pool,
        )
        for thread in threads:
            thread.join()
        self._holder.close()

    def _listen(
        self,
        stop: threading.Event,
        *notices: tuple[LiteralString, Callable[[], None]],
    ) -> None:
        listen(
            self._url,
            stop,
            (EVENTS, self._followers.wake),
            (due.NOTICES, self._due.wake),
            (outbox.NOTICES, self._mails.set),
            (revocation.NOTICES, self._consents.set),
            *self._webhooks.notices,
            *notices,
        )
        self._stopping.set()
        self._wake()

    def _wake(self) -> None:
        self._wake_up.set()
        self._policies.wake()
        self._scheduler.wake()

    def round(self) -> int:
        """Disable creators, and return the number of enqueued jobs."""
        auto_disable.disable_due(self._store, self._store.pool)
        jobs.take_back(self._store.pool, self._lease_watch)
        if not self._store.settings.providers:
            # The jobs wait in their table until a source is set up.
            return 0
        total = 0
        while enqueued := enqueue_due(
            self._store.pool,
            lambda due: enqueue_scrapes(self._broker, due),
            start_rate=self._start_rate,
            waiting_messages=lambda: waiting_messages(self._broker),
        ):
            total += enqueued
        return total
