"""A campaign of kills: a short one, and a long one that only ``make full`` runs.

``make chaos`` runs one of any length.
"""

from pathlib import Path

import pytest

from tests.faults.chaos import Plan, campaign

# Beside other tests, which have the same two cores.
SHORT = Plan(seconds=20, faults=8, every=2.0, longest=60)
LONG = Plan(seconds=600, faults=80, longest=60)


@pytest.mark.timeout(300)
def test_what_was_acknowledged_holds_whatever_is_killed(data_dir: Path, tmp_path: Path):
    outcome = campaign(SHORT, data_dir=data_dir, folder=tmp_path)

    assert outcome.violations == [], outcome.summary()
    assert outcome.acknowledged
    assert outcome.faults >= SHORT.faults


@pytest.mark.full
@pytest.mark.timeout(1_200)
def test_what_was_acknowledged_holds_after_ten_minutes_of_kills(
    data_dir: Path, tmp_path: Path
):
    outcome = campaign(LONG, data_dir=data_dir, folder=tmp_path)

    assert outcome.violations == [], outcome.summary()
    assert outcome.acknowledged > 500
    assert outcome.faults >= LONG.faults
