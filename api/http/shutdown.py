"""Whether the process is about to end, for answers that would go on for ever."""


class Ending:
    """Says that it is time to come to an end; told by whoever hears the signals."""

    def __init__(self) -> None:
        self.has_begun = False

    def begin(self) -> None:
        """Let everything that asks end soon."""
        self.has_begun = True


ENDING = Ending()
"""The ending of this process."""
