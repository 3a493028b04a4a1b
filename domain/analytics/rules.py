"""Rules: the version of the rules by which analytics makes numbers from events."""

from typing import Final

RULES: Final = 10
"""A change of a number's meaning raises it; ``analytics`` is then rebuilt.

With version 10 what is new in a range is unknown while nothing was seen again in it.
Version 9 has the numbers of 8: the rebuild removes sounds of persons who were erased
before rows of erased videos lost them.
"""
