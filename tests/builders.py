"""What most tests begin with: ids that can be read, a store, an organization in it."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from domain import events as e
from domain.plans import DEFAULT_PLANS, UNLIMITED
from infra.handlers.additions import Addition, NewCreator, add_creators
from infra.handlers.folding import next_entries
from infra.handlers.organizations import make_organization
from infra.ids import new_id
from infra.mapper import Entry
from infra.recorder import Context
from infra.store import Recorded, Store, open_store

ORGANIZATION = UUID("00000000-0000-4000-8000-000000000001")
PROJECT = UUID("00000000-0000-4000-8000-000000000002")
ADA = UUID("00000000-0000-4000-8000-00000000000a")
BERTA = UUID("00000000-0000-4000-8000-00000000000b")
SCRAPE = UUID("00000000-0000-4000-8000-00000000005c")
ANOTHER_SCRAPE = UUID("00000000-0000-4000-8000-00000000005d")

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@contextmanager
def opened_store(url: str, *, pool_size: int = 4) -> Generator[Store]:
    """A store on a migrated database, whose connections are closed afterwards."""
    store = open_store(url, pool_size=pool_size)
    try:
        yield store
    finally:
        store.pool.close()


def asking(actor: str = "test") -> Context:
    """A command of its own, asked by ``actor``."""
    return Context(actor=actor, command_id=new_id())


def facts_for(
    stream: UUID, *handles: str, after: Sequence[Recorded] = ()
) -> list[Entry]:
    """Facts that say nothing of interest, one a handle, as the next of a stream."""
    return next_entries(
        stream, after, [e.HandleBanned(handle=name) for name in handles]
    )


class Home(msgspec.Struct, frozen=True):
    """An organization with one project, to add creators to."""

    store: Store
    organization_id: UUID
    project_id: UUID

    def add(self, *handles: str) -> list[Addition]:
        """Add creators by handle, and say what became of each."""
        return self.add_new(*(NewCreator(tiktok_handle=handle) for handle in handles))

    def add_new(self, *wanted: NewCreator) -> list[Addition]:
        additions = add_creators(
            self.store,
            wanted,
            organization_id=self.organization_id,
            project_id=self.project_id,
            plans=DEFAULT_PLANS,
            now=NOON,
            context=asking(),
        )
        return list(additions.results)

    def creator(self, handle: str) -> UUID:
        """Add one creator that can be added, and return its id."""
        (added,) = self.add(handle)
        assert added.creator_id is not None, added.refusal
        return added.creator_id


def make_home(store: Store, *, plan: str = UNLIMITED, time_zone: str = "UTC") -> Home:
    made = make_organization(
        store, name="Herd", plan=plan, time_zone=time_zone, context=asking()
    )
    return Home(store, made.organization_id, made.project_id)
