"""The targets of campaigns, and the times between which views count for them."""

from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from domain.analytics.buckets import end_of_slot, midnight, slot_of
from domain.analytics.targets import GROWTH_DAYS
from domain.messages import TargetScope

_A_DAY = timedelta(days=1)


class CampaignTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign's name, days, targets and cost.

    ``time_zone`` is the one in which days begin, by default the organization's.
    """

    id: UUID
    name: str
    target_views: int | None
    target_at: datetime | None
    target_scope: TargetScope
    starts_on: date | None
    ends_on: date | None
    created_at: datetime
    target_posts: int | None
    target_engagement: int | None
    cost_minor: int | None
    currency: str | None
    time_zone: str | None

    @property
    def is_measured(self) -> bool:
        """Tell whether there is a target to reach, or a cost to divide by views."""
        numbers = (self.target_views, self.target_posts, self.target_engagement)
        return any(one is not None for one in (*numbers, self.cost_minor))

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone or "UTC")

    @property
    def began_at(self) -> datetime:
        """The beginning of the first day; without one, the creation of the campaign."""
        if self.starts_on is None:
            return self.created_at
        return midnight(self.starts_on, self.zone)

    @property
    def ends_at(self) -> datetime | None:
        """The end of the last day; None without one."""
        return (
            None if self.ends_on is None else midnight(self.ends_on + _A_DAY, self.zone)
        )


class TargetTimes(NamedTuple):
    """The instants between which a campaign counts, and the last week.

    None is later than the present.
    """

    began: datetime
    ended: datetime
    week_ago: datetime
    until: datetime

    @classmethod
    def of(cls, campaign: CampaignTarget, now: datetime) -> "TargetTimes":
        # Sums are kept by quarter-hour. A campaign that is created within one counts
        # from its end on.
        until = end_of_slot(slot_of(now))
        began = campaign.began_at
        if campaign.starts_on is None:
            began = end_of_slot(slot_of(began))
        began = min(began, until)
        ended = min(campaign.ends_at or until, until)
        week_ago = until - timedelta(days=GROWTH_DAYS)
        return cls(began, max(began, ended), week_ago, until)

    def holds(self, posted_at: datetime | None) -> bool:
        """Tell whether a video was posted in the days of the campaign."""
        return posted_at is not None and self.began <= posted_at < self.ended
