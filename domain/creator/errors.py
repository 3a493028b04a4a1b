"""Errors of erased and duplicate creators."""

from uuid import UUID

from domain.errors import ConflictError, DomainError


class NotConfirmedError(DomainError):
    """An erasure must name the creator's handle, so that nobody else is erased."""

    field = "confirm"

    def __init__(self) -> None:
        super().__init__("confirm must be the creator's handle as it is now.")

    @property
    def reason(self) -> str:
        return "must be the creator's handle as it is now"


class CreatorErasedError(ConflictError):
    """The creator was erased, so no command can change it any more."""

    code = "gone"

    def __init__(self) -> None:
        super().__init__("The creator was erased, and nothing brings it back.")


class AccountInProjectError(ConflictError):
    """Another creator of the project is the same TikTok account.

    The numbers of a removed creator count in its project, too.
    """

    code = "account_in_project"

    def __init__(self, creator_id: UUID, handle: str, status: str) -> None:
        way_out = (
            f"bring @{handle} back there by adding the handle"
            if status == "removed"
            else f"go on with @{handle} there"
        )
        super().__init__(
            f"@{handle} of that project is the same account ({status}, {creator_id}): "
            f"its followers, posts and views would count twice. To track the account "
            f"there, {way_out} and remove this one, or erase @{handle} with its "
            "figures dropped and move this one then."
        )
        self.details = {"creatorId": creator_id, "tiktokHandle": handle}
