"""Charts of reports: what is drawn of known, unknown and rounded days."""

import struct
from datetime import date, timedelta
from xml.etree import ElementTree as ET

from application.rendering.charts import NARROW, WIDE, Plot, chart_svg
from application.rendering.png import png_of
from domain.analytics.series import Value

SVG = "{http://www.w3.org/2000/svg}"


def plot(*values: Value, before: tuple[Value, ...] = (), is_percent: bool = False):
    days = [date(2026, 11, 16) + timedelta(days=at) for at in range(len(values))]
    return Plot(
        title="New views", days=days, values=values, before=before, rounded=[3],
        is_percent=is_percent,
    )  # fmt: skip


def drawn(svg: str) -> dict[str, list[ET.Element]]:
    """The elements of a drawing by their classes."""
    found: dict[str, list[ET.Element]] = {}
    for element in ET.fromstring(svg).iter():  # noqa: S314 - of our own drawing
        found.setdefault(element.get("class", element.tag), []).append(element)
    return found


def test_a_chart_has_a_bar_for_each_known_day_and_round_labels():
    of = plot(142_000, None, 0, 298_500, -40, before=(150_000, 140_000, None, 9, 8))

    svg = chart_svg(of, name="c1")
    found = drawn(svg)

    # The unknown day has none, the day with nothing has a flat one.
    assert len(found["bar"]) == 3
    assert [one.findtext(f"{SVG}title") for one in found["bar rounded"]] == [
        "19 Nov 2026: about 298,500"
    ]
    labels = [one.text for one in found["axis"]]
    assert labels[:5] == ["-100K", "0", "100K", "200K", "300K"]
    assert labels[5:] == ["16 Nov", "17 Nov", "18 Nov", "19 Nov", "20 Nov"]
    assert len(found["zero"]) == 1
    # The line of the period before has a gap, too.
    assert found["before"][0].get("d", "").count("M") == 2
    (words,) = found[f"{SVG}desc"]
    assert words.text == (
        "The highest value is about 298,500 on 19 Nov 2026, the lowest -40 on "
        "20 Nov 2026. Unknown days: 1."
    )


def test_a_month_has_as_many_days_below_as_fit_and_a_lone_point_is_seen():
    month = plot(5.0, *[None] * 28, 5.4, is_percent=True)

    wide, narrow = drawn(chart_svg(month, WIDE)), drawn(chart_svg(month, NARROW))

    dates = [
        [one.text for one in found["axis"] if (one.text or "")[-3:] in {"Nov", "Dec"}]
        for found in (wide, narrow)
    ]
    assert 5 < len(dates[0]) <= 10
    assert 2 < len(dates[1]) < len(dates[0])
    assert wide["line"][0].get("d", "").count("h0") == 2
    assert "bar" not in wide


def test_an_outlier_of_the_period_before_does_not_flatten_this_one():
    of = plot(100, 200, 300, 250, before=(90, 120_000, 110, 640))

    labels = [one.text for one in drawn(chart_svg(of))["axis"]]

    assert labels[:5] == ["0", "200", "400", "600", "800"]


def test_days_without_anything_known_are_drawn_too():
    for values in ((), (None, None), (0, 0), (0.0, 0.0)):
        for is_percent in (False, True):
            svg = chart_svg(plot(*values, is_percent=is_percent))
            assert "nan" not in svg
            assert ET.fromstring(svg) is not None  # noqa: S314 - of our own drawing


def test_a_picture_has_twice_the_pixels_of_the_drawing_and_words_on_every_machine():
    svg = chart_svg(plot(1, 2, 3), NARROW)

    png = png_of(svg)
    bare = png_of(svg.replace("<text", "<g").replace("</text>", "</g>"))

    assert struct.unpack(">II", png[16:24]) == (640, 380)
    assert len(png) > len(bare) + 1_000
