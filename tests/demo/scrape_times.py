"""When the demo's creators are scraped, counted from the demo's day 0."""

from collections.abc import Iterator

from msgspec import Struct

from tests.demo.character import Fate
from tests.demo.dice import Dice

HOUR = 3_600
DAY = 24 * HOUR

DAYS = 123
# When the recording begins; earlier observations are imported.
BEGIN_DAY = 45

# A new user scrapes often: the recording has new observations every two hours on the
# first day, and at these hours of the days after it.
_HOURS_BETWEEN_FIRST_SCRAPES = 2
_CLOSE_DAYS = 14
_CLOSE_HOURS = (0, 11, 18)


class ScrapeTime(Struct, frozen=True):
    """The time of one scrape, in seconds from the demo's day 0."""

    second: int
    lists: bool

    @property
    def day(self) -> int:
        """The day whose fate holds: in the quiet days, that of day 0."""
        return max(self.second, 0) // DAY


def scrape_times(fate: Fate, dice: Dice) -> list[ScrapeTime]:
    """Return all times from the demo's day 0 on, in order."""
    return sorted(_scrape_times(fate, dice), key=lambda scrape: scrape.second)


def _scrape_times(fate: Fate, dice: Dice) -> Iterator[ScrapeTime]:
    """Yield one every morning, one on some evenings, and more on busy days."""
    for day in range(DAYS):
        if day in fate.unseen:
            continue
        if day == BEGIN_DAY:
            for hour in range(0, 24, _HOURS_BETWEEN_FIRST_SCRAPES):
                yield ScrapeTime(second=BEGIN_DAY * DAY + hour * HOUR, lists=True)
            continue
        morning = day * DAY + 5 * HOUR + dice.whole(0, 4_200)
        yield ScrapeTime(second=morning, lists=day % fate.lists_every_days == 0)
        if day in fate.busy:
            yield ScrapeTime(second=morning + 607, lists=True)
            yield ScrapeTime(second=morning + 1_058, lists=True)
        if BEGIN_DAY < day < BEGIN_DAY + _CLOSE_DAYS:
            for hour in _CLOSE_HOURS:
                yield ScrapeTime(second=day * DAY + hour * HOUR, lists=True)
        elif dice.chance(0.15):
            evening = day * DAY + 17 * HOUR + dice.whole(0, 4_200)
            yield ScrapeTime(second=evening, lists=dice.chance(0.5))
