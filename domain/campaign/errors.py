"""Errors of commands to campaigns."""

from domain.errors import ConflictError


class CampaignCycleError(ConflictError):
    """The campaign to add is the campaign itself, or contains it already."""

    code = "campaign_cycle"

    def __init__(self) -> None:
        super().__init__("A campaign cannot contain itself, directly or indirectly.")


class CampaignTooDeepError(ConflictError):
    """The chain of campaigns, each in the next, would be longer than ``maximum``."""

    code = "campaign_too_deep"

    def __init__(self, maximum: int) -> None:
        super().__init__(
            f"Campaigns can lie in each other at most {maximum} deep, from top to "
            "bottom."
        )


class AlreadyMemberError(ConflictError):
    """The request names the same item twice."""

    code = "already_member"

    def __init__(self, index: int) -> None:
        super().__init__(f"It is the same item as items/{index}.")


class ItemRemovedError(ConflictError):
    """A removed creator, excluded video or deleted campaign can't join a campaign."""

    code = "item_removed"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)


class OtherProjectError(ConflictError):
    """The item belongs to another project than the campaign."""

    code = "other_project"

    def __init__(self, kind: str) -> None:
        super().__init__(f"The {kind} is in another project than the campaign.")
