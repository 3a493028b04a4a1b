"""All projections: everything that follows the log, in any process.

Read models are listed in ``projections.registry``, and the projector runs and rebuilds
them. The other projections hold what workers use for decisions, and run in the
dispatcher. Imports point down, so the registry cannot name them.
"""

from application.connect.endings import ConnectionEndings
from projections.engine.projection import Projection
from projections.registry import PROJECTIONS
from workers.alerts.touches import AlertTouches
from workers.policies.auto_disable import VerdictStreaks
from workers.policies.known_videos import KnownVideos
from workers.reports.touches import ReportTouches
from workers.schedule.projection import Schedule
from workers.scraping.identity import CreatorIdentities
from workers.scraping.jobs import ScrapeJobs
from workers.scraping.turns import ListTurns

ALL_PROJECTIONS: tuple[Projection, ...] = (
    *PROJECTIONS,
    CreatorIdentities(),
    ListTurns(),
    ConnectionEndings(),
    ScrapeJobs(),
    VerdictStreaks(),
    KnownVideos(),
    Schedule(),
    AlertTouches(),
    ReportTouches(),
)
