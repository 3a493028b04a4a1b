"""Posts signed JSON."""

import time

from application.channels.messages import Message
from application.channels.results import SendingContext, Sent, posted
from application.channels.webhook.template import body_of
from application.webhooks.signatures import signature_headers


def send(context: SendingContext, address: str, message: Message) -> Sent:
    """Post a message; one that is sent twice has the same ``webhook-id``."""
    body = body_of(message)
    signed = signature_headers(
        body,
        message_id=f"msg_{message.id.hex}",
        timestamp=int(time.time()),
        secrets=context.secrets,
        signing_key=None,
    )
    headers = {"content-type": "application/json", **signed}
    # A receiver may be away or be mended, so only "gone" is an answer for good.
    return posted(context, address, body, headers, most_are_final=False)
