"""``goatherd members``: people are invited, added, changed and removed."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, get_args
from uuid import UUID

from cyclopts import Parameter
from msgspec import UNSET, UnsetType
from psycopg import Cursor
from psycopg.rows import TupleRow

from api.cli import CommandError, UsageError
from api.cli.kit.databases import cli_context, fitting, opened_store
from api.cli.kit.names import (
    ChosenOrganizationOption,
    chosen_organization,
    project_named,
)
from api.cli.kit.options import DataDir, Json, read_settings, settings_for_links
from api.cli.kit.output import plain, print_json, print_list
from api.cli.members.commands import Email
from application.accounts.invitation_mails import mail_invitation
from application.accounts.invitations import (
    LIFETIME,
    add_link,
    draw_token,
    email_digest,
    follow_members,
    path_of,
)
from application.accounts.operators import person_with_email
from application.leaving import (
    following_removal,
    kept_things,
    known_things,
    left_things,
)
from domain import commands as c
from domain import events as e
from domain.errors import DomainError
from domain.messages import MemberRole
from domain.organization.handlers.leaving import remove_member
from domain.organization.handlers.members import add_member
from domain.organization.handlers.organizations import change_organization
from domain.organization.left_things import ThingChoice
from infra.eventstore.execute import Executed, InTransaction, execute
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.settings import Settings

# The arguments of commands, by the fields that errors of the domain name.
_ARGUMENTS = {
    "email": "EMAIL",
    "project_ids": "--project",
    **{name: f"--{name.replace('_', '-')}" for name in get_args(ThingChoice)},
    "to": "--to",
}
_MAILING = {"report", "channel"}

RoleOption = Annotated[
    MemberRole, Parameter(help="The role: owner, admin, member or viewer.")
]
ChangedRoleOption = Annotated[
    MemberRole | None,
    Parameter(help="Another role: owner, admin, member or viewer."),
]
ProjectsOption = Annotated[
    tuple[str, ...],
    Parameter(
        "--project",
        negative=(),
        help="A project that a member or viewer may see, by name or id; the option can "
        "be repeated. Without it the person sees all projects.",
    ),
]
MoneyOption = Annotated[
    bool, Parameter(negative=(), help="Let the person see and change payments.")
]


def invite(
    email: Email,
    /,
    *,
    role: RoleOption,
    project: ProjectsOption = (),
    money: MoneyOption = False,
    org: ChosenOrganizationOption = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Invite somebody, and print the link with which they accept or decline.

    The link is shown this once. It works once, within seven days. Where a mail server
    is set up, the address is sent another link by mail.
    """
    settings = settings_for_links(data_dir)
    org_id, projects = _named(settings, org, project)
    invitation_id, token, now = new_id(), draw_token(), datetime.now(UTC)
    mailed = False
    with opened_store(settings) as store:
        command = c.InvitePerson(
            id=invitation_id,
            email=email,
            role=role,
            project_ids=projects,
            money=money,
            at=now,
            expires_at=now + LIFETIME,
            person_id=person_with_email(store, email),
        )
        digest = email_digest(store, email)

        def within(cursor: Cursor[TupleRow], done: Executed[UUID]) -> None:
            nonlocal mailed
            follow_members(cursor, done.events)
            add_link(
                cursor,
                invitation_id,
                organization_id=org_id,
                token=token,
                email_digest=digest,
            )
            mailed = mail_invitation(cursor, store, invitation_id)

        _change(store, settings, org_id, command, within)
    link = f"{settings.own_url}{path_of(token)}"
    if json:
        print_json(
            {
                "id": invitation_id,
                "link": link,
                "expires_at": command.expires_at,
                "mailed": mailed,
            }
        )
        return
    print(f"Link  {link}")
    print(f"Until {command.expires_at:%Y-%m-%d %H:%M} UTC, once")
    if mailed:
        print(f"Mail  goes to {plain(email)}, with a link of its own")


