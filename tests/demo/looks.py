"""When the demo's creators are looked at, counted from the story's day 0."""

from collections.abc import Iterator

from msgspec import Struct

from tests.demo.character import Fate
from tests.demo.dice import Dice

HOUR = 3_600
DAY = 24 * HOUR

DAYS = 123
# When the recording begins: what was seen before is past.
BEGIN_DAY = 45

# Who starts the demo may look as often as it takes: there is news on the first day
# every two hours, and at these hours of the days after it.
_HOURS_BETWEEN_FIRST_LOOKS = 2
_CLOSE_DAYS = 14
_CLOSE_HOURS = (0, 11, 18)


class Look(Struct, frozen=True):
    """One visit to a creator, ``second`` counted from the story's day 0."""

    second: int
    lists: bool

    @property
    def day(self) -> int:
        """The day whose fate holds: in the quiet days, that of day 0."""
        return max(self.second, 0) // DAY


def looks_at(fate: Fate, dice: Dice) -> list[Look]:
    """Return all looks from the story's day 0 on, the first one first."""
    return sorted(_looks(fate, dice), key=lambda look: look.second)


def _looks(fate: Fate, dice: Dice) -> Iterator[Look]:
    """Look every morning, on some days in the evening, and on busy ones again."""
    for day in range(DAYS):
        if day in fate.unseen:
            continue
        if day == BEGIN_DAY:
            for hour in range(0, 24, _HOURS_BETWEEN_FIRST_LOOKS):
                yield Look(second=BEGIN_DAY * DAY + hour * HOUR, lists=True)
            continue
        morning = day * DAY + 5 * HOUR + dice.whole(0, 4_200)
        yield Look(second=morning, lists=day % fate.lists_every_days == 0)
        if day in fate.busy:
            yield Look(second=morning + 607, lists=True)
            yield Look(second=morning + 1_058, lists=True)
        if BEGIN_DAY < day < BEGIN_DAY + _CLOSE_DAYS:
            for hour in _CLOSE_HOURS:
                yield Look(second=day * DAY + hour * HOUR, lists=True)
        elif dice.chance(0.15):
            evening = day * DAY + 17 * HOUR + dice.whole(0, 4_200)
            yield Look(second=evening, lists=dice.chance(0.5))
