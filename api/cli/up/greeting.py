"""The greeting of ``goatherd up`` when everything is ready: addresses, and the key."""

import socket
import sys

from api.cli.kit.databases import connected
from api.cli.up.fake_tiktok import fake_tiktok_url
from api.cli.up.first_run import FirstOrganization
from api.web.sign_in.links import make_link
from application.accounts.service import HAS_OWNER
from domain.scrape.sources import NO_SOURCE
from infra.embedded.data_dir import key_path
from infra.settings import Settings, base_url


def greet(
    settings: Settings,
    organization: FirstOrganization,
    pretended: socket.socket | None,
) -> None:
    """Print the addresses, and the ways to sign in."""
    url = base_url(settings.host, settings.port)
    pages = settings.url or pages_url(settings)
    path = key_path(settings.data_dir)
    link = _link(settings, organization)
    shown = path.resolve()
    if organization.new_key is not None:
        key = f"{organization.new_key} (kept in {shown})"
    elif path.exists():
        key = f"in {shown}"
    else:
        key = (
            f"make one with `goatherd keys create --org {organization.organization_id}`"
        )
    source = "" if settings.providers else f"  Source   {NO_SOURCE}\n"
    tiktok = ""
    if pretended is not None:
        tiktok = f"  TikTok   {fake_tiktok_url(settings, pretended)} (pretended)\n"
    # All lines are printed at once, so that no line of the log comes in between.
    sys.stdout.write(
        f"Goatherd is ready at {url}\n"
        f"  Pages    {pages}{link}\n"
        f"  API key  {key}\n"
        f"  Docs     {url}/docs\n"
        f"{source}"
        f"{tiktok}"
        "  Stop     Ctrl-C\n"
    )
    sys.stdout.flush()


def pages_url(settings: Settings) -> str:
    """Return the address of pages, of this machine by its name: passkeys need one."""
    url = base_url(settings.host, settings.port)
    return url.replace("//127.0.0.1:", "//localhost:")


def _link(settings: Settings, organization: FirstOrganization) -> str:
    """Return the path of a link that makes the owner's account, or signs in once.

    It is empty without a key, and where it would lead nowhere.
    """
    path, database = key_path(settings.data_dir), settings.database_url
    key = path.read_text().strip() if path.exists() else ""
    if not key or database is None:
        return ""
    with connected(database) as connection:
        found = connection.execute(HAS_OWNER, (organization.organization_id,))
        (has_owner,) = found.fetchone() or (False,)
        if settings.passwords and not has_owner:
            return f"{make_link(connection, key)} (makes your account)"
        if not settings.key_sign_in:
            return ""
        return f"{make_link(connection, key)} (signs you in, once)"
