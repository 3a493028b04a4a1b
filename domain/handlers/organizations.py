"""The handlers of commands to organizations."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from domain import commands as c
from domain.decisions import Decision, Handler, check_version, on
from domain.errors import NotFoundError
from domain.organization import decider
from domain.organization.decider import organization_of
from domain.organization.plans import Limits

T = TypeVar("T")


def create_organization(
    organization_id: UUID, commands: Sequence[c.OrganizationCommand]
) -> Handler[None]:
    """Decide the first commands to a new organization as one."""
    yield ()
    events = decider.decide_all(None, commands)
    return Decision(None, events=on(organization_id, events))


def change_organization(
    organization_id: UUID,
    command: Callable[[Limits], c.OrganizationCommand],
    *,
    plans: Mapping[str, Limits],
    result: T,
    expected_versions: tuple[UUID, Collection[int]] | None = None,
) -> Handler[T]:
    """Decide a command that may depend on the limits of the organization's plan.

    ``result`` is returned to the caller. If ``expected_versions`` are given, the
    project that the command names, or the organization itself, must be at one of them.
    """
    histories = yield (organization_id,)
    organization = organization_of(histories[organization_id])
    if organization is None:
        raise NotFoundError("organization")
    if expected_versions is not None:
        subject_id, versions = expected_versions
        subject = (
            organization
            if subject_id == organization_id
            else organization.projects.get(subject_id)
        )
        if subject is None:
            raise NotFoundError("project")
        check_version(subject.version, versions)
    events = decider.decide(organization, command(plans[organization.plan]))
    return Decision(result, events=on(organization_id, events))
