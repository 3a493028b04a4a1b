"""Goatherd as browsers meet it: the server and the projector, each a real process."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec

from api.http.access.sessions import Sessions
from infra.embedded.processes import wait_until
from infra.keys.digests import digest_of
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


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A Goatherd at an address; ``goatherd`` is for what tests arrange and look up."""

    goatherd: Goatherd
    address: str

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
        running("project", settings=settings, folder=folder),
        running("serve", settings=settings, folder=folder) as server,
    ):
        is_ready = wait_until(lambda: _is_ready(server, address), seconds=PATIENTLY)
        assert is_ready, server.err
        yield Served(goatherd=goatherd, address=address)


def _is_ready(server: Running, address: str) -> bool:
    assert server.process.poll() is None, server.err
    try:
        return httpx.get(f"{address}/health/ready").status_code == 200
    except httpx.TransportError:
        return False
