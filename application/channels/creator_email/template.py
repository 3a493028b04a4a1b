"""The mail to a creator: plain text and HTML, with the link by which they opt out."""

from application.channels.messages import Message, on_one_line
from application.mail.letter import letter
from application.mail.names import name_in_mail
from application.mail.server import Mail

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
