"""Colours of projects, which the rules and drawings of their reports have."""

import re
from typing import Final

from domain.errors import DomainError

PATTERN: Final = "^#[0-9A-Fa-f]{6}$"
_COLOR: Final = re.compile(r"#[0-9A-Fa-f]{6}")


class InvalidColorError(DomainError):
    """The text is no colour of the form #RRGGBB."""

    field = "color"

    def __init__(self) -> None:
        super().__init__(f"color {self.reason}.")

    @property
    def reason(self) -> str:
        return "must be a colour such as #1D56C2: # and six digits from 0 to F"


def check_color(color: str | None) -> None:
    """Refuse what is no colour; None is no colour of one's own.

    Raises:
        InvalidColorError: the text has another form than #RRGGBB.
    """
    if color is not None and _COLOR.fullmatch(color) is None:
        raise InvalidColorError
