"""The channel for any address that takes signed JSON, as Standard Webhooks define."""

import time

import msgspec

from application.channels.forms import ChannelForm, checked_url, short_url
from application.channels.messages import Message
from application.channels.results import SendingContext, Sent, posted
from application.webhooks.signatures import signature_headers

FORM = ChannelForm(
    label="Webhook",
    field="url",
    field_label="Address",
    placeholder="https://example.com/alerts",
    guide="It takes POST requests with JSON, signed as Standard Webhooks define.",
    check=checked_url,
    shown=short_url,
)


def body_of(message: Message) -> bytes:
    """Return JSON with the parts that Standard Webhooks name: type, timestamp, data."""
    return msgspec.json.encode(
        {
            "type": message.type,
            "timestamp": message.at,
            "data": {
                "title": message.title,
                "text": "\n".join(message.lines()),
                "link": message.link,
                "severity": message.severity,
                **message.data,
            },
        }
    )


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
