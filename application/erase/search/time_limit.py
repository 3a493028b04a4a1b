"""The time that a search for remains may take."""

import time

_MS_PER_SECOND = 1_000


class SearchTooLongError(Exception):
    """The time of a search is over, and it has not ended."""


class TimeLimit:
    """Ends a search after some seconds; without seconds it may take any time."""

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds

    def end(self) -> None:
        """Let the time be over from now on."""
        self._end = time.monotonic()

    def left_ms(self) -> int:
        """Return the milliseconds that are left, and 0 without a limit.

        Raises:
            SearchTooLongError: the time is over.
        """
        if self._end is None:
            return 0
        left = self._end - time.monotonic()
        if left <= 0:
            raise SearchTooLongError
        return int(left * _MS_PER_SECOND) + 1
