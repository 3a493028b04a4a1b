"""The kinds of things that a removed person leaves, and the choices for each."""

from collections.abc import Mapping
from typing import Final, Literal

ThingKind = Literal["link", "view", "rule", "report", "channel", "key"]
ThingChoice = Literal["hand_over", "end", "take_out"]
# The choices for the things of a person who is removed. Their keys always end.
CHOICES: Final[Mapping[ThingKind, tuple[ThingChoice, ...]]] = {
    "link": ("hand_over", "end"),
    "view": ("hand_over", "end"),
    "rule": ("hand_over", "end"),
    "report": ("hand_over", "take_out"),
    "channel": ("end",),
    "key": (),
}
