"""The table of providers: a row for each, with its needs and its maker.

A provider's modules are loaded when it is made, so that a replay of recordings loads
neither httpx nor yt-dlp.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Literal

import redis
import structlog
from msgspec import Struct

from infra.database import Pool
from infra.http_out.limiter import POLITE_SECONDS, polite
from infra.http_out.shared_server import connect_fast
from infra.settings import PREFIX, Settings, SettingsError
from workers.sources.demo import DEMO_NAME, DEMO_RECORDING
from workers.sources.demo.shift_dates import days_to_shift, shifted
from workers.sources.port import Provider
from workers.sources.providers.replay import Recording, ReplayProvider
from workers.sources.recordings.file_format import read_recording

ReplayStart = Callable[[Pool, str], datetime]
PaidName = Literal["scrapecreators", "ensembledata"]

_log = structlog.get_logger()

# The replay plays a recorded day in a second. The demo follows the clock, because it
# happens now.
_SPEED = 86_400.0
_SPEED_OF_DEMO = 1.0


# The page puts the address of this installation in its place.
CALLBACK = "{callback}"
_RESTART = "Put these lines into the environment of every process, and start it again."
_FREE = "Nothing."
_UNTRIED = (
    "It was tested against a server that answers as the service describes, and never "
    "tried with the service itself: check it here before you rely on it."
)


class ProviderContext(Struct, frozen=True, kw_only=True):
    """The parts that a provider is made from.

    ``run_seconds`` is the longest time of a run, and ``replay_start`` returns the
    beginning of the replay of a recording.
    """

    settings: Settings
    pool: Pool
    run_seconds: float
    replay_start: ReplayStart


class SourceGuide(Struct, frozen=True, kw_only=True):
    """A guide to a source: steps, and ``lines`` for every process's environment.

    ``costs`` says what its provider charges for.
    """

    name: str
    what: str
    costs: str
    steps: tuple[str, ...]
    lines: tuple[str, ...]


class ProviderRow(Struct, frozen=True, kw_only=True):
    """A provider: its maker, and the guide to its setup.

    A new provider has sent no request yet. ``needs`` names the fields of ``Settings``
    without which it cannot be made. ``seconds_each`` is the time that a request takes
    from all others, null if the provider sends them at any pace.
    """

    make: Callable[[ProviderContext], Provider]
    guide: SourceGuide
    needs: tuple[str, ...] = ()
    seconds_each: float | None = None

    def lacks(self, settings: Settings) -> str | None:
        """Return the needed settings that are not set; None if all are."""
        missing = [
            f"{PREFIX}{field.upper()}"
            for field in self.needs
            if getattr(settings, field) is None
        ]
        if not missing:
            return None
        are = "is" if len(missing) == 1 else "are"
        return f"{' and '.join(missing)} {are} not set."


def make_provider(name: str, context: ProviderContext) -> Provider:
    """Return the provider of that name.

    Raises:
        SettingsError: a needed setting is missing.
        RecordingError: the recording has no readable content.
    """
    row = PROVIDERS[name]
    lacking = row.lacks(context.settings)
    if lacking is not None:
        msg = f"The provider {name} cannot serve: {lacking}"
        raise SettingsError(msg)
    return row.make(context)


def _replay(at: ProviderContext) -> Provider:
    settings, start_of = at.settings, partial(at.replay_start, at.pool)
    path = settings.recordings
    if path is None:
        return _replay_demo(settings, start_of)
    recording = Recording.load(path)
    for problem in recording.problems:
        _log.warning("recording_problem", problem=str(problem))
    return ReplayProvider(
        recording,
        started_at=start_of(str(path.resolve())),
        speed=settings.replay_speed or _SPEED,
        now=lambda: datetime.now(UTC),
    )


def _replay_demo(settings: Settings, start_of: Callable[[str], datetime]) -> Provider:
    days = days_to_shift(start_of(DEMO_NAME))
    recording = Recording(shifted(read_recording(DEMO_RECORDING), days=days))
    return ReplayProvider(
        recording,
        # The replay begins at the recording's first midnight, so that its clock is
        # ours.
        started_at=recording.starts_at,
        speed=settings.replay_speed or _SPEED_OF_DEMO,
        now=lambda: datetime.now(UTC),
    )


def _web(at: ProviderContext) -> Provider:
    from workers.sources.providers.web import SessionLimits, WebProvider

    return WebProvider(
        at.settings.web_base_url,
        politeness=polite(_shared_server(at.settings)),
        limits=SessionLimits(run_seconds=at.run_seconds),
    )


def _research(at: ProviderContext) -> Provider:
    from workers.sources.providers.research import open_research

    settings = at.settings
    key, secret = settings.research_client_key, settings.research_client_secret
    assert key is not None, "the table says that it is needed"
    assert secret is not None, "the table says that it is needed"
    return open_research(
        base_url=settings.research_base_url,
        client_key=key,
        client_secret=secret,
        server=_shared_server(settings),
        processes=settings.worker_processes,
        patience=at.run_seconds,
    )


def _paid(name: PaidName, at: ProviderContext) -> Provider:
    from workers.sources.providers.paid.ensembledata import open_ensembledata
    from workers.sources.providers.paid.scrapecreators import open_scrapecreators
    from workers.sources.providers.paid.session import paid_limits

    opens = {
        "scrapecreators": open_scrapecreators,
        "ensembledata": open_ensembledata,
    }
    key: str | None = getattr(at.settings, f"{name}_api_key")
    assert key is not None, "the table says that it is needed"
    return opens[name](
        base_url=getattr(at.settings, f"{name}_base_url"),
        api_key=key,
        limits=paid_limits(at.run_seconds),
    )


def _display(at: ProviderContext) -> Provider:
    from infra.eventstore.store import Store
    from workers.sources.providers.display import open_display

    return open_display(
        Store(at.pool, at.settings),
        at.settings,
        server=_shared_server(at.settings),
        patience=at.run_seconds,
    )


def _shared_server(settings: Settings) -> redis.Redis | None:
    """Return a client of the server that all workers share; None if there is none."""
    return connect_fast(settings.redis_url) if settings.redis_url else None


def _display_guide() -> SourceGuide:
    prefix = "GOATHERD_" + "DISPLAY"
    return SourceGuide(
        name="Connected accounts",
        what="Reads, by TikTok's own API, the data that creators who connected their "
        "accounts allow.",
        costs=_FREE,
        steps=(
            (
                "Register an app at developers.tiktok.com, with Login Kit and the "
                "Display API, and the scopes user.info.basic, user.info.profile, "
                "user.info.stats and video.list."
            ),
            (
                f"Register this redirect address, to the letter: {CALLBACK}. TikTok "
                "accepts https addresses only."
            ),
            (
                "Until TikTok has reviewed the app and its scopes, its sandbox works "
                "with the test accounts that you name there."
            ),
            _RESTART,
            "Then make a link in a creator's settings, and send it to the creator.",
            _UNTRIED,
        ),
        lines=(
            "GOATHERD_PROVIDERS=display,web",
            f"{prefix}_CLIENT_KEY=...",
            f"{prefix}_CLIENT_SECRET=...",
            f"{prefix}_REDIRECT_URL={CALLBACK}",
        ),
    )


def _paid_guide(name: str, *, costs: str, provider: str, key: str) -> SourceGuide:
    prefix = f"GOATHERD_{provider.upper()}"
    return SourceGuide(
        name=name,
        what="A paid service that reads TikTok for you.",
        costs=costs,
        steps=(
            f"Make an account at {name}, read its terms and TikTok's, and copy {key}.",
            (
                "Set a daily budget, so that no mistake costs more, and the price of a "
                "request in your plan."
            ),
            _RESTART,
            _UNTRIED,
        ),
        lines=(
            f"GOATHERD_PROVIDERS=web,{provider}",
            f"{prefix}_API_KEY=...",
            f"{prefix}_DAILY_BUDGET=1000",
            f'{prefix}_PRICE="0.002 USD"',
        ),
    )


PROVIDERS = MappingProxyType(
    {
        "replay": ProviderRow(
            guide=SourceGuide(
                name="Recording",
                what="Plays a recording. TikTok is not asked.",
                costs=_FREE,
                steps=(
                    (
                        "The demo needs nothing. For a recording of your own, name its "
                        "file or folder."
                    ),
                    _RESTART,
                ),
                lines=("GOATHERD_PROVIDERS=replay", "GOATHERD_RECORDINGS=mine.jsonl"),
            ),
            make=_replay,
        ),
        "web": ProviderRow(
            guide=SourceGuide(
                name="Public pages",
                what="Reads TikTok's public pages, as a stranger would.",
                costs=_FREE,
                steps=(
                    (
                        "Read TikTok's terms and docs/sources.md, “web”: you may not "
                        "be allowed to use it, and TikTok may refuse its requests at "
                        "any time."
                    ),
                    _RESTART,
                    _UNTRIED,
                ),
                lines=("GOATHERD_PROVIDERS=web",),
            ),
            make=_web,
            seconds_each=POLITE_SECONDS,
        ),
        "research": ProviderRow(
            guide=SourceGuide(
                name="Research API",
                what="For researchers to whom TikTok gave access.",
                costs=_FREE,
                steps=(
                    (
                        "Apply for the Research API at developers.tiktok.com; "
                        "creators, advertisers and companies are not eligible."
                    ),
                    "Copy the client key and the client secret of your project.",
                    _RESTART,
                    _UNTRIED,
                ),
                lines=(
                    "GOATHERD_PROVIDERS=research",
                    "GOATHERD_RESEARCH_CLIENT_KEY=...",
                    "GOATHERD_RESEARCH_CLIENT_SECRET=...",
                ),
            ),
            make=_research,
            needs=("research_client_key", "research_client_secret"),
        ),
        "scrapecreators": ProviderRow(
            guide=_paid_guide(
                "ScrapeCreators",
                costs="A credit for each request, bought in advance.",
                provider="scrapecreators",
                key="the API key",
            ),
            make=partial(_paid, "scrapecreators"),
            needs=("scrapecreators_api_key",),
        ),
        "ensembledata": ProviderRow(
            guide=_paid_guide(
                "EnsembleData",
                costs="A subscription with units a day. A request takes a unit, and "
                "one for a list of videos up to five.",
                provider="ensembledata",
                key="the token",
            ),
            make=partial(_paid, "ensembledata"),
            needs=("ensembledata_api_key",),
        ),
        "display": ProviderRow(
            guide=_display_guide(),
            make=_display,
            needs=(
                "display_client_key",
                "display_client_secret",
                "display_redirect_url",
            ),
        ),
    }
)
