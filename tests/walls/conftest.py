"""The option that writes the walls' snapshots anew, and their demo."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-walls",
        action="store_true",
        help="write the snapshots of tests/walls anew",
    )
