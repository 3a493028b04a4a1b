"""The table of public events: names, schemas, examples and ids."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from domain import events as e
from domain.feed.event import event_id
from domain.feed.making import EventOrigin
from domain.feed.types import BY_NAME, TYPES, chosen, example_of, schema_of, types_of

OF: dict[str, Any] = {"organization_id": UUID(int=1)}
PROJECT, SECOND = UUID(int=2), UUID(int=3)


def test_every_example_fits_its_schema_and_has_its_subject(subtests: pytest.Subtests):
    for type_ in TYPES:
        with subtests.test(type_.name):
            event = msgspec.json.decode(msgspec.json.encode(example_of(type_)))
            Draft202012Validator(schema_of(type_)).validate(event)
            with_more = {**event, "type": "creator.sneezed"}
            assert not Draft202012Validator(schema_of(type_)).is_valid(with_more)
            assert event["subject"]["id"] in {str(v) for v in event["data"].values()}


def test_texts_of_strangers_are_named_by_their_paths():
    assert BY_NAME["video.milestone"].text_fields == ("data.handle", "data.title")
    assert BY_NAME["creator.renamed"].text_fields == ("data.handle", "data.old_handle")
    # A campaign has the words of the organization's own people.
    assert BY_NAME["campaign.created"].text_fields == ()


def test_the_wildcard_leaves_out_videos_that_were_found_and_milestones():
    everything = {*BY_NAME}

    assert everything - chosen(["*"]) == {
        *("video.discovered", "video.milestone", "creator.milestone"),
    }
    assert chosen(["*", "video.milestone"]) > {"video.milestone", "creator.added"}
    assert chosen(["creator.added"]) == {"creator.added"}


def test_an_id_is_opaque_and_differs_for_each_milestone():
    ids = [
        event_id(
            UUID(int=tenant),
            "video.milestone",
            position=position,
            subject_id=PROJECT,
            milestone=milestone,
        )
        for tenant in (1, 2)
        for position in (7, 8)
        for milestone in (10_000, 50_000)
    ]

    assert len({*ids}) == 8
    assert all(re.fullmatch(r"evt_[A-Za-z0-9_-]{8,}", each) for each in ids)


def test_a_video_waits_for_review_only_if_its_status_says_so():
    def names(status: e.TrackingStatus) -> list[str]:
        event = e.VideoCameIntoWindow(**OF, tracking_status=status)
        return [each.name for each in types_of(event)]

    assert names("pending_review") == ["video.pending_review"]
    assert names("auto_tracked") == []


def test_an_alert_that_never_fired_is_not_resolved():
    resolved = e.AlertResolved(
        **OF,
        rule_id=UUID(int=4),
        condition=e.Condition(type="source_failing", percent=80, hours=6),
        subject_type="source",
        subject_key="web",
        at=datetime(2026, 11, 24, tzinfo=UTC),
        has_fired=True,
        end="over",
    )

    assert [each.name for each in types_of(resolved)] == ["alert.resolved"]
    assert not [*types_of(replace(resolved, has_fired=False))]


def test_a_move_names_no_project_that_the_reader_may_not_see():
    moved = e.CreatorMoved(
        **OF, old_project_id=PROJECT, new_project_id=SECOND, history="whole"
    )

    def data(project_ids: frozenset[UUID] | None) -> dict[str, Any]:
        creator = UUID(int=9)
        origin = EventOrigin(
            stream=creator,
            subject_id=creator,
            creator_id=creator,
            event=moved,
            project_ids=project_ids,
        )
        return msgspec.to_builtins(BY_NAME["creator.moved"].made(origin))

    assert data(None)["old_project_id"] == str(PROJECT)
    assert data(frozenset({SECOND}))["old_project_id"] is None
    assert data(frozenset({SECOND}))["history"] is None
