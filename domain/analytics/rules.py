"""Rules: the version of the rules by which analytics makes numbers from events."""

from typing import Final

RULES: Final = 8
"""A change of a number's meaning raises it; ``analytics`` is then rebuilt."""
