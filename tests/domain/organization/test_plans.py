import msgspec
import pytest

from domain.organization.plans import DEFAULT_PLANS, UNLIMITED, Limits, UnknownPlanError


def test_an_installation_starts_with_four_plans():
    assert list(DEFAULT_PLANS) == ["free", "starter", "ultra", "unlimited"]
    assert [limits.max_creators_per_org for limits in DEFAULT_PLANS.values()] == [
        *(5, 50, 300, None)
    ]


def test_unlimited_has_no_limit_at_all():
    assert set(msgspec.structs.astuple(DEFAULT_PLANS[UNLIMITED])) == {None}


def test_a_plan_that_is_gone_is_named():
    with pytest.raises(UnknownPlanError, match="'gold'"):
        DEFAULT_PLANS["gold"]


def test_a_misspelt_limit_is_refused():
    with pytest.raises(msgspec.ValidationError, match="max_creator"):
        msgspec.convert({"max_creator": 5}, Limits)
