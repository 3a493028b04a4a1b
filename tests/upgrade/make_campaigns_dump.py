"""Make the dump of a database with campaigns as commit f503d859 left it.

That commit is the last one without a choice of the views that count for a target. Run
once, against a checkout of it on which ``make setup`` was run::

    git worktree add ../f503d859 f503d859 && make -C ../f503d859 setup
    .venv/bin/python -m tests.upgrade.make_campaigns_dump ../f503d859

Everything in it was done by that version's own commands, processes and API.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
import msgspec

from tests.kit.keys import MASTER_KEY_TEXT
from tests.kit.ports import free_port
from tests.upgrade.checkout import Checkout, Client, wait_for
from tests.upgrade.make_dump import dump, servers
from tests.upgrade.recording import write_imported

FOLDER = Path(__file__).parent / "from_f503d859"
DATABASE = FOLDER / "database.sql.gz"
ABOUT = FOLDER / "about.json"


# Each of the two creators has three.
_VIDEOS = 6


class OldCampaigns(msgspec.Struct, frozen=True, kw_only=True):
    """The key of the organization, and its campaigns as the old version showed them."""

    key: str
    secret: str
    campaigns: list[dict[str, Any]]
    items: dict[str, list[dict[str, Any]]]


def main() -> None:
    """Make the dump and the answers anew."""
    with tempfile.TemporaryDirectory(prefix="goatherd-dump-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with servers(folder) as (database_url, redis_url):
            settings = {
                "database_url": database_url,
                "redis_url": redis_url,
                "data_dir": str(folder / "data"),
                "port": str(free_port()),
                "master_key": MASTER_KEY_TEXT,
                "secret": "s" * 32,
            }
            checkout = Checkout(Path(sys.argv[1]), folder=folder, settings=settings)
            checkout.run("migrate")
            with (
                checkout.running("serve"),
                checkout.running("project"),
                # Its policies add the videos that an import finds.
                checkout.running("dispatch"),
            ):
                about = _tell(checkout, folder)
            FOLDER.mkdir(exist_ok=True)
            ABOUT.write_bytes(msgspec.json.format(msgspec.json.encode(about)) + b"\n")
            dump(database_url, DATABASE)


def _tell(checkout: Checkout, folder: Path) -> OldCampaigns:
    """Let creators have a past, and campaigns with and without a target."""
    made = checkout.document("orgs", "create", "Herd", "--plan", "ultra")
    client = Client(f"http://127.0.0.1:{checkout.settings['port']}", made["api_key"])
    wait_for("serve", lambda: _is_live(client))
    for number, handle in enumerate(("alpine-ann", "bell-and-brook")):
        # Videos of all time count.
        sent = {"tiktok_handle": handle, "tracking_start_date": None}
        client.data("POST", f"/projects/{made['project_id']}/creators", sent)
        _catch_up(checkout)
        path = folder / f"{handle}.jsonl"
        write_imported(path, handle=handle, number=number)
        checkout.run("import", "--project", made["project_id"], str(path))
    wait_for("videos", lambda: len(client.data("GET", "/videos")) == _VIDEOS)
    creators = client.data("GET", "/creators")
    campaigns = f"/projects/{made['project_id']}/campaigns"
    for name, some, target in (
        ("Spring", creators[:1], {"target_views": 1_000_000}),
        ("Summer", creators, {"target_views": 1_000, "starts_on": "2026-09-01"}),
        ("Without a target", creators[1:], {}),
    ):
        campaign = client.data("POST", campaigns, {"name": name, **target})
        items = [{"item_type": "creator", "item_id": one["id"]} for one in some]
        client.data("POST", f"/campaigns/{campaign['id']}/items", {"items": items})
    gone = client.data("POST", campaigns, {"name": "Gone"})
    client.data("DELETE", f"/campaigns/{gone['id']}")
    _catch_up(checkout)
    ids = [one["id"] for one in client.data("GET", "/campaigns")]
    return OldCampaigns(
        key=made["api_key"],
        secret=checkout.settings["secret"],
        campaigns=[client.data("GET", f"/campaigns/{id_}") for id_ in ids],
        items={id_: client.data("GET", f"/campaigns/{id_}/items") for id_ in ids},
    )


def _is_live(client: Client) -> bool:
    try:
        return client.ask("GET", "/health/live").status_code == 200
    except httpx.TransportError:
        return False


def _catch_up(checkout: Checkout) -> None:
    def is_done() -> bool:
        states = checkout.document("projections")
        work = {"creator_list", "videos", "analytics", "campaigns"}
        return all(one["lag_events"] == 0 for one in states if one["name"] in work)

    wait_for("the projections", is_done)


if __name__ == "__main__":
    main()
