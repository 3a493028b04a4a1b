"""Fixtures that tests of integrity share."""

import pytest

from domain.integrity import roots


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a small log has several, and several ranges to check."""
    monkeypatch.setattr(roots, "BLOCK", 8)
