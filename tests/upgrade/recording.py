"""A made-up recording of invented creators, scraped and imported by the old version.

Handles have hyphens, which TikTok does not allow: they can never be anybody's.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec

FIRST_DAY = datetime(2026, 9, 1, 6, tzinfo=UTC)
DAYS = 60
LAST_DAY = FIRST_DAY + timedelta(days=DAYS)
OTHER_ACCOUNT = "6900000000000000099"

Line = dict[str, Any]


def write_scraped(path: Path, *, days_later: int = 0) -> None:
    """Write the recording of the replay provider, observed so many days later."""
    chance = Random(46)  # noqa: S311 - the same lines at every call
    lines = [
        *_creator("alpine-ann", 1, chance, videos=4, until=30),
        # The same account under its next handle.
        *_creator("alpine-anna", 1, chance, videos=5, since=28),
        *_creator("bell-and-brook", 2, chance, videos=6),
        *_creator("cliff-hopper", 3, chance, videos=7),
        *_creator("dusty-hoof", 4, chance, videos=2),
        *_creator("echo-of-the-alm", 5, chance, videos=3),
        *_outcomes("gone-private", "private"),
        *_creator("hay-barn-hal", 6, chance, videos=2, until=24),
        *_outcomes("hay-barn-hal", "transient", since=24),
        *_creator("ibex-impostor", 7, chance, videos=2, until=24),
        *_profiles("ibex-impostor", OTHER_ACCOUNT, chance, since=24, until=DAYS),
        *_creator("kid-b", 8, chance, videos=3),
    ]
    later = timedelta(days=days_later)
    _write(
        path, [line | {"observed_at": line["observed_at"] + later} for line in lines]
    )


def write_imported(path: Path, *, handle: str, number: int) -> None:
    """Write a past of one creator, of before the recording that is played."""
    chance = Random(number)  # noqa: S311 - as above
    _write(path, _creator(handle, number, chance, videos=3, since=-45, until=-15))


def _creator(
    handle: str,
    number: int,
    chance: Random,
    *,
    videos: int,
    since: int = 0,
    until: int = DAYS,
) -> list[Line]:
    user_id = f"69000000000000000{number:02}"
    lines = _profiles(handle, user_id, chance, since=since, until=until)
    for index in range(videos):
        lines += _video(handle, number, index, chance, since=since, until=until)
    return lines


def _profiles(
    handle: str, user_id: str, chance: Random, *, since: int, until: int
) -> list[Line]:
    lines: list[Line] = []
    followers = chance.randrange(500, 90_000)
    for day in range(since, until, 3):
        followers += chance.randrange(-20, 900)
        profile: Line = {
            "user_id": user_id,
            "sec_uid": f"MS4w{user_id}",
            "display_name": handle.replace("-", " ").title() + " \N{GOAT}",
            "avatar_url": f"https://goats.example/{handle}.webp",
            "follower_count": followers,
            "following_count": 30 + day // 7,
            "total_likes_count": followers * 7,
            "video_count": 5 + day // 9,
            "precision": "exact" if followers % 2 else "rounded",
        }
        lines.append(_line(handle, day, profile=profile))
    return lines


def _video(
    handle: str, number: int, index: int, chance: Random, *, since: int, until: int
) -> list[Line]:
    lines: list[Line] = []
    posted = FIRST_DAY + timedelta(days=index * 9 - 12, hours=5)
    views = chance.randrange(0, 3_000)
    for day in range(since, until, 3):
        if FIRST_DAY + timedelta(days=day) < posted and since >= 0:
            continue
        # Counters shrink at times, and sources leave some of them out.
        views += chance.randrange(-30, 1_200)
        video: Line = {
            "tiktok_video_id": f"7460000000000{number:03}{index:03}",
            "title": f"Goat number {index} <of> {handle}",
            "kind": "photo" if index == 2 else "video",
            "posted_at": None if index == 3 else posted.isoformat(),
            "view_count": views if index != 1 or day % 2 else None,
            "like_count": views // 9,
            "comment_count": views // 70,
            "share_count": views // 200,
            "save_count": -(2**63) if index == 2 else None,
        }
        lines.append(_line(handle, day, video=video))
    return lines


def _outcomes(handle: str, outcome: str, *, since: int = 0) -> list[Line]:
    return [_line(handle, day, outcome=outcome) for day in range(since, DAYS, 3)]


def _line(handle: str, day: int, **content: object) -> Line:
    observed_at = FIRST_DAY + timedelta(days=day)
    return {"observed_at": observed_at, "handle": handle, **content}


def _write(path: Path, lines: list[Line]) -> None:
    path.write_bytes(msgspec.json.Encoder().encode_lines(lines))
