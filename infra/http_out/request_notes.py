"""Notes of requests: each request of a provider, for listeners in its thread.

A provider sends each request within ``noted``, which counts the request against the
source's daily budget before it is sent, and reports the result to checks.
"""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

from msgspec import Struct


class RequestNote(Struct, kw_only=True):
    """One request and its result, without a query, a body or headers.

    ``status`` is null without an answer. ``duration_ms`` is in milliseconds.
    """

    what: str
    status: int | None = None
    understood: str = ""
    duration_ms: int = 0


class BudgetSpentError(Exception):
    """The source's budget of requests for the day is used up; nothing was sent.

    The next day begins in ``retry_after`` seconds.
    """

    def __init__(self, retry_after: float) -> None:
        super().__init__("The day's budget of requests is used up.")
        self.retry_after = retry_after


_METER: ContextVar[Callable[[], None] | None] = ContextVar("meter", default=None)
_LISTENER: ContextVar[Callable[[RequestNote], None] | None] = ContextVar(
    "listener", default=None
)


@contextmanager
def listening(listener: Callable[[RequestNote], None]) -> Generator[None]:
    """Call ``listener`` with each request of the block once the request is over."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


@contextmanager
def metered(take: Callable[[], None]) -> Generator[None]:
    """Call ``take`` before each request of the block; it may refuse the request."""
    token = _METER.set(take)
    try:
        yield
    finally:
        _METER.reset(token)


@contextmanager
def noted(what: str) -> Generator[RequestNote]:
    """Note a request; the block sends it and reports the result, or fails.

    Raises:
        BudgetSpentError: the request must not be sent.
    """
    meter = _METER.get()
    if meter is not None:
        meter()
    note = RequestNote(what=what)
    began = time.monotonic()
    try:
        yield note
    except Exception as error:
        # A refusal has words of ours; texts of others may quote the request.
        verdict = getattr(error, "verdict", None)
        note.understood = getattr(verdict, "detail", type(error).__name__)
        raise
    finally:
        note.duration_ms = round((time.monotonic() - began) * 1_000)
        listener = _LISTENER.get()
        if listener is not None:
            listener(note)
