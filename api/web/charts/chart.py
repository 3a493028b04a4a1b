"""Charts of pages: the same numbers as a drawing, an inline SVG and a table."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from operator import attrgetter

import msgspec
from markupsafe import Markup, escape
from msgspec import Struct
from msgspec.structs import replace

from api.routes.analytics.responses import Analytics, Series
from api.web.charts.drawing import ChartLine, ChartMark, Drawing, are_far_apart
from api.web.charts.measures import Measure
from api.web.charts.svg import InlineSvg, inline_svg
from domain.analytics.buckets import Granularity
from domain.analytics.metrics import Mode
from domain.analytics.series import Point
from domain.written import day, days_in_words, with_about


class ChartTableCell(Struct, frozen=True, kw_only=True):
    """A value in the table.

    ``about`` names its bucket if that differs from the row's.
    """

    text: str
    is_known: bool
    about: str = ""


class ChartTableRow(Struct, frozen=True, kw_only=True):
    date: date
    label: str
    cells: list[ChartTableCell]
    notes: str


class LegendItem(Struct, frozen=True, kw_only=True):
    """A line or a mark of a chart: the class of its sign, and its name.

    ``is_theirs``: the name is a text of people.
    """

    sign: str
    text: str
    is_theirs: bool = False


class Chart(Struct, frozen=True, kw_only=True):
    """A chart with everything around it; ``name`` is unique on the page."""

    name: str
    measure: Measure
    mode: Mode
    caption: str
    columns: list[str]
    rows: list[ChartTableRow]
    drawing: Drawing
    svg: InlineSvg
    is_known: bool

    def table_rows(self, *, are_explained: bool) -> Markup:
        """Return the rows of the table, whose numbers are buttons if ``are_explained``.

        A year by day has a thousand of them, which a template takes too long to write.
        """
        rows = [_written(row, is_explained=are_explained) for row in self.rows]
        return Markup("".join(rows))  # noqa: S704 - `_written` escapes all notes

    @property
    def data(self) -> str:
        """Return the drawing as JSON for the script."""
        return msgspec.json.encode(self.drawing).decode()

    @property
    def legend(self) -> list[LegendItem]:
        """Return the lines and marks that are drawn, as the chart's own legend."""
        return _legend(self)

    @property
    def has_baseline(self) -> bool:
        main = [line for line in self.drawing.lines if not line.is_prior]
        return self.is_known and any(line.baseline for line in main)

    @property
    def has_rounded(self) -> bool:
        return self.is_known and any(line.rounded for line in self.drawing.lines)

    @property
    def has_sharpened(self) -> bool:
        main = [line for line in self.drawing.lines if not line.is_prior]
        return self.is_known and any(line.sharpened for line in main)

    @property
    def has_cut(self) -> bool:
        return self.is_known and any(line.cut for line in self.drawing.lines)

    @property
    def has_partial(self) -> bool:
        return self.is_known and any(line.partial for line in self.drawing.lines)

    @property
    def has_marks(self) -> bool:
        return self.is_known and bool(self.drawing.marks)

    @property
    def has_prior(self) -> bool:
        prior = [line for line in self.drawing.lines if line.is_prior]
        return any(value is not None for line in prior for value in line.values)


