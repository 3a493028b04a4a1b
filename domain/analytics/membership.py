"""Membership: what counts in a campaign, from the log of what was put into campaigns.

Campaigns hold creators, single videos and other campaigns. What counts in one is the
union of the tree below it. It changes at the ends of quarters of an hour, which is how
finely sums are kept.
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
"""When something was a member, in order: after one quarter of an hour, until the end of
another."""
ALWAYS = 2**31 - 2
"""The quarter of an hour until which a membership lasts that has not ended."""
_Items = Mapping[UUID, Mapping[UUID, MemberType]]


class MembershipChange(msgspec.Struct, frozen=True, kw_only=True):
    """An item was put into a campaign, or taken out of it.

    Without ``item_type`` the campaign was deleted, and everything taken out of it.
    """

    campaign_id: UUID
    position: int
    recorded_at: datetime
    item_type: MemberType | None
    item_id: UUID
    is_added: bool


class Members(msgspec.Struct, frozen=True, kw_only=True):
    """The creators and the single videos in the tree below a campaign.

    ``videos`` are those that campaigns hold by themselves. Whether their creators are
    members, too, is not known here.
    """

    creators: set[UUID]
    videos: set[UUID]


class DatedMembers(msgspec.Struct, frozen=True, kw_only=True):
    """The creators and single videos that were ever in a tree, and when they were."""

    creators: Mapping[UUID, Spans]
    videos: Mapping[UUID, Spans]


def members_of_tree(changes: Iterable[MembershipChange], campaign_id: UUID) -> Members:
    """Return what is in the tree below a campaign after all these changes."""
    items: defaultdict[UUID, dict[UUID, MemberType]] = defaultdict(dict)
    for change in sorted(changes, key=_position):
        _apply(items, change)
    return _below(items, campaign_id)


def dated_members_of_tree(
    changes: Iterable[MembershipChange], campaign_id: UUID
) -> DatedMembers:
    """Return when creators and videos were in the tree below a campaign.

    Who joins or leaves does so at the end of the quarter of an hour in which that was
    recorded. Who joins and leaves in the same one was never a member.
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
    """Return when at least one of these was so."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(span for spans in some for span in spans):
        if found and first <= found[-1][1]:
            found[-1] = found[-1][0], max(last, found[-1][1])
        else:
            found.append((first, last))
    return found


def without(spans: Spans, others: Spans) -> Spans:
    """Return when the first was so and none of the others."""
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


class _Dated:
    """When each of some items was a member, as far as is known."""

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


def _below(items: _Items, campaign_id: UUID) -> Members:
    found = Members(creators=set(), videos=set())
    waiting, known = [campaign_id], {campaign_id}
    while waiting:
        for item_id, item_type in items.get(waiting.pop(), {}).items():
            match item_type:
                case "creator":
                    found.creators.add(item_id)
                case "video":
                    found.videos.add(item_id)
                case "campaign":
                    if item_id not in known:
                        known.add(item_id)
                        waiting.append(item_id)
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
