"""Sources: whether a provider fails, and the advice for each outcome."""

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from domain.messages import Outcome
from domain.scrape.outcomes import OF_THE_SOURCE, UNOBSERVED

# The number of a source's newest runs that decide whether the source fails.
NEWEST = 20
_LEAST_FAULTS = 3

NO_SOURCE = "No source is set up, and scrapes wait: GOATHERD_PROVIDERS is not set."
CHOOSE_SOURCE = (
    "Choose one on the page Settings, Sources or in docs/sources.md, such as "
    "GOATHERD_PROVIDERS=web, and start every process again. `goatherd up --demo` plays "
    "a recording for trying."
)

NEXT: Mapping[Outcome, str] = MappingProxyType(
    {
        "ok": "Nothing: this source works.",
        "not_found": "Look for the handle on TikTok: it may be misspelt or renamed.",
        "private": "Ask the creator to make the account public.",
        "unavailable": "Check whether a browser without a login shows the account; "
        "TikTok may show it again later.",
        "blocked": "For a paid service, check the key, the credits and the "
        "subscription. For other sources, wait some hours and send fewer requests: set "
        "longer intervals and run one worker process. If TikTok also refuses a browser "
        "on this machine, it refuses the machine's address.",
        "rate_limited": "Nothing at first: scrapes wait by themselves. If it goes on, "
        "set longer intervals.",
        "transient": "Try again in some minutes, and check that this machine reaches "
        "the address.",
        "schema_changed": "Check the base URL in the settings, then look for a newer "
        "Goatherd and a newer yt-dlp.",
        "identity_changed": "Rename the creator to the account's present handle, or "
        "remove the creator and add the handle anew.",
        "not_in_recording": "Add to GOATHERD_PROVIDERS a source that asks TikTok, or "
        "set GOATHERD_RECORDINGS to a recording of this creator.",
    }
)


def failing_with(
    newest: Iterable[Outcome | None], *, retrying: Mapping[Outcome, int]
) -> Outcome | None:
    """Return a source's most frequent failure; None while the source does not fail.

    ``newest`` are the outcomes of its last ``NEWEST`` runs, and ``retrying`` counts the
    outcomes of runs that wait for another attempt. A source fails if it is at fault at
    least three times, and more often than it answers.
    """
    ended = list(newest)
    faults: Counter[Outcome] = Counter(
        {o: n for o, n in retrying.items() if o in OF_THE_SOURCE}
    )
    faults.update([o for o in ended if o is not None and o in OF_THE_SOURCE])
    if faults.total() < max(_LEAST_FAULTS, answers(ended) + 1):
        return None
    return faults.most_common(1)[0][0]


def answers(newest: Iterable[Outcome | None]) -> int:
    """Count the runs in which the source answered about the account."""
    return sum(o is not None and o not in OF_THE_SOURCE | UNOBSERVED for o in newest)
