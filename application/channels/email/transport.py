"""Gives mails to the mail server of the settings."""

import time

from application.channels.email.template import mail_of
from application.channels.messages import Message
from application.channels.results import SendingContext, Sent
from application.mail.server import (
    Mail,
    MailNotSentError,
    MailRefusedError,
    MailServer,
)
from domain.channel.errors import MailNotSetUpError


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
