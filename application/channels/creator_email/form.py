"""The form of a channel for creators: it has no address, and needs a project."""

from collections.abc import Collection

from application.channels.forms import ChannelForm


def _checked(address: str, allowed_hosts: Collection[str]) -> str:
    del allowed_hosts
    return address


def _shown(address: str) -> str:
    del address
    return ""


FORM = ChannelForm(
    label="Email to creators",
    field=None,
    field_label="Address",
    placeholder="",
    guide="Mails go to the contact addresses of the creators of one project, by the "
    "mail server in the setting GOATHERD_SMTP_URL. Each creator can opt out. Alert "
    "rules do not take this channel.",
    check=_checked,
    shown=_shown,
)
