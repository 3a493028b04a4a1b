"""Plans: their limits, and the plans that an installation starts with."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of one plan; None means no limit.

    Limits of projects, keys, creators, views, campaigns and their items apply to those
    that exist at the same time, and that of members to members and valid invitations.
    ``_per_day`` is for each UTC day, ``_per_minute`` for
    each key and minute, and retention is in days. ``_hours`` are the least hours
    between two scheduled runs of a kind.
    """

    max_creators_per_org: int | None = None
    max_projects_per_org: int | None = None
    max_campaigns_per_project: int | None = None
    max_campaign_items_per_campaign: int | None = None
    max_api_keys_per_org: int | None = None
    max_views_per_org: int | None = None
    max_members_per_org: int | None = None
    max_requests_per_minute: int | None = None
    max_api_requests_per_day: int | None = None
    max_manual_scrape_triggers_per_day: int | None = None
    stats_history_retention_days: int | None = None
    min_creator_profiles_hours: int | None = None
    min_discover_videos_hours: int | None = None
    min_video_stats_hours: int | None = None


class UnknownPlanError(Exception):
    """The organization has a plan that this installation does not know any more."""


class Plans(dict[str, Limits]):
    """The limits of every plan by name; a missing name raises UnknownPlanError."""

    def __missing__(self, name: str) -> Limits:
        msg = f"The plan {name!r} is not configured on this installation."
        raise UnknownPlanError(msg)


UNLIMITED = "unlimited"
NO_LIMITS = Limits()

DEFAULT_PLANS = Plans(
    {
        "free": Limits(
            max_creators_per_org=5,
            max_projects_per_org=1,
            max_campaigns_per_project=3,
            max_campaign_items_per_campaign=25,
            max_views_per_org=5,
            max_members_per_org=2,
            max_requests_per_minute=60,
            max_api_requests_per_day=0,
            max_manual_scrape_triggers_per_day=1,
            stats_history_retention_days=30,
            min_creator_profiles_hours=24,
            min_discover_videos_hours=24,
            min_video_stats_hours=24,
        ),
        "starter": Limits(
            max_creators_per_org=50,
            max_projects_per_org=3,
            max_campaigns_per_project=10,
            max_campaign_items_per_campaign=250,
            max_views_per_org=25,
            max_members_per_org=5,
            max_requests_per_minute=60,
            max_api_requests_per_day=1_000,
            max_manual_scrape_triggers_per_day=10,
            stats_history_retention_days=365,
            min_creator_profiles_hours=24,
            min_discover_videos_hours=12,
            min_video_stats_hours=6,
        ),
        "ultra": Limits(
            max_creators_per_org=300,
            max_projects_per_org=10,
            max_campaigns_per_project=50,
            max_campaign_items_per_campaign=1_000,
            max_views_per_org=100,
            max_members_per_org=50,
            max_requests_per_minute=60,
            max_api_requests_per_day=50_000,
            max_manual_scrape_triggers_per_day=100,
            min_creator_profiles_hours=12,
            min_discover_videos_hours=6,
            min_video_stats_hours=3,
        ),
        UNLIMITED: NO_LIMITS,
    }
)
