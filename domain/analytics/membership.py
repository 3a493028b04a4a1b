"""Membership: what counts in a campaign, from the log of what was put into campaigns.

Campaigns hold creators, single videos and other campaigns. What counts in one is the
union of the tree below it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Literal
from uuid import UUID

import msgspec

MemberType = Literal["creator", "video", "campaign"]


class MembershipChange(msgspec.Struct, frozen=True, kw_only=True):
    """An item was put into a campaign, or taken out of it.

    Without ``item_type`` the campaign was deleted, and everything taken out of it.
    """

    campaign_id: UUID
    position: int
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
