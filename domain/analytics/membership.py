"""Membership: what counts in a campaign, from the log of what was put into campaigns.

Campaigns hold creators, single videos and other campaigns. What counts in one is the
union of the tree below it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal
from uuid import UUID

import msgspec

from domain.analytics.spans import (
    ALWAYS,
    END,
    Span,
    Spans,
    intersection,
    spans_of,
    union,
)

MemberType = Literal["creator", "video", "campaign"]


class MembershipChange(msgspec.Struct, frozen=True, kw_only=True):
    """An item was put into a campaign, or taken out of it.

    Without ``item_type`` the campaign was deleted, and everything taken out of it.
    ``slot`` is the number of the quarter of an hour in which it was recorded.
    """

    campaign_id: UUID
    position: int
    slot: int
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


class MemberSpans(msgspec.Struct, frozen=True, kw_only=True):
    """When each creator and each single video was in the tree below a campaign."""

    creators: dict[UUID, Spans]
    videos: dict[UUID, Spans]


def members_of_tree(changes: Iterable[MembershipChange], campaign_id: UUID) -> Members:
    """Return what is in the tree below a campaign after all these changes."""
    items = _items(changes)
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


def member_spans(changes: Iterable[MembershipChange], campaign_id: UUID) -> MemberSpans:
    """Return when what was in the tree below a campaign.

    Joining and leaving take effect at the end of the quarter of an hour in which they
    were recorded.
    """
    items = _item_spans(changes)
    found = MemberSpans(creators={}, videos={})
    within: dict[UUID, Spans] = {campaign_id: ALWAYS}
    waiting = [campaign_id]
    while waiting:
        above = waiting.pop()
        for (item_type, item_id), spans in items.get(above, {}).items():
            inside = intersection(within[above], spans)
            if not inside:
                continue
            of = {"creator": found.creators, "video": found.videos}.get(
                item_type, within
            )
            before = of.get(item_id, ())
            of[item_id] = union(before, inside)
            if of is within and of[item_id] != before:
                waiting.append(item_id)
    return found


def _items(
    changes: Iterable[MembershipChange],
) -> Mapping[UUID, Mapping[UUID, MemberType]]:
    """Return what each campaign holds after all changes."""
    found: defaultdict[UUID, dict[UUID, MemberType]] = defaultdict(dict)
    for change in sorted(changes, key=lambda change: change.position):
        items = found[change.campaign_id]
        if change.item_type is None:
            items.clear()
        elif change.is_added:
            items[change.item_id] = change.item_type
        else:
            items.pop(change.item_id, None)
    return found


def _item_spans(
    changes: Iterable[MembershipChange],
) -> Mapping[UUID, Mapping[tuple[MemberType, UUID], Spans]]:
    """Return when each campaign held which item."""
    by_item: defaultdict[
        UUID, defaultdict[tuple[MemberType, UUID], list[MembershipChange]]
    ]
    by_item = defaultdict(lambda: defaultdict(list))
    deletions: list[MembershipChange] = []
    for change in changes:
        if change.item_type is None:
            deletions.append(change)
        else:
            item = change.item_type, change.item_id
            by_item[change.campaign_id][item].append(change)
    for deletion in deletions:
        for of_item in by_item[deletion.campaign_id].values():
            of_item.append(deletion)
    return {
        campaign_id: {item: _spans(of_item) for item, of_item in items.items()}
        for campaign_id, items in by_item.items()
    }


def _spans(changes: Sequence[MembershipChange]) -> Spans:
    """Return the spans after whose beginning the newest change says: added."""
    newest: MembershipChange | None = None
    began: int | None = None
    found: list[Span] = []
    for change in sorted(changes, key=lambda change: (change.slot, change.position)):
        if newest is not None and newest.position > change.position:
            continue
        newest = change
        if change.is_added and began is None:
            began = change.slot
        elif not change.is_added and began is not None:
            found.append((began, change.slot))
            began = None
    if began is not None:
        found.append((began, END))
    return spans_of(found)
