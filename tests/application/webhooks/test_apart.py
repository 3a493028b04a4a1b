"""Events that an endpoint may get at the same time."""

from uuid import UUID

from msgspec.structs import replace

from application.webhooks.delivery import FedEvent, apart
from domain.feed.event import PublicEvent, Subject
from domain.feed.types import TYPES, example_of
from infra.ids import new_id


def fed(subject_id: UUID, creator_id: UUID | None) -> FedEvent:
    event = example_of(next(each for each in TYPES if each.name == "video.missing"))
    data = {**event.data, "creator_id": None if creator_id is None else str(creator_id)}
    about = Subject(type="video", id=subject_id)
    own: PublicEvent = replace(event, subject=about, data=data)
    return FedEvent(event=own, ordinal=0)


def test_no_two_events_about_one_creator_or_one_subject_go_together():
    video, creator = new_id(), new_id()
    single, others = fed(video, None), [fed(new_id(), new_id()) for _ in range(3)]

    assert apart([single, *others]) == [single, *others]
    for again in (single, fed(video, creator)):
        assert apart([single, others[0], again]) == [single, others[0]]
    of_creator = [fed(new_id(), creator), fed(new_id(), creator)]
    assert apart(of_creator) == of_creator[:1]
    assert apart([]) == []
