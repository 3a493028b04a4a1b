"""What the ids of a log tell to somebody who has nothing else."""

from domain.streams import Names
from tests.kit.builders import Home, asking
from tests.kit.commands import ban_handle

HANDLES = ("ada", "berta", "lovelace", "mallory")


def test_ids_in_a_fresh_log_do_not_tell_which_handles_are_claimed_or_banned(home: Home):
    ada, berta = map(home.creator, ("ada", "berta"))
    home.rename(ada, "lovelace")
    home.remove(berta)
    ban_handle(home.store, "mallory", context=asking())

    with home.store.pool.connection() as connection:
        rows = connection.execute("SELECT DISTINCT originator_id FROM goatherd_events")
        in_the_log = {stream for (stream,) in rows}

    def tried(names: Names) -> list[str]:
        return [
            handle
            for handle in HANDLES
            if names.ban_stream(handle) in in_the_log
            or names.claim_stream(home.project_id, handle) in in_the_log
        ]

    assert tried(Names()) == []
    assert tried(Names(bytes(32))) == []
    assert tried(home.store.names) == list(HANDLES)
