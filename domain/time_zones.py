"""Names of the time zones that organizations and questions may choose."""

from functools import cache
from zoneinfo import available_timezones


@cache
def time_zones() -> frozenset[str]:
    """List the names that this machine knows; its 600 files are looked up once."""
    # Debian lists this name among the zones, but it means another zone on each machine.
    return frozenset(available_timezones() - {"localtime"})
