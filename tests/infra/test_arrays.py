"""Lists of UUIDs reach the database as psycopg itself would send them."""

import psycopg

from infra.arrays import UuidListDumper
from infra.ids import new_id


def test_the_database_reads_the_lists_of_uuids_that_were_written_at_once(
    postgres_url: str,
):
    one, other = new_id(), new_id()
    lists: tuple[list[object], ...] = (
        [],
        [one],
        [one, other, one],
        [None, other],
        [[one, other], [other, one]],
    )
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.adapters.register_dumper(list, UuidListDumper)

        for given in lists:
            for sent in (given, given):
                row = connection.execute("SELECT %s::uuid[]", (sent,)).fetchone()

                assert row == (given,)
        texts = connection.execute("SELECT %s::text[]", (["a", "b"],)).fetchone()

        assert texts == (["a", "b"],)
