"""The types of events that webhooks may ask for."""

from collections.abc import Sequence

from domain.feed.types import ALL, BY_NAME
from domain.webhook.errors import InvalidWebhookTypesError


def check_types(names: Sequence[str]) -> None:
    """Refuse a name that no public event has.

    Raises:
        InvalidWebhookTypesError: there is no such type.
    """
    for name in names:
        if name != ALL and name not in BY_NAME:
            raise InvalidWebhookTypesError(
                f"must be * or names of events, of which {name[:60]!r} is none"
            )
