"""Mails as a mailbox has them: HTML, its plain twin, and pictures inside."""

import re
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from application.mail.letter import letter
from application.mail.server import Mail, MailImage, MailRefusedError, MailServer
from infra.ids import new_id
from infra.settings import Settings
from tests.kit.mail_server import MailBox, html_of, images_of, mail_server, text_of
from tests.kit.people import EMAIL

LINK = f"https://goats.example.com/password/{'k' * 120}"
UNSUBSCRIBE = f"https://goats.example.com/unsubscribe/{'u' * 120}"
TEXT = f"""\
<img src="https://eve.example/x.png" onerror="alert(1)"> Zoë invites you to
evil.example.

Choose here:
{LINK}

Do nothing otherwise.
"""


class Tags(HTMLParser):
    """The elements of a mail, and the texts between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(" ".join(data.split()))


def delivered(*mails: Mail) -> list[EmailMessage]:
    box = MailBox()
    with mail_server(box) as port:
        url = f"smtp://127.0.0.1:{port}?from=goat@herd.example&tls=none"
        server = MailServer.of(Settings.from_environment({"GOATHERD_SMTP_URL": url}))
        assert server is not None
        for mail in mails:
            server.deliver(mail, mail_id=new_id())
    return box.mails


def test_a_letter_arrives_as_html_that_mail_programs_show_and_as_its_plain_twin():
    mail = letter(
        EMAIL, "Zoë\r\nBcc: eve@example.com", TEXT, action="Choose & go",
        unsubscribe_url=UNSUBSCRIBE,
    )  # fmt: skip
    picture = MailImage(name="chart-1@goatherd", png=b"\x89PNG\r\n\x1a\n\x00\xff")

    plain, pictured = delivered(mail, replace(mail, images=(picture,)))

    for arrived in (plain, pictured):
        assert arrived["Subject"] == "Zoë Bcc: eve@example.com"
        assert arrived["Bcc"] is None
        assert arrived["List-Unsubscribe"] == f"<{UNSUBSCRIBE}>"
        assert arrived["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert text_of(arrived).startswith(TEXT)
        assert text_of(arrived).endswith(f"\n{UNSUBSCRIBE}\n")
    assert plain.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in pictured.walk()] == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]
    assert images_of(pictured) == {picture.name: picture.png}
    html = html_of(pictured)
    assert html_of(plain) == html
    read = Tags(html)
    # No rule outside of the elements, no script, and nothing that is fetched.
    assert not {"style", "script", "link", "img", "iframe", "form"} & {*read.tags}
    assert not [name for name, _ in read.attributes if name.startswith("on")]
    addresses = {value for name, value in read.attributes if name == "href"}
    assert addresses == {LINK, UNSUBSCRIBE}
    # Each text has a size and a colour of its own.
    for element in re.findall(r"<(?:p|h1|a)\b[^>]*>", html):
        assert "font-family" in element, element
        assert "color: #" in element, element
    assert "max-width: 600px" in html
    assert any("onerror=" in text for text in read.texts)
    assert "Choose & go" in read.texts
    # A mail program would make a link of the address in the heading.
    assert "Zoë Bcc: eve@\N{WORD JOINER}example.\N{WORD JOINER}com" in read.texts
    # A mailbox shows it next to the subject.
    assert html.index("invites you") < html.index("<table")


def test_a_mail_with_a_line_break_in_an_address_is_refused():
    mail = letter(EMAIL, "Hello", "Hello.\n")
    for hostile in (
        replace(mail, to="a@b.example\nBcc: eve@example.com"),
        replace(mail, unsubscribe_url="https://a.example/\r\nBcc: eve@example.com"),
        replace(mail, images=(MailImage(name="a>\r\nBcc: e@b.example", png=b""),)),
    ):
        with pytest.raises(MailRefusedError):
            delivered(hostile)
