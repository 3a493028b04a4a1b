"""Goatherd as browsers meet it: the server and the projector, each a real process."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import psycopg

from api.http.access.sessions import Sessions
from infra.embedded.processes import wait_until
from infra.keys.digests import digest_of
from projections.engine.follower_group import FollowerGroup
from tests.kit.application import (
    PLANS,
    SECRET,
    Goatherd,
    Tenant,
    settings_for,
    started,
)
from tests.kit.command_line import Running, running
from tests.kit.connections import APP
from tests.kit.patience import PATIENTLY
from tests.kit.ports import free_port
from tests.kit.threads import followed_by
from workers.scraping.identity import CreatorIdentities

_AT_WORK = """
SELECT application_name, state, wait_event, clock_timestamp() - xact_start,
    left(query, 200),
    ARRAY(SELECT concat(relation::regclass, ' ', mode, ' ', granted) FROM pg_locks l
          WHERE l.pid = a.pid AND relation IS NOT NULL LIMIT 20)
FROM pg_stat_activity a
WHERE datname = current_database() AND xact_start < clock_timestamp() - interval '2 s'
"""


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A Goatherd at an address; ``goatherd`` is for what tests arrange and look up."""

    goatherd: Goatherd
    address: str
    processes: tuple[Running, ...]

    def account(self) -> str:
        """The last lines of the processes, and what the database was at."""
        lines = [
            line for each in self.processes for line in each.err.splitlines()[-60:]
        ]
        with psycopg.connect(self.goatherd.url) as connection:
            rows = connection.execute(_AT_WORK).fetchall()
        return "\n".join([*lines, *map(str, rows)])

    def tenant(self, *, is_operator: bool = False) -> Tenant:
        """A new organization, with a key that may do everything."""
        return self.goatherd.tenant(is_operator=is_operator)

    def session_of(self, tenant: Tenant) -> str:
        """The cookie of somebody who signed in with a tenant's key."""
        sessions = Sessions(settings_for(self.goatherd.url).secret or "")
        return sessions.sealed(sessions.begin(digest_of(tenant.key)))


@contextmanager
def served(url: str, folder: Path) -> Generator[Served]:
    """Serve a migrated database until done, with read models that follow it."""
    port = free_port()
    settings = {
        "database_url": url,
        "secret": SECRET,
        "plans": msgspec.json.encode(PLANS).decode(),
        "port": port,
        # Links to connect an account can be made; nobody follows them to TikTok.
        "display_client_key": APP.client_key,
        "display_client_secret": APP.client_secret,
        "display_redirect_url": APP.redirect_url,
    }
    address = f"http://127.0.0.1:{port}"
    with (
        started(url) as goatherd,
        # No worker runs, and pages wait for its read model.
        followed_by(FollowerGroup(goatherd.store, [CreatorIdentities()]), url),
        running("project", settings=settings, folder=folder) as projector,
        running("serve", settings=settings, folder=folder) as server,
    ):
        is_ready = wait_until(lambda: _is_ready(server, address), seconds=PATIENTLY)
        assert is_ready, server.err
        processes = (server, projector)
        yield Served(goatherd=goatherd, address=address, processes=processes)


def _is_ready(server: Running, address: str) -> bool:
    assert server.process.poll() is None, server.err
    try:
        return httpx.get(f"{address}/health/ready").status_code == 200
    except httpx.TransportError:
        return False
