"""``goatherd members``: acts on people that only the host's operator may do."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from cyclopts import Parameter

from api.cli import CommandError, UsageError
from api.cli.kit.databases import cli_context, fitting, opened_store
from api.cli.kit.names import (
    ChosenOrganizationOption,
    chosen_organization,
    project_named,
)
from api.cli.kit.options import DataDir, Json, read_settings, settings_for_links
from api.cli.kit.output import plain, print_json
from application.accounts.invitations import follow_members, forget_address
from application.accounts.operators import erase as erase_person
from application.accounts.operators import make_password_link, person_with_email
from application.accounts.operators import remove_second_factor as remove_factor
from domain import commands as c
from domain import events as e
from domain.email import same_email
from domain.errors import DomainError
from domain.messages import MemberRole
from domain.organization.errors import LastOwnerError
from domain.organization.handlers.members import add_member
from infra.eventstore.execute import execute
from infra.eventstore.store import Store

Email = Annotated[str, Parameter(help="The email address of the person.")]


def add(
    email: Email,
    /,
    *,
    role: Annotated[
        MemberRole, Parameter(help="The role: owner, admin, member or viewer.")
    ],
    projects: Annotated[
        tuple[str, ...],
        Parameter(
            negative=(),
            consume_multiple=True,
            help="The projects that a member or viewer may see, by name or id. Without "
            "the option the person sees all projects.",
        ),
    ] = (),
    money: Annotated[
        bool, Parameter(negative=(), help="Let the person see and change payments.")
    ] = False,
    org: ChosenOrganizationOption = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Add somebody who has an account to an organization, without an invitation."""
    settings = read_settings(data_dir=data_dir)
    with fitting(settings) as connection:
        org_id = chosen_organization(connection, org)
        named = [project_named(connection, each, org=org_id).id for each in projects]
    with opened_store(settings) as store:
        command = c.AddMember(
            person_id=_person(store, email),
            role=role,
            project_ids=tuple(dict.fromkeys(named)) or None,
            money=money,
            at=datetime.now(UTC),
        )
        try:
            done = execute(
                store,
                lambda: add_member(org_id, command, plans=settings.all_plans),
                context=cli_context(),
                in_transaction=lambda cursor, done: follow_members(cursor, done.events),
            )
        except DomainError as error:
            said = str(error)
            if error.field is not None:
                is_of_projects = error.field == "project_ids"
                flag = "--projects" if is_of_projects else f"--{error.field}"
                said = f"{flag} {error.reason}."
            raise CommandError(f"{said} Nothing was changed.") from error
    # An open invitation to the address of a member ends as well.
    if not any(isinstance(each.event, e.MemberAdded) for each in done.events):
        raise CommandError(
            f"{plain(email)} belongs to the organization already: use `members change`."
        )
    if json:
        print_json({"id": command.person_id})
        return
    print(f"Added {plain(email)} as {role}.")


def reset_link(
    email: Email,
    /,
    *,
    remove_second_factor: Annotated[
        bool,
        Parameter(
            negative=(),
            help="Ask for no code any more: the phone and the recovery codes are lost.",
        ),
    ] = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Make a link with which a person chooses a new password, once, within an hour.

    With GOATHERD_PASSWORDS=false nobody has a password, and the link signs in once.

    The link signs them in, and ends their sessions in all browsers. A second link ends
    the first one.
    """
    settings = settings_for_links(data_dir)
    with opened_store(settings) as store:
        person_id = _person(store, email)
        if remove_second_factor:
            remove_factor(store, person_id, context=cli_context())
        path, until = make_password_link(store, person_id, context=cli_context())
    link = f"{settings.own_url}{path}"
    if json:
        print_json({"id": person_id, "link": link, "expires_at": until})
        return
    print(f"Link  {link}")
    print(f"Until {until:%Y-%m-%d %H:%M} UTC, once")


def erase(
    email: Email,
    /,
    *,
    confirm: Annotated[
        str, Parameter(help="The address once more, because nothing brings it back.")
    ],
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Erase a person: their name, address, password and sessions.

    They leave their organizations, whose email channels to their address are removed,
    and whose reports mail to it no more. Their deeds stay, and histories say "an erased
    person". The last owner of an organization cannot be erased. Invitations to the
    address are withdrawn, also if nobody has an account with it.
    """
    if same_email(email) != same_email(confirm):
        raise UsageError("--confirm must be the same address. Nothing was changed.")
    with opened_store(read_settings(data_dir=data_dir)) as store:
        person_id = person_with_email(store, email)
        if person_id is None:
            _forget(store, email)
        else:
            try:
                erase_person(store, person_id, context=cli_context())
            except LastOwnerError as error:
                raise CommandError(f"{error} Nothing was changed.") from error
    if json:
        print_json({"id": person_id, "erased": True})
        return
    print("Erased the address." if person_id is None else f"Erased {person_id}")


def _forget(store: Store, email: str) -> None:
    if not forget_address(store, email, context=cli_context()):
        raise CommandError(f"Nobody has the address {plain(email)!r}.")


def _person(store: Store, email: str) -> UUID:
    person_id = person_with_email(store, email)
    if person_id is None:
        raise CommandError(
            f"Nobody has an account with the address {plain(email)!r}: `members list` "
            "shows the people, and `members invite` invites somebody."
        )
    return person_id
