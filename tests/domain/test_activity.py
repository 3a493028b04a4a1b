"""The rules of activity: milestones by numbers, and its sentences."""

from domain.activity import (
    FOLLOWER_MILESTONES,
    KINDS,
    VIEW_MILESTONES,
    reached,
)
from domain.activity_sentences import Named, activity_sentence


def test_a_milestone_is_reached_at_its_number():
    assert [reached(n, FOLLOWER_MILESTONES) for n in (999, 1_000, 9_999)] == [0, 1, 1]
    assert reached(10**9, FOLLOWER_MILESTONES) == len(FOLLOWER_MILESTONES) == 8
    assert VIEW_MILESTONES[: reached(300_000, VIEW_MILESTONES)] == (
        *(10_000, 50_000, 100_000, 250_000),
    )


def test_each_kind_has_a_sentence_that_names_its_subject():
    named = Named(
        subject_type="campaign",
        name="Spring",
        handle="billie",
        project="Two",
        from_project="One",
        by="key Ops",
    )
    data = {
        "metric": "views",
        "milestone": 10_000,
        "count": 12_345,
        "old": "b",
        "new": "billie",
        "last_posted_at": "2026-03-02T12:00:00Z",
        "usual_days": 2.0,
        "job_type": "creator_profiles",
        "outcome": "not_found",
        "decision": "included",
        "target": 50_000,
        "target_scope": "posts_in_days",
        "reached": 12_345,
        "age_days": 3,
        "views": 12_345,
        "outlier_factor": 6.0,
        "text": "A sale.",
        "figures": "drop",
        "number": 3,
    }

    said = {kind: activity_sentence(kind, data, named) for kind in KINDS}

    assert said == {
        "posted": '@billie posted "Spring".',
        "took_off": '"Spring" of @billie took off: 12,345 views after 3 days, 6 times '
        "as many as usual for the creator.",
        "milestone": '"Spring" of @billie passed 10,000 views, with 12,345 seen.',
        "renamed": "@b was renamed to @billie by key Ops.",
        "added": "@billie was added by key Ops.",
        "moved": "@billie moved from One to Two by key Ops.",
        "removed": "@billie was removed by key Ops.",
        "stopped_posting": "@billie stopped posting: the last post was on 2 Mar 2026, "
        "and 2 days is usual between posts.",
        "failing": "Scrapes of @billie began to fail (the profile): no such account "
        "was found.",
        "recovered": "Scrapes of @billie work again: the profile.",
        "campaign_started": "Spring started.",
        "campaign_target_reached": "Spring reached its target: 12,345 of 50,000 "
        "views of videos posted in its days.",
        "campaign_target_missed": "Spring missed its target: 12,345 of 50,000 "
        "views of videos posted in its days.",
        "note": 'Note about Spring: "A sale.".',
        "reviewed": '"Spring" of @billie was included by key Ops.',
        "erased": "A person was erased by key Ops: they are called erased-3 now, and "
        "their figures are gone.",
    }
