"""``goatherd orgs``: the creation of organizations, and the choice of operators."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from cyclopts import Parameter
from psycopg import Cursor
from psycopg.rows import TupleRow

from api.cli import UsageError
from api.cli.kit.databases import cli_context, fitting, opened_store
from api.cli.kit.names import checked_name, organization_named
from api.cli.kit.options import DataDir, Json, read_settings, settings_for_links
from api.cli.kit.output import plain, print_json
from application.accounts.invitations import (
    LIFETIME,
    add_link,
    draw_token,
    email_digest,
    path_of,
)
from application.accounts.operators import (
    has_password,
    make_password_link,
    person_with_email,
)
from domain import commands as c
from domain import events as e
from domain.decisions import check_time_zone
from domain.email import checked_email
from domain.errors import InvalidEmailError
from domain.organization.commands import OrganizationCommand, SetOperator
from domain.organization.handlers.organizations import change_organization
from domain.organization.plans import UNLIMITED
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.organizations import make_organization
from infra.settings import Settings
from projections.organizations.projection import ApiKeys
from projections.people import People

_OWNERS_LINK = timedelta(days=7)


def change_own_organization(
    settings: Settings, organization_id: UUID, command: OrganizationCommand
) -> Executed[UUID]:
    """Change an organization; a change of its keys has an effect at once."""
    with opened_store(settings) as store:
        return execute(
            store,
            lambda: change_organization(
                organization_id, command, plans=settings.all_plans
            ),
            context=cli_context(),
            in_transaction=lambda cursor, done: ApiKeys().write(cursor, done.events),
        )


def create(
    name: Annotated[str, Parameter(help="The name of the organization.")],
    /,
    *,
    plan: Annotated[str, Parameter(help="The plan of the organization.")] = UNLIMITED,
    time_zone: Annotated[
        str,
        Parameter(help="The organization's IANA time zone, in which its days begin."),
    ] = "UTC",
    operator: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Let the organization's admin keys operate the installation.",
        ),
    ] = False,
    owner: Annotated[
        str | None,
        Parameter(
            help="The email address of the first owner. Somebody without an account "
            "gets an invitation, with a link for seven days."
        ),
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Create an organization with a first project and a key with every scope.

    Only this command shows the key's text.
    """
    settings = settings_for_links(data_dir)
    if plan not in settings.all_plans:
        plans = ", ".join(sorted(settings.all_plans))
        raise UsageError(f"There is no plan {plan!r}: choose one of {plans}.")
    name = checked_name(name)
    with opened_store(settings) as store:
        check_time_zone(time_zone)
        owner_id = None if owner is None else _person(store, owner)
        invited = owner if owner_id is None else None
        invitation, token = _invitation(invited), draw_token()

        def within(cursor: Cursor[TupleRow], done: Executed[None]) -> None:
            # The key is issued in the same transaction, so that it works at once.
            ApiKeys().write(cursor, done.events)
            People().write(cursor, done.events)
            if invitation is None:
                return
            (created,) = (
                each
                for each in done.events
                if isinstance(each.event, e.OrganizationCreated)
            )
            add_link(
                cursor,
                invitation.id,
                organization_id=created.stream,
                token=token,
                email_digest=email_digest(store, invitation.email),
            )

        made = make_organization(
            store,
            name=name,
            plan=plan,
            time_zone=time_zone,
            is_operator=operator,
            owner=owner_id,
            invitation=invitation,
            context=cli_context(),
            in_transaction=within,
        )
        link = None if owner_id is None else _link(settings, store, owner_id)
        if invitation is not None:
            link = f"{settings.own_url}{path_of(token)}"
    if json:
        made_owner = {} if owner is None else {"owner_id": owner_id, "link": link}
        print_json(
            {
                "org_id": made.organization_id,
                "project_id": made.project_id,
                "api_key": made.key,
                **made_owner,
            }
        )
        return
    print(f"Organization {made.organization_id}")
    print(f"Project      {made.project_id}")
    print(f"API key      {made.key} (shown only this once)")
    if link is not None:
        print(f"Owner's link {link} (once, within seven days)")
    elif owner is not None:
        print(f"Owner        {plain(owner)}")


def _person(store: Store, email: str) -> UUID | None:
    """Return the person with an address, None for somebody without an account.

    Raises:
        CommandError: the text is no address.
    """
    try:
        return person_with_email(store, checked_email(email))
    except InvalidEmailError as error:
        raise UsageError(f"--owner {error}.") from error


def _invitation(email: str | None) -> c.InvitePerson | None:
    """Return the invitation of a first owner, who has no account yet."""
    if email is None:
        return None
    now = datetime.now(UTC)
    return c.InvitePerson(
        id=new_id(),
        email=email,
        role="owner",
        money=True,
        at=now,
        expires_at=now + LIFETIME,
    )


def _link(settings: Settings, store: Store, person_id: UUID) -> str | None:
    """Return a link to choose a password, None for a person who has one."""
    if has_password(store, person_id):
        return None
    path, _ = make_password_link(store, person_id, lifetime=_OWNERS_LINK)
    return f"{settings.own_url}{path}"


def operator(
    org: Annotated[str, Parameter(help="The organization's name or id.")],
    /,
    *,
    off: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="End the right instead of granting it.",
        ),
    ] = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Let the admin keys of an organization operate the installation, or end that.

    These keys can then ban handles, see projections and rebuild read models. Until this
    command is used for an organization, the oldest one has that right.
    """
    settings = read_settings(data_dir=data_dir)
    with fitting(settings) as connection:
        org_id = organization_named(connection, org)
    command = SetOperator(is_operator=not off)
    done = change_own_organization(settings, org_id, command)
    if json:
        print_json({"org_id": org_id, "is_operator": not off})
        return
    what = "no longer runs" if off else "runs"
    already = "" if done.events else " already"
    print(f"Organization {org_id} {what} the installation{already}.")
