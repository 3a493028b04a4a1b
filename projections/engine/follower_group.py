"""A group of followers: reads and decodes each new event once for many projections."""

import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Final

import structlog
from psycopg import Connection
from psycopg.rows import TupleRow

from infra.eventstore.codec import Codec
from infra.eventstore.envelope import ENVELOPE
from infra.eventstore.store import RecordedEvent, Store, open_envelope
from infra.keys.keyring import Keys
from infra.loop import Failures, run_until_stopped
from projections.engine.follower import CATCHING_UP_BATCH, FencedError, Follower
from projections.engine.projection import CustomDecoding, Projection, codec_for

# Events that are read together. A projection that is further behind catches up alone.
GROUP_BATCH: Final = 200
FAR_BEHIND: Final = GROUP_BATCH
ALONE_THREADS: Final = 4
# The common batch needs one more.
CONNECTIONS: Final = ALONE_THREADS + 1
# The only look at the log that no event causes. Health checks expect a heartbeat within
# 30 seconds.
HEARTBEAT_SECONDS: Final = 10.0

# Another process works on the projection, or its tables are being swapped.
_HELD_SECONDS = 0.25
_FENCED_SECONDS = 1.0

_STATE = """
SELECT p.name, p.version, p.position,
       EXISTS (SELECT FROM dead_letter d
               WHERE d.projection = p.name AND d.stream IS NOT NULL),
       p.heartbeat_at < clock_timestamp() - make_interval(secs => %s),
       (SELECT coalesce(max(notification_id), 0) FROM goatherd_events)
FROM projection p WHERE p.name = ANY(%s::text[])
"""
# Bodies of events that no projection of the group reads are not fetched.
_READ = f"""
SELECT {ENVELOPE}, CASE WHEN topic <> ALL(%s::text[]) THEN state END
FROM goatherd_events WHERE notification_id > %s ORDER BY notification_id LIMIT %s
"""
# No projection waits long for the tables of another one.
_TAKE = """
SELECT version, position, set_config('lock_timeout', '1s', true)
FROM projection WHERE name = %s FOR UPDATE SKIP LOCKED
"""
_CHECKPOINT = """
UPDATE projection SET position = %s, heartbeat_at = clock_timestamp() WHERE name = %s
"""
# Projections that read none of the events move together.
_MOVE = """
WITH passing AS (
    SELECT p.name FROM projection p
    JOIN unnest(%s::text[], %s::int[], %s::bigint[]) AS f (name, version, position)
      ON p.name = f.name AND p.version = f.version AND p.position = f.position
    FOR UPDATE OF p SKIP LOCKED
)
UPDATE projection p SET position = greatest(p.position, %s),
    heartbeat_at = clock_timestamp()
FROM passing WHERE p.name = passing.name
RETURNING p.name
"""

_log = structlog.get_logger()


class _Following:
    """One projection of a group, and how it fares.

    It is left out until ``next_at``, and steps alone up to ``alone_until``.
    """

    def __init__(self, store: Store, projection: Projection) -> None:
        self.name = projection.name
        self.follower = Follower(projection, pool=store.pool, codec=store.codec)
        self.codec = codec_for(projection, store.codec)
        self.own_decoding: Collection[str] = (
            projection.decoders if isinstance(projection, CustomDecoding) else ()
        )
        self.failures = Failures(
            "follower_failed", pool=store.pool, projection=projection.name
        )
        self.version = projection.version
        self.position = 0
        self.alone_until = 0
        self.is_alone = False
        self.next_at: float | None = None
        self._is_fenced = False

    def is_own_version(self) -> bool:
        """Return whether the tables have this version; log it once if they do not."""
        try:
            self.follower.check_version(self.version)
        except FencedError as error:
            if not self._is_fenced:
                _log.warning("projection_fenced", reason=str(error))
            self._is_fenced = True
            # A rebuild may soon compute rows by these rules.
            self.wait(_FENCED_SECONDS)
            return False
        self._is_fenced = False
        return True

    def wait(self, seconds: float) -> None:
        """Leave the projection out for this time."""
        self.next_at = monotonic() + seconds

    def rest(self) -> float:
        """Return the seconds until the projection needs a look at the log."""
        if self.next_at is None or self.is_alone:
            return HEARTBEAT_SECONDS
        return self.next_at - monotonic()


