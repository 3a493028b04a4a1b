"""What a projection is: the protocols that followers and rebuilds know it by."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.messages import Event
from infra.eventstore.codec import Codec
from infra.eventstore.store import RecordedEvent


class Projection(Protocol):
    """Something that follows the log and keeps tables.

    ``name`` is permanent: the checkpoint is stored under it. ``version`` changes with
    the rules by which tables follow from events. ``events`` are the stored names of
    the events that it reads.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def events(self) -> frozenset[str]: ...

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Apply ``events``, in log order; to apply one twice changes nothing."""
        ...


@runtime_checkable
class CustomDecoding(Projection, Protocol):
    """A projection with its own decoders for some events, by stored name.

    Of a large event, it is cheaper to decode only what the projection reads.
    """

    @property
    def decoders(self) -> Mapping[str, Callable[[bytes], Event]]: ...


def codec_for(projection: Projection, codec: Codec) -> Codec:
    """Return the codec with the projection's own decoders, if it has any."""
    if isinstance(projection, CustomDecoding):
        return codec.with_decoders(projection.decoders)
    return codec


class ReadModel(Projection, Protocol):
    """A projection that does nothing but write its own tables.

    So they can be built again as shadow tables, and swapped. ``tables`` are all that it
    writes.
    """

    @property
    def tables(self) -> tuple[str, ...]: ...


class Merged(NamedTuple):
    """How much one transaction merged, and whether that ended its partition."""

    amount: int
    is_all: bool


@runtime_checkable
class Sliced(ReadModel, Protocol):
    """A read model whose rebuild can be cut into slices for many to work on.

    First the log is gathered, slice by slice; then each stage is merged, one after
    the other, each in partitions. Every transaction happens once or not at all.
    """

    @property
    def stages(self) -> tuple[str, ...]: ...

    def gather(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Write down what a slice of the log says; slices come in any order."""
        ...

    def merge(
        self, cursor: Cursor[TupleRow], stage: str, *, partition: int, partitions: int
    ) -> Merged:
        """Do some of a partition of a stage, as much as fits one short transaction."""
        ...


@runtime_checkable
class Ruled(ReadModel, Protocol):
    """A read model with several rules to choose from; its tables say which holds.

    ``rule`` is the one that a rebuild is to apply, None for the one in force.
    """

    @property
    def rule(self) -> str | None: ...

    def rule_of(self, cursor: Cursor[TupleRow]) -> str:
        """Return the rule of the tables on the cursor's search path."""
        ...

    def begin_under(self, cursor: Cursor[TupleRow], rule: str) -> None:
        """Set the rule of the empty tables on the cursor's search path."""
        ...
