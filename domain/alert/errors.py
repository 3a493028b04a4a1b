"""Errors of commands to alerts and their rules."""

from domain.errors import ConflictError, InvalidFieldError


class InvalidConditionError(InvalidFieldError):
    """A number does not fit the type of the condition; ``reason`` says why."""

    def __init__(self, number: str, reason: str) -> None:
        super().__init__(reason, field=f"condition/{number}")


class InvalidScopeError(InvalidFieldError):
    """The condition does not have such a scope."""

    field = "scope"


class InvalidRuleChannelsError(InvalidFieldError):
    """A rule names neither the bell nor the id of a channel."""

    field = "channels"


class AlertOverError(ConflictError):
    """The alert is resolved, so that nothing is left to do about it."""

    code = "alert_over"

    def __init__(self) -> None:
        super().__init__("The alert is resolved already.")
