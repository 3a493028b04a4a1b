"""Turns: which older videos a scrape lists, so that each is read again within days."""

from datetime import datetime, timedelta

import msgspec

from domain.messages import Trigger

# The size of a list's page, and the pages that each run lists.
PAGE_VIDEOS = 15
NEWEST_PAGES = 2
# Single videos take no more requests than the profile and these pages.
FEW_VIDEOS = 1 + NEWEST_PAGES

# A day is a turn. Runs come every six hours or so, so a turn may begin that much early:
# otherwise each one would wait for the run after its time.
_TURN = timedelta(days=1)
_EARLY = timedelta(hours=6)
# After an outage the turns that were not taken do not come all at once.
MOST_OWED = 5


class OlderVideos(msgspec.Struct, frozen=True, kw_only=True):
    """The older videos that a run listed, after the newest ones.

    It listed those posted down to ``until``, or to the end of the list if that is null.
    """

    until: datetime | None = None


class ListTurn(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a creator's videos that a run lists: the newest, and older ones.

    The older ones begin below the time of posting ``older_than``, or right after the
    newest ones if that is null. ``older_pages`` is their number of pages, null for all
    of them.
    """

    older_than: datetime | None = None
    older_pages: int | None = None


WHOLE_LIST = ListTurn()


class TurnState(msgspec.Struct, frozen=True, kw_only=True):
    """How far the turns of a creator's older videos have come.

    ``is_complete`` says that the list was read to its end before. ``turned_at`` is the
    time of the last run that listed older videos, and the next one begins below the
    time of posting ``older_than``, or after the newest videos if that is null.
    """

    is_complete: bool = False
    turned_at: datetime | None = None
    older_than: datetime | None = None

    def after(self, older: OlderVideos, *, observed_at: datetime) -> "TurnState":
        """Return the state after a run that listed older videos."""
        return TurnState(
            is_complete=self.is_complete or older.until is None,
            turned_at=observed_at,
            older_than=older.until,
        )


def next_turn(state: TurnState, *, trigger: Trigger, now: datetime) -> ListTurn:
    """Return what a run lists.

    A run that somebody waits for lists all videos. Scheduled runs continue a list that
    was never read to its end, and then list a page of older videos each day.
    """
    if trigger != "scheduled":
        return WHOLE_LIST
    if not state.is_complete:
        return ListTurn(older_than=state.older_than)
    since = _TURN if state.turned_at is None else now - state.turned_at
    owed = (since + _EARLY) // _TURN
    return ListTurn(
        older_than=state.older_than, older_pages=max(0, min(owed, MOST_OWED))
    )
