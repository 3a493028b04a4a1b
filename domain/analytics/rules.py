"""Rules: the number of the rules by which analytics makes numbers of events."""

from typing import Final

RULES: Final = 8
"""A change of what a number means raises it; ``analytics`` is then rebuilt."""
