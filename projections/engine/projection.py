"""The protocols of projections, which followers and rebuilds use."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.messages import Event
from infra.eventstore.codec import Codec
from infra.eventstore.store import RecordedEvent


class Projection(Protocol):
    """Follows the log and keeps tables.

    ``name`` is permanent, because the checkpoint is stored with it. ``version`` changes
    when the rules from events to tables change. ``events`` are the stored names of the
    events that the projection reads.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def events(self) -> frozenset[str]: ...

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Apply ``events`` in the order of the log.

        Applying an event twice changes nothing.
        """
        ...


@runtime_checkable
class CustomDecoding(Projection, Protocol):
    """A projection with its own decoders for some events, by stored name.

    It is faster to decode only those parts of a large event that the projection reads.
    """

    @property
    def decoders(self) -> Mapping[str, Callable[[bytes], Event]]: ...


def codec_for(projection: Projection, codec: Codec) -> Codec:
    """Return the codec with the projection's own decoders, if it has any."""
    if isinstance(projection, CustomDecoding):
        return codec.with_decoders(projection.decoders)
    return codec


class ReadModel(Projection, Protocol):
    """A projection that only writes its own tables.

    Its tables can therefore be computed anew as shadow tables, and swapped. ``tables``
    lists all tables that it writes.
    """

    @property
    def tables(self) -> tuple[str, ...]: ...


class Merged(NamedTuple):
    """The amount that one transaction merged, and whether the partition is complete."""

    amount: int
    is_all: bool


@runtime_checkable
class Sliced(ReadModel, Protocol):
    """A read model whose rebuild can be divided among many workers.

    First the log is gathered, slice by slice. Then the stages are merged one after the
    other, in partitions. Every transaction is applied once or not at all.
    """

    @property
    def stages(self) -> tuple[str, ...]: ...

    def gather(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Store the content of a slice of the log; slices come in any order."""
        ...

    def merge(
        self, cursor: Cursor[TupleRow], stage: str, *, partition: int, partitions: int
    ) -> Merged:
        """Merge a part of a partition of a stage, as much as suits one transaction."""
        ...


@runtime_checkable
class Ruled(ReadModel, Protocol):
    """A read model with several rules to choose from; its tables name the current one.

    ``rule`` is the rule of the next rebuild, None for the current one.
    """

    @property
    def rule(self) -> str | None: ...

    def rule_of(self, cursor: Cursor[TupleRow]) -> str:
        """Return the rule of the tables on the cursor's search path."""
        ...

    def begin_under(self, cursor: Cursor[TupleRow], rule: str) -> None:
        """Set the rule of the empty tables on the cursor's search path."""
        ...
