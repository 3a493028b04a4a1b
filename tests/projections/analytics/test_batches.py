"""However the log is cut into batches, the read models hold what one fold gives."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from functools import reduce
from itertools import accumulate, cycle, pairwise, takewhile
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import commands as c
from domain import events as e
from domain.creator import decider as creator_decider
from domain.creator import handle_ban
from domain.errors import DomainError
from domain.organization import decider as organization_decider
from domain.scrape import decider as scrape_decider
from domain.streams import Names, video_stream
from domain.video import commands as v
from domain.video import decider as video_decider
from infra.eventstore.store import RecordedEvent, Store
from projections.activity.projection import Activity
from projections.alerts.projection import Alerts
from projections.annotations.projection import Annotations
from projections.audit import Audit
from projections.bans import Bans
from projections.campaigns.projection import Campaigns
from projections.creator_history.projection import CreatorHistory
from projections.creators.projection import CreatorList
from projections.engine.follower import Follower
from projections.engine.projection import Projection
from projections.feed.projection import Feed
from projections.organizations.projection import ApiKeys
from projections.projects import Projects
from projections.reports.projection import Reports
from projections.scrape_runs.projection import ScrapeRuns
from projections.shares import Shares
from projections.videos.projection import Videos
from projections.views import Views
from tests.kit import builders
from tests.kit.depth import part_of
from tests.kit.expected import Row, expected, stored
from tests.kit.histories import (
    AWAY,
    HOME,
    MONDAY,
    PROJECT,
    History,
    log,
    many_events,
)

PROJECTIONS: tuple[Projection, ...] = (
    ApiKeys(),
    Audit(),
    Feed(),
    Bans(),
    Campaigns(),
    CreatorList(),
    Projects(),
    ScrapeRuns(),
    Videos(),
    CreatorHistory(),
    Annotations(),
    Activity(),
    Views(),
    Reports(),
    Shares(),
    Alerts(),
)
# Few of each, so that commands meet; a creator, a key and a project are of one tenant.
TENANTS = (HOME, AWAY)
CREATORS = [UUID(int=0xC0 + n) for n in range(3)]
RUNS = [UUID(int=0x5C0 + n) for n in range(9)]
THINGS = [UUID(int=0xA0 + n) for n in range(3)]
VIDEOS = [str(0x71D + n) for n in range(4)]
# At home videos go by pseudonyms in snapshots, away by their ids, as in an old log.
NAMES_OF = {HOME: builders.NAMES, AWAY: Names()}
HANDLES = ("billie", "b", "nanny.g_0-t")
TEXTS = st.none() | st.sampled_from(["", "Billie", "ß☃\U0001f410", "a\tb\\n'\"{}%s"])
DATES = st.none() | st.sampled_from([date(2026, 1, 1), date(2026, 1, 2)])
COUNTS = st.none() | st.sampled_from([0, 7, -1, 5_000, 2**63 - 1])
MOMENTS = st.sampled_from([MONDAY + timedelta(days=n) for n in range(3)])

NAMES = {cls: name for name, cls in e.STORED_NAMES.items()}

SLOWLY = settings(
    deadline=None,
    max_examples=part_of(60),
    # Explaining a failure line by line would outlast the time a test has.
    phases=[phase for phase in Phase if phase is not Phase.explain],
    # The database is the same for every example, and each leaves it as it was.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

Step = Callable[["World"], None]


class World(History):
    """A history made by commands; refused ones add nothing to it."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: set[tuple[type, UUID]] = set()

    def ask(
        self,
        stream: UUID,
        decide: Callable[..., list[Any]],
        evolve: Callable[..., Any],
        command: c.Command,
    ) -> None:
        recorded: list[Any] = [f.event for f in self.events if f.stream == stream]
        start = False if decide is handle_ban.decide else None
        try:
            events = decide(reduce(evolve, recorded, start), command)
        except DomainError:
            return
        self.happened(stream, *events)


def _tenant_of(some_id: UUID) -> UUID:
    return TENANTS[some_id.int % 2]


