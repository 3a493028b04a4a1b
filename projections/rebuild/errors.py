"""The errors that stop a rebuild; each message is a sentence for operators."""

import psycopg

from projections.engine.follower import FencedError

# These errors mean that the database has a problem, and not that an event is bad.
OUTAGES = (psycopg.OperationalError, psycopg.InterfaceError)


class RebuildError(Exception):
    """A rebuild or a rollback cannot begin, or ended before its swap."""


class AlreadyRebuildingError(RebuildError):
    """Another process rebuilds the read model, or an unfinished rebuild exists."""


class CannotRebuildError(RebuildError):
    """Something that a copy would lack depends on a table."""


class DryRunPendingError(RebuildError):
    """A dry run waits to be swapped or cancelled, and the request mentions neither."""

    def __init__(self, name: str) -> None:
        super().__init__(f"A dry run of {name} waits: swap it or cancel it first.")


class NoDryRunError(RebuildError):
    """There is no dry run that this release could swap."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No dry run of {name} waits to be swapped.")


class NoPreviousTablesError(RebuildError):
    """There are no previous tables to go back to."""


class RebuildCancelledError(RebuildError):
    """The rebuild was cancelled, and its shadow tables are dropped."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The rebuild of {name} was cancelled.")


class RebuildReplacedError(RebuildError):
    """Another rebuild of the projection began in the meantime."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Another rebuild of {name} began meanwhile.")


class RefusedEventError(RebuildError):
    """An event cannot be applied: this release does not know it, or the fold fails."""

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
    """A remote worker failed at a slice; the message has the reason."""


class StoppedError(Exception):
    """The rebuild was stopped; its shadow tables stay, and it can be resumed."""


class CannotNotifyError(Exception):
    """Remote workers cannot be notified now; the message has the reason."""


class TryAgainError(Exception):
    """Another process has a lock that is needed; nothing was changed."""


# These errors can end a rebuild without a fault in Goatherd itself.
EXPECTED = (RebuildError, FencedError)
