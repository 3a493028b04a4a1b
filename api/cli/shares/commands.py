"""``goatherd shares``: links to read-only pages, for people without an account."""

import sys
from datetime import UTC, date, datetime, timedelta
from getpass import getpass
from typing import Annotated, Any, LiteralString
from uuid import UUID

from cyclopts import Parameter
from msgspec import UNSET
from psycopg import Cursor
from psycopg.rows import TupleRow

from api.cli import CommandError, UsageError
from api.cli.kit.caught_up import wait_until_caught_up
from api.cli.kit.databases import cli_context, fitting, opened_store, rows_of
from api.cli.kit.names import (
    OnlyOrganizationOption,
    organization_named,
    project_named,
)
from api.cli.kit.options import DataDir, Ids, Json, read_settings, settings_for_links
from api.cli.kit.output import print_json, print_list
from application.accounts.invitations import draw_token
from application.accounts.passwords import PasswordHashes
from application.shares.links import add_link, forget_password, path_of, set_password
from domain import commands as c
from domain.analytics.periods import NamedPeriod
from domain.campaign.decider import campaign_of
from domain.creator.decider import creator_of
from domain.errors import DomainError, NotFoundError
from domain.report.decider import report_of
from domain.share.decider import ShareState, share_of
from domain.share.events import HiddenPart, ShareScope
from domain.share.handlers import change_share, make_share
from infra.eventstore.execute import Executed, InTransaction, execute
from infra.eventstore.store import Store, plain_events
from infra.ids import new_id
from projections.shares import SHARES, Share

_SHORTEST_PASSWORD = 8
_LIST: LiteralString = f"""
{SHARES} WHERE revoked_at IS NULL
AND (%(organization)s::uuid IS NULL OR s.organization_id = %(organization)s)
ORDER BY s.organization_id, created_at DESC, s.id
"""

ShareId = Annotated[
    UUID,
    Parameter(help="The id of the link: `goatherd shares list --ids` shows it."),
]
NameOption = Annotated[
    str | None, Parameter(help="A name for the list, such as whom the link is for.")
]
FromOption = Annotated[
    datetime | None, Parameter("--from", help="The first day that the page shows.")
]
ToOption = Annotated[
    datetime | None,
    Parameter("--to", help="The last day that the page shows; by default the present."),
]
RollingOption = Annotated[
    NamedPeriod | None,
    Parameter(help="A period that moves with time, in place of --from and --to."),
]
HideOption = Annotated[
    tuple[HiddenPart, ...],
    Parameter(
        negative=(),
        help="A part that the page leaves out, money or notes; the option can be "
        "repeated.",
    ),
]
PasswordOption = Annotated[
    bool,
    Parameter(
        negative=(),
        help="Protect the page with a password, which is typed in or read from stdin.",
    ),
]
DaysOption = Annotated[
    int | None, Parameter("--expires-in-days", help="The days until the link ends.")
]
OriginOption = Annotated[
    tuple[str, ...],
    Parameter(
        "--origin",
        negative=(),
        help="A site that may show the page in a frame, such as "
        "https://www.example.com; the option can be repeated.",
    ),
]