def add(
    email: Email,
    /,
    *,
    role: RoleOption,
    project: ProjectsOption = (),
    money: MoneyOption = False,
    org: ChosenOrganizationOption = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Add somebody who has an account to an organization, without an invitation."""
    settings = read_settings(data_dir=data_dir)
    org_id, projects = _named(settings, org, project)
    with opened_store(settings) as store:
        command = c.AddMember(
            person_id=_person(store, email),
            role=role,
            project_ids=projects,
            money=money,
            at=datetime.now(UTC),
        )
        with _refusals():
            done = execute(
                store,
                lambda: add_member(org_id, command, plans=settings.all_plans),
                context=cli_context(),
                in_transaction=lambda cursor, done: follow_members(cursor, done.events),
            )
    # An open invitation to the address of a member ends as well.
    if not any(isinstance(each.event, e.MemberAdded) for each in done.events):
        raise CommandError(
            f"{plain(email)} belongs to the organization already: use `members change`."
        )
    _done(command.person_id, f"Added {plain(email)} as {role}.", json=json)


def change(
    email: Email,
    /,
    *,
    role: ChangedRoleOption = None,
    project: ProjectsOption = (),
    all_projects: Annotated[
        bool, Parameter(negative=(), help="Let the person see all projects.")
    ] = False,
    money: Annotated[
        bool | None, Parameter(help="Let the person see and change payments, or not.")
    ] = None,
    org: ChosenOrganizationOption = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Change the rights of a person in an organization, who is signed out everywhere.

    All other rights stay.
    """
    if project and all_projects:
        raise UsageError("Choose --project or --all-projects.")
    if role is None and not project and not all_projects and money is None:
        raise UsageError(
            "Name what changes: --role, --project, --all-projects, --money or "
            "--no-money."
        )
    settings = read_settings(data_dir=data_dir)
    org_id, projects = _named(settings, org, project)
    ids: tuple[UUID, ...] | UnsetType | None = projects
    if projects is None and not all_projects:
        ids = UNSET
    with opened_store(settings) as store:
        command = c.ChangeMember(
            person_id=_person(store, email),
            role=UNSET if role is None else role,
            project_ids=ids,
            money=UNSET if money is None else money,
        )
        _change(store, settings, org_id, command)
    _done(command.person_id, f"Changed {plain(email)}.", json=json)


def leaves(
    email: Email,
    /,
    *,
    org: ChosenOrganizationOption = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List what a person leaves if they are removed, and the choices for it.

    `members remove` takes the choices with the ids. A key has none: it ends.
    """
    settings = read_settings(data_dir=data_dir)
    org_id, _ = _named(settings, org, ())
    with opened_store(settings) as store:
        found = left_things(store, org_id, _person(store, email))
    print_list(
        found,
        "kind name choices id",
        json=json,
        choices=lambda it: ", ".join(it.choices).replace("_", "-"),
    )


def remove(
    email: Email,
    /,
    *,
    to: Annotated[
        str | None,
        Parameter(help="The email address of the member who gets things."),
    ] = None,
    hand_over: Annotated[
        tuple[UUID, ...],
        Parameter(
            negative=(),
            help="The id of a link, view, rule or report that the member of --to gets. "
            "The option can be repeated, as the next two.",
        ),
    ] = (),
    end: Annotated[
        tuple[UUID, ...],
        Parameter(
            negative=(), help="The id of a link, view, rule or channel that ends."
        ),
    ] = (),
    take_out: Annotated[
        tuple[UUID, ...],
        Parameter(negative=(), help="The id of a report that mails to them no more."),
    ] = (),
    org: ChosenOrganizationOption = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Remove a person from an organization, who is signed out within a second.

    Their account and their deeds stay. The last owner cannot be removed. Their keys
    end, and the rest of what `members leaves` lists goes on unless an option names it.
    """
    settings = read_settings(data_dir=data_dir)
    org_id, _ = _named(settings, org, ())
    with opened_store(settings) as store:
        command = c.RemoveMember(person_id=_person(store, email))
        person_id = command.person_id
        settled = c.SettleThings(
            to=None if to is None else _person(store, to),
            hand_over=hand_over,
            end=end,
            take_out=take_out,
        )
        with _refusals():
            execute(
                store,
                lambda: remove_member(
                    org_id,
                    command,
                    settled=settled,
                    known=known_things(store, person_id, settled.ids),
                    at=datetime.now(UTC),
                    plans=settings.all_plans,
                ),
                context=cli_context(),
                in_transaction=following_removal(store, person_id),
            )
        things = kept_things(store, org_id, person_id, settled)
    lines = [
        f"The {one.kind} {plain(one.name)} "
        f"{'still mails to it' if one.kind in _MAILING else 'goes on'}."
        for one in things
    ]
    _done(person_id, "\n".join([f"Removed {plain(email)}.", *lines]), json=json)


def _named(
    settings: Settings, org: str | None, projects: Sequence[str]
) -> tuple[UUID, tuple[UUID, ...] | None]:
    with fitting(settings) as connection:
        org_id = chosen_organization(connection, org)
        found = [project_named(connection, each, org=org_id).id for each in projects]
    return org_id, tuple(dict.fromkeys(found)) or None


def _change(
    store: Store,
    settings: Settings,
    org_id: UUID,
    command: c.OrganizationCommand,
    within: InTransaction[UUID] | None = None,
) -> None:
    with _refusals():
        execute(
            store,
            lambda: change_organization(org_id, command, plans=settings.all_plans),
            context=cli_context(),
            in_transaction=within
            or (lambda cursor, done: follow_members(cursor, done.events)),
        )


@contextmanager
def _refusals() -> Generator[None]:
    """Report a refused command as a mistake of the command line."""
    try:
        yield
    except DomainError as error:
        said = str(error)
        if error.field is not None:
            field = error.field.partition("/")[0]
            said = f"{_ARGUMENTS.get(field, field)} {error.reason}."
        raise CommandError(f"{said} Nothing was changed.") from error


def _person(store: Store, email: str) -> UUID:
    person_id = person_with_email(store, email)
    if person_id is None:
        raise CommandError(
            f"Nobody has an account with the address {plain(email)!r}: `members list` "
            "shows the people, and `members invite` invites somebody."
        )
    return person_id


def _done(person_id: UUID, text: str, *, json: bool) -> None:
    if json:
        print_json({"id": person_id})
        return
    print(text)
