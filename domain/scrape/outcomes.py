"""Outcomes: what each says of the account, of the source, and of neither."""

from domain.messages import Outcome

# There is no public account to see; three in a row disable the creator.
OF_THE_ACCOUNT: frozenset[Outcome] = frozenset({"not_found", "private", "unavailable"})
# No platform was asked: a recording has no line about the handle.
UNOBSERVED: frozenset[Outcome] = frozenset({"not_in_recording"})
# The source failed, so nothing is known of the account.
OF_THE_SOURCE: frozenset[Outcome] = frozenset(
    {"blocked", "rate_limited", "transient", "schema_changed"}
)
# So many failures of a creator, with none of their kind that worked since, are no
# accident.
KEEPS_FAILING = 3
