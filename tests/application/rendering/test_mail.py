"""Issues of reports as mails, read back from a mail server."""

import re
import struct
from datetime import date
from html import unescape

from msgspec.structs import replace

from application.rendering.mail import IssueMails
from application.rendering.png import png_of
from domain.report.issue import Issue
from tests.application.mail.test_letter import Tags, delivered
from tests.kit.mail_server import html_of, images_of, text_of
from tests.kit.people import EMAIL
from tests.kit.reports import EXAMPLE

PAGE = "https://goats.example.com/reports/7"
UNSUBSCRIBE = f"https://goats.example.com/unsubscribe/{'u' * 90}"
JOINER = "\N{WORD JOINER}"
LOGO = png_of('<svg xmlns="http://www.w3.org/2000/svg" width="320" height="80"/>')


def mailed(issue: Issue, *, logo: bytes | None = None):
    mail = IssueMails.of(issue, logo=logo).to(
        EMAIL,
        page_url=PAGE,
        page_until=date(2027, 2, 21),
        unsubscribe_url=UNSUBSCRIBE,
    )
    (arrived,) = delivered(mail)
    return arrived


def test_an_issue_arrives_with_its_numbers_and_its_charts_inside():
    mail = mailed(EXAMPLE, logo=LOGO)

    html, text, images = html_of(mail), text_of(mail), images_of(mail)
    read = Tags(html)
    assert mail["Subject"] == "Monday: Summer launch, 16 Nov to 22 Nov 2026"
    assert mail["List-Unsubscribe"] == f"<{UNSUBSCRIBE}>"
    assert not {"style", "script", "link", "iframe", "form"} & {*read.tags}
    # All pictures are inside the mail, and shown.
    sources = [value for name, value in read.attributes if name == "src"]
    assert sorted(sources) == sorted(f"cid:{name}" for name in images)
    assert len(images) == len(EXAMPLE.charts) + 1
    assert {
        struct.unpack(">II", png[16:24])
        for name, png in images.items()
        if name.startswith("chart")
    } == {(880, 344)}
    addresses = {value for name, value in read.attributes if name == "href"}
    assert addresses == {PAGE, UNSUBSCRIBE}
    # Names of strangers are text, and no mail program makes a link of them.
    assert f"Ada.{JOINER}Cooks <b>& friends</b>" in read.texts
    assert f"@ada.{JOINER}cooks" in read.texts
    assert "Five dinners <script>alert(1)</script>" in read.texts
    seen = re.sub(r"<!--.*?-->", "", html)
    for element in re.findall(r"<(?:p|h1|h2|a|td|th)\b[^>]*>", seen):
        assert "font-family" in element, element
    # The twin says the same.
    for words in (
        "New views: 1.28M (+16%), 1.1M in the week before",
        "New followers: 120, -40, 0, about -300, 10, -102, -100",
        "LEADING CREATORS (3 of 14 creators)",
        "3. Erased creator: new views 120K, posts 4, new followers -512",
        f"1. Five dinners <script>alert(1)</script> (@ada.{JOINER}cooks, 18 Nov 2026)",
        PAGE,
        "Your link to this report needs no account, and works until 21 Feb 2027.",
        UNSUBSCRIBE,
    ):
        assert words in text, words
    shown = unescape(" ".join(read.texts))
    for words in (
        "1.28M",
        "▲ +16%",
        "▼ -8.8%",
        "3 of 14 creators",
        "about -210",
        "+310",
    ):
        assert words in shown.replace("\N{NO-BREAK SPACE}", " "), words


def test_a_report_of_one_section_without_data_says_so():
    bare = replace(
        EXAMPLE, sections=["charts", "gained_and_lost"], charts=[], gained=[], lost=[],
        logo=None, color=None, compare_from=None, compare_to=None,
    )  # fmt: skip
    mail = mailed(bare)

    text = text_of(mail)
    assert images_of(mail) == {}
    assert "compared with" not in text
    assert "KEY FIGURES" not in text
    assert "No creator gained followers." in text
    assert "No creator lost followers." in html_of(mail)


def test_a_title_as_long_as_a_letter_is_cut_in_every_form():
    video = replace(EXAMPLE.videos[0], title="Very\nlong " * 400)
    mail = mailed(replace(EXAMPLE, videos=[video]))

    assert "Very long Very long" in text_of(mail)
    assert len(max(text_of(mail).splitlines(), key=len)) < 300


def test_the_name_of_a_report_makes_no_link_and_no_field_of_a_mail():
    mail = mailed(
        replace(EXAMPLE, name="Win at evil.example/x\r\nBcc: bo@herd.example")
    )

    assert mail["Bcc"] is None
    assert mail["Subject"].startswith(f"Win at evil.{JOINER}example/{JOINER}x Bcc: ")
    assert not re.search(r"evil\.example|bo@herd", mail["Subject"])
