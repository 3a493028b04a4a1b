"""The table of kinds of channels: the form and the transport of each."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from application.channels import (
    creator_email,
    discord,
    email,
    ntfy,
    slack,
    webhook,
)
from application.channels.forms import ChannelForm
from application.channels.results import Transport
from domain.channel.errors import InvalidChannelError
from domain.channel.events import ChannelKind


class KindOfChannel(Struct, frozen=True):
    form: ChannelForm
    send: Transport


KINDS: Final[Mapping[ChannelKind, KindOfChannel]] = MappingProxyType(
    {
        "email": KindOfChannel(email.FORM, email.send),
        "slack": KindOfChannel(slack.FORM, slack.send),
        "discord": KindOfChannel(discord.FORM, discord.send),
        "ntfy": KindOfChannel(ntfy.FORM, ntfy.send),
        "webhook": KindOfChannel(webhook.FORM, webhook.send),
        "creator_email": KindOfChannel(creator_email.FORM, creator_email.send),
    }
)


def checked_address(
    kind: ChannelKind,
    *,
    url: str | UnsetType | None,
    address: str | UnsetType | None,
    allowed_hosts: Collection[str],
) -> str | None:
    """Return the address of a channel from the field that its kind has; None without.

    Raises:
        InvalidChannelError: the address is in the wrong field, or is not valid.
        InvalidWebhookUrlError: nothing may be posted there.
    """
    form = KINDS[kind].form
    given = {"url": url or UNSET, "address": address or UNSET}
    for name, value in given.items():
        if value is not UNSET and name != form.field:
            has = form.field or "no address of its own"
            reason = f"must not be set: a channel for {form.label} has {has}"
            raise InvalidChannelError(name, reason)
    chosen = UNSET if form.field is None else given[form.field]
    return None if chosen is UNSET else form.check(chosen, allowed_hosts)
