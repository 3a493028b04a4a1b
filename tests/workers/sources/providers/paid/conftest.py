from collections.abc import Iterator

import pytest

from tests.workers.sources.providers.paid.building import Paid, a_service


@pytest.fixture(params=("scrapecreators", "ensembledata"))
def paid(request: pytest.FixtureRequest) -> Iterator[Paid]:
    """Each of the paid services."""
    with a_service(request.param) as paid:
        yield paid


@pytest.fixture
def scrapecreators() -> Iterator[Paid]:
    with a_service("scrapecreators") as paid:
        yield paid


@pytest.fixture
def ensembledata() -> Iterator[Paid]:
    with a_service("ensembledata") as paid:
        yield paid
