"""``goatherd members``: the people of organizations, and links to choose passwords."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from cyclopts import Parameter
from msgspec import Struct

from api.cli import CommandError, UsageError
from api.cli.kit.databases import cli_context, fitting, opened_store, rows_of
from api.cli.kit.names import OnlyOrganizationOption, organization_named
from api.cli.kit.options import DataDir, Ids, Json, read_settings, settings_for_links
from api.cli.kit.output import plain, print_json, print_list
from application.accounts.invitations import forget_address
from application.accounts.operators import erase as erase_person
from application.accounts.operators import make_password_link, person_with_email
from application.accounts.operators import remove_second_factor as remove_factor
from domain.email import same_email
from domain.messages import MemberRole
from domain.organization.errors import LastOwnerError
from infra.eventstore.store import Store

_LIST = """
SELECT m.person_id AS id, m.name, m.email, m.role, m.project_ids, m.money, m.joined_at,
       (SELECT max(s.last_used_at) FROM person_sessions s
        WHERE s.person_id = m.person_id AND s.organization_id = m.organization_id)
           AS last_seen_at,
       m.organization_id AS org_id, o.name AS org_name, 'member' AS status,
       NULL::timestamptz AS expires_at,
       ARRAY(SELECT p.name FROM projects p WHERE p.organization_id = m.organization_id
             AND p.id = ANY(m.project_ids) ORDER BY p.name, p.id) AS project_names
FROM members m LEFT JOIN organizations o USING (organization_id)
WHERE m.removed_at IS NULL
AND (%(org)s::uuid IS NULL OR m.organization_id = %(org)s)
UNION ALL
SELECT i.id, '', i.email, i.role, i.project_ids, i.money, NULL, NULL,
       i.organization_id, o.name, 'invited', i.expires_at,
       ARRAY(SELECT p.name FROM projects p WHERE p.organization_id = i.organization_id
             AND p.id = ANY(i.project_ids) ORDER BY p.name, p.id)
FROM invitations i LEFT JOIN organizations o USING (organization_id)
WHERE i.ended_at IS NULL
AND (%(org)s::uuid IS NULL OR i.organization_id = %(org)s)
ORDER BY org_id, status DESC, joined_at, expires_at, id
"""

Email = Annotated[str, Parameter(help="The email address of the person.")]


class ListedMember(Struct, frozen=True, kw_only=True):
    """A member or an open invitation as operators see it, with the organization."""

    id: UUID
    name: str
    email: str
    role: MemberRole
    project_ids: list[UUID] | None
    money: bool
    joined_at: datetime | None
    last_seen_at: datetime | None
    org_id: UUID
    org_name: str | None
    status: Literal["member", "invited"]
    expires_at: datetime | None
    project_names: list[str]


def list_members(
    *,
    org: OnlyOrganizationOption = None,
    ids: Ids = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List the people of organizations, and open invitations.

    The list has their roles, the projects and payments that they may see, and when they
    were last here.
    """
    with fitting(read_settings(data_dir=data_dir)) as connection:
        org_id = None if org is None else organization_named(connection, org)
        found = rows_of(connection, ListedMember, _LIST, {"org": org_id})
    print_list(
        found,
        "name email organization=org_name role projects payments status last_seen",
        ids="id organization_id=org_id" if ids else "",
        json=json,
        last_seen=_last_seen,
        projects=_projects,
        payments=lambda it: "yes" if it.money else "no",
    )


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
        raise CommandError(f"Nobody has the address {plain(email)!r}.")
    return person_id


def _projects(member: ListedMember) -> str:
    if member.project_ids is None:
        return "all"
    return ", ".join(member.project_names) or "none"


def _last_seen(member: ListedMember) -> str:
    if member.expires_at is not None:
        return f"until {member.expires_at:%Y-%m-%d}"
    seen = member.last_seen_at
    return "not signed in" if seen is None else f"{seen:%Y-%m-%d %H:%M}"
