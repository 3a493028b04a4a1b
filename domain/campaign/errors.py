"""The refusals that only commands to campaigns meet."""

from domain.errors import ConflictError


class CampaignCycleError(ConflictError):
    """The campaign is the other one, or already contains it."""

    code = "campaign_cycle"

    def __init__(self) -> None:
        super().__init__("A campaign cannot contain itself, directly or indirectly.")


class CampaignTooDeepError(ConflictError):
    """Campaigns would lie in each other in a longer chain than ``maximum``."""

    code = "campaign_too_deep"

    def __init__(self, maximum: int) -> None:
        super().__init__(
            f"Campaigns can lie in each other at most {maximum} deep, from top to "
            "bottom."
        )


class AlreadyMemberError(ConflictError):
    """The same item is named twice."""

    code = "already_member"

    def __init__(self, index: int) -> None:
        super().__init__(f"It is the same item as items/{index}.")


class ItemRemovedError(ConflictError):
    """A removed creator, excluded video or deleted campaign cannot be put anywhere."""

    code = "item_removed"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)


class OtherProjectError(ConflictError):
    """The item lies in another project than the campaign."""

    code = "other_project"

    def __init__(self, kind: str) -> None:
        super().__init__(f"The {kind} is in another project than the campaign.")
