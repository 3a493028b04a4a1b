"""``goatherd keys``: issuing, listing and revoking API keys."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from cyclopts import Parameter

from api.cli import CommandError, UsageError
from api.cli.kit.databases import fitting, rows_of
from api.cli.kit.names import (
    OnlyOrganizationOption,
    OrganizationOption,
    checked_name,
    organization_named,
)
from api.cli.kit.options import DataDir, Ids, Json, read_settings
from api.cli.kit.output import print_json, print_list
from api.cli.organizations import change_own_organization
from domain import commands as c
from domain.events import Scope
from domain.organization.api_keys import DEFAULT_SCOPES, create_key
from infra.ids import new_id
from infra.organizations import draw_key

_LIST = """
SELECT k.id, organization_id AS org_id, o.name AS org_name, k.name, hint, scopes,
       k.created_at, expires_at, revoked_at,
       json_build_object('type', CASE WHEN person_id IS NULL THEN 'organization'
                                      ELSE 'person' END,
                         'id', coalesce(person_id, organization_id)) AS owner,
       CASE WHEN person_id IS NULL THEN 'organization'
            ELSE coalesce((SELECT p.name FROM people p
                           WHERE p.person_id = k.person_id), 'an erased person')
       END AS owner_name
FROM api_keys k LEFT JOIN organizations o USING (organization_id)
WHERE %(org)s::uuid IS NULL OR organization_id = %(org)s
ORDER BY organization_id, k.created_at, k.id
"""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key as operators see it: everything except its text."""

    id: UUID
    org_id: UUID
    org_name: str | None
    name: str
    hint: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    owner: Mapping[str, str]
    owner_name: str


def create(
    *,
    org: OrganizationOption,
    name: Annotated[str, Parameter(help="The name of the key.")] = "Key",
    scope: Annotated[
        list[Scope] | None,
        Parameter(
            negative="",
            help="A scope of the key; repeat the option for several (read and write).",
        ),
    ] = None,
    expires_at: Annotated[
        datetime | None,
        Parameter(
            help="The time after which the key stops working, in UTC unless it "
            "has another zone."
        ),
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Issue a key to an organization. Only this command shows its text."""
    name = checked_name(name)
    if expires_at is not None and expires_at.tzinfo is None:
        expires_at = expires_at.replace(tzinfo=UTC)
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise UsageError("--expires-at must be in the future.")
    settings = read_settings(data_dir=data_dir)
    with fitting(settings) as connection:
        organization_id = organization_named(connection, org)
    text = draw_key()
    command = create_key(
        new_id(),
        text,
        name=name,
        scopes=scope or DEFAULT_SCOPES,
        expires_at=expires_at,
    )
    change_own_organization(settings, organization_id, command)
    if json:
        print_json({"id": command.key_id, "api_key": text, "scopes": command.scopes})
        return
    print(f"Key     {command.key_id}")
    print(f"Scopes  {', '.join(command.scopes)}")
    print(f"API key {text} (shown only this once)")


def list_keys(
    *,
    org: OnlyOrganizationOption = None,
    ids: Ids = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List keys without their texts; a hint is the end of a text."""
    with fitting(read_settings(data_dir=data_dir)) as connection:
        org_id = None if org is None else organization_named(connection, org)
        found = rows_of(connection, Key, _LIST, {"org": org_id})
    print_list(
        found,
        "name organization=org_name owner=owner_name ends_in=hint scopes state",
        ids="id organization_id=org_id" if ids else "",
        json=json,
        state=_state,
    )


def revoke(
    key_id: Annotated[
        UUID,
        Parameter(
            help="The id of the key, not its text: `goatherd keys list --ids` shows it."
        ),
    ],
    /,
    *,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Revoke a key.

    The key stops working within a second; revoking it again changes nothing.
    """
    settings = read_settings(data_dir=data_dir)
    with fitting(settings) as connection:
        row = connection.execute(
            "SELECT organization_id FROM api_keys WHERE id = %s", (key_id,)
        ).fetchone()
    if row is None:
        raise CommandError(f"There is no key {key_id}.")
    change_own_organization(settings, row[0], c.RevokeApiKey(key_id=key_id))
    if json:
        print_json({"id": key_id, "revoked": True})
        return
    print(f"Revoked {key_id}")


def _state(key: Key) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d %H:%M}"
    if key.expires_at is None:
        return "works"
    expired = key.expires_at <= datetime.now(UTC)
    return f"{'expired' if expired else 'until'} {key.expires_at:%Y-%m-%d %H:%M}"
