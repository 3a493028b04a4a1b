"""Posts to a webhook of Discord."""

from application.channels.discord.template import body_of
from application.channels.messages import Message
from application.channels.results import SendingContext, Sent, posted


def send(context: SendingContext, address: str, message: Message) -> Sent:
    """Post a message. Discord can't tell a message that is sent twice."""
    headers = {"content-type": "application/json"}
    return posted(context, address, body_of(message), headers)
