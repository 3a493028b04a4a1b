"""Outcomes of a consent, for the page that shows them."""

from uuid import UUID

from msgspec import Struct

from domain.connection.links import ConnectLink


class Connected(Struct, frozen=True, kw_only=True):
    """The creator is connected, with these scopes."""

    creator_id: UUID
    organization_id: UUID
    handle: str
    scopes: tuple[str, ...]


class OtherHandle(Struct, frozen=True, kw_only=True):
    """The account has another handle: its owner must say if they are the creator."""

    connection_id: UUID
    creator_id: UUID
    organization_id: UUID
    handle: str
    known: str


class Waiting(Struct, frozen=True, kw_only=True):
    """The owner says that they are the creator; a member must accept the new handle."""

    organization_id: UUID
    handle: str


class NotConnected(Struct, frozen=True, kw_only=True):
    """No creator was connected; ``why`` is the reason that a page should show."""

    why: str
    link: ConnectLink | None = None
    scopes: tuple[str, ...] = ()


ConsentOutcome = Connected | OtherHandle | Waiting | NotConnected
