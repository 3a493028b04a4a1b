"""feed: the public events that follow from the log, in any slices."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from domain.messages import IMPORT_PROVIDER, copied
from domain.report.contents import Contents
from domain.report.issue import ReportScope
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent
from projections.feed.projection import Feed
from tests.kit.depth import part_of
from tests.kit.expected import rows_of
from tests.kit.expected_feed import feed
from tests.kit.histories import (
    HOME,
    MONDAY,
    PROJECT,
    SECOND,
    History,
    added,
    connected,
    connection_lost,
    failed,
    found,
    snapshot,
    stats,
)

BILLIE, NANNY = (UUID(int=number) for number in (0xB1, 0xA2))
CREATORS = (BILLIE, NANNY)
CAMPAIGN = UUID(int=0xCA)
ADA = UUID(int=0xADA)
COUNTS = (None, -1, 900, 9_000, 60_000, 300_000, 7_000_000)
# The videos of each creator; a video never has another one.
NAMES = {BILLIE: ("1", "2"), NANNY: ("3", "4")}
OF: dict[str, Any] = {"organization_id": HOME}

Reading = Connection[TupleRow]


def take_in(connection: Reading, events: Sequence[RecordedEvent]) -> None:
    with connection.cursor() as cursor:
        Feed().write(cursor, events)


def rows(connection: Reading) -> list[dict[str, Any]]:
    found_rows = rows_of(connection, "feed")
    return sorted(found_rows, key=lambda row: (row["position"], row["ordinal"]))


def applied(connection: Reading, history: History) -> list[dict[str, Any]]:
    """Apply a history event by event, compare with the plain fold; return the rows."""
    for recorded in history.events:
        take_in(connection, [recorded])
    found_rows = rows(connection)
    assert found_rows == [*feed(history.events).values()]
    return found_rows


def milestones(found_rows: Sequence[dict[str, Any]]) -> list[int]:
    return [row["milestone"] for row in found_rows if row["milestone"] is not None]


def views(name: str, count: int, *, day: float = 0, of: UUID | None = BILLIE) -> Any:  # noqa: ANN401 - replaced by tests
    return replace(stats(name, day=day, views=count), creator_id=of)


def imported(event: Any) -> Any:  # noqa: ANN401 - any snapshot
    return replace(event, provider=IMPORT_PROVIDER)


def alert(creator_id: UUID | None) -> e.AlertOpened:
    return e.AlertOpened(
        **OF,
        rule_id=UUID(int=0xA),
        condition=e.Condition(type="creator_disabled"),
        subject_type="source" if creator_id is None else "creator",
        subject_key=str(creator_id or "web"),
        creator_id=creator_id,
        project_id=None if creator_id is None else PROJECT,
        severity="critical",
        since=MONDAY,
        evidence=e.AlertEvidence(value=7),
    )


def resolved(creator_id: UUID | None, *, has_fired: bool = True) -> e.AlertResolved:
    return copied(
        alert(creator_id), e.AlertResolved, at=MONDAY, has_fired=has_fired, end="over"
    )


def issued(scope: ReportScope) -> e.ReportIssued:
    return e.ReportIssued(
        **OF,
        scope=scope,
        number=1,
        period="weekly",
        first_day=MONDAY.date(),
        last_day=MONDAY.date(),
        time_zone="UTC",
        position=1,
        sections=("kpis",),
        contents=Contents(),
    )


def test_a_jump_passes_each_milestone_once(connection: Reading, history: History):
    history.happened(BILLIE, added())
    for run, count in enumerate((9_000, 300_000, 200_000, 310_000)):
        history.happened(UUID(int=0x50 + run), views("1", count, day=run))

    found_rows = applied(connection, history)

    assert milestones(found_rows) == [10_000, 50_000, 100_000, 250_000]
    assert {row["count"] for row in found_rows if row["milestone"]} == {300_000}


def test_first_observations_and_imported_history_pass_no_milestone(
    connection: Reading, history: History
):
    history.happened(BILLIE, added())
    history.happened(UUID(int=0x50), views("1", 300_000, day=8))
    history.happened(UUID(int=0x51), snapshot(BILLIE, day=8, follower_count=900))
    # The creator's first import, and then one that is older than the scrape.
    for run, (day, followers) in enumerate(((9, 1_500), (5, 60_000), (10, 150_000))):
        history.happened(
            UUID(int=0x60 + run),
            imported(snapshot(BILLIE, day=day, follower_count=followers)),
        )

    assert milestones(applied(connection, history)) == [100_000]


def test_a_single_video_keeps_its_milestones_when_it_gets_a_creator(
    connection: Reading, history: History
):
    single = e.VideoAdded(
        **OF, project_id=PROJECT, tiktok_video_id="1", handle="billie", kind="video"
    )
    history.happened(BILLIE, added())
    history.happened(video_stream(PROJECT, "1"), single)
    history.happened(UUID(int=0x50), views("1", 9_000, of=None))
    history.happened(UUID(int=0x51), views("1", 60_000, day=1))
    history.happened(video_stream(PROJECT, "1"), found(BILLIE, "1"))
    history.happened(UUID(int=0x52), views("1", 120_000, day=2, of=None))

    found_rows = applied(connection, history)

    assert milestones(found_rows) == [10_000, 50_000, 100_000]
    assert {row["creator_id"] for row in found_rows if row["milestone"]} == {BILLIE}


def test_an_erasure_leaves_decisions_and_takes_dropped_figures(
    connection: Reading, history: History
):
    history.happened(BILLIE, added())
    history.happened(video_stream(PROJECT, "1"), found(BILLIE, "1"))
    for run, count in enumerate((900, 1_900)):
        seen = snapshot(BILLIE, day=run, follower_count=count)
        history.happened(UUID(int=0x50 + run), seen)
    history.happened(UUID(int=0x60), failed(BILLIE))
    history.happened(UUID(int=0x70), alert(BILLIE))
    history.happened(BILLIE, e.SubjectErased(**OF, number=1, figures="drop"))
    history.happened(UUID(int=0x70), resolved(BILLIE))
    history.happened(UUID(int=0x61), snapshot(BILLIE, day=3, follower_count=90_000))

    found_rows = applied(connection, history)

    assert [row["type"] for row in found_rows] == ["creator.added", "subject.erased"]


def test_an_alert_is_in_the_project_where_its_creator_is(
    connection: Reading, history: History
):
    history.happened(BILLIE, added())
    moved = {"old_project_id": PROJECT, "new_project_id": SECOND, "history": "stay"}
    history.happened(UUID(int=0x70), alert(BILLIE))
    history.happened(BILLIE, e.CreatorMoved(**OF, **moved))
    history.happened(UUID(int=0x70), resolved(BILLIE))
    history.happened(UUID(int=0x71), alert(None), resolved(None))
    history.happened(UUID(int=0x72), resolved(BILLIE, has_fired=False))

    found_rows = applied(connection, history)

    alerts = [row for row in found_rows if row["type"].startswith("alert.")]
    assert [(row["subject_id"].int, row["project_id"]) for row in alerts] == [
        *((0x70, PROJECT), (0x70, SECOND)),
        *((0x71, None), (0x71, None)),
    ]


def test_an_issue_is_in_the_project_of_what_its_report_is_about(
    connection: Reading, history: History
):
    history.happened(BILLIE, added())
    history.happened(
        CAMPAIGN, e.CampaignCreated(**OF, project_id=SECOND, name="Spring")
    )
    scopes = (
        *(ReportScope(type="org"), ReportScope(type="project", id=SECOND)),
        ReportScope(type="campaign", id=CAMPAIGN),
        ReportScope(type="creator", id=BILLIE),
    )
    for number, scope in enumerate(scopes):
        history.happened(UUID(int=0x80 + number), issued(scope))
    history.happened(BILLIE, e.SubjectErased(**OF, number=1, figures="drop"))
    history.happened(UUID(int=0x83), issued(scopes[-1]))

    found_rows = applied(connection, history)

    issues = [row for row in found_rows if row["type"] == "report.ready"]
    assert [
        (row["subject_id"].int, row["project_id"], row["creator_id"]) for row in issues
    ] == [
        *((0x80, None, None), (0x81, SECOND, None), (0x82, SECOND, None)),
        *((0x83, PROJECT, BILLIE), (0x83, PROJECT, BILLIE)),
    ]


def test_rows_hold_no_text_but_the_type(connection: Reading):
    columns = connection.execute(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND table_name = 'feed' "
        "AND data_type IN ('text', 'jsonb')"
    )

    assert columns.fetchall() == [("type",)]


@st.composite
def histories(draw: st.DrawFn) -> History:  # noqa: PLR0915 - one case a kind of event
    """A history of two creators, their videos, a campaign and a member."""
    history = History()
    homes = dict.fromkeys(CREATORS, PROJECT)
    for creator in CREATORS:
        history.happened(creator, added())
    history.happened(
        CAMPAIGN, e.CampaignCreated(**OF, project_id=PROJECT, name="Spring")
    )
    erased: set[UUID] = set()
    # A video is added by its URL before the scrapes of its creator list it.
    listed: set[str] = set()
    known: set[UUID] = set()
    for run in range(draw(st.integers(1, 24))):
        creator = draw(st.sampled_from(CREATORS))
        name = draw(st.sampled_from(NAMES[creator]))
        video = video_stream(PROJECT, name)
        day = draw(st.integers(0, 6))
        count = draw(
            st.sampled_from((None, -1, 900, 9_000, 60_000, 300_000, 7_000_000))
        )
        scrape = UUID(int=0x5000 + run)
        seen: Any
        match draw(st.integers(0, 13)):
            case 0 | 1 | 2:
                names = draw(st.sampled_from(((name,), NAMES[creator])))
                seen = replace(stats(*names, day=day, views=count), creator_id=creator)
                listed |= {*names}
                seen = imported(seen) if draw(st.integers(0, 3)) == 0 else seen
                history.happened(scrape, seen)
            case 3 | 4:
                seen = snapshot(creator, day=day, follower_count=count)
                seen = imported(seen) if draw(st.booleans()) else seen
                history.happened(scrape, seen)
                if draw(st.booleans()):
                    request = UUID(int=draw(st.integers(1, 2)))
                    last = history.events[-1]
                    history.events[-1] = replace(last, correlation_id=request)
            case 5:
                status: Any = draw(st.sampled_from(("auto_tracked", "pending_review")))
                history.happened(video, found(creator, name, tracking_status=status))
                known.add(video)
                listed.add(name)
            case 6 if name not in listed:
                known.add(video)
                added_by_url = e.VideoAdded(
                    **OF,
                    project_id=PROJECT,
                    tiktok_video_id=name,
                    handle="billie",
                    kind="video",
                )
                history.happened(video, added_by_url)
            case 7 if video in known:
                history.happened(video, e.VideoExcluded(**OF))
            case 12 | 13 if video in known:
                history.happened(scrape, stats(name, day=day, views=count))
            case 8:
                old = homes[creator]
                homes[creator] = new = SECOND if old == PROJECT else PROJECT
                moved = e.CreatorMoved(
                    **OF, old_project_id=old, new_project_id=new, history="stay"
                )
                history.happened(creator, moved)
            case 9:
                history.happened(scrape, failed(creator))
            case 10:
                own: Any = draw(st.sampled_from((connected(), connection_lost())))
                history.happened(creator, own)
                history.happened(HOME, e.MemberAdded(person_id=ADA, role="viewer"))
                history.happened(CAMPAIGN, e.CampaignTargetChanged(**OF))
                scope = draw(
                    st.sampled_from(
                        (
                            ReportScope(type="project", id=PROJECT),
                            ReportScope(type="campaign", id=CAMPAIGN),
                            ReportScope(type="creator", id=creator),
                        )
                    )
                )
                history.happened(UUID(int=0x7000 + run), issued(scope))
                of: Any = draw(st.sampled_from((creator, None)))
                fired = draw(st.booleans())
                history.happened(
                    UUID(int=0x6000 + run), alert(of), resolved(of, has_fired=fired)
                )
            case 11 if creator not in erased:
                erased.add(creator)
                figures: Any = draw(st.sampled_from(("drop", "anonymous")))
                history.happened(
                    creator,
                    e.SubjectErased(**OF, number=len(erased), figures=figures),
                )
            case _:
                pass
    return history


@given(history=histories(), size=st.integers(1, 9))
@settings(max_examples=part_of(120), deadline=None)
def test_any_history_in_any_slices_makes_the_rows_of_a_plain_fold(
    empty_url: str, history: History, size: int
):
    events = history.events
    with Connection.connect(empty_url) as connection:
        for begin in range(0, len(events), size):
            take_in(connection, events[begin : begin + size])
            # A follower that was killed applies a slice again.
            take_in(connection, events[begin : begin + size])
        live = rows(connection)
        states = {name: rows_of(connection, name) for name in Feed.tables[1:]}
        connection.rollback()
        take_in(connection, events)
        whole = rows(connection)
        rebuilt = {name: rows_of(connection, name) for name in Feed.tables[1:]}
        connection.rollback()

    assert live == [*feed(events).values()]
    assert whole == live
    assert rebuilt == states
