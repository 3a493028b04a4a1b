"""The description of an invented creator: its account, habits and fate.

Days are counted from the recording's first, which is day 0.
"""

from collections.abc import Mapping

from msgspec import Struct

from workers.sources.recordings.file_format import RecordedOutcome


class Account(Struct, frozen=True, kw_only=True):
    """An account as it stood on day 0."""

    user_id: str
    sec_uid: str
    display_name: str
    followers: int
    following: int
    likes: int  # on videos too old to be listed
    older_videos: int
    followers_a_day: float


class Habits(Struct, frozen=True, kw_only=True):
    """How a creator posts, and how the audience takes it.

    The numbers follow public counters of real accounts: views and the shares of
    likes, comments, shares and saves in them are log-normal, and views grow like
    ``exp(-slowness / sqrt(days since posting))``.
    """

    hours_between_posts: float
    backlog_days: int  # how long before day 0 the listed videos begin
    views: int
    spread: float
    slowness: float
    likes: float  # of the views, as are the next three
    comments: float
    shares: float
    saves: float
    photos: float  # of the posts
    new_followers: float  # of the new views
    titles: tuple[str, ...]


class Rename(Struct, frozen=True, kw_only=True):
    """A new handle for the same account, from that day on."""

    day: int
    handle: str
    display_name: str


class Fate(Struct, frozen=True, kw_only=True):
    """Things that happen to the account, or to the scrapes that look at it."""

    lists_every_days: int
    # Large numbers are cut until that day, and a total that does not fit in 32 bits is
    # left out.
    rounded_until: int = 0
    save_counts_from: int = 0
    rename: Rename | None = None
    private_from: int | None = None
    outcomes: Mapping[int, RecordedOutcome]
    unseen: frozenset[int] = frozenset()
    # Looked at three times within minutes.
    busy: frozenset[int] = frozenset()
    # The day and the views of a second wave for the newest video of that day.
    viral_on: int | None = None
    viral_views: int = 0
    partial_lists: float = 0.02
    null_views: float = 0.0
    deleted_on: int | None = None
    # A video from before TikTok, pinned: its id tells no time.
    relic: tuple[str, str] | None = None


class Character(Struct, frozen=True, kw_only=True):
    handle: str
    account: Account
    habits: Habits
    fate: Fate
