from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg import sql

from infra import arrays
from infra.database import Pool, writing_pool

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
KINDS: dict[str, tuple[Callable[[Sequence[Any]], arrays.Packed], Any]] = {
    "uuid": (arrays.uuids, st.uuids()),
    "int8": (arrays.bigints, st.integers(-(2**63), 2**63 - 1)),
    "text": (arrays.texts, TEXT),
    "bytea": (arrays.blobs, st.binary()),
}
ITEMS = st.sampled_from(sorted(KINDS)).flatmap(
    lambda kind: st.tuples(st.just(kind), st.lists(KINDS[kind][1]))
)


@pytest.fixture
def pool(database_url: str) -> Iterator[Pool]:
    with writing_pool(database_url, size=1) as pool:
        yield pool


@given(items=ITEMS)
@example(items=("uuid", []))
@example(items=("int8", []))
@example(items=("text", [""]))
@example(items=("bytea", [b"", b"\0", b"NULL", b"{}"]))
@example(items=("text", ["NULL", 'a "quoted", {braced} \\ text', "\N{GOAT}"]))
@example(items=("uuid", [UUID(int=0), UUID(int=2**128 - 1)]))
@settings(
    deadline=None,
    # Nothing is written, so one database serves all examples.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_postgres_reads_the_arrays_that_are_packed_here(
    pool: Pool, items: tuple[str, list[Any]]
):
    kind, wanted = items
    pack = KINDS[kind][0]

    with pool.connection() as connection:
        row = connection.execute(
            sql.SQL("SELECT x, cardinality(x) FROM (SELECT %b::{}[]) AS t (x)").format(
                sql.Identifier(kind)
            ),
            (pack(wanted),),
        ).fetchone()

    assert row is not None
    assert row == (wanted, len(wanted))
