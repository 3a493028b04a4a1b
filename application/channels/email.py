"""The channel for mail: its address, the text of a mail, and the way to the server."""

import time
from collections.abc import Collection

from msgspec.structs import replace

from application.channels.forms import ChannelForm, short_email
from application.channels.messages import Message, on_one_line
from application.channels.results import SendingContext, Sent
from application.mail.letter import letter
from application.mail.names import name_in_mail, unlinked
from application.mail.server import (
    Mail,
    MailNotSentError,
    MailRefusedError,
    MailServer,
)
from domain.channel.errors import InvalidChannelError, MailNotSetUpError
from domain.email import checked_email
from domain.errors import InvalidEmailError


def _checked(address: str, allowed_hosts: Collection[str]) -> str:
    del allowed_hosts
    try:
        return checked_email(address)
    except InvalidEmailError as error:
        raise InvalidChannelError("address", error.reason) from None


FORM = ChannelForm(
    label="Email",
    field="address",
    field_label="Address",
    placeholder="team@example.com",
    guide="Mails go out by the mail server in the setting GOATHERD_SMTP_URL.",
    check=_checked,
    shown=short_email,
)


_MOST_TITLE, _MOST_DETAIL = 150, 600


def mail_of(message: Message, to: str) -> Mail:
    """Return the mail; values of details carry no link and no markup."""
    subject = on_one_line(message.title, most=_MOST_TITLE)
    organization = name_in_mail(message.organization) or "an organization"
    parts = [
        message.text,
        *(
            f"{label}: {unlinked(on_one_line(value, most=_MOST_DETAIL))}"
            for label, value in message.details
        ),
        message.link or "",
        f"Goatherd sends this to a channel of {organization}.",
    ]
    text = "\n\n".join(part for part in parts if part) + "\n"
    mail = letter(
        to,
        subject,
        text,
        action="Open in Goatherd",
        unsubscribe_url=message.unsubscribe_url,
    )
    return mail if message.html is None else replace(mail, html=message.html)


def send(context: SendingContext, address: str, message: Message) -> Sent:
    """Send a mail to the address of a channel.

    Raises:
        MailNotSetUpError: the settings name no mail server.
    """
    return deliver(context, mail_of(message, address), message)


def deliver(context: SendingContext, mail: Mail, message: Message) -> Sent:
    """Deliver the mail of a message. One that is sent twice has one Message-ID.

    Raises:
        MailNotSetUpError: the settings name no mail server.
    """
    server = MailServer.of(context.settings)
    if server is None:
        raise MailNotSetUpError
    began_at = time.monotonic()
    failed: str | None = None
    is_final = False
    try:
        server.deliver(mail, mail_id=message.id)
    except MailNotSentError as error:
        failed = f"{error.reason}."
        is_final = isinstance(error, MailRefusedError)
    return Sent(
        failed=failed,
        is_final=is_final,
        duration_ms=round((time.monotonic() - began_at) * 1_000),
    )
