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
    """There is no data; ``verdict`` is what to answer to whoever asked."""

    def __init__(self, verdict: FailureVerdict) -> None:
        super().__init__(verdict.detail)
        self.verdict = verdict


class NotSentError(NoAnswerError):
    """The request never reached the API, which therefore does not count it."""


class TokenRefusedError(NoAnswerError):
    """The access token is not, or no longer, good."""


class QuotaSpentError(NoAnswerError):
    """TikTok says that the day's quota is used up."""
