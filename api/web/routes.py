"""The list of all pages, and the dependencies that they share."""

from typing import Any

from litestar.di import NamedDependency, Provide
from litestar.types import ControllerRouterHandler

from api.http.access.stream_places import StreamPlaces
from api.http.request import Request
from api.http.routes import OwnRouter
from api.http.shutdown import SHUTDOWN
from api.web.activity.page import ActivityPages
from api.web.alerts.news import NewsPages
from api.web.alerts.page import AlertPages
from api.web.alerts.rules import RulePages
from api.web.annotations.forms import AnnotationForms
from api.web.campaigns.bulk import CampaignBulkPages
from api.web.campaigns.campaign import CampaignPages
from api.web.campaigns.list import CampaignsPage
from api.web.campaigns.members import CampaignMembers
from api.web.campaigns.new import NewCampaignPage
from api.web.compare.page import ComparePage
from api.web.connect.page import ConnectPages
from api.web.creator.changes.page import ChangesPages
from api.web.creator.connection import ConnectionForms
from api.web.creator.erased import ErasedPage
from api.web.creator.files import CreatorFiles
from api.web.creator.notes import CreatorNotes
from api.web.creator.overview import OverviewPage
from api.web.creator.personal_data import PersonalDataPage
from api.web.creator.scrapes import ScrapesPage
from api.web.creator.settings import CreatorSettings
from api.web.creator.video import CreatorVideo
from api.web.creator.videos import CreatorVideos
from api.web.creators.add import AddCreatorsPage
from api.web.creators.bulk import BulkPages
from api.web.creators.import_history import ImportHistoryPage
from api.web.creators.list import CreatorsPage
from api.web.creators.row_menu import RowMenu
from api.web.dashboard.home import HomePage
from api.web.inbox.excluded import ExcludedPages
from api.web.inbox.page import InboxPages
from api.web.kit.error_pages import answer_page_failure
from api.web.kit.page import PageContext
from api.web.kit.site import Site
from api.web.projects.list import ProjectsPage
from api.web.projects.page import ProjectPages
from api.web.reports.pages import ReportPages
from api.web.reports.unsubscribing import UnsubscribeLimits, UnsubscribePages
from api.web.search.page import SearchPages
from api.web.settings.audit import AuditPages
from api.web.settings.channels import ChannelPages
from api.web.settings.former_addresses import FormerAddresses
from api.web.settings.invitations import InvitationForms
from api.web.settings.keys import KeyPages
from api.web.settings.layout import SettingsPage
from api.web.settings.members import MemberPages
from api.web.settings.organization import OrganizationPages
from api.web.settings.personal_data import PersonalDataSettings
from api.web.settings.shares import SharePages
from api.web.settings.sources import SourcePages
from api.web.settings.webhooks import WebhookPages
from api.web.shared.page import SharedLimits, SharedPages
from api.web.sign_in.first_start import FirstStartPage
from api.web.sign_in.follow_link import LinkRoutes
from api.web.sign_in.forgotten import ForgottenPages
from api.web.sign_in.invitation import InvitationPage
from api.web.sign_in.new_password import NewPasswordPage
from api.web.sign_in.oidc import OidcForms, OidcRoutes
from api.web.sign_in.page import SignIn, SignInRoutes
from api.web.sign_in.passkey import PasskeySignIn
from api.web.sign_in.second_step import SecondStepPage
from api.web.system.bans import BanPages
from api.web.system.integrity import IntegrityPages
from api.web.system.jobs import JobPages
from api.web.system.layout import SystemPage
from api.web.system.log import LogPages
from api.web.system.projection_stream import ProjectionStream
from api.web.system.projections import ProjectionPages
from api.web.videos.page import VideosPages
from api.web.videos.row_menu import VideoRowMenu
from api.web.views import ViewPages
from api.web.you.keys import OwnKeys
from api.web.you.page import YouPages
from api.web.you.passkeys import PasskeyPages
from api.web.you.second_factor import SecondFactorPages

PAGES: tuple[ControllerRouterHandler, ...] = (
    SignInRoutes,
    SecondStepPage,
    OidcRoutes,
    OidcForms,
    PasskeySignIn,
    LinkRoutes,
    ForgottenPages,
    NewPasswordPage,
    InvitationPage,
    YouPages,
    OwnKeys,
    SecondFactorPages,
    PasskeyPages,
    FirstStartPage,
    ConnectPages,
    SharedPages,
    HomePage,
    CampaignsPage,
    CampaignBulkPages,
    NewCampaignPage,
    CampaignPages,
    CampaignMembers,
    ProjectsPage,
    ProjectPages,
    CreatorsPage,
    RowMenu,
    OverviewPage,
    ScrapesPage,
    ComparePage,
    CreatorNotes,
    CreatorSettings,
    ConnectionForms,
    CreatorFiles,
    ErasedPage,
    PersonalDataPage,
    CreatorVideos,
    CreatorVideo,
    ChangesPages,
    VideosPages,
    VideoRowMenu,
    ActivityPages,
    RulePages,
    AlertPages,
    NewsPages,
    AnnotationForms,
    InboxPages,
    ExcludedPages,
    AddCreatorsPage,
    ImportHistoryPage,
    BulkPages,
    SearchPages,
    SettingsPage,
    OrganizationPages,
    MemberPages,
    InvitationForms,
    KeyPages,
    SharePages,
    WebhookPages,
    ChannelPages,
    SourcePages,
    PersonalDataSettings,
    AuditPages,
    SystemPage,
    JobPages,
    ProjectionPages,
    IntegrityPages,
    BanPages,
    LogPages,
    FormerAddresses,
    ReportPages,
    UnsubscribePages,
    ViewPages,
)


def web_routes(site: Site, sign_in: SignIn) -> list[ControllerRouterHandler]:
    return [
        site.assets.route(),
        site.images.route(),
        site.drawn.route(),
        OwnRouter(
            "/",
            route_handlers=list(PAGES),
            dependencies={
                "site": _provide(site),
                "projection_stream": _provide(ProjectionStream(SHUTDOWN)),
                "stream_places": _provide(StreamPlaces()),
                "sign_in": _provide(sign_in),
                "shared_limits": _provide(SharedLimits()),
                "unsubscribe_limits": _provide(UnsubscribeLimits()),
                "page": Provide(_page_context),
            },
            exception_handlers={Exception: answer_page_failure},
            include_in_schema=False,
            opt={"for_people": True},
        ),
    ]


async def _page_context(request: Request, site: NamedDependency[Site]) -> PageContext:
    return await PageContext.begin(request, site)


def _provide(value: Any) -> Provide:  # noqa: ANN401 - whatever pages are handed
    return Provide(lambda: value, sync_to_thread=False)