def list_shares(
    *,
    org: OnlyOrganizationOption = None,
    ids: Ids = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List shared links that were not revoked, without their addresses."""
    with fitting(read_settings(data_dir=data_dir)) as connection:
        wait_until_caught_up(connection, "shares", what="this list is")
        org_id = None if org is None else organization_named(connection, org)
        found = rows_of(connection, Share, _LIST, {"organization": org_id})
    print_list(
        found,
        "name scope days status password opened=opened_count last=last_opened_at",
        ids="id scope_id" if ids else "",
        json=json,
        days=_days,
        password=lambda share: share.has_password,
    )


def add(
    scope: Annotated[
        ShareScope, Parameter(help="creator, campaign, project or report.")
    ],
    scope_id: Annotated[UUID, Parameter(help="The id of that thing.")],
    /,
    *,
    name: NameOption = None,
    first: FromOption = None,
    last: ToOption = None,
    rolling: RollingOption = None,
    hide: HideOption = (),
    password: PasswordOption = False,
    expires_in_days: DaysOption = None,
    origin: OriginOption = (),
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Make a link to a page about a creator, campaign, project or report.

    The address is printed this once. Without days the page shows those of the
    campaign, or the last 28 days.
    """
    settings = settings_for_links(data_dir)
    share_id, token, now = new_id(), draw_token(), datetime.now(UTC)
    hashed = _hashed() if password else None
    with opened_store(settings) as store:
        organization_id = _owner_of(store, scope, scope_id)
        command = c.MakeShare(
            organization_id=organization_id,
            scope=scope,
            scope_id=scope_id,
            at=now,
            name=name or "",
            first_day=_day(first),
            last_day=_day(last),
            rolling=rolling,
            hide=hide,
            has_password=password,
            expires_at=_end(expires_in_days, now=now),
            embed=bool(origin),
            origins=origin,
        )

        def within(cursor: Cursor[TupleRow], done: Executed[UUID]) -> None:
            share = _state(done)
            add_link(
                cursor,
                share_id,
                token=token,
                organization_id=organization_id,
                project_id=share.project_id,
                hashed=hashed,
                master_key=store.keyring.master_key(cursor.connection),
            )

        try:
            execute(
                store,
                lambda: make_share(share_id, command),
                context=cli_context(),
                in_transaction=within,
            )
        except DomainError as error:
            raise CommandError(f"{error} Nothing was changed.") from error
    url = f"{settings.own_url}{path_of(token)}"
    if json:
        print_json({"id": share_id, "url": url, "expires_at": command.expires_at})
        return
    print(f"Link  {url}")
    print(f"Id    {share_id}")


def change(
    share_id: ShareId,
    /,
    *,
    name: NameOption = None,
    first: FromOption = None,
    last: ToOption = None,
    rolling: RollingOption = None,
    hide: HideOption = (),
    hide_nothing: Annotated[
        bool, Parameter(negative=(), help="Let the page show everything.")
    ] = False,
    password: PasswordOption = False,
    no_password: Annotated[
        bool, Parameter("--no-password", negative=(), help="Ask for no password.")
    ] = False,
    expires_in_days: DaysOption = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Change what a page shows, its password or its end. All else stays."""
    now = datetime.now(UTC)
    chosen: dict[str, Any] = {
        "name": name,
        "first_day": _day(first),
        "last_day": _day(last),
        "rolling": rolling,
        "hide": hide or None,
        "expires_at": _end(expires_in_days, now=now),
    }
    given = {field: value for field, value in chosen.items() if value is not None}
    if hide_nothing:
        given["hide"] = ()
    if not given and not (password or no_password):
        raise UsageError("Name what changes: `goatherd shares change --help`.")
    hashed = _hashed() if password else None
    command = c.ChangeShare(
        at=now,
        has_password=password if password or no_password else UNSET,
        password_changed=password,
        **given,
    )
    with opened_store(read_settings(data_dir=data_dir)) as store:

        def within(cursor: Cursor[TupleRow], done: Executed[UUID]) -> None:
            if password or no_password:
                master_key = store.keyring.master_key(cursor.connection)
                set_password(cursor, done.result, hashed, master_key=master_key)

        _change(store, share_id, command, within)
    _done(share_id, "Changed", json=json)


def remove(
    share_id: ShareId, /, *, data_dir: DataDir = None, json: Json = False
) -> None:
    """Revoke a link: its page is gone at once, and nothing brings it back."""
    with opened_store(read_settings(data_dir=data_dir)) as store:
        _change(
            store,
            share_id,
            c.RevokeShare(),
            lambda cursor, done: forget_password(cursor, done.result),
        )
    _done(share_id, "Revoked", json=json)


def _change(
    store: Store,
    share_id: UUID,
    command: c.ChangeShare | c.RevokeShare,
    within: InTransaction[UUID],
) -> None:
    share = share_of(plain_events(store.load(share_id)[share_id]))
    if share is None:
        raise CommandError(f"There is no link {share_id}.")
    try:
        execute(
            store,
            lambda: change_share(
                share_id, command, organization_id=share.organization_id
            ),
            context=cli_context(),
            in_transaction=within,
        )
    except DomainError as error:
        raise CommandError(f"{error} Nothing was changed.") from error


def _owner_of(store: Store, scope: ShareScope, scope_id: UUID) -> UUID:
    """Return the organization of a creator, campaign, project or report.

    Raises:
        CommandError: there is no such project.
        NotFoundError: there is no such creator, campaign or report.
    """
    if scope == "project":
        with store.pool.connection() as connection:
            return project_named(connection, str(scope_id)).organization_id
    history = plain_events(store.load(scope_id)[scope_id])
    found = _OF[scope](history)
    if found is None:
        raise NotFoundError(scope)
    return found.organization_id


_OF = {"creator": creator_of, "campaign": campaign_of, "report": report_of}


def _state(done: Executed[UUID]) -> ShareState:
    share = share_of(plain_events(done.history(done.result)))
    assert share is not None
    return share


def _hashed() -> str:
    """Read a password, which no argument may have: others see the list of processes.

    Raises:
        CommandError: it is too short.
    """
    is_typed = sys.stdin.isatty()
    password = getpass() if is_typed else sys.stdin.readline().rstrip("\n")
    if len(password) < _SHORTEST_PASSWORD:
        raise UsageError(f"A password has at least {_SHORTEST_PASSWORD} characters.")
    return PasswordHashes().made_now(password)


def _day(at: datetime | None) -> date | None:
    return None if at is None else at.date()


def _end(days: int | None, *, now: datetime) -> datetime | None:
    return None if days is None else now + timedelta(days=days)


def _days(share: Share) -> str:
    return share.rolling or f"{share.from_} to {share.to or 'now'}"


def _done(share_id: UUID, what: str, *, json: bool) -> None:
    if json:
        print_json({"id": share_id, what.lower(): True})
        return
    print(f"{what} {share_id}")
