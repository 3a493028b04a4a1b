"""SIGINT, SIGTERM and SIGHUP as an event that a loop can wait for."""

import os
import select
import signal
from types import FrameType


class StopRequestedError(Exception):
    """A signal came before everything was started."""


class StopSignals:
    """Receives the signals from its creation on.

    The first signal is stored; a second one interrupts the current work, unless
    ``is_stopping`` is set.
    """

    def __init__(self) -> None:
        self.is_stopping = False
        # A pipe is used, because a handler may run anywhere and must take no lock. The
        # signal itself writes to it: a handler waits for the end of a system call, and
        # a wait that begins just after the signal would not be woken by it.
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._received = 0
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)
        # SIGHUP comes when the terminal closes, but not under nohup.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._on_signal)
        # A process begins with the mask of its parent, which may block them.
        signal.pthread_sigmask(
            signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        )

    def wait(self, seconds: float) -> bool:
        """Return True once a signal came, False if none comes in ``seconds``."""
        ready, _, _ = select.select([self._reader], [], [], seconds)
        return bool(ready)

    def check(self) -> None:
        """Check that no signal came yet.

        Raises:
            StopRequestedError: a signal came.
        """
        if self._received:
            raise StopRequestedError

    def _on_signal(self, _signal: int, _frame: FrameType | None) -> None:
        self._received += 1
        if self._received > 1 and not self.is_stopping:
            raise KeyboardInterrupt
