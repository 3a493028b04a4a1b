"""Errors of commands to alerts and their rules."""

from domain.errors import ConflictError, DomainError


class InvalidConditionError(DomainError):
    """A number does not fit the type of the condition; ``reason`` says why."""

    def __init__(self, number: str, reason: str) -> None:
        self.field = f"condition/{number}"
        super().__init__(f"/{self.field}: {reason}")
        self._reason = reason

    @property
    def reason(self) -> str:
        return self._reason


class InvalidScopeError(DomainError):
    """The condition does not have such a scope."""

    field = "scope"

    def __init__(self, reason: str) -> None:
        super().__init__(f"/scope: {reason}")
        self._reason = reason

    @property
    def reason(self) -> str:
        return self._reason


class InvalidRuleChannelsError(DomainError):
    """A rule names neither the bell nor the id of a channel."""

    field = "channels"

    def __init__(self, reason: str) -> None:
        super().__init__(f"/channels: {reason}")
        self._reason = reason

    @property
    def reason(self) -> str:
        return self._reason


class AlertOverError(ConflictError):
    """The alert is resolved, so that nothing is left to do about it."""

    code = "alert_over"

    def __init__(self) -> None:
        super().__init__("The alert is resolved already.")
