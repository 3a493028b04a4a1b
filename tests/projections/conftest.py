from collections.abc import Iterator

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from tests.kit.databases import new_database
from tests.kit.histories import History


@pytest.fixture(scope="module")
def empty_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """The URL of a migrated database that the tests of a module leave empty."""
    with new_database(postgres_url, template=template_database) as url:
        yield url


@pytest.fixture
def connection(empty_url: str) -> Iterator[Connection[TupleRow]]:
    """A connection as the owner of everything, in a transaction that is never kept."""
    with psycopg.connect(empty_url) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def history() -> History:
    return History()
