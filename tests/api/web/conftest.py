"""What tests of pages share that look at them without a browser."""

import pytest

from tests.api.goatherd import Goatherd, Tenant
from tests.api.web.visitor import Visitor


@pytest.fixture
def visitor(goatherd: Goatherd, home: Tenant) -> Visitor:
    """Somebody who signed in to the test's own organization."""
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)
    return visitor


@pytest.fixture
def passer_by(goatherd: Goatherd) -> Visitor:
    """Somebody who did not sign in."""
    return Visitor(goatherd)
