"""The read models: projections whose tables people read and a rebuild can replace.

``api.system.all_projections`` has these and the projections that workers keep.
"""

from projections.analytics.projection import AnalyticsProjection
from projections.bans import Bans
from projections.creator_history.projection import CreatorHistory
from projections.creators.projection import CreatorList
from projections.engine.projection import ReadModel
from projections.organizations.projection import ApiKeys
from projections.projects import Projects
from projections.scrape_runs.projection import ScrapeRuns
from projections.videos.projection import Videos

PROJECTIONS: tuple[ReadModel, ...] = (
    CreatorList(),
    ScrapeRuns(),
    Videos(),
    Projects(),
    ApiKeys(),
    Bans(),
    AnalyticsProjection(),
    CreatorHistory(),
)