class _SharedBatch:
    """Rows of the log, each decoded once for all projections that decode it alike."""

    def __init__(self, rows: Sequence[TupleRow], codec: Codec, keys: Keys) -> None:
        self._rows = rows
        self._codec = codec
        self._keys = keys
        self._decoded: dict[tuple[int, int], RecordedEvent] = {}
        self.reached: int = rows[-1][0] if rows else 0

    def has_any(self, following: _Following) -> bool:
        return any(self._is_for(following, row) for row in self._rows)

    def events_for(self, following: _Following) -> list[RecordedEvent]:
        """Return the events that the projection reads and has not applied.

        Raises:
            UnknownEventError: an event is unknown, or its body does not fit it.
        """
        return [
            self._event(following, row)
            for row in self._rows
            if self._is_for(following, row)
        ]

    def _is_for(self, following: _Following, row: TupleRow) -> bool:
        name = row[7]
        return row[0] > following.position and (
            name in following.follower.projection.events or not self._codec.knows(name)
        )

    def _event(self, following: _Following, row: TupleRow) -> RecordedEvent:
        codec = following.codec if row[7] in following.own_decoding else self._codec
        key = row[0], id(codec)
        if key not in self._decoded:
            self._decoded[key] = open_envelope(row, codec, self._keys)
        return self._decoded[key]


