"""The data that `goatherd up` makes on a first start, and keeps on later ones."""

import hashlib
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from psycopg.rows import TupleRow

from api.cli import CommandError
from api.cli.up import demo, first_run
from api.cli.up.demo import import_history, track_demo
from api.cli.up.first_run import (
    FirstOrganization,
    ensure_organization,
    key_path,
    read_answers,
    stored_secret,
)
from domain import events as e
from domain.organization.plans import DEFAULT_PLANS
from infra.eventstore.store import Store, plain_events
from infra.organizations import make_organization
from projections.engine.follower import Follower
from projections.organizations.projection import ApiKeys
from projections.registry import PROJECTIONS
from tests.kit import builders
from tests.kit.builders import asking
from tests.kit.erasing import erase
from workers.scraping.identity import CreatorIdentities
from workers.sources.demo import DEMO_HANDLES, history_path
from workers.sources.recordings.file_format import Observation, read_recording

# How many looks at each of the demo's creators are past, by first handle.
LOOKS = {
    handle: len(
        {
            line.observed_at
            for line in read_recording(history_path(handle))
            if isinstance(line, Observation)
        }
    )
    for handle in DEMO_HANDLES
}


def home_in(store: Store, folder: Path) -> FirstOrganization:
    return ensure_organization(store, folder, plans=DEFAULT_PLANS)


def demo_in(store: Store, made: FirstOrganization) -> int:
    return track_demo(store, made, plans=DEFAULT_PLANS)


def opens(store: Store, key: str) -> list[str] | None:
    """The scopes of a key that works."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    with store.pool.connection() as connection:
        row = connection.execute(
            "SELECT scopes FROM api_keys WHERE digest = %s AND revoked_at IS NULL",
            (digest,),
        ).fetchone()
    return None if row is None else row[0]


def organizations(store: Store) -> list[TupleRow]:
    with store.pool.connection() as connection:
        return connection.execute(
            "SELECT name, plan, time_zone FROM organizations"
        ).fetchall()


def open_questions(store: Store) -> list[UUID]:
    """The organizations whose first page asks for their names."""
    with store.pool.connection() as connection:
        rows = connection.execute("SELECT organization_id FROM first_start_questions")
        return [row[0] for row in rows]


def project_names(store: Store, made: FirstOrganization) -> list[str]:
    events = plain_events(store.load(made.organization_id)[made.organization_id])
    return [event.name for event in events if isinstance(event, e.ProjectCreated)]


def room(store: Store, made: FirstOrganization) -> builders.Home:
    """The home's first project, to do things in."""
    (recorded_event,) = store.load(made.organization_id).values()
    project_id = next(
        recorded.event.project_id  # type: ignore[attr-defined]
        for recorded in recorded_event
        if type(recorded.event).__name__ == "ProjectCreated"
    )
    return builders.Home(store, made.organization_id, project_id)


def runs_by_creator(store: Store) -> dict[UUID, int]:
    """How many runs were imported of each creator."""
    with store.pool.connection() as connection:
        rows = connection.execute(
            """
            SELECT payload->>'creator_id', count(*) FROM event_log
            WHERE name = 'scrape_requested' AND payload->>'trigger' = 'imported'
            GROUP BY 1
            """
        ).fetchall()
    return {UUID(creator_id): runs for creator_id, runs in rows}


def last_look(store: Store) -> datetime:
    """The latest moment at which anybody was seen."""
    with store.pool.connection() as connection:
        (moment,) = connection.execute(
            "SELECT max(payload->>'observed_at') FROM event_log"
        ).fetchone() or ("",)
    return datetime.fromisoformat(moment)


def test_the_first_start_makes_an_organization_and_keeps_its_key(
    store: Store, tmp_path: Path
):
    made = home_in(store, tmp_path)

    path = key_path(tmp_path)
    assert made.new_key is not None
    assert path.read_text() == f"{made.new_key}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert opens(store, made.new_key) == ["read", "write", "admin"]
    assert organizations(store) == [("My organization", "unlimited", "UTC")]
    assert open_questions(store) == [made.organization_id]


