"""A flag of the process that is shutting down, so that streaming answers end."""


class Shutdown:
    """A flag that the signal handlers set and long answers check."""

    def __init__(self) -> None:
        self.has_begun = False

    def begin(self) -> None:
        """Ask streaming answers to end."""
        self.has_begun = True


SHUTDOWN = Shutdown()
"""The shutdown of this process."""
