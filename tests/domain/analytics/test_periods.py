"""The days of named periods."""

from datetime import date

import pytest

from domain.analytics.periods import NamedPeriod, named_days


@pytest.mark.parametrize(
    ("name", "today", "first", "last", "unit"),
    (
        ("7d", "2026-11-29", "2026-11-23", "2026-11-29", "day"),
        ("28d", "2026-11-29", "2026-11-02", "2026-11-29", "day"),
        ("30d", "2026-11-29", "2026-10-31", "2026-11-29", "day"),
        ("90d", "2026-11-29", "2026-09-01", "2026-11-29", "day"),
        ("this_week", "2026-11-29", "2026-11-23", "2026-11-29", "week"),
        ("this_week", "2026-11-30", "2026-11-30", "2026-11-30", "week"),
        ("last_week", "2026-11-29", "2026-11-16", "2026-11-22", "week"),
        ("last_week", "2026-11-30", "2026-11-23", "2026-11-29", "week"),
        ("this_month", "2026-11-29", "2026-11-01", "2026-11-29", "month"),
        ("last_month", "2026-03-31", "2026-02-01", "2026-02-28", "month"),
        ("last_month", "2026-01-01", "2025-12-01", "2025-12-31", "month"),
    ),
)
def test_a_named_period_has_its_days_and_its_unit(
    name: NamedPeriod, today: str, first: str, last: str, unit: str
):
    found = named_days(name, today=date.fromisoformat(today))

    assert found == (date.fromisoformat(first), date.fromisoformat(last), unit)
