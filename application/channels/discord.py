"""The channel for Discord: a webhook, and embeds that mention nobody."""

import re
from typing import Any

import msgspec

from application.channels.forms import ChannelForm, checked_url, short_url
from application.channels.messages import Message, on_one_line
from application.channels.results import SendingContext, Sent, posted

FORM = ChannelForm(
    label="Discord",
    field="url",
    field_label="Webhook URL",
    placeholder="https://discord.com/api/webhooks/…",
    guide="In Discord: the settings of a channel, Integrations, Webhooks, New Webhook.",
    check=checked_url,
    shown=short_url,
)


# Discord's own limits are 256, 4,096 and 1,024 characters; an escape needs one more.
_MOST_TITLE, _MOST_TEXT, _MOST_DETAIL, _MOST_DETAILS = 120, 2_000, 500, 20
_COLOURS = {"critical": 0xC62828, "warning": 0xEF6C00, "info": 0x1565C0}
_GREEN = 0x2E7D32
# Signs with a meaning in Discord's markup, and colons, which make links and emoji.
_MARKUP = re.compile(r"([\\*_~`|>#\[\]()<@:-])")


def body_of(message: Message) -> bytes:
    """Return the JSON of a webhook; ``allowed_mentions`` allows none."""
    embed: dict[str, Any] = {
        "title": escaped(on_one_line(message.title, most=_MOST_TITLE)),
        "color": _GREEN if message.is_good else _COLOURS[message.severity],
        "timestamp": message.at,
        "fields": [
            {
                "name": on_one_line(label, most=_MOST_TITLE),
                "value": escaped(on_one_line(value, most=_MOST_DETAIL)) or "-",
                "inline": True,
            }
            for label, value in message.details[:_MOST_DETAILS]
        ],
    }
    if message.text:
        embed["description"] = escaped(message.text[:_MOST_TEXT])
    if message.link:
        embed["url"] = message.link
    return msgspec.json.encode({"embeds": [embed], "allowed_mentions": {"parse": []}})


def escaped(text: str) -> str:
    """Return a text in which nothing is markup to Discord."""
    return _MARKUP.sub(r"\\\1", text)


def send(context: SendingContext, address: str, message: Message) -> Sent:
    """Post a message. Discord can't tell a message that is sent twice."""
    headers = {"content-type": "application/json"}
    return posted(context, address, body_of(message), headers)
