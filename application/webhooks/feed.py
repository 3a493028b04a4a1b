"""The feed as an endpoint gets it: its types, its project and its filters."""

from collections.abc import Sequence

from msgspec.structs import asdict

from application.webhooks.delivery import EndpointPage, FedEvent
from application.webhooks.endpoints import Endpoint
from domain.feed.types import chosen
from infra.eventstore.store import Store
from projections.feed.queries import FeedFilter, FeedPlace, public_events_now


class LogFeed:
    """Reads public events of any organization, for the endpoints that get them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def after(
        self,
        endpoint: Endpoint,
        *,
        position: int,
        ordinal: int,
        limit: int,
        last: int | None = None,
        types: Sequence[str] | None = None,
    ) -> EndpointPage:
        """Return up to ``limit`` events after a place, and the rest of the position."""
        after = FeedPlace(position, ordinal)
        requested = _filter(endpoint, types)
        events, next_after = self._read(endpoint, requested, after, limit)
        if last is not None:
            events = [fed for fed in events if fed.event.position <= last]
        if next_after <= position and not events:
            return EndpointPage(events=events, position=position, ordinal=ordinal)
        behind = FeedPlace(max(next_after, position))
        position, ordinal = behind
        return EndpointPage(events=events, position=position, ordinal=ordinal)

    def at(
        self,
        endpoint: Endpoint,
        places: Sequence[tuple[int, int]],
        *,
        is_filtered: bool,
    ) -> list[FedEvent]:
        """Return the events at these places, of those that are still there.

        With ``is_filtered`` they are those that the endpoint would get now.
        """
        found: list[FedEvent] = []
        requested = _filter(endpoint) if is_filtered else FeedFilter()
        for position, ordinal in places:
            before = FeedPlace(position, ordinal - 1)
            events, _ = self._read(endpoint, requested, before, 1)
            found += [
                fed
                for fed in events
                if (fed.event.position, fed.ordinal) == (position, ordinal)
            ]
        return found

    def _read(
        self, endpoint: Endpoint, requested: FeedFilter, after: FeedPlace, limit: int
    ) -> tuple[list[FedEvent], int]:
        with self._store.pool.connection() as connection:
            page = public_events_now(
                connection,
                self._store.codec,
                endpoint.organization_id,
                requested,
                after=after,
                limit=limit,
            )
        events = [
            FedEvent(event=each.event, ordinal=each.place.ordinal)
            for each in page.events
        ]
        return events, page.next_after


def _filter(endpoint: Endpoint, types: Sequence[str] | None = None) -> FeedFilter:
    """Return the filter of an endpoint, with other types if they are given."""
    filters = {} if endpoint.filters is None else asdict(endpoint.filters)
    return FeedFilter(
        types=chosen(endpoint.types if types is None else types),
        project_id=endpoint.project_id,
        **filters,
    )
