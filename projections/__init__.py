"""Projections: what happened, turned into tables that people read."""

from projections.analytics import Analytics
from projections.api_keys import ApiKeys
from projections.bans import Bans
from projections.creator_history import CreatorHistory
from projections.creator_list import CreatorList
from projections.projection import ReadModel
from projections.projects import Projects
from projections.scrape_runs import ScrapeRuns
from projections.videos import Videos

PROJECTIONS: tuple[ReadModel, ...] = (
    CreatorList(),
    ScrapeRuns(),
    Videos(),
    Projects(),
    ApiKeys(),
    Bans(),
    Analytics(),
    CreatorHistory(),
)
