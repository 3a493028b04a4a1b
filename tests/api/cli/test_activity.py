"""``goatherd activity``: what happened, as a table and as JSON."""

from uuid import UUID

from domain import events as e
from infra.eventstore.store import Store
from infra.ids import new_id
from projections.activity.projection import Activity
from projections.creators.projection import CreatorList
from projections.engine.follower import Follower
from projections.projects import Projects
from tests.kit.builders import Home, asking, next_events
from tests.kit.command_line import CommandLine
from tests.kit.histories import added


def made(cli: CommandLine, store: Store, name: str, handle: str) -> tuple[Home, UUID]:
    """An organization with one creator."""
    document = cli("orgs", "create", name, "--json").document
    home = Home(store, UUID(document["org_id"]), UUID(document["project_id"]))
    creator_id = new_id()
    of = {"organization_id": home.organization_id, "project_id": home.project_id}
    append(home, creator_id, added(handle, **of))
    return home, creator_id


def append(home: Home, stream: UUID, event: e.Event) -> None:
    history = home.store.load(stream)[stream]
    home.store.append(next_events(stream, history, [event]), context=asking())
    for projection in (Activity(), CreatorList(), Projects()):
        follower = Follower(projection, pool=home.store.pool, codec=home.store.codec)
        follower.register()
        follower.catch_up()


def test_activity_is_listed_newest_first_and_by_kind(cli: CommandLine, store: Store):
    home, creator_id = made(cli, store, "Herd", "billie")
    made(cli, store, "Others", "stranger")
    append(home, creator_id, e.CreatorRemoved(organization_id=home.organization_id))

    shown = cli("activity", "--org", "Herd", "--json").document
    table = cli("activity", "--kinds", "added").out
    today = cli("activity", "--org", "Herd", "--until", "2020-01-01", "--json").document

    assert [(row["kind"], row["subject"]["id"]) for row in shown] == [
        ("removed", str(creator_id)),
        ("added", str(creator_id)),
    ]
    assert "@billie was added" in table
    assert "@stranger was added" in table
    assert "removed" not in table
    assert today == []


def test_an_unknown_kind_is_refused_with_the_known_ones(cli: CommandLine):
    refused = cli("activity", "--kinds", "sneezed")

    assert refused.status == 2
    assert "stopped_posting" in refused.err
