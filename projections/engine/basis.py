"""The basis of an answer: a position of the log, and rules."""

from msgspec import Struct


class ErasedSince(Struct, frozen=True, kw_only=True, rename="camel"):
    """The number of people erased since, and the position of the last erasure."""

    count: int
    until: int


class Basis(Struct, frozen=True, kw_only=True, rename="camel"):
    """The basis of an answer: a position of the log, and the rules of the numbers.

    ``position`` is that of the organization's newest event in the answer, ``rules`` is
    the version of rules in GET /analytics/schema. The same question at the same
    position under the same rules always has the same numbers, unless people were erased
    later whose figures it may have had: ``erased_since`` counts them.
    """

    position: int
    rules: int
    erased_since: ErasedSince | None