def chart_of(
    name: str,
    measure: Measure,
    answer: Analytics,
    *,
    marks: Sequence[ChartMark] = (),
) -> Chart:
    """Return the chart of several series, or of one and its prior period.

    ``marks`` outside of its days are left out.
    """
    prior = answer.compare_series or []
    main = [_line(one, number, over=one) for number, one in enumerate(answer.series, 1)]
    before = [
        _line(one, number, over=over, is_prior=True)
        for number, (one, over) in enumerate(zip(prior, answer.series, strict=False), 1)
    ]
    drawing = Drawing(
        granularity=answer.granularity,
        unit=measure.unit,
        noun=_noun(measure, answer.mode),
        is_bars=answer.mode == "new" and len(main) == 1,
        is_flow=answer.mode != "cumulative",
        is_far_apart=are_far_apart([line.values for line in main]),
        lines=main + before,
        marks=[mark for mark in marks if answer.from_ <= mark.date <= answer.to],
    )
    rows = _rows(measure, answer)
    places = _places(rows, drawing.marks)
    return Chart(
        name=name,
        measure=measure,
        mode=answer.mode,
        caption=_caption(measure, answer),
        columns=_columns(measure, answer),
        rows=_with_marks(rows, places),
        drawing=drawing,
        svg=inline_svg(
            [line.values for line in main],
            is_bars=drawing.is_bars,
            breaks=[line.sharpened for line in main],
            marks=[(at, mark.kind, mark.text) for at, mark in places],
        ),
        is_known=any(value is not None for line in main for value in line.values),
    )


# The charts of a page have the same buckets.
@lru_cache(maxsize=2_048)
def bucket_label(first: date, granularity: Granularity) -> str:
    """Return the label of a bucket; a bucket that the period cuts has its first day."""
    if granularity == "week":
        starts = "Week of" if first.weekday() == 0 else "Week from"
        return f"{starts} {day(first)}"
    if granularity == "month":
        return f"{first:%b %Y}" if first.day == 1 else f"Month from {day(first)}"
    return day(first)


def _line(
    series: Series, number: int, *, over: Series, is_prior: bool = False
) -> ChartLine:
    """Return the line of a series, drawn at the points of another series."""
    points = series.points
    return ChartLine(
        label=series.entity_ref.label,
        series=number,
        is_prior=is_prior,
        dates=[point.date for point in over.points],
        of=[point.date for point in points],
        values=[point.value for point in points],
        partial=[n for n, point in enumerate(points) if point.partial],
        baseline=[n for n, point in enumerate(points) if point.baseline],
        rounded=[n for n, point in enumerate(points) if point.rounded],
        sharpened=[n for n, point in enumerate(points) if point.sharpened],
        cut=[n for n, point in enumerate(points) if point.cut],
    )


def _legend(chart: Chart) -> list[LegendItem]:
    lines = chart.drawing.lines
    main = [line for line in lines if not line.is_prior]
    items = [
        LegendItem(sign=f"swatch series-{line.series}", text=line.label, is_theirs=True)
        for line in main
    ]
    if len(main) == 1:
        noun = chart.drawing.noun
        items = [
            LegendItem(sign="swatch series-1", text=f"{noun[0].upper()}{noun[1:]}")
        ]
    if chart.has_prior:
        of = next(line.of for line in lines if line.is_prior)
        text = f"Before: {days_in_words(of[0], of[-1])}"
        items.append(LegendItem(sign="mark prior", text=text))
    kinds = {mark.kind for mark in chart.drawing.marks}
    marks = (
        ("partial", "Not over yet", chart.has_partial),
        ("cut", "Part of a week or month", chart.has_cut),
        ("baseline", "First seen, not new", chart.has_baseline),
        ("rounded", "Rounded by the source", chart.has_rounded),
        ("sharpened", "Became exact", chart.has_sharpened),
        ("post", "Videos posted", "post" in kinds),
        ("note", "Note", "note" in kinds),
        ("system", "Event", "system" in kinds),
    )
    return items + [
        LegendItem(sign=f"mark {name}", text=text)
        for name, text, is_there in marks
        if is_there
    ]


def _written(row: ChartTableRow, *, is_explained: bool) -> str:
    """Return one row of the table; only its notes have texts of people."""
    cells: list[str] = []
    for number, cell in enumerate(row.cells):
        text = cell.text
        if is_explained and not number and cell.is_known:
            text = (
                f'<button class="why" name="on" value="{row.date}" '
                f'title="Explain this number">{text}</button>'
            )
        if cell.about:
            text = f'{text} <span class="muted small">{cell.about}</span>'
        cells.append(f'<td class="number">{text}</td>')
    notes = escape(row.notes) if row.notes else ""
    return (
        f'<tr><th scope="row">{row.label}</th>\n{"".join(cells)}\n'
        f'<td class="small muted">{notes}</td></tr>\n'
    )