def _project_of(some_id: UUID) -> UUID:
    """The one project of its tenant that has creators."""
    return PROJECT if _tenant_of(some_id) == HOME else UUID(int=PROJECT.int + 1)


def _pseudonym_of(tiktok_video_id: str) -> str:
    names = NAMES_OF[_tenant_of(UUID(int=int(tiktok_video_id)))]
    return names.pseudonym(tiktok_video_id)


def _of_a_creator(creator_id: UUID, command: c.CreatorCommand) -> Step:
    return lambda world: world.ask(
        creator_id, creator_decider.decide, creator_decider.evolve, command
    )


def _of_an_organization(tenant: UUID, command: c.OrganizationCommand) -> Step:
    def take(world: World) -> None:
        match command:
            case c.CreateProject(project_id=fresh) | c.CreateApiKey(key_id=fresh):
                # A command that makes one draws an id that nobody had before.
                if (type(command), fresh) in world.drawn:
                    return
                world.drawn.add((type(command), fresh))
            case _:
                pass
        world.ask(
            tenant, organization_decider.decide, organization_decider.evolve, command
        )

    return take


def _of_a_run(run: UUID, command: c.RecordResult | c.RecordFailure) -> Step:
    creator_id = CREATORS[run.int % len(CREATORS)]
    requested = c.RequestScrape(
        organization_id=_tenant_of(creator_id),
        project_id=_project_of(creator_id),
        creator_id=creator_id,
        handle="billie",
        job_type="discover_videos",
        trigger="manual",
    )

    def take(world: World) -> None:
        if any(event.stream == creator_id for event in world.events):
            for one in (requested, command):
                world.ask(run, scrape_decider.decide, scrape_decider.evolve, one)

    return take


def _of_a_video(tiktok_video_id: str, command: v.VideoCommand) -> Step:
    project_id = _project_of(UUID(int=int(tiktok_video_id)))
    stream = video_stream(project_id, _pseudonym_of(tiktok_video_id))
    return lambda world: world.ask(
        stream, video_decider.decide, video_decider.evolve, command
    )


def _of_a_handle(command: c.BanHandle | c.UnbanHandle) -> Step:
    return lambda world: world.ask(
        Names().ban_stream(command.handle),
        handle_ban.decide,
        handle_ban.evolve,
        command,
    )


def _creator_commands(creator_id: UUID) -> st.SearchStrategy[c.CreatorCommand]:
    window: dict[str, Any] = {"tracking_start_date": DATES, "tracking_end_date": DATES}
    mode: st.SearchStrategy[e.TrackingMode] = st.sampled_from(["auto", "selective"])
    metadata = st.sampled_from([{}, {"a": [1, None]}, {"ß": {"☃": 0.5}}])
    return st.one_of(
        st.builds(
            c.AddCreator,
            organization_id=st.just(_tenant_of(creator_id)),
            project_id=st.just(_project_of(creator_id)),
            handle=st.sampled_from(HANDLES),
            tracking_mode=mode,
            description=TEXTS,
            readme=TEXTS,
            metadata=metadata,
            **window,
        ),
        st.builds(c.RenameHandle, handle=st.sampled_from(HANDLES)),
        st.builds(
            c.ChangeDetails,
            display_name=TEXTS,
            description=TEXTS,
            readme=TEXTS,
            metadata=metadata,
        ),
        st.builds(c.ChangeDetails, display_name=TEXTS),
        st.builds(c.ChangeTracking, tracking_mode=mode, **window),
        st.builds(c.SoftDelete),
        st.builds(c.Reactivate, tracking_mode=mode, **window),
        st.builds(
            c.AutoDisable,
            verdict=st.sampled_from(["private", "not_found"]),
            scrape_id=st.sampled_from(RUNS),
        ),
        st.builds(c.Disable),
        st.builds(c.Reenable, at=MOMENTS),
    )


