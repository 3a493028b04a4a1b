"""An issue of a report, as an example of what is drawn and sent."""

from datetime import UTC, date, datetime
from uuid import UUID

from msgspec.structs import asdict

from domain.analytics.series import Value
from domain.analytics.summaries.kpis import kpi
from domain.organization.logo import Logo
from domain.report.contents import SECTIONS, FigureName
from domain.report.issue import (
    Issue,
    IssueCreator,
    IssueFigure,
    IssueSeries,
    IssueVideo,
    ReportScope,
)

_PROJECT = UUID(int=0xA1)


def _figure(name: FigureName, value: Value, previous: Value) -> IssueFigure:
    return IssueFigure(name=name, **asdict(kpi(value, previous, known_share=1.0)))


def _creator(
    number: int, handle: str | None, *, views: int, followers: int
) -> IssueCreator:
    return IssueCreator(
        creator_id=UUID(int=number),
        tiktok_handle=handle,
        display_name=handle and f"{handle.title()} <b>& friends</b>",
        new_views=views,
        new_followers=followers,
        followers=40_000 + followers,
        views=2_000_000 + views,
        posts=4,
        engagement_rate=5.21,
        followers_rounded=number == 2,
        new_followers_rounded=number == 2,
        new_followers_sharpened=False,
    )


def _video(
    number: int, title: str | None, handle: str | None, *, views: int
) -> IssueVideo:
    return IssueVideo(
        video_id=UUID(int=0x100 + number),
        creator_id=UUID(int=number),
        tiktok_handle=handle,
        title=title,
        url=handle and f"https://www.tiktok.com/@{handle}/video/{number}",
        posted_at=datetime(2026, 11, 17 + number, 9, 30, tzinfo=UTC)
        if handle
        else None,
        new_views=views,
        view_count=views + 1_000,
        like_count=views // 20,
        comment_count=views // 400,
        share_count=views // 900,
        save_count=None,
    )


EXAMPLE = Issue(
    id=UUID(int=0xB7),
    report_id=UUID(int=0xB1),
    number=7,
    name="Monday",
    period="weekly",
    scope=ReportScope(type="project", id=_PROJECT),
    scope_name="Summer launch",
    organization_name="Acme Agency",
    project_id=_PROJECT,
    project_name="Summer launch",
    client="Nordlicht Kosmetik",
    logo=Logo(
        media_type="image/png", bytes=2_048, width=320, height=80, digest="ab" * 32
    ),
    color="#0f766e",
    from_=date(2026, 11, 16),
    to=date(2026, 11, 22),
    compare_from=date(2026, 11, 9),
    compare_to=date(2026, 11, 15),
    time_zone="Europe/Berlin",
    position=48_213,
    due_at=datetime(2026, 11, 23, 8, tzinfo=UTC),
    made_at=datetime(2026, 11, 23, 8, 0, 2, tzinfo=UTC),
    sections=[*SECTIONS],
    kpis=[
        _figure("new_views", 1_284_310, 1_102_450),
        _figure("posts", 31, 34),
        _figure("new_followers", -412, 1_830),
        _figure("engagement_rate", 5.21, 4.87),
        _figure("active_creators", 11, 11),
        _figure("views", 48_120_004, 46_835_694),
        _figure("average_views_per_post", 3_112.5, None),
        _figure("likes", 64_215, 55_122),
        _figure("comments", 3_210, 2_755),
        _figure("shares", 1_427, 1_224),
        _figure("saves", None, None),
    ],
    charts=[
        IssueSeries(
            name="new_views",
            values=[142_000, 165_300, None, 201_110, 180_400, 298_500, 297_000],
            previous=[150_000, 140_200, 160_050, 155_000, 170_200, 180_000, 147_000],
            rounded=[],
        ),
        IssueSeries(
            name="posts",
            values=[4, 6, 3, 5, 4, 5, 4],
            previous=[5, 5, 4, 6, 4, 5, 5],
            rounded=[],
        ),
        IssueSeries(
            name="new_followers",
            values=[120, -40, 0, -300, 10, -102, -100],
            previous=[200, 310, 290, 250, 300, 280, 200],
            rounded=[3],
        ),
        IssueSeries(
            name="engagement_rate",
            values=[5.1, 5.0, None, 5.4, 5.2, 5.3, 5.2],
            previous=[4.8, 4.9, 4.8, 4.9, 4.9, 4.9, 4.9],
            rounded=[],
        ),
    ],
    leaders=[
        _creator(1, "ada.cooks", views=612_000, followers=310),
        _creator(2, "bo_outdoors", views=402_200, followers=-210),
        _creator(3, None, views=120_110, followers=-512),
    ],
    gained=[_creator(1, "ada.cooks", views=612_000, followers=310)],
    lost=[
        _creator(3, None, views=120_110, followers=-512),
        _creator(2, "bo_outdoors", views=402_200, followers=-210),
    ],
    videos=[
        _video(1, "Five dinners <script>alert(1)</script>", "ada.cooks", views=402_000),
        _video(2, "Über den Gipfel 🏔️ in one day", "bo_outdoors", views=198_000),
        _video(3, None, None, views=52_000),
    ],
    creators_in_all=14,
    videos_in_all=212,
)
