"""An application whose settings name a mail server, and the mails that it sends."""

from collections.abc import Generator
from contextlib import contextmanager
from email.message import EmailMessage

from msgspec import Struct
from msgspec.structs import replace

from application.mail.sender import MailSender
from application.mail.server import MailServer
from infra.embedded.processes import wait_until
from infra.settings import Settings
from tests.kit.application import Goatherd, started
from tests.kit.databases import new_database
from tests.kit.mail_server import MailBox, mail_server, text_of
from tests.kit.patience import PATIENTLY

PUBLIC_URL = "https://goats.example.com"


class Mailing(Struct):
    """An application, the box of its mail server, and its address for a setting."""

    goatherd: Goatherd
    box: MailBox
    smtp_url: str

    def mails_to(
        self, email: str, *, subject: str = "", least: int = 0
    ) -> list[EmailMessage]:
        """The mails to an address, oldest first, after all that wait are delivered.

        With ``subject`` they are those about it.

        Mails that follow an answer are waited for, until there are ``least``.
        """
        server = MailServer.of(
            Settings.from_environment({"GOATHERD_SMTP_URL": self.smtp_url})
        )
        assert server is not None
        sender = MailSender(self.goatherd.store, server)

        def found() -> list[EmailMessage]:
            while sender.send_next():
                pass
            return [
                mail
                for mail in self.box.mails
                if mail["To"] == email and subject in mail["Subject"]
            ]

        assert wait_until(lambda: len(found()) >= least, seconds=PATIENTLY)
        return found()

    def link_to(self, email: str, path: str) -> str:
        """The newest link in mails to an address whose path begins with ``path``."""
        start = f"{PUBLIC_URL}{path}"
        for mail in reversed(self.mails_to(email)):
            for line in text_of(mail).splitlines():
                if line.startswith(start):
                    return line.removeprefix(PUBLIC_URL)
        raise AssertionError(path)


@contextmanager
def started_with_mail(postgres_url: str, template: str) -> Generator[Mailing]:
    """An application with a mail server, on a database of its own."""
    box = MailBox()
    with mail_server(box) as port:
        smtp_url = f"smtp://127.0.0.1:{port}?from=goat@herd.example&tls=none"
        with (
            new_database(postgres_url, template=template) as url,
            started(
                url,
                adapt=lambda settings: replace(
                    settings, smtp_url=smtp_url, url=PUBLIC_URL
                ),
            ) as goatherd,
        ):
            yield Mailing(goatherd, box, smtp_url)
