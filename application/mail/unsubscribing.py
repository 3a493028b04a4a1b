"""The links in mails by which the person at an address gets no more of them.

A link needs no table. It has the id of what the mails are about and a keyed hash, so
nobody can guess or change one.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from typing import Final
from uuid import UUID

from infra.eventstore.store import Store

ID_BYTES: Final = 16
HASH_BYTES: Final = 24

_LONGEST: Final = 80
# A wrong link costs the read of a history as well.
_NOBODY: Final = UUID(int=0)


def unsubscribe_link(store: Store, about: UUID, digest: bytes) -> str:
    """Return the address of the page that ends mails; ``digest`` is a keyed hash."""
    token = about.bytes + digest[:HASH_BYTES]
    text = urlsafe_b64encode(token).rstrip(b"=").decode()
    return f"{store.settings.own_url}/unsubscribe/{text}"


def parts_of_link(token: str) -> tuple[UUID, bytes]:
    """Return the id and the hash of a link's token, those of nobody if it has none."""
    if len(token) <= _LONGEST:
        try:
            decoded = urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
        except (Error, ValueError):
            decoded = b""
        if len(decoded) == ID_BYTES + HASH_BYTES:
            return UUID(bytes=decoded[:ID_BYTES]), decoded[ID_BYTES:]
    return _NOBODY, bytes(HASH_BYTES)
