"""Waiting: an issue that fell due is made once everything until then is counted."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec import Struct

# An import of a project runs, or observations are not in the numbers yet.
WaitReason = Literal["import", "counting"]

# After this time an issue is made with the numbers that are there, and says so.
WITHHELD_AT_MOST: Final = timedelta(hours=2)

WAITS_FOR: Final[Mapping[WaitReason, str]] = {
    "import": "an import of its project to end",
    "counting": "the newest observations to be counted",
}


class IssueWait(Struct, frozen=True, kw_only=True):
    """An issue that fell due, and waits ``since`` a time, until another at the longest.

    ``because`` is `import` while an import of its project runs, and `counting` while
    observations are not in the numbers yet.
    """

    since: datetime
    until: datetime
    because: WaitReason


def wait_of(since: datetime | None, because: WaitReason | None) -> IssueWait | None:
    """Return the wait of an issue that began at a time, None without one."""
    if since is None or because is None:
        return None
    return IssueWait(since=since, until=since + WITHHELD_AT_MOST, because=because)