class FollowerGroup:
    """Follows the log for several projections of a process.

    A round reads the new events once, decodes each once, and applies them to every
    projection that reads them, each in its own transaction with its checkpoint. A
    projection that is far behind, fails, or has dead letters leaves the common batch,
    and steps alone in one of a few threads until it is level with the others. Any
    number of processes may follow the same projections.

    ``applied`` is called after events were applied.
    """

    def __init__(
        self,
        store: Store,
        projections: Sequence[Projection],
        *,
        applied: Callable[[], None] | None = None,
        pause: float = 0.0,
    ) -> None:
        self._pool = store.pool
        self._codec = store.codec
        self._followings = {
            projection.name: _Following(store, projection) for projection in projections
        }
        self._names = [*self._followings]
        read = frozenset[str]().union(*(each.events for each in projections))
        self._passed_over = store.codec.names_except(read)
        self._applied = applied
        self._pause = pause
        self._wake_up = threading.Event()
        self._stop = threading.Event()
        self._threads: ThreadPoolExecutor | None = None

    @property
    def names(self) -> Collection[str]:
        """The names of the projections."""
        return self._followings.keys()

    def register(self) -> None:
        """Create the checkpoints that do not exist yet, at the start of the log."""
        for following in self._followings.values():
            following.follower.register()

    def wake(self) -> None:
        """Read the log now; called after every append."""
        self._wake_up.set()

    def run(self, stop: threading.Event) -> None:
        """Register, and follow the log until ``stop`` is set and the group is woken.

        The group continues after every failure. It reads the log when it is woken, and
        every 10 seconds in any case.
        """
        self._stop = stop
        is_registered = False

        def step() -> float:
            nonlocal is_registered
            if not is_registered:
                self.register()
                is_registered = True
            return self._round()

        with ThreadPoolExecutor(ALONE_THREADS, "follower") as self._threads:
            run_until_stopped(
                step,
                stop,
                failed="follower_failed",
                wake_up=self._wake_up,
                pause=self._pause,
                pool=self._pool,
            )

    def _round(self) -> float:
        """Apply a batch of events; return the seconds until the next look."""
        with self._pool.connection() as connection:
            states = connection.execute(
                _STATE, (HEARTBEAT_SECONDS, self._names), prepare=True
            )
            together = self._together(states.fetchall())
            is_more = together != [] and self._apply(connection, together)
        if is_more:
            return 0
        return max(min(each.rest() for each in self._followings.values()), 0)

    def _together(self, states: Sequence[TupleRow]) -> list[_Following]:
        """Return the projections of the common batch, and let others step alone."""
        together: list[_Following] = []
        for name, version, position, has_held, is_due, head in states:
            following = self._followings[name]
            following.version, following.position = version, position
            if following.is_alone or not following.is_own_version():
                continue
            if following.rest() > 0 and following.next_at is not None:
                continue
            following.next_at = None
            if position >= head and not is_due:
                continue
            is_far = head - position > FAR_BEHIND
            if is_far or has_held or position < following.alone_until:
                self._step_alone(following)
            else:
                together.append(following)
        return together

    def _apply(
        self, connection: Connection[TupleRow], together: Sequence[_Following]
    ) -> bool:
        """Apply the next batch of the log; return whether there may be more."""
        first = min(each.position for each in together)
        cursor = connection.cursor(binary=True)
        rows = cursor.execute(
            _READ, (self._passed_over, first, GROUP_BATCH), prepare=True
        ).fetchall()
        bodies = (row[8] for row in rows if row[8] is not None)
        batch = _SharedBatch(
            rows, self._codec, self._codec.keys_for(bodies, connection)
        )
        passing: list[_Following] = []
        for following in together:
            if batch.has_any(following):
                self._write(connection, following, batch)
            else:
                passing.append(following)
        if passing:
            self._pass(connection, passing, batch)
        if rows and self._applied is not None:
            self._applied()
        return len(rows) == GROUP_BATCH

    def _write(
        self,
        connection: Connection[TupleRow],
        following: _Following,
        batch: _SharedBatch,
    ) -> None:
        name, follower = following.name, following.follower
        try:
            with connection.transaction(), connection.cursor(binary=True) as cursor:
                row = cursor.execute(_TAKE, (name,), prepare=True).fetchone()
                if row is None or row[1] != following.position:
                    following.wait(_HELD_SECONDS)
                    return
                follower.check_version(row[0])
                follower.projection.write(cursor, batch.events_for(following))
                cursor.execute(_CHECKPOINT, (batch.reached, name), prepare=True)
        except FencedError:
            following.wait(_FENCED_SECONDS)
        except Exception:
            if connection.closed:
                raise
            # A step alone finds the event that fails, or fails for the same reason.
            following.alone_until = batch.reached
            following.wait(0)

    def _pass(
        self,
        connection: Connection[TupleRow],
        passing: Sequence[_Following],
        batch: _SharedBatch,
    ) -> None:
        moved = connection.execute(
            _MOVE,
            (
                [each.name for each in passing],
                [each.follower.projection.version for each in passing],
                [each.position for each in passing],
                batch.reached,
            ),
            prepare=True,
        ).fetchall()
        names = {name for (name,) in moved}
        for following in passing:
            if following.name not in names:
                following.wait(_HELD_SECONDS)

    def _step_alone(self, following: _Following) -> None:
        assert self._threads is not None
        following.is_alone = True
        self._threads.submit(self._alone, following)

    def _alone(self, following: _Following) -> None:
        passed = 0
        try:
            if not self._stop.is_set():
                passed = following.follower.step(CATCHING_UP_BATCH)
                following.failures.end()
                following.wait(0 if passed else _HELD_SECONDS)
        except FencedError:
            following.wait(_FENCED_SECONDS)
        except Exception as error:  # noqa: BLE001 - the others go on
            following.wait(following.failures.note(error))
        finally:
            following.is_alone = False
            if passed and self._applied is not None:
                self._applied()
            self.wake()
