"""``goatherd tail``: public events as they happen, as lines and as JSON."""

from itertools import count
from pathlib import Path

import msgspec

from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from projections.engine.follower import Follower
from projections.feed.projection import Feed
from projections.organizations.projection import ApiKeys
from projections.projects import Projects
from tests.kit.command_line import CommandLine, running
from tests.kit.patience import PATIENTLY


def follow(store: Store) -> None:
    for projection in (ApiKeys(), Projects(), Feed()):
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()


def test_events_are_printed_from_a_position_and_as_they_happen(
    cli: CommandLine, store: Store, database_url: str, tmp_path: Path
):
    organization_id = cli("orgs", "create", "Herd", "--json").document["org_id"]
    follow(store)
    cli("projects", "create", "Spring", "--org", organization_id)
    follow(store)
    add = ("creators", "add", "Spring")
    cli(*add, "billie.goat", "nanny.goat")
    follow(store)

    lines = cli("tail", "--from", "0", "--no-follow").out.splitlines()
    json = cli("tail", "--from", "0", "--no-follow", "--json").out.splitlines()
    events = [msgspec.json.decode(line) for line in json]
    later = events[-1]["position"]
    from_there = cli("tail", "--from", f"{later}", "--no-follow", "--json").out
    of_type = cli("tail", "--from", "0", "--no-follow", "--types", "creator.moved").out
    refused = cli("tail", "--types", "creator.sneezed")

    assert [event["data"]["handle"] for event in events] == [
        *("billie.goat", "nanny.goat"),
    ]
    assert {event["organization_id"] for event in events} == {organization_id}
    assert "creator.added" in lines[0]
    assert "handle=billie.goat" in lines[0]
    assert from_there.splitlines() == json[-1:]
    assert of_type == ""
    assert "There is no type 'creator.sneezed'" in refused.complaint

    settings = {"database_url": database_url}
    with running("tail", "--json", settings=settings, folder=tmp_path) as tail:
        handles = (f"kid.goat{number}" for number in count())

        def is_printed() -> bool:
            # Events from before the command listens are not shown.
            cli(*add, next(handles))
            follow(store)
            return "kid.goat" in tail.out

        assert wait_until(is_printed, seconds=PATIENTLY)
        assert "billie.goat" not in tail.out
