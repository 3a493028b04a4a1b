"""The channel for ntfy: a topic, and headers that no name can break out of."""

import re
from base64 import b64encode
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import urlsplit

from application.channels.forms import ChannelForm, checked_url, short_url
from application.channels.messages import Message, on_one_line
from application.channels.results import SendingContext, Sent, posted
from domain.channel.errors import InvalidChannelError
from domain.messages import Severity

_TOPIC = re.compile(r"/[-_A-Za-z0-9]{1,64}\Z")


def _checked(url: str, allowed_hosts: Collection[str]) -> str:
    url = checked_url(url, allowed_hosts)
    if not _TOPIC.match(urlsplit(url).path):
        reason = "must end with a topic, as https://ntfy.sh/my-topic does"
        raise InvalidChannelError("url", reason)
    return url


FORM = ChannelForm(
    label="ntfy",
    field="url",
    field_label="Address of the topic",
    placeholder="https://ntfy.sh/my-topic",
    guide="Everybody who knows the name of a public topic can read it: choose one that "
    "nobody guesses, or a server of yours with a token (?auth=…).",
    check=_checked,
    shown=short_url,
)


# A longer text becomes a file that is attached.
_MOST_BYTES: Final = 4_000
_MOST_TITLE: Final = 200
_PRIORITIES: Final[Mapping[Severity, str]] = {
    "critical": "5",
    "warning": "4",
    "info": "3",
}
_TAGS: Final[Mapping[Severity, str]] = {
    "critical": "rotating_light",
    "warning": "warning",
    "info": "information_source",
}


def headers_of(message: Message) -> dict[str, str]:
    """Return the headers: title, priority, tags, and the page to open."""
    headers = {
        "content-type": "text/plain; charset=utf-8",
        "title": in_header(on_one_line(message.title, most=_MOST_TITLE)),
        "priority": "2" if message.is_good else _PRIORITIES[message.severity],
        "tags": "white_check_mark" if message.is_good else _TAGS[message.severity],
    }
    if message.link:
        headers["click"] = in_header(message.link)
    return headers


def text_of(message: Message) -> bytes:
    """Return the text; a message without one repeats its title."""
    text = "\n".join(message.lines()) or message.title
    return text.encode()[:_MOST_BYTES].decode(errors="ignore").encode()


def in_header(text: str) -> str:
    """Return a text as a header can have it.

    A word of RFC 2047, which ntfy reads, has any character and no end of line.
    """
    if text.isascii() and text.isprintable() and not text.startswith("=?"):
        return text
    return f"=?UTF-8?B?{b64encode(text.encode()).decode()}?="


def send(context: SendingContext, address: str, message: Message) -> Sent:
    """Post a message. ntfy can't tell a message that is sent twice."""
    return posted(context, address, text_of(message), headers_of(message))
