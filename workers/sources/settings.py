"""The settings of sources: the providers, and whether each of them can serve."""

from msgspec import Struct

from infra.settings import Settings
from workers.sources.table import PROVIDERS


class SourceSetting(Struct, frozen=True, kw_only=True):
    """The settings of a provider.

    ``is_configured`` says that scrapes ask it. ``why_not`` says why it cannot serve,
    null if it can. ``daily_budget`` is in requests, null if there is no limit.
    """

    provider: str
    is_configured: bool
    why_not: str | None
    daily_budget: int | None


def source_settings(settings: Settings) -> list[SourceSetting]:
    """Return the settings of each provider, in the order they are asked."""
    in_use = settings.providers
    others = [name for name in PROVIDERS if name not in in_use]
    return [
        SourceSetting(
            provider=name,
            is_configured=name in in_use,
            why_not=_lacks(settings, name),
            daily_budget=settings.daily_budget(name),
        )
        for name in [*in_use, *others]
    ]


def _lacks(settings: Settings, name: str) -> str | None:
    recordings = settings.recordings
    if name == "replay" and recordings is not None and not recordings.exists():
        return "GOATHERD_RECORDINGS names a file or folder that is not there."
    return PROVIDERS[name].lacks(settings)
