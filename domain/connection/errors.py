"""Errors of a consent that does not connect the creator."""

from collections.abc import Sequence

from domain.errors import ConflictError


class ScopeMissingError(ConflictError):
    """The consent allows too little; ``scopes`` are the missing ones."""

    code = "consent_refused"

    def __init__(self, scopes: Sequence[str]) -> None:
        super().__init__(f"The consent leaves out {', '.join(scopes)}.")
        self.scopes = tuple(scopes)


class OtherHandleError(ConflictError):
    """The account that consents has another handle than the creator.

    It may be the account of somebody else, or the creator's under a new handle.
    """

    code = "consent_refused"

    def __init__(self, *, handle: str, known: str) -> None:
        super().__init__(f"The account that consents is @{handle}, not @{known}.")
        self.handle = handle
        self.known = known


class ConnectedElsewhereError(ConflictError):
    """Another creator of the project is connected with this account."""

    code = "consent_refused"

    def __init__(self) -> None:
        super().__init__(
            "Another creator of the project is connected with this account."
        )
