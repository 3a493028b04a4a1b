"""``goatherd connect-links``: links with which creators connect their accounts."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from cyclopts import Parameter

from api.cli import CommandError
from api.cli.kit.databases import opened_store
from api.cli.kit.names import creator_with_id
from api.cli.kit.options import DataDir, Ids, Json, read_settings
from api.cli.kit.output import print_json, print_table
from api.routes.connections.links import ConnectLinkShown
from application.connect.links import find_link, links_of, revoke_link
from application.connect.service import Connections
from domain.connection.links import ConnectLink
from infra.ids import new_id

CreatorId = Annotated[
    UUID,
    Parameter(help="The id of the creator: `goatherd creators list --ids` shows it."),
]


def make(
    creator_id: CreatorId, /, *, data_dir: DataDir = None, json: Json = False
) -> None:
    """Create a link for a creator, which works once within seven days."""
    settings = read_settings(data_dir=data_dir)
    with opened_store(settings) as store:
        connections = Connections(store, settings)
        if connections.base_address is None:
            raise CommandError(
                "No account can be connected on this installation yet: set "
                "GOATHERD_DISPLAY_CLIENT_KEY, GOATHERD_DISPLAY_CLIENT_SECRET and "
                "GOATHERD_DISPLAY_REDIRECT_URL, as docs/sources.md says."
            )
        link = connections.make_link(
            creator_id,
            link_id=new_id(),
            organization_id=creator_with_id(store, creator_id).organization_id,
        )
        shown = _shown(connections, link)
    if json:
        print_json(shown)
        return
    print(f"Link    {shown.id}")
    print(f"Until   {shown.expires_at:%Y-%m-%d %H:%M}")
    print(f"Address {shown.url}")


def list_links(
    creator_id: CreatorId,
    /,
    *,
    ids: Ids = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List the newest 100 links of a creator, newest first."""
    settings = read_settings(data_dir=data_dir)
    with opened_store(settings) as store:
        connections = Connections(store, settings)
        organization_id = creator_with_id(store, creator_id).organization_id
        with store.pool.connection() as connection:
            links = links_of(connection.cursor(), organization_id, creator_id)
        found = [_shown(connections, link) for link in links]
    if json:
        print_json(found)
        return
    now = datetime.now(UTC)
    print_table(
        ("state", "made", "until", "address", *(["id"] if ids else [])),
        (
            (
                *(link.state(now), f"{link.created_at:%Y-%m-%d %H:%M}"),
                *(f"{link.expires_at:%Y-%m-%d %H:%M}", shown.url),
                *([link.id] if ids else []),
            )
            for link, shown in zip(links, found, strict=True)
        ),
    )


def revoke(
    link_id: Annotated[
        UUID,
        Parameter(
            help="The id of the link: `goatherd connect-links list --ids` shows it."
        ),
    ],
    /,
    *,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Revoke a link, which cannot be used any more.

    A connection that was made with it stays.
    """
    settings = read_settings(data_dir=data_dir)
    with opened_store(settings) as store:
        with store.pool.connection() as connection:
            cursor = connection.cursor()
            of = find_link(cursor, link_id)
            link = of and revoke_link(
                cursor, of.organization_id, of.creator_id, link_id
            )
        if link is None:
            raise CommandError(f"There is no link {link_id}.")
        shown = _shown(Connections(store, settings), link)
    if json:
        print_json(shown)
        return
    print(f"Revoked {link_id}")


def _shown(connections: Connections, link: ConnectLink) -> ConnectLinkShown:
    """Return a link; its address is None if no accounts can be connected."""
    base = connections.base_address
    url = base and connections.address(link, own_address=base)
    return ConnectLinkShown.of(link, url=url)
