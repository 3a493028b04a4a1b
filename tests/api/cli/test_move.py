"""``goatherd creators move``: the same move as that of the API, by name or id."""

from domain import events as e
from infra.eventstore.store import Store
from infra.ids import new_id
from tests.api.cli.test_lists import catch_up, project
from tests.kit.builders import log_of, make_home
from tests.kit.command_line import CommandLine


def test_a_creator_is_moved_to_a_project_by_its_name(cli: CommandLine, store: Store):
    home, stranger = make_home(store), make_home(store)
    summer, _ = project(home, "Summer"), project(stranger, "Summer")
    billy = home.creator("billy")
    catch_up(store)

    moved = cli("creators", "move", str(billy), "--project", "Summer")
    words = ("creators", "move", str(billy), "--project", str(summer))
    again = cli(*words, "--json").document
    back = cli(
        *("creators", "move", str(billy), "--project", str(home.project_id)),
        *("--history", "stay"),
    )

    assert moved.out == "@billy has moved, with all videos and all numbers.\n"
    assert again == {"id": str(billy), "project_id": str(summer), "changed": False,
                     "merged_videos": 0}  # fmt: skip
    assert "and the numbers gained from now on" in back.out
    there, left = [recorded.event for recorded in log_of(store, e.CreatorMoved)]
    assert isinstance(there, e.CreatorMoved)
    assert isinstance(left, e.CreatorMoved)
    assert (there.new_project_id, there.history) == (summer, "whole")
    assert (left.new_project_id, left.history) == (home.project_id, "stay")


def test_a_move_that_cannot_be_says_why(cli: CommandLine, store: Store):
    home, stranger = make_home(store), make_home(store)
    foreign = project(stranger, "Foreign")
    billy = home.creator("billy")
    catch_up(store)

    unknown = cli("creators", "move", str(new_id()), "--project", "Summer")
    nowhere = cli("creators", "move", str(billy), "--project", "Summer")
    elsewhere = cli("creators", "move", str(billy), "--project", str(foreign))

    assert [each.status for each in (unknown, nowhere, elsewhere)] == [1, 1, 1]
    assert "creator" in unknown.complaint
    assert "There is no project 'Summer'" in nowhere.complaint
    assert "There is no project" in elsewhere.complaint
    assert log_of(store, e.CreatorMoved) == []
