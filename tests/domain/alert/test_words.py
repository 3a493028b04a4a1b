"""Alerts are told in the words of pages and messages."""

from uuid import UUID

import pytest

from domain.alert.conditions import CONDITIONS, ConditionType
from domain.alert.events import AlertEvidence
from domain.alert.words import evidence_in_words, limit_in_words


@pytest.mark.parametrize(
    ("type_", "evidence", "words"),
    (
        (
            "stopped_posting",
            AlertEvidence(value=20.5, limit=7, usual=1),
            "20.5 days without a post, usually 1",
        ),
        ("no_post_for_days", AlertEvidence(value=8.2), "8.2 days without a post"),
        (
            "views_spike",
            AlertEvidence(value=1_234_567, limit=3.5, usual=950),
            "1,234,567 views, usually 950",
        ),
        (
            "followers_drop_percent",
            AlertEvidence(value=7.0, usual=10_000),
            "7% lost of 10,000",
        ),
        (
            "over_posting",
            AlertEvidence(value=8, video_ids=(UUID(int=1), UUID(int=2))),
            "8 posts, 2 of them with few views",
        ),
        ("log_check_failed", AlertEvidence(value=1), "1 misfit"),
        ("identity_changed", AlertEvidence(), ""),
    ),
)
def test_evidence_says_the_unit_of_its_number(
    type_: ConditionType, evidence: AlertEvidence, words: str
):
    assert evidence_in_words(evidence, type_) == words


@pytest.mark.parametrize("type_", CONDITIONS)
def test_every_condition_with_a_limit_has_words_for_its_evidence(type_: ConditionType):
    words = evidence_in_words(AlertEvidence(value=3), type_)
    # The limit of a habit is the creator's own.
    assert bool(words) == (CONDITIONS[type_].limit is not None) or (
        type_ in {"stopped_posting", "log_check_failed"}
    )


def test_a_limit_of_a_plan_has_a_plain_name():
    assert limit_in_words("max_api_keys_per_org") == "API keys"
