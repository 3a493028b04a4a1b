"""The checks of ``goatherd doctor`` whether creators are scraped with success."""

from datetime import UTC, datetime, timedelta

from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli.doctor.results import WarningError, WrongError
from domain.phrases import counted, counted_are
from domain.scrape.capacity import Capacity
from domain.scrape.costs import is_nearly_spent
from domain.scrape.outcomes import KEEPS_FAILING
from domain.scrape.sources import CHOOSE_SOURCE, NEXT, NO_SOURCE
from infra.settings import Settings
from projections.scrape_runs.sources import source_activity
from workers.schedule.load import capacities, oldest_counts_at

_FAILING = """
WITH failing AS (
    SELECT id, tiktok_handle, kind ->> 'job_type' AS job_type,
           kind ->> 'last_outcome' AS outcome
    FROM creator_list, jsonb_array_elements(failing_kinds) AS kind
    WHERE failing_since IS NOT NULL AND status = 'active' AND failed_scrapes >= %s
)
SELECT (SELECT count(DISTINCT id) FROM failing), job_type, outcome, min(tiktok_handle)
FROM failing GROUP BY job_type, outcome
ORDER BY count(*) DESC, job_type, outcome LIMIT 1
"""


def check_creators(connection: Connection[TupleRow]) -> str:
    """Check that no active creator keeps failing.

    Raises:
        WrongError: three scrapes or more of a creator failed since the last success of
            their kind.
    """
    row = connection.execute(_FAILING, (KEEPS_FAILING,)).fetchone()
    if row is None:
        return f"No creator's scrapes failed {KEEPS_FAILING} times in a row."
    failing, job_type, outcome, handle = row
    how = "given up without an answer" if outcome is None else outcome
    advice = (
        "Read the reason in the log of the workers."
        if outcome is None
        else NEXT[outcome]
    )
    raise WrongError(
        f"{counted_are(failing, 'creator')} not scraped completely: {KEEPS_FAILING} "
        "scrapes or more failed since the last success of their kind; mostly "
        f"{job_type} as {how}, for example those of @{handle}.",
        advice=f"{advice} The page Creators, Failing lists all of them.",
    )


def check_capacity(connection: Connection[TupleRow], settings: Settings) -> str:
    """Check that the schedule needs fewer requests than the sources may get.

    Raises:
        WarningError: it needs 80 % of them or more.
    """
    found = capacities(connection, settings)
    if not found:
        return "The source that scrapes use first has no pace of its own."
    oldest = oldest_counts_at(connection)
    age = "no video has counts yet"
    if oldest is not None:
        hours = (datetime.now(UTC) - oldest) // timedelta(hours=1)
        age = f"the oldest counts are {_age(hours)} old"
    sentences = [f"{_in_words(name, one)}; {age}." for name, one in found.items()]
    if any(one.is_nearly_used for one in found.values()):
        raise WarningError(
            " ".join(sentences),
            advice="Set longer intervals on the page Settings, disable creators, let "
            "creators connect their accounts (display), or add a paid source before "
            "this one. Above 100 % scrapes come later than the schedule says.",
        )
    return " ".join(sentences)


def _age(hours: int) -> str:
    if hours < 1:
        return "less than an hour"
    return counted(hours, "hour") if hours < 2 * 24 else counted(hours // 24, "day")


def _in_words(name: str, one: Capacity) -> str:
    return (
        f"{name} can serve about {counted(one.creators_possible, 'creator')}, and "
        f"serves {one.creators:,}: the schedule needs {one.load:.0%} of its "
        f"{counted(one.requests_per_day, 'request')} a day"
    )


def check_source(connection: Connection[TupleRow], settings: Settings) -> str:
    """Check that the sources of scrapes answer, and have budget left.

    Raises:
        WrongError: most of the newest answers of a source were failures of its own.
        WarningError: no source is set up, or one has used up most of its budget of
            today.
    """
    providers = settings.providers
    if not providers:
        raise WarningError(NO_SOURCE, advice=CHOOSE_SOURCE)
    sources = source_activity(connection, providers, in_use=providers)
    for source in sources:
        outcome = source.failing_with
        if outcome is not None:
            raise WrongError(
                f"Most of the newest scrapes by {source.provider} ended as {outcome}.",
                advice=f"{NEXT[outcome]} `goatherd sources check HANDLE` shows each "
                "step.",
            )
    for source in sources:
        name, sent = source.provider, source.requests_today
        budget = settings.daily_budget(name)
        if budget is not None and is_nearly_spent(sent, budget):
            raise WarningError(
                f"{name} has sent {sent:,} of the {counted(budget, 'request')} that "
                "are allowed today (UTC).",
                advice=f"Raise GOATHERD_{name.upper()}_DAILY_BUDGET if the limit is "
                "your own, lengthen the intervals, or add a source after it.",
            )
    does = "does" if len(providers) == 1 else "do"
    return f"{' and '.join(providers)} {does} not fail."
