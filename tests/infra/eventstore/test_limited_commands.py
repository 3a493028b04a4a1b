"""Commands of people who are limited to some projects: nothing else is there."""

from typing import Any
from uuid import UUID

import pytest

from domain import events as e
from domain.decisions import Decision, Handler, on
from domain.errors import NotFoundError
from domain.organization.decider import organization_of
from infra.eventstore.append import Context
from infra.eventstore.execute import execute, is_visible
from infra.eventstore.store import Store
from infra.ids import new_id
from tests.kit.builders import Home, asking
from tests.kit.histories import added


@pytest.fixture
def rival(store: Store, home: Home) -> UUID:
    """Another project of the organization."""
    project_id = new_id()
    event = e.ProjectCreated(project_id=project_id, name="Rival")
    append(store, home.organization_id, event)
    return project_id


def append(store: Store, stream: UUID, *events: e.Event) -> None:
    def handler() -> Handler[None]:
        yield [stream]
        return Decision(None, events=on(stream, events))

    execute(store, handler, context=asking())


def limited(home: Home, *projects: UUID) -> Context:
    return Context(
        actor="person:1",
        command_id=new_id(),
        organization_id=home.organization_id,
        project_ids=frozenset(projects or (home.project_id,)),
    )


def test_a_handler_reads_nothing_of_another_project(
    store: Store, home: Home, rival: UUID
):
    own, other, video, run, note = (new_id() for _ in range(5))
    of: dict[str, Any] = {"organization_id": home.organization_id}
    append(store, own, added("own", **of, project_id=home.project_id))
    append(store, other, added("other", **of, project_id=rival))
    # The video came along when its creator moved away.
    discovered = e.VideoDiscovered(
        **of,
        project_id=home.project_id,
        creator_id=other,
        tiktok_video_id="1",
        handle="other",
        tracking_status="auto_tracked",
        scrape_id=run,
    )
    append(store, video, discovered)
    requested = e.ScrapeRequested(
        **of,
        project_id=home.project_id,
        creator_id=other,
        handle="other",
        job_type="video_stats",
        trigger="manual",
    )
    append(store, run, requested)
    view = e.ViewSaved(**of, list="creators", name="Rivals")
    append(store, note, view)

    def handler() -> Handler[dict[UUID, int]]:
        streams = (own, other, video, run, note, home.organization_id)
        histories = yield streams
        organization = organization_of(histories[home.organization_id])
        assert organization is not None
        assert [*organization.projects] == [home.project_id]
        return Decision({each: len(histories[each]) for each in streams[:-1]})

    found = execute(store, handler, context=limited(home)).result

    assert found == {own: 1, other: 0, video: 0, run: 0, note: 0}
    projects = frozenset({home.project_id})
    shown = [is_visible(store, each, projects) for each in (own, other, new_id())]
    assert shown == [True, False, True]


def test_no_event_about_more_than_the_projects_is_stored(
    store: Store, home: Home, rival: UUID, subtests: pytest.Subtests
):
    of: dict[str, Any] = {"organization_id": home.organization_id}
    other = new_id()
    append(store, other, added("other", **of, project_id=rival))
    organization = home.organization_id
    for stream, event in (
        (new_id(), added("new", **of, project_id=rival)),
        (other, e.CreatorRemoved(**of)),
        (new_id(), e.ViewSaved(**of, list="creators", name="Rivals")),
        (organization, e.ProjectCreated(project_id=new_id(), name="Third")),
        (organization, e.ProjectDetailsChanged(project_id=rival, name="Ours")),
        (organization, e.ProjectArchived(project_id=home.project_id)),
        (organization, e.OrganizationSettingsChanged(name="Ours")),
        (organization, e.MemberAdded(person_id=new_id(), role="owner")),
        (organization, e.MemberChanged(person_id=new_id(), role="owner")),
    ):
        with subtests.test(event.stored_name):
            head = store.head()

            def handler(stream: UUID = stream, event: e.Event = event) -> Handler[None]:
                yield [stream]
                return Decision(None, events=on(stream, [event]))

            with pytest.raises(NotFoundError):
                execute(store, handler, context=limited(home))
            assert store.head() == head


def test_a_new_creator_and_its_first_scrape_are_in_the_project_together(
    store: Store, home: Home
):
    of: dict[str, Any] = {
        "organization_id": home.organization_id,
        "project_id": home.project_id,
    }
    creator, run = new_id(), new_id()

    def handler() -> Handler[None]:
        yield [creator, run]
        requested = e.ScrapeRequested(
            **of,
            creator_id=creator,
            handle="new",
            job_type="creator_profiles",
            trigger="manual",
        )
        events = [*on(run, [requested]), *on(creator, [added("new", **of)])]
        return Decision(None, events=events)

    assert execute(store, handler, context=limited(home)).events


def test_limits_end_at_the_organization(store: Store, home: Home):
    elsewhere = new_id()
    created = e.OrganizationCreated(name="Other", plan="free", time_zone="UTC")
    joined = e.MemberAdded(person_id=new_id(), role="member")
    append(store, elsewhere, created)

    def handler() -> Handler[None]:
        yield [elsewhere]
        return Decision(None, events=on(elsewhere, [joined]))

    assert execute(store, handler, context=limited(home)).events
