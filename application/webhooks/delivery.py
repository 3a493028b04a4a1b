"""Delivers to one endpoint: new events in order, those that wait, and replays."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from random import random
from typing import Final, LiteralString, Protocol
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.due.work import DueWork
from application.webhooks.endpoints import (
    BatchProgress,
    Endpoint,
    WaitingEvent,
    read_endpoint,
    saving,
    waiting_events,
)
from application.webhooks.notices import tell_admins
from application.webhooks.sending import (
    Delivery,
    DeliveryKind,
    Signers,
    deliver,
    failure_of,
    note_deliveries,
    signers_of,
)
from domain.feed.event import PublicEvent
from domain.webhook import retries
from domain.webhook.events import WebhookOff
from domain.webhook.retries import (
    DISABLED_AFTER,
    GONE,
    MADE_UP_FOR,
    NOTICES,
    FailedTry,
    endpoint_waits,
    is_counted,
    next_try_in,
)
from infra.eventstore.store import Store
from infra.http_out.posting import Poster
from infra.structs import structs

# New events about different things go to an endpoint that works at the same time.
AT_A_TIME: Final = 8
# A batch is saved at once. If the process dies before, all of it is sent again.
_AT_ONCE: Final = 50
# No request of a batch begins later, so that all end within the lease.
_BATCH_SECONDS: Final = 15.0
_SLOW_MS: Final = 2_000

_REPLAY: LiteralString = """
SELECT id, types, position, ordinal, last_position, sent, tries, first_try_at
FROM webhook_replays
WHERE webhook_id = %s AND not_before <= now() ORDER BY created_at, id LIMIT 1
"""
_SAVE_REPLAY: LiteralString = """
UPDATE webhook_replays SET position = %(position)s, ordinal = %(ordinal)s,
    sent = %(sent)s, tries = %(tries)s, first_try_at = %(first_try_at)s,
    not_before = now() + make_interval(secs => %(wait)s)
