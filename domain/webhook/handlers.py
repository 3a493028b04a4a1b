"""The handlers that create, change and remove webhooks."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from domain import commands as c
from domain.decisions import (
    Decision,
    Handler,
    QuotaCounter,
    check_version,
    decide_all,
    on,
)
from domain.errors import NotFoundError
from domain.organization.decider import organization_of, project_owner
from domain.streams import webhooks_counter
from domain.webhook.decider import decide, evolve, webhook_of

# Each endpoint costs a request for each event, so an organization has few.
MOST_WEBHOOKS: Final = 50


def create_webhook(
    webhook_id: UUID, command: c.CreateWebhook, *, enabled: bool = True
) -> Handler[UUID]:
    """Create an endpoint, which may be off at first, if there is room for one more.

    Raises:
        NotFoundError: there is no such organization, or it has no such project.
    """
    organization_id = command.organization_id
    histories = yield (webhook_id, organization_id)
    if organization_of(histories[organization_id]) is None:
        raise NotFoundError("organization")
    if command.project_id is not None:
        project_owner(histories[organization_id], command.project_id)
    commands = [command] if enabled else [command, c.DisableWebhook()]
    webhook = webhook_of(histories[webhook_id])
    events = on(webhook_id, decide_all(webhook, commands, decide=decide, evolve=evolve))
    counter = QuotaCounter(
        key=webhooks_counter(organization_id),
        delta=1,
        limit_key="max_webhooks_per_org",
        maximum=MOST_WEBHOOKS,
    )
    return Decision(webhook_id, events=events, quota_counters=[counter])


def change_webhook(
    webhook_id: UUID,
    *commands: c.WebhookCommand,
    organization_id: UUID,
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    """Decide commands to an endpoint of an organization as one.

    Raises:
        NotFoundError: the organization has no such webhook, or no such project.
        StaleVersionError: the endpoint has another version.
    """
    histories = yield (webhook_id, organization_id)
    webhook = webhook_of(histories[webhook_id])
    if webhook is None or webhook.organization_id != organization_id:
        raise NotFoundError("webhook")
    check_version(webhook.version, expected_versions)
    for project_id in _projects(commands):
        project_owner(histories[organization_id], project_id)
    decided = decide_all(webhook, commands, decide=decide, evolve=evolve)
    is_removed = bool(decided) and isinstance(commands[-1], c.RemoveWebhook)
    counter = QuotaCounter(key=webhooks_counter(organization_id), delta=-1)
    return Decision(
        webhook_id,
        events=on(webhook_id, decided),
        quota_counters=[counter] if is_removed else [],
    )


def _projects(commands: Sequence[c.WebhookCommand]) -> list[UUID]:
    return [
        command.project_id
        for command in commands
        if isinstance(command, c.ChangeWebhook) and isinstance(command.project_id, UUID)
    ]
