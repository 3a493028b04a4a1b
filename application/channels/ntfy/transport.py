"""Posts to a topic of ntfy."""

from application.channels.messages import Message
from application.channels.ntfy.template import headers_of, text_of
from application.channels.results import SendingContext, Sent, posted


def send(context: SendingContext, address: str, message: Message) -> Sent:
    """Post a message. ntfy can't tell a message that is sent twice."""
    return posted(context, address, text_of(message), headers_of(message))
