from collections.abc import Iterator

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from tests.kit.histories import History


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection[TupleRow]]:
    """A connection as the owner of everything, in a transaction that is never kept."""
    with psycopg.connect(database_url) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def history() -> History:
    return History()
