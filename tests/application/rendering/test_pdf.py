"""Issues of reports as PDF, read by a library that others wrote."""

import io
import re
from importlib.util import find_spec

import pytest
from msgspec.structs import replace
from pypdf import PdfReader

from application.rendering import pdf
from application.rendering.pdf import PdfNotInstalledError, can_write_pdf, issue_pdf
from application.rendering.png import png_of
from tests.kit.reports import EXAMPLE

HOSTILE = '#panic("x") ] } \\ $x$ "quoted" <script> Łódź Ελλάδα Привет 🐐'
LOGO = png_of('<svg xmlns="http://www.w3.org/2000/svg" width="320" height="80"/>')


def test_an_issue_is_a_pdf_with_the_words_of_its_page():
    hostile = replace(
        EXAMPLE,
        scope_name=HOSTILE,
        made_at=EXAMPLE.made_at.replace(microsecond=123_456),
        leaders=[replace(EXAMPLE.leaders[0], display_name=HOSTILE)] * 30,
    )

    written = issue_pdf(hostile, logo=LOGO)

    read = PdfReader(io.BytesIO(written))
    text = " ".join(" ".join(page.extract_text().split()) for page in read.pages)
    # Rows with a goat are as high as the machine's font for it, so 2 or 3 pages.
    assert len(read.pages) in {2, 3}
    for words in (
        HOSTILE.removesuffix(" 🐐"),
        "Nordlicht Kosmetik",
        "16 Nov to 22 Nov 2026 compared with 9 Nov to 15 Nov 2026",
        "1.28M",
        "Leading creators",
        "Five dinners <script>alert(1)</script>",
        "Erased creator",
        "they do not change",
    ):
        assert words in text, (words, text)
    assert read.metadata is not None
    assert read.metadata.title is not None
    assert read.metadata.title.endswith("16 Nov to 22 Nov 2026")
    # The font is inside, so that it looks alike everywhere.
    assert b"InterVariable" in {*re.findall(rb"/BaseFont/\w+\+(\w+)", written)}
    # A frozen issue is the same file next year.
    assert issue_pdf(hostile, logo=LOGO) == written


def test_an_issue_without_numbers_is_a_pdf_too():
    bare = replace(
        EXAMPLE, kpis=[], charts=[], leaders=[], gained=[], lost=[], videos=[],
        logo=None, compare_from=None, compare_to=None,
    )  # fmt: skip

    read = PdfReader(io.BytesIO(issue_pdf(bare)))

    assert "No creator gained followers." in read.pages[0].extract_text()


def test_without_the_extra_the_error_names_it_and_points_to_print(
    monkeypatch: pytest.MonkeyPatch,
):
    assert can_write_pdf()

    def found(name: str) -> object:
        return None if name == "typst" else find_spec(name)

    monkeypatch.setattr(pdf, "find_spec", found)

    with pytest.raises(PdfNotInstalledError, match=r"extra pdf .* Print the page"):
        issue_pdf(EXAMPLE)
