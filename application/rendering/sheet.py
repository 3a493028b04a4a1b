"""A sheet: an issue of a report in words, as every form of it shows it.

A page, a mail, a plain text and a PDF are made from the same parts, of three kinds:
figures, charts and rankings. A new section of reports is a function that makes some.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from application.rendering.charts import INK, Plot
from application.rendering.colors import (
    DARK_CARD,
    OF_DRAWINGS,
    OF_TEXT,
    PAPER,
    on_color,
    readable,
)
from domain.analytics.summaries.written_kpis import (
    Direction,
    before_in_words,
    change_in_words,
    direction_of,
    value_in_short,
)
from domain.phrases import counted
from domain.report.contents import (
    FIGURE_TITLES,
    PERCENTAGES,
    SECTION_TITLES,
    SectionName,
)
from domain.report.issue import (
    Issue,
    IssueCreator,
    IssueFigure,
    IssueSeries,
    IssueVideo,
    days_of,
)
from domain.report.waiting import WAITS_FOR, WITHHELD_AT_MOST
from domain.written import (
    UNKNOWN,
    day,
    days_in_words,
    number,
    percent,
    percent_shortly,
    short,
    signed,
    with_about,
)

# As on the first page: these come first, and large.
_LARGE: Final = 4
# A title of a video may be as long as a letter.
_LONGEST: Final = 90
_BRAND: Final = "#5a3fc0"
# --series-1 of tokens.css in the dark.
_DARK_INK: Final = "#62d0fa"
# A ground that is so far from white is seen as one.
_OF_GROUNDS: Final = 1.3


class SheetFigure(Struct, frozen=True, kw_only=True):
    """A number in short and in full, its change, and the value before in words."""

    label: str
    value: str
    full: str
    change: str
    direction: Direction
    before: str


class SheetFigures(Struct, frozen=True, kw_only=True):
    """Key figures: some that are read first, and the rest."""

    title: str
    large: Sequence[SheetFigure]
    small: Sequence[SheetFigure]
    note: str = ""
    kind: Literal["figures"] = "figures"


class SheetCharts(Struct, frozen=True, kw_only=True):
    """Drawings, with the days that the dashed line belongs to, if there is one."""

    title: str
    plots: Sequence[Plot]
    days: str
    before: str
    has_rounded: bool
    note: str = ""
    kind: Literal["charts"] = "charts"


class SheetCell(Struct, frozen=True, kw_only=True):
    """A number of a row, in short and in full."""

    text: str
    full: str
    direction: Direction = ""


class SheetRow(Struct, frozen=True, kw_only=True):
    """A creator or a video, whose names are texts of strangers.

    ``first`` is the number by which the rows are sorted; ``others`` belong to the
    columns of their ranking. ``path`` is the page for people who are signed in.
    """

    name: str
    detail: str
    path: str
    is_erased: bool
    first: SheetCell
    others: Sequence[SheetCell]


class SheetRanking(Struct, frozen=True, kw_only=True):
    """Rows from the largest number on; ``note`` counts those that are left out.

    ``is_half``: it stands next to the other half where there is space.
    """

    title: str
    of: str
    first: str
    columns: Sequence[str]
    rows: Sequence[SheetRow]
    note: str
    nothing: str
    is_half: bool = False
    kind: Literal["ranking"] = "ranking"


Part = SheetFigures | SheetCharts | SheetRanking


class SheetColors(Struct, frozen=True, kw_only=True):
    """The colours of an issue, made from that of its project.

    ``accent`` is the line at the head, as the project has it unless nobody would see it
    on white. ``ink`` draws on white, ``dark_ink`` on dark pages. ``link`` is text on
    white, and ``on_button`` that on the ground ``button``.
    """

    accent: str
    ink: str
    dark_ink: str
    link: str
    button: str
    on_button: str

    @property
    def page_accent(self) -> str:
        """Return the accent as CSS that follows the scheme of the page."""
        return f"light-dark({self.accent}, {self.dark_ink})"

    @property
    def page_ink(self) -> str:
        """Return the ink as CSS that follows the scheme of the page."""
        return f"light-dark({self.ink}, {self.dark_ink})"


class Sheet(Struct, frozen=True, kw_only=True):
    """An issue in words."""

    title: str
    subject: str
    heading: str
    days: str
    compared: str
    colors: SheetColors
    parts: Sequence[Part]
    known: str
    lacking: str

    @property
    def summary(self) -> str:
        """Return the first figures in one sentence."""
        for part in self.parts:
            if isinstance(part, SheetFigures):
                said = [
                    f"{one.label.lower()} {one.value}"
                    f"{f' ({one.change})' if one.change else ''}"
                    for one in part.large[:3]
                ]
                text = ", ".join(said)
                return f"{text[:1].upper()}{text[1:]}."
        return self.days


def sheet_of(issue: Issue) -> Sheet:
    """Return an issue as people read it."""
    zone = ZoneInfo(issue.time_zone)
    known = issue.made_at.astimezone(zone)
    days = days_in_words(issue.from_, issue.to)
    compared = ""
    if issue.compare_from and issue.compare_to:
        compared = days_in_words(issue.compare_from, issue.compare_to)
    return Sheet(
        title=issue.scope_name,
        subject=f"{_clamped(issue.name)}: {_clamped(issue.scope_name)}, {days}",
        heading=issue.client or issue.organization_name,
        days=days,
        compared=compared,
        colors=_colors_of(issue.color),
        parts=[
            part for name in issue.sections for part in _SECTIONS[name](issue, compared)
        ],
        known=(
            f"Numbers as known on {day(known.date())}, {known:%H:%M}; they do not "
            f"change. Days are in the time zone {issue.time_zone}."
        ),
        lacking=_lacking(issue),
    )


def _lacking(issue: Issue) -> str:
    """Return what the numbers may lack, in a sentence; empty if nothing."""
    because = issue.incomplete_because
    if because is None:
        return ""
    waited = counted(round(WITHHELD_AT_MOST / timedelta(hours=1)), "hour")
    return (
        f"These numbers may be incomplete: they waited {waited} for "
        f"{WAITS_FOR[because]}, in vain."
    )


def _colors_of(color: str | None) -> SheetColors:
    if color is None:
        return SheetColors(
            accent=INK,
            ink=INK,
            dark_ink=_DARK_INK,
            link=_BRAND,
            button=_BRAND,
            on_button=PAPER,
        )
    accent, link = readable(color, PAPER, _OF_GROUNDS), readable(color, PAPER, OF_TEXT)
    on_accent = on_color(accent)
    return SheetColors(
        accent=accent,
        ink=readable(color, PAPER, OF_DRAWINGS),
        dark_ink=readable(color, DARK_CARD, OF_DRAWINGS),
        link=link,
        button=accent if on_accent else link,
        on_button=on_accent or PAPER,
    )


def _figures(issue: Issue, compared: str) -> Iterator[Part]:
    if not issue.kpis:
        return
    before = {"weekly": "in the week before", "monthly": "in the month before"}
    period = before[issue.period] if compared else ""
    figures = [_figure(kpi, period) for kpi in issue.kpis]
    yield SheetFigures(
        title=SECTION_TITLES["kpis"], large=figures[:_LARGE], small=figures[_LARGE:]
    )


def _figure(kpi: IssueFigure, period: str) -> SheetFigure:
    is_percent = kpi.name in PERCENTAGES
    value = value_in_short(kpi.value, is_percent=is_percent)
    full = percent(kpi.value) if is_percent else number(kpi.value)
    return SheetFigure(
        label=FIGURE_TITLES[kpi.name],
        value=with_about(value, is_rounded=kpi.rounded),
        full=with_about(full, is_rounded=kpi.rounded),
        change=change_in_words(kpi, is_percent=is_percent),
        direction=direction_of(kpi),
        before=before_in_words(kpi, period, is_percent=is_percent),
    )


def _charts(issue: Issue, compared: str) -> Iterator[Part]:
    plots = [plot for one in issue.charts if (plot := _plot(issue, one)).is_known]
    if not plots:
        return
    yield SheetCharts(
        title=SECTION_TITLES["charts"],
        plots=plots,
        days=days_in_words(issue.from_, issue.to),
        before=compared if any(plot.before for plot in plots) else "",
        has_rounded=any(plot.rounded for plot in plots),
    )


def _plot(issue: Issue, series: IssueSeries) -> Plot:
    return Plot(
        title=FIGURE_TITLES[series.name],
        days=days_of(issue),
        values=series.values,
        before=series.previous,
        rounded=series.rounded,
        is_percent=series.name in PERCENTAGES,
    )


def _leaders(issue: Issue, _: str) -> Iterator[Part]:
    yield SheetRanking(
        title=SECTION_TITLES["leaders"],
        of="Creator",
        first="New views",
        columns=["Posts", "New followers", "Engagement"],
        rows=[
            _creator(
                one,
                _count(one.new_views),
                _count(one.posts),
                _followers(one),
                SheetCell(
                    text=percent_shortly(one.engagement_rate),
                    full=percent(one.engagement_rate),
                ),
            )
            for one in issue.leaders
        ],
        note=_left_out(issue.leaders, issue.creators_in_all, "creator"),
        nothing="No creator gained views in these days.",
    )


def _gained_and_lost(issue: Issue, _: str) -> Iterator[Part]:
    for title, creators, nothing in (
        ("Gained followers", issue.gained, "No creator gained followers."),
        ("Lost followers", issue.lost, "No creator lost followers."),
    ):
        yield SheetRanking(
            title=title,
            of="Creator",
            first="Change",
            columns=["Followers"],
            rows=[_creator(one, _followers(one), _level(one)) for one in creators],
            note="",
            nothing=nothing,
            is_half=True,
        )


def _videos(issue: Issue, _: str) -> Iterator[Part]:
    zone = ZoneInfo(issue.time_zone)
    yield SheetRanking(
        title=SECTION_TITLES["videos"],
        of="Video",
        first="New views",
        columns=["All views", "Likes", "Comments"],
        rows=[_video(one, zone) for one in issue.videos],
        note=_left_out(issue.videos, issue.videos_in_all, "video"),
        nothing="No video gained views in these days.",
    )


_SECTIONS: Final[Mapping[SectionName, Callable[[Issue, str], Iterator[Part]]]] = {
    "kpis": _figures,
    "charts": _charts,
    "leaders": _leaders,
    "gained_and_lost": _gained_and_lost,
    "videos": _videos,
}


def _creator(creator: IssueCreator, first: SheetCell, *others: SheetCell) -> SheetRow:
    handle = creator.tiktok_handle and f"@{creator.tiktok_handle}"
    name = creator.display_name or handle
    return SheetRow(
        name=_clamped(name or "Erased creator"),
        detail=handle if handle and handle != name else "",
        path=f"/creators/{creator.creator_id}" if name else "",
        is_erased=not name,
        first=first,
        others=others,
    )


def _video(video: IssueVideo, zone: ZoneInfo) -> SheetRow:
    is_erased = video.url is None and video.tiktok_handle is None
    handle = f"@{video.tiktok_handle}" if video.tiktok_handle else ""
    details = [handle, _posted(video.posted_at, zone)]
    return SheetRow(
        name="Video of an erased creator"
        if is_erased
        else _clamped(video.title or "Untitled"),
        detail=", ".join(filter(None, details)),
        path=""
        if is_erased or video.creator_id is None
        else f"/creators/{video.creator_id}/videos/{video.video_id}",
        is_erased=is_erased,
        first=_count(video.new_views),
        others=[
            _count(video.view_count),
            _count(video.like_count),
            _count(video.comment_count),
        ],
    )


def _clamped(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1].rstrip()}…"


def _posted(at: datetime | None, zone: ZoneInfo) -> str:
    return "" if at is None else day(at.astimezone(zone).date())


def _followers(creator: IssueCreator) -> SheetCell:
    value, is_rounded = creator.new_followers, creator.new_followers_rounded
    if value is None:
        return SheetCell(text=UNKNOWN, full=UNKNOWN)
    sign = "+" if value > 0 else ""
    return SheetCell(
        text=with_about(signed(value), is_rounded=is_rounded),
        full=with_about(f"{sign}{number(value)}", is_rounded=is_rounded),
        direction="up" if value > 0 else "down" if value < 0 else "",
    )


def _level(creator: IssueCreator) -> SheetCell:
    return _count(creator.followers, is_rounded=creator.followers_rounded)


def _count(value: int | None, *, is_rounded: bool = False) -> SheetCell:
    return SheetCell(
        text=with_about(short(value), is_rounded=is_rounded),
        full=with_about(number(value), is_rounded=is_rounded),
    )


def _left_out(shown: Sequence[object], in_all: int, noun: str) -> str:
    if not shown or in_all <= len(shown):
        return ""
    return f"{len(shown)} of {counted(in_all, noun)}"
