"""Membership: the items that count in a campaign, from the changes of its items.

Campaigns hold creators, single videos and other campaigns. The union of the tree below
a campaign counts in it. The union changes at the ends of quarters of an hour, because
sums are kept for quarters of an hour.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Literal
from uuid import UUID

import msgspec

from domain.analytics.buckets import slot_of

MemberType = Literal["creator", "video", "campaign"]
Spans = Sequence[tuple[int, int]]
"""The spans of a membership, in order: after one quarter, until another's end."""
ALWAYS = 2**31 - 2
"""The end of a membership that has not ended, as a quarter of an hour."""
_Items = Mapping[UUID, Mapping[UUID, MemberType]]


class MembershipChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a campaign's items: one was added or removed.

    Without ``item_type`` the campaign was deleted, and lost all of its items.
    """

    campaign_id: UUID
    position: int
    recorded_at: datetime
    item_type: MemberType | None
    item_id: UUID
    is_added: bool


class Members(msgspec.Struct, frozen=True, kw_only=True):
    """The creators and the single videos in the tree below a campaign.

    ``videos`` are the videos that are items of campaigns themselves; their creators may
    or may not be members, too.
    """

    creators: set[UUID]
    videos: set[UUID]


class DatedMembers(msgspec.Struct, frozen=True, kw_only=True):
    """The creators and single videos that were ever in a tree, with their times."""

    creators: Mapping[UUID, Spans]
    videos: Mapping[UUID, Spans]


def members_of_tree(changes: Iterable[MembershipChange], campaign_id: UUID) -> Members:
    """Return the members of the tree below a campaign after all these changes."""
    return _below(_items_after(changes), campaign_id)


def campaigns_of_tree(
    changes: Iterable[MembershipChange], campaign_id: UUID
) -> list[UUID]:
    """Return a campaign and those in the tree below it after all these changes."""
    return _tree(_items_after(changes), campaign_id)


def dated_members_of_tree(
    changes: Iterable[MembershipChange], campaign_id: UUID
) -> DatedMembers:
    """Return all members that the tree below a campaign ever had, with their times.

    An item joins or leaves at the end of the quarter of an hour in which the change was
    recorded. An item that joins and leaves in the same quarter was never a member.
    """
    items: defaultdict[UUID, dict[UUID, MemberType]] = defaultdict(dict)
    creators, videos = _Dated(), _Dated()
    ordered = sorted(changes, key=_position)
    for slot, some in groupby(ordered, key=lambda change: slot_of(change.recorded_at)):
        for change in some:
            _apply(items, change)
        members = _below(items, campaign_id)
        creators.become(members.creators, slot)
        videos.become(members.videos, slot)
    return DatedMembers(creators=creators.spans(), videos=videos.spans())


def union_of(*some: Spans) -> Spans:
    """Return the time in any of these spans."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(span for spans in some for span in spans):
        if found and first <= found[-1][1]:
            found[-1] = found[-1][0], max(last, found[-1][1])
        else:
            found.append((first, last))
    return found


def without(spans: Spans, others: Spans) -> Spans:
    """Return the time in ``spans`` that lies in none of ``others``."""
    found = list(spans)
    for first, last in others:
        found = [
            part
            for begin, end in found
            for part in ((begin, min(end, first)), (max(begin, last), end))
            if part[0] < part[1]
        ]
    return found


def holds_slot(spans: Spans, slot: int) -> bool:
    """Tell whether a quarter of an hour lies within one of the spans."""
    return any(first < slot <= last for first, last in spans)


def held_at(spans: Spans, instants: Iterable[datetime]) -> list[bool]:
    """Tell of each instant whether its quarter of an hour lies within a span."""
    return [holds_slot(spans, slot_of(instant)) for instant in instants]


class _Dated:
    """The times of some items' memberships, up to the latest known change."""

    def __init__(self) -> None:
        self._since: dict[UUID, int] = {}
        self._spans: defaultdict[UUID, list[tuple[int, int]]] = defaultdict(list)

    def become(self, members: set[UUID], slot: int) -> None:
        for gone in self._since.keys() - members:
            self._end(gone, slot)
        for one in members - self._since.keys():
            self._since[one] = slot

    def spans(self) -> Mapping[UUID, Spans]:
        for one in [*self._since]:
            self._end(one, ALWAYS)
        return {one: union_of(spans) for one, spans in self._spans.items()}

    def _end(self, one: UUID, slot: int) -> None:
        since = self._since.pop(one)
        if since < slot:
            self._spans[one].append((since, slot))


def _position(change: MembershipChange) -> int:
    return change.position


def _items_after(changes: Iterable[MembershipChange]) -> _Items:
    items: defaultdict[UUID, dict[UUID, MemberType]] = defaultdict(dict)
    for change in sorted(changes, key=_position):
        _apply(items, change)
    return items


def _tree(items: _Items, campaign_id: UUID) -> list[UUID]:
    found = {campaign_id: None}
    waiting = [campaign_id]
    while waiting:
        for item_id, item_type in items.get(waiting.pop(), {}).items():
            if item_type == "campaign" and item_id not in found:
                found[item_id] = None
                waiting.append(item_id)
    return [*found]


def _below(items: _Items, campaign_id: UUID) -> Members:
    found = Members(creators=set(), videos=set())
    for one in _tree(items, campaign_id):
        for item_id, item_type in items.get(one, {}).items():
            if item_type == "creator":
                found.creators.add(item_id)
            elif item_type == "video":
                found.videos.add(item_id)
    return found


def _apply(
    items: defaultdict[UUID, dict[UUID, MemberType]], change: MembershipChange
) -> None:
    held = items[change.campaign_id]
    if change.item_type is None:
        held.clear()
    elif change.is_added:
        held[change.item_id] = change.item_type
    else:
        held.pop(change.item_id, None)
