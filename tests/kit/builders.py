"""The things most tests begin with: readable ids, a store, an organization in it."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from domain import commands as c
from domain import events as e
from domain.creator.decider import CreatorState, creator_of
from domain.creator.handle_claim import claim_of
from domain.creator.handlers.add import Addition, Additions, RequestedCreator
from domain.organization.plans import DEFAULT_PLANS, UNLIMITED
from domain.streams import Names, creators_counter
from infra.eventstore.append import Context
from infra.eventstore.codec import NewEvent
from infra.eventstore.execute import Executed
from infra.eventstore.store import (
    RecordedEvent,
    Store,
    open_envelopes,
    open_store,
    plain_events,
)
from infra.ids import new_id
from infra.organizations import make_organization
from infra.settings import Settings
from tests.kit.commands import (
    add_creators,
    auto_disable_creator,
    change_creator,
    disable_creator,
    reenable_creators,
    remove_creator,
)
from tests.kit.keys import SETTINGS

ORGANIZATION = UUID("00000000-0000-4000-8000-000000000001")
PROJECT = UUID("00000000-0000-4000-8000-000000000002")
ADA = UUID("00000000-0000-4000-8000-00000000000a")
BERTA = UUID("00000000-0000-4000-8000-00000000000b")
SCRAPE = UUID("00000000-0000-4000-8000-00000000005c")
ANOTHER_SCRAPE = UUID("00000000-0000-4000-8000-00000000005d")

NAMES = Names(b"names of goats, and of no others")

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@contextmanager
def opened_store(
    url: str, *, pool_size: int = 4, settings: Settings = SETTINGS
) -> Generator[Store]:
    """A store on a migrated database, whose connections are closed afterwards."""
    store = open_store(url, pool_size=pool_size, settings=settings)
    try:
        yield store
    finally:
        store.pool.close()


def asking(actor: str = "test") -> Context:
    """A command of its own, asked by ``actor``."""
    return Context(actor=actor, command_id=new_id())


def next_events(
    stream: UUID, history: Sequence[RecordedEvent], events: Sequence[e.Event]
) -> list[NewEvent]:
    """The events with the versions that follow the history."""
    return [
        NewEvent(stream, version, event)
        for version, event in enumerate(events, len(history) + 1)
    ]


def events_for(
    stream: UUID, *handles: str, after: Sequence[RecordedEvent] = ()
) -> list[NewEvent]:
    """Events of no interest, one for each handle, as the next of a stream."""
    return next_events(stream, after, [e.HandleBanned(handle=name) for name in handles])


class Home(msgspec.Struct, frozen=True):
    """An organization with one project, to add creators to."""

    store: Store
    organization_id: UUID
    project_id: UUID

    def add(self, *handles: str) -> list[Addition]:
        """Add creators by handle, and return the result for each."""
        return self.add_new(
            *(RequestedCreator(tiktok_handle=handle) for handle in handles)
        )

    def add_new(self, *requested: RequestedCreator) -> list[Addition]:
        return list(self.execute_add(*requested).result)

    def execute_add(self, *requested: RequestedCreator) -> Executed[Additions]:
        return add_creators(
            self.store,
            requested,
            organization_id=self.organization_id,
            project_id=self.project_id,
            plans=DEFAULT_PLANS,
            now=NOON,
            context=asking(),
        )

    def creator(self, handle: str) -> UUID:
        """Add one creator that can be added, and return its id."""
        (added,) = self.add(handle)
        assert added.creator_id is not None, added.refusal
        return added.creator_id

    def remove(self, creator_id: UUID) -> None:
        remove_creator(
            self.store,
            creator_id,
            organization_id=self.organization_id,
            context=asking(),
        )

    def rename(self, creator_id: UUID, handle: str) -> None:
        change_creator(
            self.store,
            creator_id,
            [c.RenameHandle(handle=handle)],
            organization_id=self.organization_id,
            context=asking(),
        )

    def disable(self, creator_id: UUID) -> None:
        """Disable a creator as a scrape of its own would."""
        verdict = c.AutoDisable(verdict="private", scrape_id=new_id())
        auto_disable_creator(self.store, creator_id, verdict, context=asking())

    def disable_by_hand(self, creator_id: UUID) -> None:
        disable_creator(
            self.store,
            creator_id,
            organization_id=self.organization_id,
            context=asking(),
        )

    def reenable(self, creator_id: UUID) -> None:
        reenable_creators(
            self.store,
            [creator_id],
            organization_id=self.organization_id,
            project_id=self.project_id,
            plans=DEFAULT_PLANS,
            now=NOON,
            context=asking(),
        )

    def look_at(self, creator_id: UUID) -> CreatorState:
        creator = creator_of(plain_events(self.store.load(creator_id)[creator_id]))
        assert creator is not None
        return creator

    def holder(self, handle: str) -> UUID | None:
        """Return the creator of the project that holds the handle."""
        claim = self.store.names.claim_stream(self.project_id, handle)
        return claim_of(plain_events(self.store.load(claim)[claim])).holder

    def counted(self) -> int:
        """How many active creators the quota counter says there are."""
        key = creators_counter(self.organization_id)
        with self.store.pool.connection() as connection:
            row = connection.execute(
                "SELECT value FROM quota_counters WHERE key = %s", (key,)
            ).fetchone()
        return row[0] if row else 0

    def active_in_the_log(self) -> int:
        """How many active creators the log says there are."""
        with self.store.pool.connection() as connection:
            row = connection.execute(
                _ACTIVE, (str(self.organization_id), _WAKING + _ENDING, _WAKING)
            ).fetchone()
        assert row is not None
        return row[0]


_WAKING = ["creator_added", "creator_reactivated", "creator_reenabled"]
_ENDING = ["creator_removed", "creator_auto_disabled", "creator_disabled"]
_ACTIVE = """
WITH last AS (
    SELECT DISTINCT ON (stream) name FROM event_log
    WHERE payload ->> 'organization_id' = %s AND name = ANY(%s)
    ORDER BY stream, version DESC
)
SELECT count(*) FROM last WHERE name = ANY(%s)
"""


def log_of(store: Store, *kinds: type[e.Event]) -> list[RecordedEvent]:
    """The events of these kinds in the order of the log; all without any."""
    with store.pool.connection() as connection:
        rows = connection.cursor(binary=True).execute(
            "SELECT notification_id, originator_id, originator_version, recorded_at, "
            "actor, correlation_id, causation_id, topic, state FROM goatherd_events "
            "WHERE %s OR topic = ANY(%s) ORDER BY notification_id",
            (not kinds, [kind.stored_name for kind in kinds]),
        )
        return open_envelopes(rows.fetchall(), store.codec, connection)


def make_home(store: Store, *, plan: str = UNLIMITED, time_zone: str = "UTC") -> Home:
    made = make_organization(
        store, name="Herd", plan=plan, time_zone=time_zone, context=asking()
    )
    return Home(store, made.organization_id, made.project_id)
