"""Creators as recipients: who gets mails, and the link by which a creator opts out."""

from datetime import UTC, datetime
from hmac import compare_digest
from typing import Final
from uuid import UUID

from msgspec import Struct

from application.contacts import contact_of
from application.mail.unsubscribing import (
    HASH_BYTES,
    parts_of_link,
    unsubscribe_link,
)
from domain import commands as c
from domain.channel.errors import (
    InvalidChannelError,
    NoContactAddressError,
    OptedOutError,
)
from domain.creator.decider import creator_of
from domain.creator.handlers.change import change_creator
from domain.organization.decider import organization_of
from infra.eventstore.append import Context
from infra.eventstore.execute import execute
from infra.eventstore.store import Store, plain_events
from infra.ids import new_id

ACTOR: Final = "creator"


class CreatorRecipient(Struct, frozen=True, kw_only=True):
    """The creator behind a link; ``is_subscribed`` until they opt out."""

    creator_id: UUID
    organization_id: UUID
    organization: str
    is_subscribed: bool


def address_for(
    store: Store, creator_id: UUID, *, organization_id: UUID, project_id: UUID | None
) -> str:
    """Return the address to which a creator of a project gets mails at this moment.

    Raises:
        InvalidChannelError: the project has no such creator.
        NoContactAddressError: the creator has no contact address.
        OptedOutError: the creator wants no mails.
    """
    email = contact_of(store, creator_id).email
    # The log is read last, so that a wish of this moment counts.
    creator = creator_of(plain_events(store.load(creator_id)[creator_id]))
    if (
        creator is None
        or creator.is_gone
        or creator.organization_id != organization_id
        or creator.project_id != project_id
    ):
        raise InvalidChannelError(
            "creator_id", "is no creator of the channel's project"
        )
    if creator.opted_out_at is not None:
        raise OptedOutError
    if email is None:
        raise NoContactAddressError
    return email


def opt_out_url(store: Store, creator_id: UUID) -> str:
    """Return the address of the page on which a creator opts out of all mails."""
    return unsubscribe_link(store, creator_id, _digest(store, creator_id))


def creator_behind(store: Store, token: str) -> CreatorRecipient | None:
    """Return the creator behind a link, also one who has opted out; None without."""
    creator_id, hashed = parts_of_link(token)
    if not compare_digest(_digest(store, creator_id)[:HASH_BYTES], hashed):
        return None
    creator = creator_of(plain_events(store.load(creator_id)[creator_id]))
    if creator is None or creator.status == "erased":
        return None
    of = creator.organization_id
    organization = organization_of(plain_events(store.load(of)[of]))
    return CreatorRecipient(
        creator_id=creator_id,
        organization_id=of,
        organization="" if organization is None else organization.name,
        is_subscribed=creator.opted_out_at is None,
    )


def opt_out(store: Store, recipient: CreatorRecipient) -> None:
    """Let a creator get no more mails."""
    commands = [c.OptOutOfMails(at=datetime.now(UTC))]
    command_id = new_id()
    execute(
        store,
        lambda: change_creator(
            recipient.creator_id,
            commands,
            organization_id=recipient.organization_id,
            command_id=command_id,
            names=store.names,
        ),
        context=Context(actor=ACTOR, command_id=command_id),
    )


def _digest(store: Store, creator_id: UUID) -> bytes:
    # The address is no part of it: a link in an old mail still works after a new one.
    return store.names.recipient_digest(creator_id, "")
