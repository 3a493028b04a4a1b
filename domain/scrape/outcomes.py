"""Outcomes of scrapes, by their cause: the account, the source, or neither."""

from domain.messages import Outcome

# There is no public account; three of these in a row disable the creator.
OF_THE_ACCOUNT: frozenset[Outcome] = frozenset({"not_found", "private", "unavailable"})
# No platform was asked: a recording has no line about the handle.
UNOBSERVED: frozenset[Outcome] = frozenset({"not_in_recording"})
# The source failed, so the state of the account is unknown.
OF_THE_SOURCE: frozenset[Outcome] = frozenset(
    {"blocked", "rate_limited", "transient", "schema_changed"}
)
# A kind of scrape that failed this many times in a row does not fail by accident.
KEEPS_FAILING = 3
