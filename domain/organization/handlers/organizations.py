"""The handlers of commands to organizations."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from uuid import UUID

from domain import commands as c
from domain.decisions import Decision, Handler, check_version, decide_all, on
from domain.errors import NotFoundError
from domain.organization.decider import (
    OrganizationState,
    decide,
    evolve,
    organization_of,
)
from domain.organization.plans import Limits


def create_organization(
    organization_id: UUID, commands: Sequence[c.OrganizationCommand]
) -> Handler[None]:
    """Decide the first commands to a new organization as one."""
    yield ()
    events = decide_all(None, commands, decide=decide, evolve=evolve)
    return Decision(None, events=on(organization_id, events))


def change_organization(
    organization_id: UUID,
    *commands: c.OrganizationCommand,
    plans: Mapping[str, Limits],
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    """Decide commands as one, within the limits of the organization's plan.

    If ``expected_versions`` are given, the project or member that the last command
    changes, or else the organization itself, must have one of them. The result is the
    organization's id.
    """
    histories = yield (organization_id,)
    organization = organization_of(histories[organization_id])
    if organization is None:
        raise NotFoundError("organization")
    check_version(_version(organization, commands[-1]), expected_versions)
    events = decide_all(
        organization,
        commands,
        decide=partial(decide, limits=plans[organization.plan]),
        evolve=evolve,
    )
    return Decision(organization_id, events=on(organization_id, events))


def _version(organization: OrganizationState, command: c.OrganizationCommand) -> int:
    match command:
        case (
            c.ChangeProjectDetails()
            | c.ChangeProjectLogo()
            | c.ArchiveProject()
            | c.RestoreProject()
        ):
            kind, subject = "project", organization.projects.get(command.project_id)
        case c.ChangeMember() | c.RemoveMember():
            kind, subject = "member", organization.members.get(command.person_id)
        case _:
            return organization.version
    if subject is None:
        raise NotFoundError(kind)
    return subject.version
