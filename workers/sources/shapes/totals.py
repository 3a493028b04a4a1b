"""Reads an account's four counters from the two places where pages have them."""

from msgspec import Struct
from msgspec.structs import replace

from domain.events import Precision
from workers.sources.shapes.json_values import Count, count_of, within

# Above this number the sum of likes may have passed 2**31. The older place then shows
# it modulo 2**32, which can look like any number.
_LIKES_MAY_WRAP_ABOVE = 10_000_000


class Totals(Struct, frozen=True, kw_only=True):
    """The counters of an account; ``exact`` only if every counter is."""

    followers: int | None
    following: int | None
    likes: int | None
    videos: int | None
    precision: Precision


def totals_of(*, exact: object, rounded: object) -> Totals | None:
    """Return the counters, from ``exact`` (statsV2) if it has them.

    None means that no counter can be read.
    """
    followers = _total("followerCount", exact, rounded)
    following = _total("followingCount", exact, rounded)
    videos = _total("videoCount", exact, rounded)
    likes = _likes(exact) or _unwrapped_likes(rounded, followers)
    counts = [count for count in (followers, following, likes, videos) if count]
    if not counts:
        return None
    return Totals(
        followers=followers.value if followers else None,
        following=following.value if following else None,
        likes=likes.value if likes else None,
        videos=videos.value if videos else None,
        precision="rounded" if any(count.rounded for count in counts) else "exact",
    )


def _total(name: str, exact: object, rounded: object) -> Count | None:
    if count := count_of(within(exact, name)):
        return count
    count = count_of(within(rounded, name))
    return replace(count, rounded=True) if count else None


def _likes(stats: object) -> Count | None:
    """Return the likes, which are sent twice; None if the two numbers differ."""
    likes_read = {
        count
        for name in ("heartCount", "heart")
        if (count := count_of(within(stats, name)))
    }
    likes = likes_read.pop() if len(likes_read) == 1 else None
    return likes if likes and likes.value >= 0 else None


def _unwrapped_likes(stats: object, followers: Count | None) -> Count | None:
    if followers is None or followers.value > _LIKES_MAY_WRAP_ABOVE:
        return None
    likes = _likes(stats)
    return replace(likes, rounded=True) if likes else None
