"""The parts of pages that Python draws: what they show, and texts that are no HTML."""

from markupsafe import Markup, escape

from api.web.kit.parts.figures import NOTHING, badge, figure, level
from api.web.kit.parts.markup import html, joined
from api.web.kit.parts.pictures import Pictures

HOSTILE = "<b a='1' c=\"2\">&amp;{}"


def test_texts_in_a_pattern_are_escaped_and_html_stays():
    drawn = html('<i title="{}">{}{}</i>', HOSTILE, html("<b>{}</b>", HOSTILE), 7)

    text = escape(HOSTILE)
    assert drawn == f'<i title="{text}"><b>{text}</b>7</i>'
    assert isinstance(joined([drawn, drawn]), Markup)
    assert joined([drawn, drawn]) == drawn * 2


def test_no_text_in_a_part_of_a_page_becomes_html():
    pictures = Pictures(lambda url: url, lambda _, name: name)
    drawn = (
        badge(HOSTILE, HOSTILE),
        figure(HOSTILE, HOSTILE),
        figure(HOSTILE, HOSTILE, kind=HOSTILE),
        figure(HOSTILE, f"{HOSTILE}.", kind=HOSTILE, stops=True),
        figure(HOSTILE, HOSTILE, is_rounded=True, kind=HOSTILE),
        figure(HOSTILE, HOSTILE, is_sharpened=True, kind=HOSTILE),
        pictures.avatar(HOSTILE, HOSTILE, HOSTILE),
        pictures.thumb(HOSTILE, None, HOSTILE, HOSTILE),
    )

    for part in drawn:
        assert "<b" not in part
        assert "'" not in part
        assert HOSTILE not in part
        assert str(escape(HOSTILE)) in part or "avatar" in part


def test_a_number_that_its_source_rounds_has_about_before_it_and_the_reason():
    exact, rounded = level(3_959_976), level(3_900_000, is_rounded=True)

    assert exact == '<span data-exact title="3,959,976">3.96M</span>'
    assert ">about 3.9M<" in rounded
    assert "about 3,900,000. Rounded by the source" in rounded
    assert level(None) == NOTHING


def test_both_reasons_of_a_number_follow_each_other():
    drawn = figure("1K", "1,000", is_rounded=True, is_sharpened=True)

    assert "not known. A rounded number became exact" in drawn
