"""The field of an email channel: the address of a mailbox."""

from collections.abc import Collection

from application.channels.forms import ChannelForm, short_email
from domain.channel.errors import InvalidChannelError
from domain.email import checked_email
from domain.errors import InvalidEmailError


def _checked(address: str, allowed_hosts: Collection[str]) -> str:
    del allowed_hosts
    try:
        return checked_email(address)
    except InvalidEmailError as error:
        raise InvalidChannelError("address", error.reason) from None


FORM = ChannelForm(
    label="Email",
    field="address",
    field_label="Address",
    placeholder="team@example.com",
    guide="Mails go out by the mail server in the setting GOATHERD_SMTP_URL.",
    check=_checked,
    shown=short_email,
)
