"""The questions to the old version, once it has read the whole log."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

RAW = (
    *("views", "likes", "comments", "shares", "saves", "posts"),
    *("followers", "following", "total_likes", "video_count"),
)
OF_VIDEOS = RAW[:5]
RATES = (
    *("engagement_rate_by_views", "engagement_rate_by_followers"),
    *("posts_per_week", "avg_views_per_post"),
)
# All of it in the past, so that no answer depends on the day on which it is given.
DAYS = "from=2026-08-28&to=2026-10-10"
MONTHS = "from=2026-07-01&to=2026-10-31&granularity=month"
WEEKS = "from=2026-08-01&to=2026-10-31&granularity=week"


class Ids(NamedTuple):
    """The ids of an organization's things."""

    projects: Sequence[str]
    creators: Sequence[str]
    videos: Sequence[str]
    scrapes: Sequence[str]
    # Positions of the log, the first and the last of interest.
    positions: Sequence[int]
    # When one event between them was recorded.
    recorded_at: str


def questions(ids: Ids) -> Iterator[str]:
    """Give the questions about an organization over HTTP."""
    for path in _lists(ids):
        yield f"/api/v1{path}"
    for path in _single(ids):
        yield f"/api/v1{path}"
    for path in _analytics(ids):
        yield f"/api/v1{path}"


def few_questions(ids: Ids) -> Iterator[str]:
    """Give the questions of a key that may send 60 requests a minute."""
    yield "/api/v1/organization"
    yield "/api/v1/projects"
    yield "/api/v1/creators?status=all"
    yield "/api/v1/videos?limit=100"
    yield "/api/v1/scrapes"
    for creator in ids.creators:
        yield f"/api/v1/creators/{creator}/history?limit=100"
        # Its days begin elsewhere.
        of = f"entity=creator&entity_id={creator}&metric=views"
        yield f"/api/v1/analytics?{of}&{DAYS}"
    for project in ids.projects:
        of = f"entity=project&entity_id={project}&metric=posts"
        yield f"/api/v1/analytics?{of}&{WEEKS}"


def commands(organization: str, project: str, other: str) -> Iterator[str]:
    """Give the command lines whose output is recorded."""
    yield "projections --json"
    yield f"keys list --org {organization} --json"
    yield "bans list --json"
    yield f"export observations --org {organization} --project {project}"
    yield f"export observations --org {other} --format csv"
    yield f"export events --org {other}"
    yield f"export events --org {other} --format csv"
    for entity in ("creator", "video", "project"):
        yield (
            f"export analytics --org {organization} --entity {entity} --format csv "
            "--from 2026-08-01 --to 2026-10-31 --granularity week"
        )
    yield (
        f"export analytics --org {other} --metric followers --mode cumulative "
        "--from 2026-09-20 --to 2026-09-30"
    )


def _lists(ids: Ids) -> Iterator[str]:
    yield "/organization"
    yield "/api-keys?limit=100"
    yield "/admin/bans"
    yield "/admin/projections"
    yield "/projects"
    yield "/analytics/schema"
    for status in ("active", "disabled", "removed", "all"):
        yield f"/creators?status={status}"
    for sort in ("created_at", "follower_count", "tiktok_handle"):
        yield f"/creators?status=all&sort={sort}"
    for words in ("ann", "goat", "the-alm", "ALPINE"):
        yield f"/creators?status=all&search={words}"
    yield f"/creators/figures?creator_ids={','.join(ids.creators)}"
    yield "/videos?limit=100"
    for status in ("pending_review", "excluded", "included", "out_of_window"):
        yield f"/videos?tracking_status={status}"
    yield "/videos?limit=5&order=asc"
    for sort in (
        *("posted_at", "view_count", "like_count", "comment_count", "share_count"),
        *("save_count", "engagement_rate", "created_at"),
    ):
        yield f"/videos?creator_id={ids.creators[0]}&sort={sort}"
    for project in ids.projects:
        yield f"/projects/{project}"
        yield f"/creators?project_id={project}&status=all"
        yield f"/projects/{project}/inbox"
        yield f"/videos?project_id={project}&limit=3"
    yield "/scrapes?limit=40"
    yield "/scrapes/counts"
    for status in ("queued", "failed", "quarantined", "succeeded,failed"):
        yield f"/scrapes?status={status}&limit=5"


def _single(ids: Ids) -> Iterator[str]:
    first, last = ids.positions
    for creator in ids.creators:
        yield f"/creators/{creator}"
        yield f"/creators/{creator}?as_of={last}"
        yield f"/creators/{creator}/history?limit=20"
        yield f"/creators/{creator}/scrapes?limit=5"
        yield f"/creators/{creator}/diff?from={first}&to={last}"
    creator = ids.creators[0]
    yield f"/creators/{creator}?as_of={ids.recorded_at}"
    yield f"/creators/{creator}?as_of={first}"
    yield f"/creators/{creator}/history?event=handle_changed"
    yield f"/creators/{creator}/history?from={first}&to={last}&limit=3"
    yield f"/creators/{creator}/stats"
    for video in ids.videos:
        yield f"/videos/{video}"
    for scrape in ids.scrapes:
        yield f"/scrapes/{scrape}"
    yield "/creators/0192f0c1-7a5e-7c3b-9d52-5f6d1c2b3a40"


def _analytics(ids: Ids) -> Iterator[str]:
    some = ",".join(ids.creators[:3])
    first, last = ids.positions
    for metric in RAW:
        for mode in ("new", "cumulative"):
            of = f"entity=creator&entity_ids={some}&metric={metric}&mode={mode}"
            yield f"/analytics?{of}&{WEEKS}"
    for metric in RATES:
        yield f"/analytics?entity=creator&entity_ids={some}&metric={metric}&{WEEKS}"
    for project in ids.projects:
        of = f"entity=project&entity_id={project}"
        for metric in RAW:
            yield f"/analytics?{of}&metric={metric}&{MONTHS}"
        yield f"/analytics?{of}&metric=growth_rate_pop&base_metric=views&{WEEKS}"
        yield f"/analytics?{of}&metric=views&{DAYS}&compare=prior_period"
        yield f"/analytics?{of}&metric=likes&{WEEKS}&tz=America/New_York"
        yield f"/analytics?{of}&metric=views&{WEEKS}&breakdown=video"
        yield f"/analytics?{of}&metric=views&{WEEKS}&as_of={last}"
        yield f"/analytics?{of}&metric=followers&{DAYS}&mode=cumulative&format=csv"
    videos = ",".join(ids.videos[:5])
    for metric in OF_VIDEOS:
        yield f"/analytics?entity=video&entity_ids={videos}&metric={metric}&{WEEKS}"
    of = f"entity=creator&entity_id={ids.creators[0]}"
    yield f"/analytics?{of}&metric=views&{DAYS}"
    yield f"/analytics?{of}&metric=views&{WEEKS}&breakdown=video&mode=cumulative"
    yield f"/analytics?{of}&metric=views&{WEEKS}&as_of={first}"
    for metric in ("views", "followers", "posts", "engagement_rate_by_views"):
        yield f"/analytics/explain?{of}&metric={metric}&{WEEKS}&date=2026-09-14"
    yield f"/analytics/explain?{of}&metric=likes&{DAYS}&date=2026-09-10&as_of={last}"
