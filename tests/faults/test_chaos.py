"""A short campaign of kills; ``make chaos`` runs it for as long as asked."""

from pathlib import Path

import pytest

from tests.faults.chaos import Plan, campaign

# Beside other tests, which have the same two cores.
PLAN = Plan(seconds=120, longest=30)


@pytest.mark.timeout(300)
def test_what_was_acknowledged_holds_whatever_is_killed(data_dir: Path, tmp_path: Path):
    outcome = campaign(PLAN, data_dir=data_dir, folder=tmp_path)

    assert outcome.violations == [], outcome.summary()
    assert outcome.acknowledged > 100
    assert outcome.killed.total() > 5
