"""Servers in processes of their own: granian or uvicorn, on a free port, until done."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import UUID

import msgspec

from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from infra.organizations import make_organization
from projections.organizations.projection import ApiKeys
from tests.kit.builders import asking
from tests.kit.keys import MASTER_KEY_TEXT
from tests.kit.paths import ROOT
from tests.kit.ports import free_port, listens

PATIENCE_SECONDS = 30

_OPTIONS = {
    # The options of api.cli.up.http_server, as granian's own command line spells them.
    "granian": (
        *("--interface", "asgi", "--loop", "uvloop", "--workers", "1"),
        *("--http", "1", "--http1-buffer-size", "65536"),
        *("--backlog", "1024", "--no-ws", "--log-level", "warning", "--factory"),
    ),
    "uvicorn": (
        *("--interface", "asgi3", "--loop", "uvloop", "--http", "httptools"),
        *("--backlog", "1024", "--ws", "none", "--log-level", "warning"),
        *("--no-access-log", "--factory"),
    ),
}


SECRET = "s" * 32


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """An organization without limits, its first project, and a key with all scopes."""

    organization_id: UUID
    project_id: UUID
    key: str


def a_tenant(store: Store) -> Tenant:
    """Make an organization whose key works at once."""
    made = make_organization(
        store,
        name="Herd",
        plan="unlimited",
        time_zone="UTC",
        context=asking("bench"),
        in_transaction=lambda cursor, done: ApiKeys().write(cursor, done.events),
    )
    return Tenant(
        organization_id=made.organization_id,
        project_id=made.project_id,
        key=made.key,
    )


@contextmanager
def serving(
    application: str, *, server: str = "granian", **settings: str
) -> Iterator[int]:
    """Serve an application factory in one process until done; give the port."""
    port = free_port()
    command = ["-m", server, *_OPTIONS[server], "--port", str(port), application]
    with running(command, **settings) as process:
        assert wait_until(lambda: listens(port), seconds=PATIENCE_SECONDS)
        assert process.poll() is None
        yield port


@contextmanager
def running(
    arguments: Sequence[str], **settings: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run Python with these arguments and GOATHERD_ settings until done."""
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, env=environment(settings)
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return our environment with these GOATHERD_ settings and no others.

    A process with a database also has the tests' master key.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GOATHERD_")}
    key = {"master_key": MASTER_KEY_TEXT} if "database_url" in settings else {}
    return kept | {
        f"GOATHERD_{name.upper()}": value for name, value in {**key, **settings}.items()
    }
