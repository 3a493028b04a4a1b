"""A creator with numbers, for the tests of pages that show them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain import events as e
from domain.messages import Precision
from infra.ids import new_id
from tests.kit.application import Tenant, ago, data_of

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAYS = "from=2026-03-01&to=2026-03-05"


class Watched:
    """A creator whose profile and videos were looked at on days after a Monday."""

    def __init__(self, tenant: Tenant, handle: str) -> None:
        self.tenant = tenant
        self.id: str = tenant.add(handle)["id"]

    def posted(self, name: str, *, day: float, title: str | None = None) -> None:
        """Let a run have found a video that was posted so many days after."""
        self.tenant.found(
            self.id,
            name,
            posted_at=MONDAY + timedelta(days=day),
            title=title or f"Video {name}",
        )

    def followers(
        self, day: float, count: int, *, precision: Precision | None = None
    ) -> None:
        """Let a run have seen the profile."""
        self.tenant.saw(
            self.id,
            observed_at=MONDAY + timedelta(days=day),
            precision=precision,
            follower_count=count,
            total_likes_count=10 * count,
        )

    def was_imported(self) -> None:
        """Let a run of the profile have been imported."""
        self.tenant.goatherd.append(
            new_id(),
            e.ScrapeRequested(
                organization_id=self.tenant.organization_id,
                project_id=self.tenant.project_id,
                creator_id=UUID(self.id),
                handle="goat",
                job_type="creator_profiles",
                trigger="imported",
            ),
        )

    def looked(self, day: float, **views: int) -> None:
        """Let a run have seen videos, each named with a v before its number."""
        counts = tuple(views.values())
        self.tenant.saw_videos(
            self.id,
            {name.removeprefix("v"): count for name, count in views.items()},
            at=MONDAY + timedelta(days=day),
            like_counts=[count // 10 for count in counts],
            comment_counts=(0,) * len(counts),
            share_counts=(0,) * len(counts),
        )


def a_watched_creator(tenant: Tenant, handle: str = "goat") -> Watched:
    """A creator with an old video, first seen at 100 views, and a new one, at 40."""
    goat = Watched(tenant, handle)
    goat.posted("1", day=-9, title="<i>Old</i> goat")
    goat.posted("2", day=1 / 24)
    goat.followers(0, 3_000)
    goat.looked(0, v1=100)
    goat.looked(1, v1=130, v2=40)
    goat.followers(1, 3_500)
    goat.looked(2, v1=125, v2=45)
    tenant.goatherd.catch_up()
    return goat


def one_gained_and_one_lost(tenant: Tenant) -> dict[str, str]:
    """Add one that gained followers in the last week, and one that lost some."""
    found: dict[str, str] = {}
    for name, levels in {"ada": (100, 150, 170), "bea": (500, 900, 850)}.items():
        found[name] = tenant.add(name)["id"]
        for days, followers in zip((40, 20, 2), levels, strict=True):
            tenant.saw(found[name], observed_at=ago(days), follower_count=followers)
    tenant.goatherd.catch_up()
    return found


def a_campaign_behind(home: Tenant, name: str, *, end: datetime) -> str:
    """A campaign until ``end`` with 1,250 of 50M views and 1 of 40K posts."""
    now = datetime.now(UTC)
    creator_id = home.add(f"goat.{name.lower()}")["id"]
    home.found(creator_id, "77", posted_at=now - timedelta(days=12))
    for days_ago, views in ((11, 100), (10, 1_350), (1, 1_350)):
        home.saw_videos(creator_id, {"77": views}, at=now - timedelta(days=days_ago))
    fields = {
        "name": name,
        "starts_on": (now - timedelta(days=20)).date().isoformat(),
        "target_at": end.isoformat(),
        "target_views": 50_000_000,
        "target_posts": 40_000,
    }
    path = f"/projects/{home.project_id}/campaigns"
    campaign_id: str = data_of(home.post(path, fields), status=201)["id"]
    items = [{"item_type": "creator", "item_id": creator_id}]
    home.post(f"/campaigns/{campaign_id}/items", {"items": items})
    home.goatherd.catch_up()
    return campaign_id
