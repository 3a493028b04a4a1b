"""Plans: where a selection is read from, and why, without a database."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from domain.analytics.buckets import Range
from domain.analytics.metrics import Metric, checked_questions
from projections.analytics.read.selection import Selection, SelectionPlan, plan_of

ORGANIZATION, THING = UUID(int=1), UUID(int=2)
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
VIEWS = Selection(
    organization_id=ORGANIZATION,
    entity="project",
    ids=[THING],
    metrics=["views"],
    boundaries=[MIDNIGHT, MIDNIGHT + timedelta(days=1)],
)
BOTH = replace(VIEWS, metrics=["views", "followers"])
DATED = replace(VIEWS, entity="campaign", membership="dated")
POSTS = replace(VIEWS, metrics=["posts"])
MONROVIA = replace(VIEWS, boundaries=[MIDNIGHT + timedelta(minutes=44, seconds=30)] * 2)
SNAPSHOTS = "analytics_snapshots"
OF_SNAPSHOTS = f"snapshots from {SNAPSHOTS}"


VIDEO_SUMS, PROFILE_SUMS, MARKS = (
    f"analytics_{name}"
    for name in ("video_rollups", "profile_rollups", "profile_precision")
)
VIDEO_DAYS = "analytics_video_totals, analytics_video_days"
BY_QUARTER = "the entity has sums by quarter of an hour"
AS_OF = "sums hold for owners without later changes, snapshots for others"
GAINED = "members have sums, counted while members"


@pytest.mark.parametrize(
    ("selection", "plan"),
    (
        (VIEWS, f"sums from {VIDEO_SUMS}: {BY_QUARTER}"),
        (POSTS, f"sums from {VIDEO_SUMS}: {BY_QUARTER}"),
        (BOTH, f"sums from {VIDEO_SUMS}, {PROFILE_SUMS}, {MARKS}: {BY_QUARTER}"),
        (
            replace(VIEWS, entity="creator"),
            f"sums from {VIDEO_DAYS}, {VIDEO_SUMS}: {BY_QUARTER}",
        ),
        (replace(POSTS, entity="creator"), f"sums from {VIDEO_SUMS}: {BY_QUARTER}"),
        (DATED, f"gains from {VIDEO_SUMS}: {GAINED}"),
        (replace(VIEWS, entity="video"), f"{OF_SNAPSHOTS}: a single video has no sums"),
        (
            replace(VIEWS, at=7),
            f"settled from {VIDEO_SUMS}, analytics_snapshots: {AS_OF}",
        ),
        (
            replace(DATED, at=7),
            f"{OF_SNAPSHOTS}: gains of members are stored as of now",
        ),
        (MONROVIA, f"{OF_SNAPSHOTS}: a bucket does not end with a quarter of an hour"),
    ),
)
def test_a_plan_names_its_tables_and_the_reason(selection: Selection, plan: str):
    assert str(plan_of(selection)) == plan
    assert isinstance(plan_of(selection), SelectionPlan)


def test_a_selection_has_what_any_of_its_questions_needs():
    metrics: list[Metric] = [
        "engagement_rate_by_followers",
        "avg_views_per_post",
        "growth_rate_pop",
    ]
    questions = checked_questions(metrics, entity="creator", base_metric="video_count")
    days = Range(
        first=MIDNIGHT.date(),
        last=MIDNIGHT.date(),
        granularity="day",
        zone=ZoneInfo("UTC"),
    )

    found = Selection.of(ORGANIZATION, questions, [THING], days.buckets(), at=5)

    assert found == Selection(
        organization_id=ORGANIZATION,
        entity="creator",
        ids=[THING],
        metrics=[
            *("views", "likes", "comments", "shares", "saves", "posts"),
            *("followers", "video_count"),
        ],
        boundaries=[MIDNIGHT, MIDNIGHT + timedelta(days=1)],
        mode="rate",
        at=5,
    )
