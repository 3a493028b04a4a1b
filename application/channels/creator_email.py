"""The channel for mails to the creators of a project, at their contact addresses."""

from collections.abc import Collection

from application.channels.email import deliver
from application.channels.forms import ChannelForm
from application.channels.messages import Message, on_one_line
from application.channels.results import SendingContext, Sent
from application.mail.letter import letter
from application.mail.names import name_in_mail
from application.mail.server import Mail


def _checked(address: str, allowed_hosts: Collection[str]) -> str:
    del allowed_hosts
    return address


def _shown(address: str) -> str:
    del address
    return ""


FORM = ChannelForm(
    label="Email to creators",
    field=None,
    field_label="Address",
    placeholder="",
    guide="Mails go to the contact addresses of the creators of one project, by the "
    "mail server in the setting GOATHERD_SMTP_URL. Each creator can opt out. Alert "
    "rules do not take this channel.",
    check=_checked,
    shown=_shown,
)


_MOST_TITLE = 150


def mail_of(message: Message, to: str) -> Mail:
    """Return the mail; creators have no account, so it leads to no page of the team."""
    organization = name_in_mail(message.organization) or "an organization"
    parts = [
        message.text,
        *(f"{label}: {name_in_mail(value)}" for label, value in message.details),
        f"Goatherd sends this for {organization}, which has your address.",
    ]
    return letter(
        to,
        on_one_line(message.title, most=_MOST_TITLE),
        "\n\n".join(part for part in parts if part) + "\n",
        unsubscribe_url=message.unsubscribe_url,
    )


def send(context: SendingContext, address: str, message: Message) -> Sent:
    """Send a mail to the contact address of a creator.

    Raises:
        MailNotSetUpError: the settings name no mail server.
    """
    return deliver(context, mail_of(message, address), message)
