"""Everything that follows the log here, whichever process does it."""

from projections import PROJECTIONS
from projections.projection import Projection
from workers.identity import CreatorIdentities
from workers.jobs import ScrapeJobs
from workers.known_videos import KnownVideos
from workers.schedule import Schedule
from workers.verdicts import VerdictStreaks

KEPT_PROJECTIONS: tuple[Projection, ...] = (
    *PROJECTIONS,
    CreatorIdentities(),
    ScrapeJobs(),
    VerdictStreaks(),
    KnownVideos(),
    Schedule(),
)
