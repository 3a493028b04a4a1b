"""Everything that follows the log here, whichever process does it."""

from projections.engine.projection import Projection
from projections.registry import PROJECTIONS
from workers.policies.auto_disable import VerdictStreaks
from workers.policies.known_videos import KnownVideos
from workers.schedule.projection import Schedule
from workers.scraping.identity import CreatorIdentities
from workers.scraping.jobs import ScrapeJobs

ALL_PROJECTIONS: tuple[Projection, ...] = (
    *PROJECTIONS,
    CreatorIdentities(),
    ScrapeJobs(),
    VerdictStreaks(),
    KnownVideos(),
    Schedule(),
)
