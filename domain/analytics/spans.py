"""Spans of quarters of an hour: when something was a member of a campaign.

A span is a pair of numbers of quarters. It is the time after the end of the first up to
the end of the second, as far as ``slot_of`` counts them.
"""

from collections.abc import Iterable

Span = tuple[int, int]
Spans = tuple[Span, ...]
"""Spans in order, which neither touch nor overlap."""

# PostgreSQL's smallest and largest number of a quarter.
BEGINNING, END = -(2**31), 2**31 - 1
ALWAYS: Spans = ((BEGINNING, END),)


def spans_of(some: Iterable[Span]) -> Spans:
    """Return the union of any spans; empty ones are left out."""
    found: list[Span] = []
    for begin, end in sorted(some):
        if begin >= end:
            continue
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((begin, end))
    return tuple(found)


def union(ones: Spans, others: Spans) -> Spans:
    """Return the time in either of them."""
    return spans_of([*ones, *others])


def intersection(ones: Spans, others: Spans) -> Spans:
    """Return the time in both of them."""
    return spans_of(
        (max(one[0], other[0]), min(one[1], other[1]))
        for one in ones
        for other in others
    )


def difference(ones: Spans, others: Spans) -> Spans:
    """Return the time in the first that is not in the second."""
    left = ones
    for begin, end in others:
        left = intersection(left, ((BEGINNING, begin), (end, END)))
    return left
