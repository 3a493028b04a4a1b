"""Notes of requests: each request of a provider, for a listener in its thread."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

from msgspec import Struct


class RequestNote(Struct, kw_only=True):
    """One request and what came of it; without a query, a body or headers.

    ``status`` is null where there was no answer. ``duration_ms`` is in milliseconds.
    """

    what: str
    status: int | None = None
    understood: str = ""
    duration_ms: int = 0


_LISTENER: ContextVar[Callable[[RequestNote], None] | None] = ContextVar(
    "listener", default=None
)


@contextmanager
def listening(listener: Callable[[RequestNote], None]) -> Generator[None]:
    """Call ``listener`` with each request of the block once it is over."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


@contextmanager
def noted(what: str) -> Generator[RequestNote]:
    """Note a request; the block says what came of it, or fails."""
    note = RequestNote(what=what)
    began = time.monotonic()
    try:
        yield note
    except Exception as error:
        # A refusal says it in words of ours; what others say may quote the request.
        verdict = getattr(error, "verdict", None)
        note.understood = getattr(verdict, "detail", type(error).__name__)
        raise
    finally:
        note.duration_ms = round((time.monotonic() - began) * 1_000)
        listener = _LISTENER.get()
        if listener is not None:
            listener(note)
