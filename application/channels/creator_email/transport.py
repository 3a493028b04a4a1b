"""Gives mails to creators to the mail server of the settings."""

from application.channels.creator_email.template import mail_of
from application.channels.email.transport import deliver
from application.channels.messages import Message
from application.channels.results import SendingContext, Sent


def send(context: SendingContext, address: str, message: Message) -> Sent:
    """Send a mail to the contact address of a creator.

    Raises:
        MailNotSetUpError: the settings name no mail server.
    """
    return deliver(context, mail_of(message, address), message)
