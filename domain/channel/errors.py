"""Errors of commands to channels."""

from domain.errors import ConflictError, InvalidFieldError


class InvalidChannelError(InvalidFieldError):
    """A field does not fit the kind of the channel; ``reason`` says why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason, field=field)


class NoContactAddressError(ConflictError):
    """No contact address of the creator is known."""

    code = "no_contact_address"
    field = "creator_id"

    def __init__(self) -> None:
        super().__init__("The creator has no contact address: set contact_email first.")


class OptedOutError(ConflictError):
    """The creator wants no mails."""

    code = "opted_out"
    field = "creator_id"

    def __init__(self) -> None:
        super().__init__("The creator has opted out of mails.")


class MailNotSetUpError(ConflictError):
    """The installation has no mail server."""

    code = "mail_not_set_up"

    def __init__(self) -> None:
        super().__init__(
            "This installation has no mail server: set GOATHERD_SMTP_URL to send mail."
        )
