"""Interrupts: SIGINT, SIGTERM and SIGHUP as something a loop can wait for."""

import os
import select
import signal
from types import FrameType


class AskedToStopError(Exception):
    """Somebody wants us to end before we have quite begun."""


class Interrupts:
    """Hears the signals from when it is made on.

    The first is remembered; a second one interrupts whatever is being done, unless
    ``is_stopping`` says that this would be in nobody's interest any more.
    """

    def __init__(self) -> None:
        self.is_stopping = False
        # A pipe, since a handler may run anywhere and must take no lock.
        self._reader, self._writer = os.pipe()
        self._heard = 0
        signal.signal(signal.SIGINT, self._hear)
        signal.signal(signal.SIGTERM, self._hear)
        # A terminal that was closed, too,
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # but not under nohup
            signal.signal(signal.SIGHUP, self._hear)

    def wait(self, seconds: float) -> bool:
        """Return True as soon as one was heard, False if none is within ``seconds``."""
        ready, _, _ = select.select([self._reader], [], [], seconds)
        return bool(ready)

    def check(self) -> None:
        """Return if none was heard yet.

        Raises:
            AskedToStopError: one was.
        """
        if self._heard:
            raise AskedToStopError

    def _hear(self, _signal: int, _frame: FrameType | None) -> None:
        self._heard += 1
        if self._heard == 1:
            os.write(self._writer, b".")
        elif not self.is_stopping:
            raise KeyboardInterrupt
