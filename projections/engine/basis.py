"""The basis of an answer: a position of the log, and rules."""

from msgspec import Struct


class ErasedSince(Struct, frozen=True, kw_only=True, rename="camel"):
    """How many people were erased since, and the position of the last erasure."""

    count: int
    until: int


class Basis(Struct, frozen=True, kw_only=True, rename="camel"):
    """The basis of an answer: a position of the log, and the rules of the numbers.

    ``position`` is that of the organization's newest event in the answer, ``rules`` the
    number of the rules of GET /analytics/schema. The same question as of the same
    position under the same rules has the same numbers for ever, unless people whose
    figures it may have had were erased later: ``erased_since`` counts them.
    """

    position: int
    rules: int
    erased_since: ErasedSince | None