def _video_commands(tiktok_video_id: str) -> st.SearchStrategy[v.VideoCommand]:
    own = UUID(int=int(tiktok_video_id))
    known: dict[str, Any] = {
        "organization_id": st.just(_tenant_of(own)),
        "project_id": st.just(_project_of(own)),
        "tiktok_video_id": st.just(tiktok_video_id),
        "pseudonym": st.just(_pseudonym_of(tiktok_video_id)),
        "handle": st.sampled_from(HANDLES),
    }
    statuses: st.SearchStrategy[e.TrackingStatus] = st.sampled_from(
        ["auto_tracked", "pending_review", "out_of_window"]
    )
    return st.one_of(
        st.builds(
            v.DiscoverVideo,
            creator_id=st.sampled_from(CREATORS),
            tracking_status=statuses,
            scrape_id=st.sampled_from(RUNS),
            kind=st.sampled_from([None, "photo"]),
            title=TEXTS,
            posted_at=st.none() | MOMENTS,
            **known,
        ),
        st.builds(v.AddVideo, kind=st.just("video"), **known),
        st.builds(v.MoveWindow, tracking_status=statuses),
        st.builds(v.IncludeVideo),
        st.builds(v.ExcludeVideo),
        st.builds(v.PutBackVideo),
        st.builds(v.DisableTracking),
        st.builds(v.ChangeVideoDetails, readme=TEXTS, description=TEXTS),
        st.builds(v.ChangeVideoDetails, metadata=st.just({"ß": [1, None]})),
        st.builds(
            v.ReportMissing, missing_since=MOMENTS, scrape_id=st.sampled_from(RUNS)
        ),
        st.builds(
            v.ReportTakeOff,
            age_days=st.integers(1, 7),
            views=st.just(9),
            peer_median=st.just(2.5),
            peers=st.just(5),
            outlier_factor=st.just(3.6),
        ),
    )


def _seen_videos(tenant: UUID) -> st.SearchStrategy[c.NamedVideos]:
    own = [i for i in VIDEOS if _tenant_of(UUID(int=int(i))) == tenant]
    seen = st.builds(
        c.VideoSnapshot,
        tiktok_video_id=st.sampled_from(own),
        title=TEXTS,
        kind=st.sampled_from([None, "video", "photo"]),
        posted_at=st.none() | MOMENTS,
        view_count=COUNTS,
        save_count=COUNTS,
    )
    some = st.lists(seen, max_size=3, unique_by=lambda one: one.tiktok_video_id)
    return some.map(
        lambda videos: scrape_decider.named(
            scrape_decider.columns_of(videos),
            NAMES_OF[tenant],
            is_known=[False] * len(videos),
        )
    )


def _results(run: UUID) -> st.SearchStrategy[c.RecordResult | c.RecordFailure]:
    figures: dict[str, Any] = {
        "display_name": TEXTS,
        "follower_count": COUNTS,
        "video_count": COUNTS,
    }
    result = st.builds(
        c.RecordResult,
        provider=st.just("test"),
        observed_at=MOMENTS,
        attempts=st.just(1),
        duration_ms=st.just(9),
        profile=st.builds(c.ProfileSnapshot, **figures),
        videos=_seen_videos(_tenant_of(CREATORS[run.int % len(CREATORS)])),
        pages=st.just(1),
    )
    failure = st.builds(
        c.RecordFailure,
        provider=st.just("test"),
        attempts=st.just(5),
        error=st.just("Gone."),
        outcome=st.sampled_from([None, "blocked", "private"]),
    )
    return result | result | result | failure


def _organization_commands(tenant: UUID) -> st.SearchStrategy[c.OrganizationCommand]:
    things = [thing for thing in THINGS if _tenant_of(thing) == tenant]
    own = st.sampled_from(things)
    names = st.sampled_from(["Goats", "Sheep"])
    return st.one_of(
        st.builds(
            c.CreateOrganization,
            name=names,
            plan=st.just("free"),
            time_zone=st.just("UTC"),
        ),
        st.builds(c.ChangePlan, plan=st.sampled_from(["free", "ultra"])),
        st.builds(
            c.ChangeOrganizationSettings,
            name=names,
            time_zone=st.sampled_from(["UTC", "Europe/Berlin"]),
        ),
        st.builds(
            c.ChangeOrganizationSettings,
            creator_profiles_hours=st.sampled_from([None, 1, 720]),
            video_stats_hours=st.sampled_from([None, 1, 720]),
        ),
        *(
            st.builds(
                c.CreateApiKey,
                key_id=st.just(key_id),
                name=names,
                digest=st.just(f"digest of {key_id}"),
                hint=st.just("beef"),
                scopes=st.sampled_from([(), ("read",), ("read", "admin")]),
                expires_at=st.none() | MOMENTS,
            )
            for key_id in things
        ),
        st.builds(c.RevokeApiKey, key_id=own),
        st.builds(
            c.CreateProject,
            project_id=own,
            name=names,
            description=TEXTS,
        ),
        st.builds(c.ChangeProjectDetails, project_id=own, name=names),
        st.builds(c.ChangeProjectDetails, project_id=own, description=TEXTS),
    )


