"""One POST to the Research API, whose errors tell whether the API may count it."""

from collections.abc import Mapping

from workers.http.tiktok_api import (
    Deadline,
    NoReplyError,
    TikTokHttp,
    TikTokReply,
    send,
)
from workers.providers.research.errors import NoAnswerError, NotSentError


def post(
    http: TikTokHttp,
    path: str,
    *,
    deadline: Deadline,
    token: str | None = None,
    fields: str | None = None,
    form: Mapping[str, str] | None = None,
    json: object = None,
) -> TikTokReply:
    """Send a form or JSON and return the reply, whatever its status.

    Raises:
        NotSentError: there was no connection, or no time left to try.
        NoAnswerError: the connection broke, the time ran out, or the body is too large
            to be an answer; then it is not read completely.
    """
    try:
        return send(
            http,
            "POST",
            path,
            deadline=deadline,
            token=token,
            params={"fields": fields} if fields else None,
            form=form,
            json=json,
        )
    except NoReplyError as error:
        kind = NoAnswerError if error.was_sent else NotSentError
        raise kind(error.verdict) from None
