"""Posts to an incoming webhook of Slack."""

from application.channels.messages import Message
from application.channels.results import SendingContext, Sent, posted
from application.channels.slack.template import body_of


def send(context: SendingContext, address: str, message: Message) -> Sent:
    """Post a message. Slack can't tell a message that is sent twice."""
    headers = {"content-type": "application/json"}
    return posted(context, address, body_of(message), headers)