def test_answers_name_what_the_first_start_makes_and_nobody_is_asked(
    store: Store, tmp_path: Path
):
    answers = read_answers(" Alpine Goats ", "Europe/Vienna", "Spring", demo=False)

    made = ensure_organization(store, tmp_path, plans=DEFAULT_PLANS, answers=answers)

    assert organizations(store) == [("Alpine Goats", "unlimited", "Europe/Vienna")]
    assert project_names(store, made) == ["Spring"]
    assert open_questions(store) == []
    other = read_answers("Other", "UTC", "Other", demo=False)
    again = ensure_organization(store, tmp_path, plans=DEFAULT_PLANS, answers=other)
    assert again.organization_id == made.organization_id
    assert [name for name, *_ in organizations(store)] == ["Alpine Goats"]


def test_what_is_left_unanswered_is_asked(store: Store, tmp_path: Path):
    answers = read_answers("Alpine Goats", None, None, demo=False)

    made = ensure_organization(store, tmp_path, plans=DEFAULT_PLANS, answers=answers)

    assert organizations(store) == [("Alpine Goats", "unlimited", "UTC")]
    assert open_questions(store) == [made.organization_id]


def test_the_demo_has_its_answers_and_options_replace_them():
    demo_s = read_answers(None, None, None, demo=True)
    named = read_answers("Alpine Goats", None, None, demo=True)

    assert (demo_s.organization, demo_s.are_complete) == ("Goat & Co", True)
    assert (named.organization, named.are_complete) == ("Alpine Goats", True)


@pytest.mark.parametrize(
    ("words", "complaint"),
    (
        ((" ", None, None), "1 to 200 characters"),
        ((None, "Berlin", None), "such as Europe/Berlin"),
        ((None, None, "x" * 201), "1 to 200 characters"),
    ),
    ids=("organization", "time zone", "project"),
)
def test_a_wrong_answer_is_refused_before_anything_starts(
    words: tuple[str | None, str | None, str | None], complaint: str
):
    with pytest.raises(CommandError, match=complaint):
        read_answers(*words, demo=True)


def test_another_start_finds_it_and_does_not_know_the_key(store: Store, tmp_path: Path):
    first = home_in(store, tmp_path)
    head = store.head()

    second = home_in(store, tmp_path)

    assert second == FirstOrganization(organization_id=first.organization_id)
    assert key_path(tmp_path).read_text() == f"{first.new_key}\n"
    assert store.head() == head


