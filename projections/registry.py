"""The read models: projections whose tables are read and that can be rebuilt.

``api.system.all_projections`` has these and the projections that workers use.
"""

from projections.activity.projection import Activity
from projections.alerts.projection import Alerts
from projections.analytics.projection import AnalyticsProjection
from projections.annotations.projection import Annotations
from projections.audit import Audit
from projections.bans import Bans
from projections.campaigns.projection import Campaigns
from projections.channels.projection import Channels
from projections.creator_history.projection import CreatorHistory
from projections.creators.projection import CreatorList
from projections.engine.projection import ReadModel
from projections.feed.projection import Feed
from projections.organizations.projection import ApiKeys
from projections.people import People
from projections.projects import Projects
from projections.reports.projection import Reports
from projections.scrape_runs.projection import ScrapeRuns
from projections.shares import Shares
from projections.videos.projection import Videos
from projections.views import Views
from projections.webhooks.projection import Webhooks

PROJECTIONS: tuple[ReadModel, ...] = (
    CreatorList(),
    ScrapeRuns(),
    Videos(),
    Projects(),
    Campaigns(),
    Annotations(),
    Activity(),
    Alerts(),
    ApiKeys(),
    People(),
    Bans(),
    AnalyticsProjection(),
    CreatorHistory(),
    Views(),
    Shares(),
    Reports(),
    Webhooks(),
    Channels(),
    Audit(),
    Feed(),
)
