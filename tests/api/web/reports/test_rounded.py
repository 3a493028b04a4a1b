"""Levels that a source rounds, which an issue marks wherever it is read."""

import io
import re

from pypdf import PdfReader

from tests.api.routes.test_reports import made, sent
from tests.application.mail.test_letter import Tags
from tests.kit.application import Tenant, ago, data_of
from tests.kit.mail_server import html_of, text_of
from tests.kit.mailing import Mailing
from tests.kit.visitor import Visitor

ADA = "about@client.example"
# The gain and the level of each creator, as every reader of the issue sees them.
SHOWN = {
    "grower": ("about +800K", "about 3.9M"),
    "shrinker": ("about -100K", "about 2.4M"),
    "counted": ("+200", "700"),
}


def test_a_rounded_level_of_an_issue_is_about_so_many_on_pages_mails_and_paper(
    mailing: Mailing,
) -> None:
    home = mailing.goatherd.tenant()
    are_rounded = {
        _seen(home, "grower", (3_100_000, 3_900_000), precision="rounded"): True,
        _seen(home, "shrinker", (2_500_000, 2_400_000), precision="rounded"): True,
        _seen(home, "counted", (500, 700), precision="exact"): False,
    }
    sections = ["leaders", "gained_and_lost"]
    report = made(home, recipients=[ADA], sections=sections)
    sent(home, report)
    visitor = Visitor(mailing.goatherd)
    visitor.sign_in(home.key)
    path = f"/reports/{report['id']}/issues/1"

    (mail,) = mailing.mails_to(ADA)
    issue = data_of(home.get(path))
    pdf = PdfReader(io.BytesIO(visitor.get(f"{path}.pdf").content))
    link = mailing.link_to(ADA, "/s/")
    pages = [visitor.see(path), Visitor(mailing.goatherd).see(link)]

    listed = (*issue["gained"], *issue["lost"])
    found = {one["creator_id"]: one["followers_rounded"] for one in listed}
    assert found == are_rounded
    plain, html = text_of(mail), _spaced(" ".join(Tags(html_of(mail)).texts))
    paper = _spaced(" ".join(page.extract_text() for page in pdf.pages))
    for handle, (change, level) in SHOWN.items():
        assert f"@{handle}: change {change}, followers {level}\n" in plain
        for text in (html, paper, *(page.text for page in pages)):
            (row,) = re.findall(rf"@{handle}\b[^@]*", text)
            assert change in row
            assert level in row
            assert ("about" in row) == ("about" in level)


def _seen(home: Tenant, handle: str, counts: tuple[int, int], *, precision: str) -> str:
    """A creator who was seen before the days of the newest issue, and in them."""
    creator_id = home.add(handle)["id"]
    last_week = ago(0).weekday() + 3
    for day, count in zip((last_week + 30, last_week), counts, strict=True):
        home.saw(
            creator_id,
            observed_at=ago(day), follower_count=count, precision=precision,
        )  # fmt: skip
    return creator_id


def _spaced(text: str) -> str:
    """The text with one space for each run of spaces and line breaks."""
    return " ".join(text.split())
