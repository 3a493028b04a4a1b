"""Progress of long work, for showing it to people."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

# It is called with the amount that was done since the last call.
Advance = Callable[[int], None]


class ShowProgress(Protocol):
    """Shows the progress of some work; a total of None is unknown."""

    def __call__(
        self, what: str, *, total: int | None
    ) -> AbstractContextManager[Advance]:
        """Show the work ``what`` until the block ends."""
        ...
