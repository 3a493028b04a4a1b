"""The sections of a report's issue, as pages and paper show them."""

import re
from types import SimpleNamespace

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from msgspec.structs import replace

from api.web.charts.sheets import drawn_sheet
from api.web.kit.filters import FILTERS
from api.web.kit.parts.pictures import Pictures
from api.web.kit.site import named_parts
from domain.report.issue import Issue
from tests.application.mail.test_letter import Tags
from tests.kit.paths import ROOT
from tests.kit.reports import EXAMPLE

PAGE = """{% from "reports/sheet.html" import sheet_head, sheet_parts with context %}
{{ sheet_head(shown, "/logo", logo) }}{{ sheet_parts(shown, linked=linked) }}"""


def shown(issue: Issue, *, linked: bool = False) -> str:
    environment = Environment(
        loader=FileSystemLoader(ROOT / "api/web/templates"),
        autoescape=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(FILTERS)
    no_pictures = Pictures(lambda _: None, lambda *_: None)
    environment.globals["parts"] = named_parts(no_pictures)
    return environment.from_string(PAGE).render(
        shown=drawn_sheet(issue),
        logo=issue.logo,
        linked=linked,
        site=SimpleNamespace(plays_recording=True),
    )


def test_a_page_of_an_issue_has_every_section_and_no_text_of_strangers_as_html():
    html = shown(EXAMPLE)

    read = Tags(html)
    ids = [value for name, value in read.attributes if name == "id"]
    assert len(ids) == len(set(ids)) > 8
    for words in (
        "Key figures", "Day by day", "Leading creators", "Gained followers",
        "Lost followers", "Videos", "Nordlicht Kosmetik", "3 of 14 creators", "1.28M",
        "Ada.Cooks <b>& friends</b>", "Five dinners <script>alert(1)</script>",
        "Erased creator", "Video of an erased creator", "19 Nov 2026: about -300",
    ):  # fmt: skip
        assert words in read.texts, words
    assert "script" not in read.tags
    # The policy of pages forbids styles in attributes.
    assert "style" not in dict(read.attributes)
    exact = {value for name, value in read.attributes if name == "title"}
    assert {"1,284,310", "5.21%", "612,000", "+310", "about -210"} <= exact
    # Each drawing is for wide screens and for narrow ones.
    assert len(re.findall(r'<svg[^>]*role="img"', html)) == 2 * len(EXAMPLE.charts)
    assert "Demo data" in html


def test_names_lead_to_pages_only_for_people_who_are_signed_in():
    for linked, addresses in (
        (False, set[str]()),
        (
            True,
            {
                *(f"/creators/{one.creator_id}" for one in EXAMPLE.leaders[:2]),
                *(
                    f"/creators/{one.creator_id}/videos/{one.video_id}"
                    for one in EXAMPLE.videos[:2]
                ),
            },
        ),
    ):
        read = Tags(shown(EXAMPLE, linked=linked))
        found = {value for name, value in read.attributes if name == "href"}
        assert found == addresses


def test_an_issue_without_numbers_is_a_page_that_says_so():
    bare = replace(
        EXAMPLE, kpis=[], charts=[], leaders=[], gained=[], lost=[], videos=[],
        compare_from=None, compare_to=None,
    )  # fmt: skip
    read = Tags(shown(bare))

    assert "svg" in read.tags
    for words in (
        "No creator gained views in these days.",
        "No creator lost followers.",
        "No video gained views in these days.",
    ):
        assert words in read.texts
    assert "Day by day" not in read.texts
