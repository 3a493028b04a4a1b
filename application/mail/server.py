"""The mail server of the settings, and the delivery of one mail to it."""

import asyncio
import re
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, parseaddr
from typing import Any, Literal, Self, cast
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import aiosmtplib
from msgspec import Struct

from infra.http_out.addresses import resolving
from infra.settings import Settings

Security = Literal["starttls", "tls", "none"]

# Each wait in a conversation with the server may take so long, and all of it together.
# Leases of senders are longer, so that no second one sends the same mail meanwhile.
_PATIENCE_SECONDS = 20.0
_CONVERSATION_SECONDS = 60.0
# A mail is taken or refused before the goodbye, so its answer changes nothing.
_GOODBYE_SECONDS = 2.0
_PORTS: dict[Security, int] = {"starttls": 587, "tls": 465, "none": 25}
_PERMANENT = 500
_WRITABLE = re.compile("[!-~]+@[!-~]+")
# Header fields stay on one line, since a mail program reads no address that was folded
# or encoded. Any server takes a mail in 7 bits.
_POLICY = SMTP.clone(max_line_length=998, cte_type="7bit")


class MailImage(Struct, frozen=True, kw_only=True):
    """A picture inside a mail, which its HTML shows as ``cid:`` and the name."""

    name: str
    png: bytes


class Mail(Struct, frozen=True, kw_only=True):
    """A mail to one address: a plain text, and the same as HTML if there is any.

    The page at ``unsubscribe_url`` ends such mails to the address, by a link and by the
    POST that a mail program sends for its own button (RFC 8058).
    """

    to: str
    subject: str
    text: str
    html: str = ""
    images: tuple[MailImage, ...] = ()
    unsubscribe_url: str = ""

    def __repr__(self) -> str:
        return "Mail(***)"


class MailNotSentError(Exception):
    """The server did not take a mail now, and may take it later.

    ``reason`` names no address; the message has the server's own words, too.
    """

    def __init__(self, reason: str, detail: object = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class MailRefusedError(MailNotSentError):
    """The server refused the mail or its address for good."""


class MailServer(Struct, frozen=True, kw_only=True):
    """The server that takes mails, as GOATHERD_SMTP_URL names it.

    With ``starttls`` a connection begins in the clear, and nothing is sent before it is
    encrypted. The server's certificate is checked in both encrypted ways.
    """

    host: str
    port: int
    security: Security
    sender: str
    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"MailServer({self.host}:{self.port}, {self.security})"

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """Return the server of the settings; None if they have none."""
        if settings.smtp_url is None:
            return None
        url = urlsplit(settings.smtp_url)
        chosen = parse_qs(url.query)
        security = cast("Security", chosen.get("tls", ["starttls"])[0])
        return cls(
            host=url.hostname or "",
            port=url.port or _PORTS[security],
            security=security,
            sender=chosen["from"][0],
            username=unquote(url.username or ""),
            password=unquote(url.password or ""),
        )

    def deliver(self, mail: Mail, *, mail_id: UUID) -> None:
        """Give a mail to the server.

        A mail that is given twice has the same Message-ID, by which mailboxes know it.

        Raises:
            MailRefusedError: the server refuses this mail.
            MailNotSentError: the server can't be reached, or does not take it now.
        """
        try:
            with asyncio.Runner(loop_factory=_Loop) as runner:
                runner.run(self._converse(self._message(mail, mail_id), mail.to))
        except ValueError as error:
            # A sender is mended in the settings, and the mail is sent then.
            if not _WRITABLE.fullmatch(self._bare_sender):
                raise MailNotSentError("The sender can't be written", error) from None
            raise MailRefusedError("The address can't be written", error) from None
        except aiosmtplib.SMTPRecipientsRefused as error:
            (refused,) = error.recipients
            raise _refusal(refused.code, refused.message) from None
        except aiosmtplib.SMTPDataError as error:
            raise _refusal(error.code, error.message) from None
        except aiosmtplib.SMTPResponseException as error:
            # A wrong password or sender is mended in the settings.
            reason = f"The server says {error.code}"
            raise MailNotSentError(reason, error.message) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            reason = f"No connection ({type(error).__name__})"
            raise MailNotSentError(reason, error) from None

    async def _converse(self, message: EmailMessage, to: str) -> None:
        sender = self._bare_sender
        is_ascii = f"{sender}{to}".isascii()
        content = message.as_bytes(policy=_POLICY.clone(utf8=not is_ascii))
        options = () if is_ascii else ("SMTPUTF8", "BODY=8BITMIME")
        client = self._client()
        try:
            # A server that says a little now and then reaches the limit of no wait.
            async with asyncio.timeout(_CONVERSATION_SECONDS):
                await client.connect()
                await client.sendmail(sender, [to], content, mail_options=options)
            with suppress(aiosmtplib.SMTPException, OSError):
                async with asyncio.timeout(_GOODBYE_SECONDS):
                    await client.quit()
        except TimeoutError as error:
            if isinstance(error, aiosmtplib.SMTPException):
                raise
            reason = f"The server took over {_CONVERSATION_SECONDS:g} seconds"
            raise MailNotSentError(reason) from None
        finally:
            client.close()

    @property
    def _bare_sender(self) -> str:
        return parseaddr(self.sender)[1]

    def _client(self) -> aiosmtplib.SMTP:
        return _Client(
            hostname=self.host,
            port=self.port,
            # The name by which this host greets is that of the sender.
            local_hostname=self._bare_sender.rpartition("@")[2],
            username=self.username or None,
            password=self.password or None,
            use_tls=self.security == "tls",
            start_tls=self.security == "starttls",
            timeout=_PATIENCE_SECONDS,
        )

    def _message(self, mail: Mail, mail_id: UUID) -> EmailMessage:
        message = EmailMessage(_POLICY)
        message["From"] = self.sender
        message["To"] = Address(addr_spec=mail.to)
        message["Subject"] = " ".join(mail.subject.split())
        message["Date"] = formatdate()
        domain = self._bare_sender.rpartition("@")[2]
        message["Message-ID"] = f"<{mail_id}@{domain}>"
        # Mailboxes of people who are away answer no such mail (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        if mail.unsubscribe_url:
            message["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(mail.text)
        if mail.html:
            message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
            shown = cast("EmailMessage", message.get_payload(1))
            for image in mail.images:
                cid = f"<{image.name}>"
                shown.add_related(
                    image.png, "image", "png", cid=cid, disposition="inline"
                )
        return message


class _Client(aiosmtplib.SMTP):
    """A client whose connection is gone once it is closed.

    An encrypted one would wait for the server to close it as well, for longer than the
    event loop lasts.
    """

    def close(self) -> None:
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()
        super().close()


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose end waits for no name server."""

    async def getaddrinfo(
        self, host: bytes | str | None, port: bytes | str | int | None, **options: int
    ) -> list[Any]:
        return await asyncio.wrap_future(resolving(host, port, **options))


def _refusal(code: int, text: str) -> MailNotSentError:
    kind = MailRefusedError if code >= _PERMANENT else MailNotSentError
    return kind(f"The server says {code}", text)
