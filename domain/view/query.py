"""The query of a view: parameters of its list, written as in an address."""

from collections.abc import Mapping
from typing import Final, get_args
from urllib.parse import parse_qsl
from uuid import UUID

from domain.view.errors import InvalidViewQueryError
from domain.view.events import ViewedList

_EVERYWHERE = (
    *("search", "project_id", "sort", "order"),
    *("period", "from", "to"),
)
_OWN: Mapping[ViewedList, tuple[str, ...]] = {
    "creators": (
        *("status", "health", "failing", "connected", "stopped_posting"),
        *("tag", "campaign_id", "creator_ids", "figures"),
    ),
    "videos": (
        *("tracking_status", "tag", "hashtag", "sound_id"),
        *("creator_id", "campaign_id", "posted_from", "posted_to"),
    ),
    "campaigns": (),
}
LISTS: Final[tuple[ViewedList, ...]] = get_args(ViewedList)
# The parameters that a view of each list may have.
PARAMETERS: Final[Mapping[ViewedList, frozenset[str]]] = {
    each: frozenset({*_EVERYWHERE, *_OWN[each]}) for each in LISTS
}


def check_query(viewed: ViewedList, query: str) -> None:
    """Refuse a query that the list cannot have.

    Raises:
        InvalidViewQueryError: the text is not the query of an address, names a
            parameter twice, or names one that the list does not have.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        reason = "must be the query of an address, such as sort=followers"
        raise InvalidViewQueryError(reason) from None
    known = PARAMETERS[viewed]
    names = [name for name, _ in pairs]
    for name in names:
        if name not in known:
            listed = ", ".join(sorted(known))
            reason = f"must not have {name}: parameters of {viewed} are {listed}"
            raise InvalidViewQueryError(reason)
        if names.count(name) > 1:
            raise InvalidViewQueryError(f"must have {name} only once")


def project_of(query: str) -> UUID | None:
    """Return the project whose things a query shows, None if it is about all."""
    try:
        return UUID(dict(parse_qsl(query)).get("project_id", ""))
    except ValueError:
        return None
