"""Attributes of the demo's posts next to their counters, such as a sound."""

import re
from hashlib import sha256

from domain.video.attributes import Sound, VideoAttributes
from tests.demo.clips import Clip

_SOUNDS = (
    ("7301000000000000011", "Alphorn at dawn", "Cleo & the Kids"),
    ("7301000000000000012", "Hay hay hay", "Nanny Bleat"),
    ("7301000000000000013", "Ridge walk (instrumental)", "The Bells"),
    ("7301000000000000014", "Cheese song", "Cleo & the Kids"),
)


def attributes_of_clip(clip: Clip, handle: str) -> VideoAttributes:
    """Return the attributes of the post itself, the same for each scrape."""
    dice = sha256(clip.tiktok_video_id.encode()).digest()
    number, title, author = _SOUNDS[dice[0] % len(_SOUNDS)]
    own = Sound(title="original sound", author=handle, original=True)
    popular = Sound(id=number, title=title, author=author, original=False)
    return VideoAttributes(
        duration_s=None if clip.photo else 7 + dice[1] % 55,
        sound=own if dice[2] % 3 == 0 else popular,
        hashtags=tuple(re.findall(r"#(\w+)", clip.title)),
        is_ad=True if dice[3] % 23 == 0 else None,
        is_pinned=True if clip.pinned else None,
    )
