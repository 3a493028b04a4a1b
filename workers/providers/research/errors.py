"""The errors of requests to the Research API, each with its verdict."""

from workers.provider import (
    Blocked,
    NotFound,
    Private,
    RateLimited,
    SchemaChanged,
    Transient,
    Unavailable,
)

FailureVerdict = (
    NotFound | Private | Unavailable | Blocked | RateLimited | Transient | SchemaChanged
)


class NoAnswerError(Exception):
    """There is no data; ``verdict`` is what the provider returns."""

    def __init__(self, verdict: FailureVerdict) -> None:
        super().__init__(verdict.detail)
        self.verdict = verdict


class NotSentError(NoAnswerError):
    """The request never reached the API, so the API does not count it."""


class TokenRefusedError(NoAnswerError):
    """The access token is not valid, or not any more."""


class QuotaSpentError(NoAnswerError):
    """TikTok says that the day's quota is used up."""
