"""Sources: which providers there are, and whether the settings let them serve."""

from typing import get_args, get_type_hints

from msgspec import Struct

from infra.settings import Settings

PROVIDERS: tuple[str, ...] = get_args(get_type_hints(Settings)["provider"])
# TikTok's own limit, which cannot be chosen.
_DAILY_BUDGETS = {"research": 1_000}


class SourceSetting(Struct, frozen=True, kw_only=True):
    """What the settings say of a provider.

    ``is_configured``: scrapes ask it. ``why_not`` says why it cannot serve, null if it
    can. ``daily_budget`` is in requests, null where there is no limit.
    """

    provider: str
    is_configured: bool
    why_not: str | None
    daily_budget: int | None


def source_settings(settings: Settings) -> list[SourceSetting]:
    """Return what the settings say of each provider, the one that is asked first."""
    found = [
        SourceSetting(
            provider=name,
            is_configured=name == settings.provider,
            why_not=_lacks(settings, name),
            daily_budget=_DAILY_BUDGETS.get(name),
        )
        for name in PROVIDERS
    ]
    return sorted(found, key=lambda source: not source.is_configured)


def _lacks(settings: Settings, name: str) -> str | None:
    recordings = settings.recordings
    if name == "replay" and recordings is not None and not recordings.exists():
        return "GOATHERD_RECORDINGS names a file or folder that is not there."
    if name == "research":
        needed = {
            "GOATHERD_RESEARCH_CLIENT_KEY": settings.research_client_key,
            "GOATHERD_RESEARCH_CLIENT_SECRET": settings.research_client_secret,
        }
        missing = [variable for variable, value in needed.items() if value is None]
        if missing:
            are = "is" if len(missing) == 1 else "are"
            return f"{' and '.join(missing)} {are} not set."
    return None
