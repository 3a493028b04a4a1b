"""A store that stores everything in the clear, as the floor of what sealing costs."""

from domain.streams import Names
from infra.eventstore.codec import Codec
from infra.eventstore.store import Store


class ClearCodec(Codec):
    """Stores everything in the clear."""

    def is_sealed(self, event: object) -> bool:
        del event
        return False


def in_the_clear(store: Store) -> Store:
    """Return a store on the same database that seals nothing and has no pseudonyms."""
    clear = Store(store.pool, store.settings)
    clear.codec = ClearCodec(keyring=clear.keyring)
    clear.names = Names()
    return clear
