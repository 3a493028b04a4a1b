"""The option that makes the dump anew."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-dump",
        action="store_true",
        help="make the dump of the demo and its answers anew",
    )
