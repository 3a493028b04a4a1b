"""Errors of commands to videos."""

from uuid import UUID

from domain.errors import ConflictError, DomainError


class VideoElsewhereError(ConflictError):
    """The creator of the video was moved to another project, and the video with it."""

    code = "other_project"

    def __init__(self) -> None:
        super().__init__(
            "The video is in another project, where its creator was moved to."
        )


class VideoTakenError(ConflictError):
    """The video is in a project that the one who asks may not see.

    The answer is that of a taken handle, so that it says nothing of another project.
    """

    code = "handle_taken"

    def __init__(self) -> None:
        super().__init__("The account of the video is taken in this project.")


class VideoMergedError(DomainError):
    """The video was merged into the same video of a creator."""

    code = "not_found"

    def __init__(self, into_video_id: UUID) -> None:
        super().__init__(
            f"The video was merged into the video {into_video_id} of its creator."
        )
        self.details = {"mergedInto": into_video_id}
