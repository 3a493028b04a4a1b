"""Refusals that only creators know: those about erased ones."""

from domain.errors import ConflictError, DomainError


class NotConfirmedError(DomainError):
    """An erasure must name the handle of the creator, so that it is the right one."""

    field = "confirm"

    def __init__(self) -> None:
        super().__init__("confirm must be the creator's handle as it is now.")

    @property
    def reason(self) -> str:
        return "must be the creator's handle as it is now"


class HistoryInClearError(ConflictError):
    """An event from before sealing would name the person after the erasure."""

    code = "history_in_clear"

    def __init__(self) -> None:
        super().__init__(
            "Nothing is erased: events of earlier releases hold this person's data in "
            "the clear, and an erasure can't change those. Stop Goatherd, seal them "
            "with `goatherd seal-history`, and erase the person then."
        )


class CreatorErasedError(ConflictError):
    """The creator was erased; nothing can be done with it any more."""

    code = "gone"

    def __init__(self) -> None:
        super().__init__("The creator was erased, and nothing brings it back.")
