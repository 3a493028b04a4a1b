"""Notifications of PostgreSQL: each one wakes whatever waits for its channel."""

import selectors
import socket
import threading
from collections.abc import Callable
from typing import Final, LiteralString

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from infra.loop import run_until_stopped
from infra.outage import OUTAGE

# Each append notifies this channel.
EVENTS: Final = "goatherd_events"

_LONGEST_BACKOFF_SECONDS = 2.0


def listen(
    url: str, stop: threading.Event, *waiting: tuple[LiteralString, Callable[[], None]]
) -> None:
    """Call the function of a channel after its notifications, until ``stop`` is set.

    The thread sleeps until a notification comes. Every function is also called after
    each new connection, because notifications go unnoticed while there is none, and
    when ``stop`` is set, so that loops that wait for it end.
    """
    stopped, stopping = socket.socketpair()
    watching = threading.Thread(target=_pass_on, args=(stop, stopping), daemon=True)
    watching.start()
    connection: Connection[TupleRow] | None = None

    def step() -> float:
        nonlocal connection
        if connection is None or connection.closed:
            connection = _connected(url, [channel for channel, _ in waiting])
            notified = {channel for channel, _ in waiting}
        else:
            _wait(connection, stopped)
            notified = {each.channel for each in connection.notifies(timeout=0)}
        for channel, wake in waiting:
            if channel in notified:
                wake()
        return 0

    with stopped, stopping:
        run_until_stopped(
            step,
            stop,
            failed="listener_failed",
            longest_backoff=_LONGEST_BACKOFF_SECONDS,
        )
        if connection is not None:
            connection.close()
        watching.join()
    for _, wake in waiting:
        wake()


def _pass_on(stop: threading.Event, stopping: socket.socket) -> None:
    stop.wait()
    stopping.send(b".")


def _wait(connection: Connection[TupleRow], stopped: socket.socket) -> None:
    """Wait until the server sends something, or the listener is stopped."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        selector.register(stopped, selectors.EVENT_READ)
        selector.select()


def _connected(url: str, channels: list[LiteralString]) -> Connection[TupleRow]:
    try:
        connection = psycopg.connect(
            url, autocommit=True, connect_timeout=5, keepalives_idle=30
        )
    except psycopg.OperationalError as error:
        OUTAGE.lost(error)
        raise
    OUTAGE.back()
    for channel in channels:
        connection.execute(f"LISTEN {channel}")
    return connection
