"""Errors of commands to webhooks."""

from domain.errors import DomainError


class InvalidWebhookUrlError(DomainError):
    """Nothing may be sent to the address; ``reason`` says why."""

    field = "url"

    def __init__(self, reason: str) -> None:
        super().__init__(f"/url: {reason}")
        self._reason = reason

    @property
    def reason(self) -> str:
        return self._reason


class InvalidWebhookTypesError(DomainError):
    """There is no such type of public events."""

    field = "types"

    def __init__(self, reason: str) -> None:
        super().__init__(f"/types: {reason}")
        self._reason = reason

    @property
    def reason(self) -> str:
        return self._reason
