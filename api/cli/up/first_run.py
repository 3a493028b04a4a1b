"""The first start of ``goatherd up``: an organization with a key, and a secret."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from api.cli import CommandError, UsageError
from api.cli.kit.databases import cli_context
from api.cli.kit.names import checked_name
from api.cli.kit.output import plain
from application.onboarding.first_start import open_question
from domain.days import time_zones
from domain.organization.api_keys import ALL_SCOPES, create_key
from domain.organization.handlers.organizations import change_organization
from domain.organization.plans import UNLIMITED, Limits
from infra.embedded.data_dir import key_path, secret_path
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.organizations import (
    FIRST_PROJECT,
    UNNAMED_ORGANIZATION,
    draw_key,
    make_organization,
)
from infra.private_file import write_private
from projections.organizations.projection import ApiKeys

ACTOR = "up"

_FIRST = """
SELECT organization_id FROM organizations ORDER BY created_at, organization_id LIMIT 1
"""
_SHORTEST_SECRET = 32


class FirstAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """Answers for a new organization; the first page asks unless all are given."""

    organization: str | None = None
    time_zone: str | None = None
    project_name: str | None = None

    @property
    def are_complete(self) -> bool:
        return None not in (self.organization, self.time_zone, self.project_name)


NO_ANSWERS = FirstAnswers()
DEMO_ANSWERS = FirstAnswers(
    organization="Goat & Co", time_zone="UTC", project_name=FIRST_PROJECT
)


class FirstOrganization(msgspec.Struct, frozen=True, kw_only=True):
    """The first organization, and its key if this start issued it."""

    organization_id: UUID
    new_key: str | None = None


def stored_secret(data_dir: Path) -> str:
    """Return the data directory's secret; create it if there is none.

    Raises:
        CommandError: the file does not hold a secret.
    """
    path = secret_path(data_dir)
    if not path.exists():
        write_private(path, secrets.token_hex(32))
    secret = path.read_text().strip()
    if len(secret) < _SHORTEST_SECRET:
        raise CommandError(
            f"{path} does not hold a secret of {_SHORTEST_SECRET} characters or more: "
            "remove it, and a new one is made."
        )
    return secret


def read_answers(
    organization: str | None,
    time_zone: str | None,
    project_name: str | None,
    *,
    demo: bool,
) -> FirstAnswers:
    """Return the answers of the options; the demo answers the rest by itself.

    Raises:
        CommandError: a name is blank, or the time zone is unknown.
    """
    if time_zone is not None and time_zone not in time_zones():
        raise UsageError(
            f"--time-zone {plain(time_zone)!r} is no IANA time zone, such as "
            "Europe/Berlin."
        )
    names = {"organization": organization, "project_name": project_name}
    given = {
        name: checked_name(text) for name, text in names.items() if text is not None
    }
    if time_zone is not None:
        given["time_zone"] = time_zone
    return replace(DEMO_ANSWERS if demo else NO_ANSWERS, **given)


def ensure_organization(
    store: Store,
    data_dir: Path,
    *,
    plans: Mapping[str, Limits],
    answers: FirstAnswers = NO_ANSWERS,
) -> FirstOrganization:
    """Return the first organization; create it with a project and a key if needed.

    The first page of a new organization asks for its names unless ``answers`` has them.
    The key's text goes into a file of the data directory that only this user can read.
    """
    path = key_path(data_dir)
    with store.pool.connection() as connection:
        found = connection.execute(_FIRST).fetchone()
    if found is None:
        # The file is empty until the key is in force: an empty file is left if the
        # process was killed here.
        write_private(path, "")

        def in_transaction(cursor: Cursor[TupleRow], done: Executed[None]) -> None:
            ApiKeys().write(cursor, done.events)
            if not answers.are_complete:
                open_question(cursor, done.events[0].stream)

        made = make_organization(
            store,
            name=answers.organization or UNNAMED_ORGANIZATION,
            plan=UNLIMITED,
            time_zone=answers.time_zone or "UTC",
            project_name=answers.project_name or FIRST_PROJECT,
            context=cli_context(ACTOR),
            in_transaction=in_transaction,
        )
        write_private(path, made.key)
        return FirstOrganization(organization_id=made.organization_id, new_key=made.key)
    organization_id: UUID = found[0]
    if not path.exists() or path.read_text().strip():
        return FirstOrganization(organization_id=organization_id)
    text = draw_key()
    command = create_key(new_id(), text, name="First key", scopes=ALL_SCOPES)
    execute(
        store,
        lambda: change_organization(organization_id, command, plans=plans),
        context=cli_context(ACTOR),
        in_transaction=lambda cursor, done: ApiKeys().write(cursor, done.events),
    )
    write_private(path, text)
    return FirstOrganization(organization_id=organization_id, new_key=text)
