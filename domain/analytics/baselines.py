"""Baselines: the rules by which a video's first counts are not new."""

from datetime import datetime
from typing import Literal, assert_never

BaselineRule = Literal["posted_before_first_snapshot", "first_snapshot", "never"]

DEFAULT_RULE: BaselineRule = "posted_before_first_snapshot"
MEANINGS: dict[BaselineRule, str] = {
    "posted_before_first_snapshot": (
        "A video's first snapshot is a baseline if the video was posted before the "
        "first snapshot of its creator, if it has no creator, or if nobody knows when "
        "it was posted."
    ),
    "first_snapshot": (
        "A video's first snapshot is always a baseline: no count that it shows is new."
    ),
    "never": "No snapshot of a video is a baseline: everything counts from 0.",
}


def is_baseline(
    rule: BaselineRule, *, posted_at: datetime | None, earliest_at: datetime | None
) -> bool:
    """Tell whether the first snapshot of a video is a baseline.

    ``earliest_at`` is the time of the creator's first observation, None without a
    creator.
    """
    match rule:
        case "posted_before_first_snapshot":
            return posted_at is None or earliest_at is None or posted_at < earliest_at
        case "first_snapshot":
            return True
        case "never":
            return False
        case _:
            assert_never(rule)
