"""What keeps a rebuild from its end; each message is a sentence for operators."""

import psycopg

from projections.engine.follower import FencedError

# What says that the database is in trouble, not that an event is bad.
OUTAGES = (psycopg.OperationalError, psycopg.InterfaceError)


class RebuildError(Exception):
    """A rebuild or a rollback cannot begin, or ended before its swap."""


class AlreadyRebuildingError(RebuildError):
    """Another process rebuilds the read model, or an unfinished rebuild is left."""


class CannotRebuildError(RebuildError):
    """Something depends on a table that a copy of it would not have."""


class DryRunPendingError(RebuildError):
    """A dry run waits to be swapped or cancelled, and nobody said which."""

    def __init__(self, name: str) -> None:
        super().__init__(f"A dry run of {name} waits: swap it or cancel it first.")


class NoDryRunError(RebuildError):
    """No dry run waits that this release could swap."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No dry run of {name} waits to be swapped.")


class NoPreviousTablesError(RebuildError):
    """There are no previous tables to go back to."""


class RebuildCancelledError(RebuildError):
    """Somebody cancelled the rebuild; its shadow tables are dropped."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The rebuild of {name} was cancelled.")


class RebuildReplacedError(RebuildError):
    """Another rebuild of the projection began meanwhile."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Another rebuild of {name} began meanwhile.")


class RefusedEventError(RebuildError):
    """An event cannot be taken in: this release does not know it, or the fold fails."""

    def __init__(self, projection: str, *, position: int, event: str, why: str) -> None:
        super().__init__(
            f"{projection} cannot take in the event {event} at position {position}: "
            f"{why}"
        )
        self.position = position
        self.event = event


class RowsDifferError(RebuildError):
    """The same rules gave other rows than the live ones; nothing was swapped."""


class WorkerFailedError(RebuildError):
    """A remote worker failed at a slice; the message says why."""


class StoppedError(Exception):
    """The rebuild was told to stop; what was built stays and is resumed."""


class CannotNotifyError(Exception):
    """Remote workers cannot be notified just now; the message says why."""


class TryAgainError(Exception):
    """Somebody holds a lock that is needed; nothing was changed."""


# What can end a rebuild without a fault in Goatherd itself.
EXPECTED = (RebuildError, FencedError)
