"""The handlers that connect a creator's own account, and that end the connection."""

from collections.abc import Collection, Mapping
from uuid import UUID

from msgspec.structs import replace

from domain import commands as c
from domain.connection.consent import check_scopes
from domain.connection.errors import ConnectedElsewhereError, OtherHandleError
from domain.creator.decider import creator_of, decide
from domain.creator.handle import normalize_handle
from domain.creator.handlers.change import BOTH_SCRAPES, change_creator, own_creator
from domain.decisions import Decision, Handler, Histories, on
from domain.scrape.requests import creator_runs
from domain.streams import Names


def connect_creator(
    creator_id: UUID,
    command: c.ConnectAccount,
    *,
    username: str,
    may_rename: bool,
    same_account: Collection[UUID],
    organization_id: UUID,
    command_id: UUID,
    names: Names,
) -> Handler[UUID]:
    """Connect a creator with the account that consented, and scrape it at once.

    ``username`` is the account's handle. If the creator has another handle,
    ``may_rename`` decides whether the creator takes the account's: its owner says that
    they are the creator, and somebody here accepts it. ``same_account`` are all
    creators that the account was connected with.

    Raises:
        NotFoundError: there is no creator with this id.
        CreatorRemovedError: the creator was removed.
        ScopeMissingError: the consent allows too little.
        OtherHandleError: the account has another handle, and nobody accepted it.
        ConnectedElsewhereError: another creator of the project has this account.
        HandleTakenError: another creator has the account's handle.
    """
    check_scopes(command.scopes)
    others = sorted({*same_account} - {creator_id})
    histories = yield (creator_id, *others)
    creator = own_creator(histories[creator_id], organization_id, None)
    accounts = {command.provider: command.open_id}
    check_accounts_free(accounts, creator.project_id, others, histories)
    handle = normalize_handle(username)
    commands: list[c.CreatorCommand] = [command]
    if handle != creator.handle:
        if not may_rename:
            raise OtherHandleError(handle=handle, known=creator.handle)
        commands.insert(0, c.RenameHandle(handle=handle))
    changed = yield from change_creator(
        creator_id,
        commands,
        organization_id=organization_id,
        command_id=command_id,
        names=names,
    )
    # A rename has requested a scrape of the profile already.
    job_types = BOTH_SCRAPES if len(commands) == 1 else BOTH_SCRAPES[1:]
    runs = creator_runs(
        replace(creator, handle=handle),
        creator_id,
        job_types=job_types,
        trigger="connected",
        command_id=command_id,
    )
    return Decision(
        creator_id,
        events=[*changed.events, *runs],
        guards=[*changed.guards, *others],
    )


def disconnect_creator(
    creator_id: UUID, command: c.EndConnection, *, organization_id: UUID
) -> Handler[UUID]:
    """End a creator's connection; do nothing if there is none.

    Raises:
        NotFoundError: there is no creator with this id.
    """
    histories = yield (creator_id,)
    creator = own_creator(histories[creator_id], organization_id, None)
    return Decision(creator_id, events=on(creator_id, decide(creator, command)))


def lose_connection(
    creator_id: UUID, command: c.EndConnection, *, open_id: str
) -> Handler[None]:
    """Record that TikTok does not let us read the account ``open_id`` any more.

    Do nothing if the creator is not connected with this account any more.
    """
    histories = yield (creator_id,)
    creator = creator_of(histories[creator_id])
    connection = creator.connections.get(command.provider) if creator else None
    if creator is None or connection is None or connection.open_id != open_id:
        return Decision(None)
    return Decision(None, events=on(creator_id, decide(creator, command)))


def check_accounts_free(
    accounts: Mapping[str, str],
    project_id: UUID,
    others: Collection[UUID],
    histories: Histories,
) -> None:
    """Check that no account would be connected with two creators of a project.

    ``accounts`` has an ``open_id`` for each provider.

    Raises:
        ConnectedElsewhereError: one of ``others`` is in the project and connected.
    """
    for other_id in others:
        other = creator_of(histories[other_id])
        if other is None or other.project_id != project_id:
            continue
        for provider, connection in other.connections.items():
            if accounts.get(provider) == connection.open_id:
                raise ConnectedElsewhereError
