"""The results of the checks of ``goatherd doctor``."""

from typing import Literal

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one check; ``advice`` says what to do if something is wrong.

    After a ``warning`` nothing is wrong yet.
    """

    check: str
    state: Literal["ok", "warning", "wrong", "skipped"]
    text: str
    advice: str | None = None


class WrongError(Exception):
    """Something is wrong; ``advice`` says what to do about it."""

    def __init__(self, text: str, *, advice: str) -> None:
        super().__init__(text)
        self.advice = advice


class WarningError(WrongError):
    """Something may go wrong soon; ``advice`` says what to do about it."""


class SkippedError(Exception):
    """A check cannot be made now; the message says why."""
