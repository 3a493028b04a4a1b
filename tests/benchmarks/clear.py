"""A store that stores everything in the clear, as the floor of sealing."""

from domain.events import Event
from domain.streams import Names
from infra.eventstore.codec import Codec
from infra.eventstore.sealing import Parted
from infra.eventstore.store import Store


class ClearCodec(Codec):
    """Stores everything in the clear."""

    def parted(self, event: Event) -> Parted:
        return Parted(self.name_of(event), self.encode(event))


def in_the_clear(store: Store) -> Store:
    """Return a store on the same database that seals nothing and has no pseudonyms."""
    clear = Store(store.pool, store.settings)
    clear.codec = ClearCodec(keyring=clear.keyring)
    clear.names = Names()
    return clear
