"""An issue as a file: CSV with a row for each number, or PDF."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from api.http.csv_text import CSV_MEDIA_TYPE, csv_text
from api.http.responses import Answer
from domain.report.issue import Issue, IssueCreator, days_of

COLUMNS: Final = (
    *("section", "date", "id", "name", "figure", "value", "previous", "change"),
    "change_percent",
)
_CREATOR_FIGURES: Final = (
    *("new_views", "new_followers", "followers", "views", "posts"),
    "engagement_rate",
)
_VIDEO_FIGURES: Final = (
    *("new_views", "view_count", "like_count", "comment_count", "share_count"),
    "save_count",
)
_A_DAY: Final = timedelta(days=1)

_CsvRow = tuple[object, ...]


class IssueFile(Answer[Issue]):
    """The numbers of an issue as a CSV file."""

    sent_media_type = CSV_MEDIA_TYPE

    def __init__(self, issue: Issue) -> None:
        super().__init__(issue)
        name = f"report-{issue.to.isoformat()}.csv"
        self.headers["Content-Disposition"] = f'attachment; filename="{name}"'

    def encoded_body(self) -> bytes:
        return csv_of_issue(self.content).encode()


class IssuePdf(Answer[Issue]):
    """An issue as a PDF file."""

    sent_media_type = b"application/pdf"

    def __init__(self, issue: Issue, pdf: bytes) -> None:
        super().__init__(issue)
        self._pdf = pdf
        name = f"report-{issue.to.isoformat()}.pdf"
        self.headers["Content-Disposition"] = f'inline; filename="{name}"'

    def encoded_body(self) -> bytes:
        return self._pdf


def csv_of_issue(issue: Issue) -> str:
    """Return all numbers of an issue as CSV, in the order of its sections."""
    return csv_text(COLUMNS, _rows(issue))


def _rows(issue: Issue) -> Iterator[_CsvRow]:
    for kpi in issue.kpis:
        yield (
            *("kpis", issue.to, None, None, kpi.name, kpi.value, kpi.previous),
            *(kpi.change, kpi.change_percent),
        )
    for series in issue.charts:
        for number, day in enumerate(days_of(issue)):
            yield _plain("charts", day, None, None, series.name, series.values[number])
        for number, value in enumerate(series.previous):
            if issue.compare_from is not None:
                day = issue.compare_from + number * _A_DAY
                yield _plain("charts_before", day, None, None, series.name, value)
    for section, creators in (
        ("leaders", issue.leaders),
        ("gained", issue.gained),
        ("lost", issue.lost),
    ):
        for creator in creators:
            yield from _of_creator(section, issue.to, creator)
    for video in issue.videos:
        name = video.title or video.url
        for figure in _VIDEO_FIGURES:
            value = getattr(video, figure)
            yield _plain("videos", issue.to, video.video_id, name, figure, value)


def _of_creator(section: str, day: date, creator: IssueCreator) -> Iterator[_CsvRow]:
    for figure in _CREATOR_FIGURES:
        value = getattr(creator, figure)
        name = creator.tiktok_handle
        yield _plain(section, day, creator.creator_id, name, figure, value)


def _plain(*cells: object) -> _CsvRow:
    return (*cells, None, None, None)