def test_a_key_that_was_made_but_never_written_down_is_made_anew(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    lost: list[str] = []
    write = first_run.write_private

    def cut_off(path: Path, text: str) -> None:
        if text:
            lost.append(text)
            raise OSError("the machine is gone")
        write(path, text)

    monkeypatch.setattr(first_run, "write_private", cut_off)
    with pytest.raises(OSError, match="the machine is gone"):
        home_in(store, tmp_path)
    monkeypatch.undo()
    found = home_in(store, tmp_path)

    assert found.new_key not in (None, *lost)
    assert key_path(tmp_path).read_text() == f"{found.new_key}\n"
    assert opens(store, found.new_key or "") == ["read", "write", "admin"]
    with store.pool.connection() as connection:
        rows = connection.execute("SELECT count(*) FROM organizations")
        assert rows.fetchone() == (1,)


def test_a_key_that_somebody_took_away_is_not_made_anew(store: Store, tmp_path: Path):
    made = home_in(store, tmp_path)
    key_path(tmp_path).unlink()
    head = store.head()

    found = home_in(store, tmp_path)

    assert found == FirstOrganization(organization_id=made.organization_id)
    assert not key_path(tmp_path).exists()
    assert store.head() == head


def test_where_there_are_organizations_the_first_of_them_is_home(
    store: Store, tmp_path: Path
):
    organizations = [
        make_organization(
            store,
            name=name,
            plan="unlimited",
            time_zone="UTC",
            context=asking(),
            in_transaction=lambda cursor, done: ApiKeys().write(cursor, done.events),
        )
        for name in ("Acme", "Home")
    ]

    found = home_in(store, tmp_path)

    assert found == FirstOrganization(organization_id=organizations[0].organization_id)
    assert not key_path(tmp_path).exists()


def test_the_demo_is_tracked_once_in_mode_auto_without_a_start(
    store: Store, tmp_path: Path
):
    made = home_in(store, tmp_path)

    assert demo_in(store, made) == 4
    head = store.head()
    assert demo_in(store, made) == 0

    assert store.head() == head
    project = room(store, made)
    for handle in DEMO_HANDLES:
        holder = project.holder(handle)
        assert holder is not None
        creator = project.look_at(holder)
        assert creator.tracking_mode == "auto"
        assert creator.tracking_start_date is None


def test_a_demo_creator_that_was_removed_or_renamed_is_left_alone(
    store: Store, tmp_path: Path
):
    made = home_in(store, tmp_path)
    demo_in(store, made)
    project = room(store, made)
    removed, renamed, *_ = (project.holder(handle) for handle in DEMO_HANDLES)
    assert removed is not None
    assert renamed is not None
    project.remove(removed)
    project.rename(renamed, "another-kettle")
    head = store.head()

    assert demo_in(store, made) == 0

    assert store.head() == head
    assert project.look_at(removed).status == "removed"


def test_the_past_of_the_demo_is_imported_once(store: Store, tmp_path: Path):
    made = home_in(store, tmp_path)
    demo_in(store, made)

    assert import_history(store, made) == sum(LOOKS.values())
    head = store.head()
    assert import_history(store, made) == 0

    assert store.head() == head


@pytest.mark.parametrize("days_ago", (0, 1, 40))
def test_the_past_of_the_demo_ends_the_night_before_its_first_start(
    store: Store, tmp_path: Path, days_ago: int
):
    made = home_in(store, tmp_path)
    demo_in(store, made)
    started_at = datetime.now(UTC) - timedelta(days=days_ago)
    with store.pool.connection() as connection:
        connection.execute(
            "INSERT INTO replay_start VALUES ('demo', %s)", (started_at,)
        )

    import_history(store, made)

    assert last_look(store).date() == started_at.date() - timedelta(days=1)


def test_a_start_that_was_cut_off_is_made_up_for(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    made = home_in(store, tmp_path)
    demo_in(store, made)
    with monkeypatch.context() as cut_off:
        cut_off.setattr(demo, "DEMO_HANDLES", DEMO_HANDLES[:1])
        assert import_history(store, made) == LOOKS[DEMO_HANDLES[0]]

    others = (LOOKS[handle] for handle in DEMO_HANDLES[1:])
    assert import_history(store, made) == sum(others)


def test_the_past_follows_a_renamed_creator_and_leaves_a_removed_one_alone(
    store: Store, tmp_path: Path
):
    made = home_in(store, tmp_path)
    demo_in(store, made)
    project = room(store, made)
    removed, renamed, *_ = (project.holder(handle) for handle in DEMO_HANDLES)
    assert removed is not None
    assert renamed is not None
    project.remove(removed)
    project.rename(renamed, "another-kettle")
    # Somebody else has the handle now, and nothing to do with that past.
    project.add(DEMO_HANDLES[1])

    left = DEMO_HANDLES[1:]
    assert import_history(store, made) == sum(LOOKS[handle] for handle in left)

    others = map(project.holder, DEMO_HANDLES[2:])
    holders = dict(zip(left, (renamed, *others), strict=True))
    assert runs_by_creator(store) == {holders[handle]: LOOKS[handle] for handle in left}


def test_who_was_erased_of_the_demo_stays_erased(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(demo, "DEMO_HANDLES", DEMO_HANDLES[:1])
    made = home_in(store, tmp_path)
    demo_in(store, made)
    creator_id = room(store, made).holder(DEMO_HANDLES[0])
    assert creator_id is not None
    for projection in (*PROJECTIONS, CreatorIdentities()):
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()
    erase(
        store,
        creator_id,
        organization_id=made.organization_id,
        confirm=DEMO_HANDLES[0],
    )
    head = store.head()

    assert (demo_in(store, made), import_history(store, made)) == (0, 0)

    assert store.head() == head


def test_the_secret_is_made_once_and_only_ours_to_read(tmp_path: Path):
    first = stored_secret(tmp_path)

    assert len(first) == 64
    assert stored_secret(tmp_path) == first
    path = tmp_path / "secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["secret"]


def test_a_secret_that_was_cut_short_is_refused(tmp_path: Path):
    (tmp_path / "secret").write_text("goat\n")

    with pytest.raises(CommandError, match="remove it, and a new one is made"):
        stored_secret(tmp_path)
