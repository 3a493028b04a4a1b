"""What a projection is to those who run it."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.messages import Event
from infra.eventstore.codec import Codec
from infra.eventstore.store import RecordedEvent


class Projection(Protocol):
    """One read model's way in.

    ``name`` is permanent: it owns the stored position. ``version`` changes with the
    rules of the fold. ``events`` are the stored names it takes in; others pass unread.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def events(self) -> frozenset[str]: ...

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Take in ``events``, in log order; taking one in twice changes nothing."""
        ...


@runtime_checkable
class CustomDecoding(Projection, Protocol):
    """A projection that decodes some events itself, by stored name.

    Where an event is large, what is read of it alone is cheaper to decode.
    """

    @property
    def decoders(self) -> Mapping[str, Callable[[bytes], Event]]: ...


def codec_for(projection: Projection, codec: Codec) -> Codec:
    """Return the codec that decodes events as the projection reads them."""
    if isinstance(projection, CustomDecoding):
        return codec.with_decoders(projection.decoders)
    return codec


class ReadModel(Projection, Protocol):
    """A projection whose tables only it writes, and nothing else happens by it.

    So it can be built again beside itself and swapped. ``tables`` are all it writes.
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
    the other, each in partitions. What one transaction did is done once or not at all,
    so both may count on what they find.
    """

    @property
    def stages(self) -> tuple[str, ...]: ...

    def gather(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Write down what a slice of the log tells; slices come in any order."""
        ...

    def merge(
        self, cursor: Cursor[TupleRow], stage: str, *, partition: int, partitions: int
    ) -> Merged:
        """Do one small transaction's worth of a partition of a stage."""
        ...


@runtime_checkable
class Ruled(ReadModel, Protocol):
    """A read model that knows several rules, and keeps which in its own tables.

    ``rule`` is the one that a rebuild is to work under, None for the one in force.
    """

    @property
    def rule(self) -> str | None: ...

    def rule_of(self, cursor: Cursor[TupleRow]) -> str:
        """Return the rule of the tables that the cursor looks at."""
        ...

    def begin_under(self, cursor: Cursor[TupleRow], rule: str) -> None:
        """Let the empty tables that the cursor looks at be worked out under a rule."""
        ...
