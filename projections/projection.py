"""What a projection is to those who run it."""

from collections.abc import Sequence
from typing import Protocol

from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.store import Recorded


class Projection(Protocol):
    """One read model's way in.

    ``name`` is permanent: it owns the stored position. ``version`` changes with the
    rules of the fold. ``facts`` are the stored names it takes in; others pass unread.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def facts(self) -> frozenset[str]: ...

    def write(self, cursor: Cursor[TupleRow], facts: Sequence[Recorded]) -> None:
        """Take in ``facts``, in log order; taking one in twice changes nothing."""
        ...
