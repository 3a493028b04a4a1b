"""The meaning of each source, and the steps that set it up, as the page shows them."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct


class SourceGuide(Struct, frozen=True, kw_only=True):
    """A source in words; ``lines`` go into the environment of every process."""

    name: str
    what: str
    steps: tuple[str, ...]
    lines: tuple[str, ...]


# The page puts the address of this installation in its place.
CALLBACK = "{callback}"
_RESTART = "Put these lines into the environment of every process, and start it again."
_UNTRIED = (
    "It was tested against a server that answers as the service describes, and never "
    "tried with the service itself: check it here before you rely on it."
)


def _display() -> SourceGuide:
    prefix = "GOATHERD_" + "DISPLAY"
    return SourceGuide(
        name="Connected accounts",
        what="Reads, by TikTok's own API, the data that creators who connected their "
        "accounts allow.",
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


def _service(name: str, *, what: str, provider: str, key: str) -> SourceGuide:
    prefix = f"GOATHERD_{provider.upper()}"
    return SourceGuide(
        name=name,
        what=what,
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


GUIDES: Mapping[str, SourceGuide] = MappingProxyType(
    {
        "replay": SourceGuide(
            name="Recording",
            what="Plays a recording. TikTok is not asked.",
            steps=(
                (
                    "The demo needs nothing. For a recording of your own, name its "
                    "file or folder."
                ),
                _RESTART,
            ),
            lines=("GOATHERD_PROVIDERS=replay", "GOATHERD_RECORDINGS=mine.jsonl"),
        ),
        "web": SourceGuide(
            name="Public pages",
            what="Reads TikTok's public pages, as a stranger would.",
            steps=(
                (
                    "Read TikTok's terms and docs/sources.md, “web”: you may not be "
                    "allowed to use it, and TikTok may refuse its requests at any "
                    "time."
                ),
                _RESTART,
                _UNTRIED,
            ),
            lines=("GOATHERD_PROVIDERS=web",),
        ),
        "research": SourceGuide(
            name="Research API",
            what="For researchers to whom TikTok gave access.",
            steps=(
                (
                    "Apply for the Research API at developers.tiktok.com; creators, "
                    "advertisers and companies are not eligible."
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
        "display": _display(),
        "scrapecreators": _service(
            "ScrapeCreators",
            what="A paid service that reads TikTok for you.",
            provider="scrapecreators",
            key="the API key",
        ),
        "ensembledata": _service(
            "EnsembleData",
            what="A paid service that reads TikTok for you.",
            provider="ensembledata",
            key="the token",
        ),
    }
)
