"""What an answer stands on: a position of the log, and rules."""

from msgspec import Struct


class ErasedSince(Struct, frozen=True, kw_only=True, rename="camel"):
    """How many people were erased since, and the position of the last erasure."""

    count: int
    until: int


class Basis(Struct, frozen=True, kw_only=True, rename="camel"):
    """What an answer stands on.

    ``position`` is that of the organization's newest event in the answer, ``rules`` the
    number of the rules of GET /analytics/schema. The same question as of the same
    position under the same rules has the same numbers for ever, unless
    ``erased_since`` says that people were erased after it, whose figures it may have
    had.
    """

    position: int
    rules: int
    erased_since: ErasedSince | None