def _caption(measure: Measure, answer: Analytics) -> str:
    noun = _noun(measure, answer.mode)
    days = days_in_words(answer.from_, answer.to)
    return f"{noun[0].upper()}{noun[1:]} by {answer.granularity}, {days}"


def _noun(measure: Measure, mode: Mode) -> str:
    return f"new {measure.noun}" if mode == "new" else measure.noun


def _columns(measure: Measure, answer: Analytics) -> list[str]:
    if answer.compare_series is not None:
        amount = len(answer.series[0].points)
        unit = f"{answer.granularity}{'s' if amount > 1 else ''}"
        return [measure.label, f"{amount} {unit} before"]
    if len(answer.series) == 1:
        return [measure.label]
    return [series.entity_ref.label for series in answer.series]


def _rows(measure: Measure, answer: Analytics) -> list[ChartTableRow]:
    granularity = answer.granularity
    if answer.compare_series is not None:
        pairs = zip(
            answer.series[0].points, answer.compare_series[0].points, strict=True
        )
        return [_with_prior(measure, granularity, *pair) for pair in pairs]
    return [
        ChartTableRow(
            date=points[0].date,
            label=bucket_label(points[0].date, granularity),
            cells=[_cell(measure, point) for point in points],
            notes=_notes(points),
        )
        for points in zip(*(series.points for series in answer.series), strict=True)
    ]


def _places(
    rows: Sequence[ChartTableRow], marks: Sequence[ChartMark]
) -> list[tuple[int, ChartMark]]:
    """Return each mark with the number of the bucket that it is in."""
    firsts = [row.date for row in rows]
    return [(bisect_right(firsts, mark.date) - 1, mark) for mark in marks if firsts]


def _with_marks(
    rows: list[ChartTableRow], places: Sequence[tuple[int, ChartMark]]
) -> list[ChartTableRow]:
    """Add the marks of each bucket to its notes."""
    said: dict[int, list[str]] = {}
    for at, mark in places:
        said.setdefault(at, []).append(mark.text)
    return [
        replace(row, notes=", ".join(filter(None, [row.notes, *said[at]])))
        if at in said
        else row
        for at, row in enumerate(rows)
    ]


def _with_prior(
    measure: Measure, granularity: Granularity, point: Point, before: Point
) -> ChartTableRow:
    prior = _cell(measure, before, about=bucket_label(before.date, granularity))
    return ChartTableRow(
        date=point.date,
        label=bucket_label(point.date, granularity),
        cells=[_cell(measure, point), prior],
        notes=_notes([point]),
    )


def _cell(measure: Measure, point: Point, *, about: str = "") -> ChartTableCell:
    return ChartTableCell(
        text=with_about(measure.written(point.value), is_rounded=point.rounded),
        is_known=point.value is not None,
        about=about,
    )


def _notes(points: Sequence[Point]) -> str:
    if all(map(_is_plain, points)):
        return ""
    notes = [text for text, of in _NOTES.items() if any(map(of, points))]
    if not any(map(attrgetter("observed"), points)):
        notes.append("no scrape")
    return ", ".join(notes)


def _is_plain(point: Point) -> bool:
    """Tell whether a point has no marks, as most points have none."""
    marks = point.partial or point.baseline or point.rounded or point.sharpened
    return point.observed and not (marks or point.cut)


_NOTES = {
    "not over yet": attrgetter("partial"),
    "baseline": attrgetter("baseline"),
    "rounded": attrgetter("rounded"),
    "became exact": attrgetter("sharpened"),
    "only a part of it": attrgetter("cut"),
}
