"""What a check of ``goatherd doctor`` found."""

from typing import Literal

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one check; ``advice`` is what to do about what is wrong."""

    check: str
    state: Literal["ok", "wrong", "skipped"]
    text: str
    advice: str | None = None


class WrongError(Exception):
    """Something is not as it must be; ``advice`` is what to do about it."""

    def __init__(self, text: str, *, advice: str) -> None:
        super().__init__(text)
        self.advice = advice


class SkippedError(Exception):
    """A check that cannot be made now; the message says why."""
