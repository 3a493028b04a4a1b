"""Every projection there is: what follows the log, whichever process runs it.

Read models are listed in ``projections.registry``, and run and rebuilt by the
projector. The others here keep what workers decide by, and run in the dispatcher; since
imports point down, the registry cannot name them.
"""

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
