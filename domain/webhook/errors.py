"""Errors of commands to webhooks."""

from domain.errors import InvalidFieldError


class InvalidWebhookUrlError(InvalidFieldError):
    """Nothing may be sent to the address; ``reason`` says why."""

    field = "url"


class InvalidWebhookTypesError(InvalidFieldError):
    """There is no such type of public events."""

    field = "types"
