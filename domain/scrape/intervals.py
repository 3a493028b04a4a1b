"""Intervals: the hours between two scheduled runs of a kind."""

from collections.abc import Mapping
from types import MappingProxyType

from domain.messages import JobType
from domain.organization.plans import Limits

LEAST_HOURS = 1
MOST_HOURS = 720

DEFAULT_HOURS: Mapping[JobType, int] = MappingProxyType(
    {"creator_profiles": 24, "discover_videos": 12, "video_stats": 6}
)


def floor_of(job_type: JobType, limits: Limits) -> int | None:
    """Return the plan's least hours between two runs; None means no limit."""
    return getattr(limits, f"min_{job_type}_hours")


def hours_between(job_type: JobType, *, chosen: int | None, limits: Limits) -> int:
    """Return the hours that apply: the chosen or the default ones, or the plan's least.

    The choice itself is stored, so that it applies again under a plan that allows it.
    """
    hours = DEFAULT_HOURS[job_type] if chosen is None else chosen
    return max(hours, floor_of(job_type, limits) or 0)
