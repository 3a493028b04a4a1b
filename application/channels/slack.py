"""The channel for Slack: an incoming webhook, and blocks without markup of names."""

from typing import Any

import msgspec

from application.channels.forms import ChannelForm, checked_url, short_url
from application.channels.messages import Message, on_one_line
from application.channels.results import SendingContext, Sent, posted

FORM = ChannelForm(
    label="Slack",
    field="url",
    field_label="Webhook URL",
    placeholder="https://hooks.slack.com/services/…",
    guide="In Slack: an app of yours, Incoming Webhooks, Add New Webhook to Workspace.",
    check=checked_url,
    shown=short_url,
)


# Slack's own limits are 150, 3,000 and 3,000 characters, before names are escaped.
_MOST_TITLE, _MOST_TEXT, _MOST_NOTICE = 140, 2_500, 1_000
_SIGNS = {"critical": "🔴", "warning": "🟠", "info": "🔵"}


def body_of(message: Message) -> bytes:
    """Return the JSON of an incoming webhook.

    Blocks of the type ``plain_text`` have no links, mentions and styles. The notice is
    markup, in which these begin with ``<`` and ``&`` only, so both are escaped.
    """
    sign = "🟢" if message.is_good else _SIGNS[message.severity]
    title = on_one_line(message.title, most=_MOST_TITLE)
    text = "\n".join(message.lines())[:_MOST_TEXT]
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(f"{sign} {title}")},
        *([{"type": "section", "text": _plain(text)}] if text else []),
    ]
    if message.link:
        link = f"<{escaped(message.link)}|Open in Goatherd>"
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": link}})
    notice = on_one_line(f"{sign} {title}", most=_MOST_NOTICE)
    return msgspec.json.encode(
        {"text": escaped(notice), "blocks": blocks, "unfurl_links": False}
    )


def escaped(text: str) -> str:
    """Return a text in which nothing is a link or a mention to Slack."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": escaped(text), "emoji": False}


def send(context: SendingContext, address: str, message: Message) -> Sent:
    """Post a message. Slack can't tell a message that is sent twice."""
    headers = {"content-type": "application/json"}
    return posted(context, address, body_of(message), headers)
