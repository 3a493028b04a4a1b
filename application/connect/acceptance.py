"""Connects a creator after a consent whose account is certain."""

from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from application.connect import rows
from application.connect.links import use_link
from application.connect.sealing import ConnectionSeal, Tokens
from domain import commands as c
from domain import events as e
from domain.creator.handlers.connect import connect_creator
from domain.decisions import Handler
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed, InTransaction, execute
from infra.eventstore.recorder import AppendConflictError
from infra.eventstore.store import Store


class ConsentGoneError(Exception):
    """The consent has ended, or its link was used, was revoked, or has expired."""


def accept_consent(
    store: Store,
    seal: ConnectionSeal,
    consent: rows.StoredConsent,
    *,
    may_rename: bool,
    context: Context,
    in_transaction: InTransaction[UUID] | None = None,
) -> Executed[UUID]:
    """Connect the creator after a consent, and rename the creator if that is accepted.

    ``in_transaction`` is as in ``execute``.

    Raises:
        DomainError: the creator or the consent does not allow the connection.
        ConsentGoneError: the link does not work any more, or the consent has ended.
        BusyError: a token of the replaced connection is being refreshed.
    """
    tokens = opened_tokens(seal, consent)

    def handler() -> Handler[UUID]:
        nonlocal known
        with store.pool.connection() as connection:
            known = rows.creators_with(connection.cursor(), consent.account)
        return connect_creator(
            consent.creator_id,
            c.ConnectAccount(
                provider=consent.provider,
                scopes=tuple(consent.scopes),
                open_id=tokens.open_id,
            ),
            username=tokens.username,
            may_rename=may_rename,
            same_account=known,
            organization_id=consent.organization_id,
            command_id=context.command_id,
            names=store.names,
        )

    known: list[UUID] = []

    def connect(cursor: Cursor[TupleRow], done: Executed[UUID]) -> None:
        # Another creator may have connected the same account since the read.
        if {*rows.creators_with(cursor, consent.account)} - {*known}:
            raise AppendConflictError
        recorded = next(
            each for each in done.events if isinstance(each.event, e.CreatorConnected)
        )
        is_there = rows.connect(
            cursor,
            consent,
            position=recorded.position,
            at=recorded.recorded_at,
        )
        # A consent that waits for a member has used its link up already.
        if consent.state == "unconfirmed":
            link_id = consent.link_id
            is_there = is_there and link_id is not None and use_link(cursor, link_id)
        if not is_there:
            raise ConsentGoneError
        if in_transaction is not None:
            in_transaction(cursor, done)

    return execute(store, handler, context=context, in_transaction=connect)


def opened_tokens(seal: ConnectionSeal, consent: rows.StoredConsent) -> Tokens:
    """Return the tokens of a consent.

    Raises:
        ConsentGoneError: the tokens were given back to TikTok.
    """
    if consent.sealed is None:
        raise ConsentGoneError
    return seal.open(consent.id, consent.sealed)
