"""The mail about a message: plain text, and the same as HTML."""

from msgspec.structs import replace

from application.channels.messages import Message, on_one_line
from application.mail.letter import letter
from application.mail.names import name_in_mail, unlinked
from application.mail.server import Mail

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
