"""The account of an answer: the requested handle, and the account that was found."""

from domain.creator.handle import normalize_handle
from domain.errors import InvalidHandleError
from domain.scrape.verdicts import (
    NotFound,
    another_account,
)
from infra.http_out.refusals import RefusedError
from workers.sources.port import Target
from workers.sources.shapes.web import SeenAccount


def requested_handle(target: Target) -> str:
    """Return the handle in a form that is safe in an address.

    Raises:
        RefusedError: no account can have this handle.
    """
    try:
        return normalize_handle(target.handle)
    except InvalidHandleError:
        raise RefusedError(NotFound("That is not a handle.")) from None


def refuse_another_account(
    account: SeenAccount, target: Target, *, handle: str
) -> None:
    """Check that the account is the requested one.

    Raises:
        RefusedError: the account is another one.
    """
    known = target.user_id
    # Without a known id, only the handle identifies the creator.
    is_theirs = known == account.user_id if known else handle == account.handle.lower()
    if not is_theirs:
        raise RefusedError(another_account(handle, found=account.user_id, known=known))