BAN_COMMANDS = st.one_of(
    st.builds(c.BanHandle, handle=st.sampled_from(HANDLES), reason=TEXTS),
    st.builds(c.UnbanHandle, handle=st.sampled_from(HANDLES)),
)
STEPS: st.SearchStrategy[Step] = st.one_of(
    *(_creator_commands(i).map(lambda o, i=i: _of_a_creator(i, o)) for i in CREATORS),
    *(_results(i).map(lambda o, i=i: _of_a_run(i, o)) for i in RUNS),
    *(_video_commands(i).map(lambda o, i=i: _of_a_video(i, o)) for i in VIDEOS),
    *(
        _organization_commands(i).map(lambda o, i=i: _of_an_organization(i, o))
        for i in TENANTS
    ),
    BAN_COMMANDS.map(_of_a_handle),
)


@st.composite
def histories(draw: st.DrawFn) -> list[RecordedEvent]:
    world = World()
    for tenant in TENANTS:
        made = c.CreateOrganization(name="Home", plan="free", time_zone="UTC")
        _of_an_organization(tenant, made)(world)
    for step in draw(st.lists(STEPS, min_size=25, max_size=80)):
        step(world)
    return world.events


def take_in(
    connection: Connection[TupleRow], batches: Iterable[Sequence[RecordedEvent]]
) -> dict[str, list[Row]]:
    """Return the rows after the batches, and leave the tables as they were."""
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        for batch in batches:
            for projection in PROJECTIONS:
                events = [f for f in batch if NAMES[type(f.event)] in projection.events]
                if events:
                    projection.write(cursor, events)
        return stored(connection)


def cut(
    events: Sequence[RecordedEvent], sizes: Sequence[int]
) -> list[Sequence[RecordedEvent]]:
    ends = accumulate(cycle(sizes))
    cuts = [0, *takewhile(lambda end: end < len(events), ends), len(events)]
    return [events[start:end] for start, end in pairwise(cuts)]


@SLOWLY
@given(events=histories(), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_any_cut_of_the_log_gives_the_rows_of_one_fold(
    connection: Connection[TupleRow], events: list[RecordedEvent], sizes: list[int]
):
    whole = take_in(connection, [events])
    in_parts = take_in(connection, cut(events, sizes))

    assert whole == expected(events)
    assert in_parts == whole


@SLOWLY
@given(events=histories(), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_events_that_come_twice_change_nothing(
    connection: Connection[TupleRow], events: list[RecordedEvent], sizes: list[int]
):
    batches = cut(events, sizes)

    each_again = take_in(connection, [b for batch in batches for b in (batch, batch)])
    all_again = take_in(connection, [*batches, events])

    assert each_again == expected(events)
    assert all_again == each_again


def test_a_follower_takes_the_log_in_whatever_it_passes_at_a_time(store: Store):
    events = log(store, many_events(700))
    followers = [
        Follower(projection, pool=store.pool, codec=store.codec)
        for projection in PROJECTIONS
    ]

    for follower in followers:
        follower.register()
        sizes = cycle((1, 2, 3, 50, 101))
        while follower.step(next(sizes)):
            pass

    with store.pool.connection() as connection:
        assert stored(connection) == expected(events)
        positions = connection.execute("SELECT position FROM projection").fetchall()
    assert positions == [(events[-1].position,)] * len(PROJECTIONS)
