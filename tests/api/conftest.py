"""Fixtures of the tests of HTTP: a tiny application, and the real one."""

from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.kit.application import Goatherd, Tenant, started
from tests.kit.databases import new_database
from tests.kit.mailing import Mailing, started_with_mail
from tests.kit.tiny_app import Keyring, tiny_app


@pytest.fixture
def keyring() -> Keyring:
    return Keyring()


@pytest.fixture(scope="session")
def tiny() -> Iterator[TestClient[Litestar]]:
    """A client of the tiny application that sends a key for everything.

    Tests share the application, which keeps nothing.
    """
    keyring = Keyring()
    header = keyring.add(1, "read", "write", "admin")
    with TestClient(tiny_app(keyring), raise_server_exceptions=False) as client:
        client.headers.update(header)
        yield client


@pytest.fixture(scope="session")
def goatherd(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    """The real application; tests share it, as tenants of it."""
    with (
        new_database(postgres_url, template=template_database) as url,
        started(url) as goatherd,
    ):
        # The oldest runs the installation as long as nobody said who does.
        goatherd.tenant(is_operator=True)
        yield goatherd


@pytest.fixture(scope="session")
def mailing(postgres_url: str, template_database: str) -> Iterator[Mailing]:
    """An application that sends mail; tests share it, as tenants of it."""
    with started_with_mail(postgres_url, template_database) as mailing:
        yield mailing


@pytest.fixture
def home(goatherd: Goatherd) -> Tenant:
    """An organization of the test's own, which runs the installation."""
    return goatherd.tenant(is_operator=True)


@pytest.fixture
def stranger(goatherd: Goatherd) -> Tenant:
    return goatherd.tenant()
