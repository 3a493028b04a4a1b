"""Refusals of commands to videos."""

from domain.errors import ConflictError


class VideoElsewhereError(ConflictError):
    """The video is of a creator that was moved to another project."""

    code = "other_project"

    def __init__(self) -> None:
        super().__init__(
            "The video is in another project, where its creator was moved to."
        )
