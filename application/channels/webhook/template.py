"""The body of a message for programs."""

import msgspec

from application.channels.messages import Message


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
