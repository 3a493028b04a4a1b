"""``goatherd bans``: handles that nobody on this installation may track."""

from datetime import datetime
from typing import Annotated

import msgspec
from cyclopts import Parameter

from api.cli import UsageError
from api.cli.kit.caught_up import wait_until_caught_up
from api.cli.kit.databases import cli_context, fitting, opened_store, rows_of
from api.cli.kit.names import organization_named
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json, print_list
from domain.creator.handle import normalize_handle
from domain.creator.handlers.change import ban_handle, unban_erased, unban_handle
from domain.phrases import counted
from infra.eventstore.execute import execute
from infra.settings import Settings

Handle = Annotated[str, Parameter(help="The handle, or the URL of its profile.")]

_LONGEST_REASON = 1_000
_LIST = "SELECT handle, reason, created_at FROM bans ORDER BY handle"
_ERASED = """
SELECT count(*) FILTER (WHERE topic = 'erased_account_banned')
    - count(*) FILTER (WHERE topic = 'erased_account_unbanned')
FROM goatherd_events
WHERE topic IN ('erased_account_banned', 'erased_account_unbanned')
"""


class BannedHandle(msgspec.Struct, frozen=True, kw_only=True):
    """A banned handle, with the reason and the time."""

    handle: str
    reason: str | None
    created_at: datetime


def add(
    handle: Handle,
    /,
    *,
    reason: Annotated[
        str | None, Parameter(help="The reason, which other operators see.")
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Ban a handle. Creators who have the handle already stay unchanged."""
    if reason is not None and len(reason) > _LONGEST_REASON:
        raise UsageError(f"A reason has up to {_LONGEST_REASON} characters.")
    with opened_store(read_settings(data_dir=data_dir)) as store:
        done = execute(
            store,
            lambda: ban_handle(handle, reason=reason, names=store.names),
            context=cli_context(),
        )
    _print_result(handle, banned=True, changed=bool(done.events), json=json)


def remove(
    handle: Handle,
    /,
    *,
    org: Annotated[
        str | None,
        Parameter(help="The organization whose ban of an erased account to lift."),
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Lift a ban, so that the handle can be tracked again.

    Without --org the command lifts the installation's ban of the handle. With --org it
    lifts that organization's ban of an erased account that had the handle.
    """
    settings = read_settings(data_dir=data_dir)
    if org is not None:
        _remove_erased(settings, handle, org, json=json)
        return
    with opened_store(settings) as store:
        done = execute(
            store,
            lambda: unban_handle(handle, names=store.names),
            context=cli_context(),
        )
    _print_result(handle, banned=False, changed=bool(done.events), json=json)


def _remove_erased(settings: Settings, handle: str, org: str, *, json: bool) -> None:
    with fitting(settings) as connection:
        organization_id = organization_named(connection, org)
    with opened_store(settings) as store:
        done = execute(
            store,
            lambda: unban_erased(
                handle, organization_id=organization_id, names=store.names
            ),
            context=cli_context(),
        )
    if json:
        print_json({"lifted": done.result})
        return
    print(f"{counted(done.result, 'ban')} of erased accounts lifted.")


def list_bans(*, data_dir: DataDir = None, json: Json = False) -> None:
    """List banned handles, with reasons and times."""
    with fitting(read_settings(data_dir=data_dir)) as connection:
        wait_until_caught_up(connection, "bans", what="this list is")
        found = rows_of(connection, BannedHandle, _LIST)
        (erased,) = connection.execute(_ERASED).fetchone() or (0,)
    print_list(found, "handle since=created_at reason", json=json)
    if erased and not json:
        print(f"And {counted(erased, 'erased account')}, banned by hashes.")


def _print_result(handle: str, *, banned: bool, changed: bool, json: bool) -> None:
    name = normalize_handle(handle)
    if json:
        print_json({"handle": name, "banned": banned, "changed": changed})
        return
    state = "banned" if banned else "not banned"
    print(f"@{name} is {state}{'' if changed else ', as it was before'}.")