WHERE id = %(id)s
"""
_END_REPLAY: LiteralString = "DELETE FROM webhook_replays WHERE id = %s"


class FedEvent(Struct, frozen=True, kw_only=True):
    """A public event, and its place among those of its position."""

    event: PublicEvent
    ordinal: int


class EndpointPage(Struct, frozen=True, kw_only=True):
    """Events for an endpoint, and the place up to which the feed was read."""

    events: Sequence[FedEvent]
    position: int
    ordinal: int


class EndpointFeed(Protocol):
    """Reads the public events that are for an endpoint."""

    def after(
        self,
        endpoint: Endpoint,
        *,
        position: int,
        ordinal: int,
        limit: int,
        last: int | None = None,
        types: Sequence[str] | None = None,
    ) -> EndpointPage:
        """Return up to ``limit`` events after a place, in order.

        ``last`` is the last position to read. Without ``types`` they are the
        endpoint's.
        """
        ...

    def at(
        self,
        endpoint: Endpoint,
        places: Sequence[tuple[int, int]],
        *,
        is_filtered: bool,
    ) -> list[FedEvent]:
        """Return the events at these places, of those that are still there.

        With ``is_filtered`` they are those that the endpoint would get now.
        """
        ...


class Replay(Struct, frozen=True, kw_only=True):
    """A range of the past that is sent again."""

    id: UUID
    types: list[str] | None
    position: int
    ordinal: int
    last_position: int
    sent: int
    tries: int
    first_try_at: datetime | None


class BatchResult(Struct, frozen=True, kw_only=True):
    """The effect of a batch, besides the rows that it saves.

    ``is_over`` says that there is nothing more to do now, and ``is_idle`` that there
    was nothing at all. ``off`` is the reason why the endpoint must be disabled.
    """

    is_over: bool
    is_idle: bool = False
    off: WebhookOff | None = None


class Deliverer:
    """Sends events to endpoints whose work the process has taken."""

    def __init__(self, store: Store, feed: EndpointFeed) -> None:
        self._store = store
        self._feed = feed

    def batch(self, work: DueWork, poster: Poster) -> BatchResult:
        """Send what is due to an endpoint, some events at most, and save the result.

        Raises:
            WorkLostError: another process has the endpoint; the batch may be sent
                again.
        """
        with self._store.pool.connection() as connection:
            endpoint = read_endpoint(connection, work)
            if endpoint is None:
                return BatchResult(is_over=True, is_idle=True)
            webhook_id = endpoint.webhook_id
            waiting = waiting_events(connection, webhook_id)
            cursor = connection.cursor()
            signers = signers_of(
                cursor,
                self._store,
                webhook_id,
                endpoint.organization_id,
                endpoint.signatures,
            )
            found = cursor.execute(_REPLAY, (webhook_id,)).fetchall()
        with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="webhook") as threads:
            batch = _Batch(endpoint, signers, poster, waiting, threads)
            self._send_waiting(batch)
            self._send_new(batch)
        replay = next(iter(structs(Replay, found)), None)
        if batch.is_idle and replay is not None:
            return self._send_replay(batch, replay, work)
        if batch.is_idle and batch.place == (endpoint.position, endpoint.ordinal):
            return BatchResult(is_over=True, is_idle=True)
        with saving(self._store.pool, endpoint, work, batch.progress()) as cursor:
            batch.note(cursor, self._store)
        return batch.result()

    def _send_waiting(self, batch: "_Batch") -> None:
        """Try the events that failed before and are due, the first of each subject."""
        due = batch.due()
        if not due:
            return
        places = [(each.position, each.ordinal) for each in due]
        found = {
            (fed.event.position, fed.ordinal): fed.event
            for fed in self._feed.at(batch.endpoint, places, is_filtered=True)
        }
        for each in due:
            if batch.is_stopped:
                return
            event = found.get((each.position, each.ordinal))
            if event is None:
                # The endpoint no longer gets it, as its types or project changed, or
                # an erasure removed it.
                batch.done.append(each.number)
            else:
                batch.try_again(each, event)

    def _send_new(self, batch: "_Batch") -> None:
        """Send events for the first time, but none ahead of one of its own subject."""
        room = min(_AT_ONCE, batch.room)
        if batch.is_stopped or room <= 0:
            return
        page = self._feed.after(
            batch.endpoint,
            position=batch.endpoint.position,
            ordinal=batch.endpoint.ordinal,
            limit=room,
        )
        left = [*page.events]
        while left:
            if batch.is_stopped:
                return
            together = batch.together(left)
            batch.send_new(together)
            del left[: len(together)]
        batch.place = (page.position, page.ordinal)

    def _send_replay(
        self, batch: "_Batch", replay: Replay, work: DueWork
    ) -> BatchResult:
        page = self._feed.after(
            batch.endpoint,
            position=replay.position,
            ordinal=replay.ordinal,
            limit=_AT_ONCE,
            last=replay.last_position,
            types=replay.types,
        )
        is_over = not page.events
        wait = 0.0
        for fed in page.events:
            if batch.is_stopped:
                break
            first = replay.first_try_at or batch.now()
            tries = replay.tries + 1
            delivery, failure = batch.deliver(fed, "replay", attempt=tries)
            retry_in = None
            if failure is not None:
                age = batch.now() - first
                chance = random()  # noqa: S311 - no secret
                retry_in = next_try_in(failure, tries=tries, age=age, chance=chance)
            if retry_in is not None:
                batch.noted.append(
                    replace(delivery, next_try_at=batch.now() + retry_in)
                )
                replay = replace(replay, tries=tries, first_try_at=first)
                wait = retry_in.total_seconds()
                break
            batch.noted.append(delivery)
            replay = replace(
                replay,
                position=fed.event.position,
                ordinal=fed.ordinal,
                sent=replay.sent + 1,
                tries=0,
                first_try_at=None,
            )
        with saving(self._store.pool, batch.endpoint, work, batch.progress()) as cursor:
            if is_over:
                cursor.execute(_END_REPLAY, (replay.id,))
            else:
                cursor.execute(
                    _SAVE_REPLAY,
                    {
                        "id": replay.id,
                        "position": replay.position,
                        "ordinal": replay.ordinal,
                        "sent": replay.sent,
                        "tries": replay.tries,
                        "first_try_at": replay.first_try_at,
                        "wait": wait,
                    },
                )
            batch.note(cursor, self._store)
        return batch.result()


def apart(events: Sequence[FedEvent]) -> Sequence[FedEvent]:
    """Return the first events of which no two have one creator or one subject.

    A single video that became a creator's has events with and without the creator.
    """
    things: set[object] = set()
    for count, fed in enumerate(events):
        subject = str(fed.event.subject.id)
        its_things = {subject, fed.event.data.get("creator_id") or subject}
        if not things.isdisjoint(its_things):
            return events[:count]
        things |= its_things
    return events


class _Batch:
    """The tries of one batch, and what they change."""

    def __init__(
        self,
        endpoint: Endpoint,
        signers: Signers,
        poster: Poster,
        waiting: Sequence[WaitingEvent],
        threads: ThreadPoolExecutor,
    ) -> None:
        self.endpoint = endpoint
        self._threads = threads
        self.place = (endpoint.position, endpoint.ordinal)
        self.done: list[int] = []
        self.noted: list[Delivery] = []
        self.is_stopped = False
        self._signers = signers
        self._poster = poster
        self._waiting = waiting
        self._changed: list[WaitingEvent] = []
        self._blocked = {each.subject_id for each in waiting}
        self._number = endpoint.number
        self._failures = endpoint.failures
        self._counted_at = endpoint.counted_at
        self._pauses = endpoint.pauses
        self._paused = timedelta()
        self._is_slow = False
        self._delivered_at: datetime | None = None
        self._is_back = False
        self._off: WebhookOff | None = None
        self._noticed: int | None = None
        self._began_at = time.monotonic()

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing was sent, and nothing has to wait."""
        return not (self.noted or self.done or self._changed)

    @property
    def room(self) -> int:
        """The number of new events that may be tried ahead of the oldest failed one."""
        if not self._waiting:
            return _AT_ONCE
        return retries.MOST_AHEAD - (self._number - self._waiting[0].number)

    def now(self) -> datetime:
        """Return the present by the clock of the database."""
        elapsed = time.monotonic() - self._began_at
        return self.endpoint.now + timedelta(seconds=elapsed)

    def due(self) -> list[WaitingEvent]:
        """Return the first event of each subject that waits, if it is due."""
        firsts: dict[UUID, WaitingEvent] = {}
        for each in self._waiting:
            firsts.setdefault(each.subject_id, each)
        now = self.endpoint.now
        return [
            each
            for each in firsts.values()
            if each.next_try_at is not None and each.next_try_at <= now
        ][:_AT_ONCE]

    def try_again(self, each: WaitingEvent, event: PublicEvent) -> None:
        fed = FedEvent(event=event, ordinal=each.ordinal)
        if self._try(each, fed):
            self.done.append(each.number)

    def together(self, left: Sequence[FedEvent]) -> Sequence[FedEvent]:
        """Return the first events that may be sent at the same time.

        No two of them are about the same creator or other thing. The first event of a
        batch shows whether the endpoint works; one that fails gets one after the other.
        """
        works = self._delivered_at is not None and not self._failures
        return apart(left[: AT_A_TIME if works else 1])

    def send_new(self, together: Sequence[FedEvent]) -> None:
        """Send events, unless an earlier one of their subject has to come first."""
        tried: list[tuple[WaitingEvent, FedEvent]] = []
        for fed in together:
            self.place = (fed.event.position, fed.ordinal)
            if fed.event.recorded_at < self.endpoint.now - MADE_UP_FOR:
                continue
            self._number += 1
            subject_id = fed.event.subject.id
            each = WaitingEvent(
                number=self._number,
                position=fed.event.position,
                ordinal=fed.ordinal,
                event_id=fed.event.id,
                subject_id=subject_id,
            )
            if subject_id in self._blocked:
                self._changed.append(each)
            else:
                tried.append((each, fed))
        if len(tried) == 1:
            self._try(*tried[0])
            return
        events = [fed for _, fed in tried]
        sent = self._threads.map(partial(self._post, kind="live", attempt=1), events)
        for (each, _), delivery in zip(tried, sent, strict=True):
            self._tried(each, delivery)

    def deliver(
        self, fed: FedEvent, kind: DeliveryKind, *, attempt: int
    ) -> tuple[Delivery, FailedTry | None]:
        """Send an event, and note what that says about the endpoint."""
        delivery = self._post(fed, kind, attempt)
        return delivery, self._result(delivery)

    def _post(self, fed: FedEvent, kind: DeliveryKind, attempt: int) -> Delivery:
        return deliver(
            self._poster,
            self.endpoint.url,
            fed.event,
            ordinal=fed.ordinal,
            payload=self.endpoint.payload,
            signers=self._signers,
            kind=kind,
            attempt=attempt,
        )

    def _result(self, delivery: Delivery) -> FailedTry | None:
        """Note what a delivery says about the endpoint, and return its failure."""
        posted = delivery.posted
        self._is_slow = self._is_slow or posted.duration_ms > _SLOW_MS
        if time.monotonic() - self._began_at > _BATCH_SECONDS:
            self.is_stopped = True
        if posted.is_taken:
            self._is_back = self._is_back or self._failures > 0
            self._failures = self._pauses = 0
            self._counted_at = None
            self._delivered_at = self.now()
            return None
        failure = failure_of(posted)
        self._failed(failure)
        return failure

    def note(self, cursor: Cursor[TupleRow], store: Store) -> None:
        """Keep the tries, and tell admins of failures in a row."""
        of = self.endpoint
        note_deliveries(cursor, of.webhook_id, of.organization_id, self.noted)
        if self._noticed is not None:
            tell_admins(cursor, store, of.webhook_id, failures=self._noticed)

    def progress(self) -> BatchProgress:
        position, ordinal = self.place
        return BatchProgress(
            position=position,
            ordinal=ordinal,
            number=self._number,
            failures=self._failures,
            counted_at=self._counted_at,
            pauses=self._pauses,
            is_slow=self._is_slow,
            paused_seconds=self._paused.total_seconds(),
            delivered_at=self._delivered_at,
            is_back=self._is_back,
            waiting=self._changed,
            done=self.done,
        )

    def result(self) -> BatchResult:
        is_over = self._off is not None or self._paused > timedelta()
        return BatchResult(is_over=is_over, off=self._off)

    def _try(self, each: WaitingEvent, fed: FedEvent) -> bool:
        """Send an event of a subject, and tell whether it need not be tried again."""
        return self._tried(each, self._post(fed, "live", each.tries + 1))

    def _tried(self, each: WaitingEvent, delivery: Delivery) -> bool:
        """Note a try of an event, and tell whether it need not be tried again."""
        tries = each.tries + 1
        first = each.first_try_at or self.now()
        failure = self._result(delivery)
        if failure is None:
            self.noted.append(delivery)
            return True
        age = self.now() - first
        chance = random()  # noqa: S311 - no secret
        wait = next_try_in(failure, tries=tries, age=age, chance=chance)
        if wait is None:
            self.noted.append(delivery)
            return True
        next_try_at = self.now() + wait
        self.noted.append(replace(delivery, next_try_at=next_try_at))
        self._blocked.add(each.subject_id)
        self._changed.append(
            replace(
                each,
                tries=tries,
                first_try_at=first,
                next_try_at=next_try_at,
                was_sent=failure.was_sent,
            )
        )
        return False

    def _failed(self, failure: FailedTry) -> None:
        now = self.now()
        since_last = now - (self._counted_at or now)
        if is_counted(in_a_row=self._failures, since_last=since_last):
            self._failures += 1
            self._counted_at = now
            if self._failures in NOTICES:
                self._noticed = self._failures
        chance = random()  # noqa: S311 - no secret
        pause = endpoint_waits(failure, in_a_row=self._pauses + 1, chance=chance)
        if pause is not None:
            self._pauses += 1
            self._paused = pause
            self.is_stopped = True
        if failure.status == GONE:
            self._off = "gone"
        elif self._failures >= DISABLED_AFTER:
            self._off = "failing"
        self.is_stopped = self.is_stopped or self._off is not None
