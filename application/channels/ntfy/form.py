"""The field of an ntfy channel: the address of a topic."""

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from application.channels.forms import ChannelForm, checked_url, short_url
from domain.channel.errors import InvalidChannelError

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
