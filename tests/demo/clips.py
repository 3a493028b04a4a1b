"""Posts of the demo's creators, with counters that grow and now and then shrink."""

from math import sqrt

from msgspec import Struct

from tests.demo.character import Character, Habits
from tests.demo.dice import Dice, exp

# How likely each hour of the day (UTC) is to see a post: after noon and in the evening.
_HOURS = (2, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 2, 4, 8, 12, 12, 8, 6, 4, 4, 4, 5, 6, 4)

# In November 2017, when the app had another name.
_RELIC_POSTED = -272_111_467


class Counts(Struct, frozen=True):
    views: int
    likes: int
    comments: int
    shares: int
    saves: int


class Clip(Struct, kw_only=True):
    """One post, with the counts that it will have in the end.

    ``posted`` is in seconds from the recording's start, ``views`` is the number it
    tends to, and the ``lost`` ones were counted once and taken back.
    """

    tiktok_video_id: str
    title: str
    photo: bool
    posted: int
    views: float
    slowness: float
    likes: float
    comments: float
    shares: float
    saves: float
    wave_from: int | None = None
    wave_views: float = 0.0
    pinned: bool = False
    deleted: int | None = None
    lost_views: int = 0
    lost_likes: int = 0
    lost_comments: int = 0

    def views_at(self, second: int) -> float:
        views = self.views * _grown(second - self.posted, self.slowness)
        if self.wave_from is not None:
            views += self.wave_views * _grown(second - self.wave_from, self.slowness)
        return views

    def counts_at(self, second: int) -> Counts:
        views = self.views_at(second)
        return Counts(
            views=max(round(views) - self.lost_views, 0),
            likes=max(round(views * self.likes) - self.lost_likes, 0),
            comments=max(round(views * self.comments) - self.lost_comments, 0),
            shares=round(views * self.shares),
            saves=round(views * self.saves),
        )

    def shown_at(self, second: int) -> bool:
        gone = self.deleted is not None and self.deleted <= second
        return self.posted < second and not gone

    def lose_some(self, dice: Dice, second: int) -> None:
        """Take back a few counts, as moderation, regret and spam filters do.

        Comments fall most often, and mostly by less than a hundredth; likes and views
        far more rarely.
        """
        views = self.views_at(second)
        if dice.chance(0.05):
            self.lost_comments += 1 + int(views * self.comments * dice.between(0, 0.01))
        if dice.chance(0.01):
            self.lost_likes += 1 + int(views * self.likes * dice.between(0, 0.002))
        if dice.chance(0.003):
            self.lost_views += 1 + int(views * dice.between(0, 0.01))


def clips_of(
    character: Character, dice: Dice, *, epoch: int, seconds: int
) -> list[Clip]:
    """Post from the backlog's beginning to the recording's end, oldest first.

    ``epoch`` is the recording's start in Unix time and ``seconds`` its length.
    """
    habits, fate = character.habits, character.fate
    clips: list[Clip] = []
    posted = -habits.backlog_days * 86_400
    while True:
        hours = dice.around(habits.hours_between_posts, spread=0.7)
        posted = _at_a_likely_hour(posted + int(hours * 3600), dice)
        if posted >= seconds:
            break
        title = _title(habits, len(clips))
        clips.append(_clip(habits, dice, title=title, posted=posted, epoch=epoch))
    clips.sort(key=lambda clip: clip.posted)
    max(clips[:8], key=lambda clip: clip.views).pinned = True
    if fate.viral_on is not None:
        day = fate.viral_on * 86_400
        newest = max(clip.posted for clip in clips if clip.posted < day)
        for clip in clips:
            if clip.posted == newest:
                clip.wave_from, clip.wave_views = day, float(fate.viral_views)
    if fate.deleted_on is not None:
        clips[5].deleted = fate.deleted_on * 86_400 + 3_600
    if fate.relic:
        video_id, title = fate.relic
        relic = _clip(habits, dice, title=title, posted=_RELIC_POSTED, epoch=epoch)
        relic.tiktok_video_id, relic.pinned, relic.photo = video_id, True, False
        clips.insert(0, relic)
    return clips


def _clip(habits: Habits, dice: Dice, *, title: str, posted: int, epoch: int) -> Clip:
    # The upper half of an id is when it was made: some seconds before it is posted.
    made = epoch + posted - dice.whole(1, 18)
    return Clip(
        tiktok_video_id=str((made << 32) + dice.whole(0, 2**32 - 1)),
        title=title,
        photo=dice.chance(habits.photos),
        posted=posted,
        views=dice.around(habits.views, spread=habits.spread),
        slowness=dice.around(habits.slowness, spread=0.3),
        likes=min(dice.around(habits.likes, spread=0.5), 0.3),
        comments=dice.around(habits.comments, spread=0.9),
        shares=dice.around(habits.shares, spread=1.0),
        saves=dice.around(habits.saves, spread=0.8),
    )


def _title(habits: Habits, number: int) -> str:
    earlier, at = divmod(number, len(habits.titles))
    title = habits.titles[at]
    return f"{title} ({earlier + 1})" if title and earlier else title


def _at_a_likely_hour(second: int, dice: Dice) -> int:
    """Keep the day, and draw the time of day."""
    ticket = dice.whole(1, sum(_HOURS))
    hour = 0
    while ticket > _HOURS[hour]:
        ticket -= _HOURS[hour]
        hour += 1
    return second // 86_400 * 86_400 + hour * 3_600 + dice.whole(0, 3_599)


def _grown(age: int, slowness: float) -> float:
    """Return which part of its views a post of ``age`` seconds has.

    The daily growth falls with age to the power -1.5: with a slowness of 0.13 it is
    about 8 % on the first day, 1.5 % on the third and 0.2 % in the second week.
    """
    if age <= 0:
        return 0.0
    return exp(-slowness / sqrt(age / 86_400))
