"""Issues of reports as mails: HTML with its charts inside, and a plain twin."""

from collections.abc import Sequence
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from application.mail.letter import mail_html
from application.mail.names import unlinked
from application.mail.server import Mail, MailImage
from application.rendering.charts import OF_MAILS, chart_svg
from application.rendering.png import png_of
from application.rendering.sheet import Sheet, SheetCharts, sheet_of
from application.rendering.svg_logo import svg_of_logo
from application.rendering.text import PAGE_KEPT, MailLinks, plain_text
from domain.organization.logo import Logo
from domain.report.issue import Issue
from domain.written import day

_TEMPLATES: Final = Path(__file__).parent / "templates"
_WIDEST_LOGO, _HIGHEST_LOGO = 180, 44
# As wide as the paper of mail.css inside its edges.
_CHART_WIDTH: Final = 542


class _Picture(Struct, frozen=True, kw_only=True):
    name: str
    width: int
    height: int
    png: bytes


class IssueMails(Struct, frozen=True, kw_only=True):
    """The mails of an issue, whose pictures are drawn once for all recipients."""

    sheet: Sheet
    sender: str
    charts: Sequence[_Picture]
    logo: _Picture | None

    @classmethod
    def of(cls, issue: Issue, *, logo: bytes | None = None) -> "IssueMails":
        """Return the mails of an issue; ``logo`` is the picture of its project."""
        sheet = sheet_of(issue)
        drawn = [part.plots for part in sheet.parts if isinstance(part, SheetCharts)]
        tag = f"{issue.report_id.hex[:12]}-{issue.number}"
        return cls(
            sheet=sheet,
            sender=issue.organization_name,
            charts=[
                _Picture(
                    name=f"chart-{number}-{tag}@goatherd",
                    width=_CHART_WIDTH,
                    height=round(OF_MAILS.height * _CHART_WIDTH / OF_MAILS.width),
                    png=png_of(chart_svg(plot, OF_MAILS, ink=sheet.colors.ink)),
                )
                for number, plot in enumerate(chain(*drawn), 1)
            ],
            logo=_logo(issue.logo, logo, tag) if issue.logo and logo else None,
        )

    def to(
        self, address: str, *, page_url: str, page_until: date, unsubscribe_url: str
    ) -> Mail:
        """Return the mail to one recipient, with their own links.

        One leads to the issue until the day ``page_until``, the other unsubscribes.
        """
        # Some mail programs make links of words in a subject, too.
        subject = unlinked(self.sheet.subject)
        links = MailLinks(
            page_url=page_url,
            page_until=day(page_until),
            unsubscribe_url=unsubscribe_url,
        )
        html = mail_html(
            "issue.html",
            {
                "subject": subject,
                "preheader": self.sheet.summary,
                "accent": self.sheet.colors.accent,
                "sheet": self.sheet,
                "sender": self.sender,
                "charts": self.charts,
                "logo": self.logo,
                "links": links,
                "page_kept": PAGE_KEPT,
                "host": urlsplit(page_url).netloc,
            },
            folder=_TEMPLATES,
        )
        pictures = [*self.charts, *filter(None, [self.logo])]
        return Mail(
            to=address,
            subject=subject,
            text=plain_text(self.sheet, links),
            html=html,
            images=tuple(MailImage(name=one.name, png=one.png) for one in pictures),
            unsubscribe_url=unsubscribe_url,
        )


def _logo(logo: Logo, content: bytes, tag: str) -> _Picture:
    """Return a logo as PNG, since some mail programs show no WebP."""
    scale = min(_WIDEST_LOGO / logo.width, _HIGHEST_LOGO / logo.height, 1)
    width, height = round(logo.width * scale) or 1, round(logo.height * scale) or 1
    return _Picture(
        name=f"logo-{tag}@goatherd",
        width=width,
        height=height,
        png=png_of(svg_of_logo(logo, content, scale=scale)),
    )
