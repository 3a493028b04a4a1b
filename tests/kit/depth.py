"""The depth of tests that draw or repeat: all of it in ``make full``, else a part."""

import os

IS_FULL = "GOATHERD_TEST_FULL" in os.environ
_PART = 4


def part_of(number: int) -> int:
    """Return how many of so many examples or rounds this run tries: a quarter.

    ``make full`` tries all of them.
    """
    return number if IS_FULL else max(1, number // _PART)
