"""Errors of commands to channels."""

from domain.errors import ConflictError, DomainError


class InvalidChannelError(DomainError):
    """A field does not fit the kind of the channel; ``reason`` says why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"/{field}: {reason}")
        self.field = field
        self._reason = reason

    @property
    def reason(self) -> str:
        return self._reason


class MailNotSetUpError(ConflictError):
    """The installation has no mail server."""

    code = "mail_not_set_up"

    def __init__(self) -> None:
        super().__init__(
            "This installation has no mail server: set GOATHERD_SMTP_URL to send mail."
        )
