"""The results of the checks of ``goatherd doctor``."""

from typing import Literal

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a check; ``advice`` says what to do about a problem.

    A ``warning`` is about a problem that may come.
    """

    check: str
    state: Literal["ok", "warning", "wrong", "skipped"]
    text: str
    advice: str | None = None


class WrongError(Exception):
    """A problem; ``advice`` says what to do about it."""

    def __init__(self, text: str, *, advice: str) -> None:
        super().__init__(text)
        self.advice = advice


class WarningError(WrongError):
    """A problem that may come; ``advice`` says what to do about it."""


class SkippedError(Exception):
    """A check cannot be made now; the message gives the reason."""
