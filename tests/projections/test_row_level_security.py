"""The second wall: a reader sees one organization, with any query."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection, Cursor, sql
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import TupleRow

from application.accounts.sessions import begin_session
from application.notifications.news import NewsReader, mark_read, notify
from application.shares.links import add_link
from domain import events as e
from domain.organization.logo import logo_of
from domain.report.contents import Contents
from domain.report.issue import ReportScope
from domain.streams import video_stream
from domain.video.attributes import VideoAttributes
from infra.database import LIMITED_ROLE, READER_ROLE, reading_pool
from infra.eventstore.store import Store
from infra.settings import Settings
from projections.activity.projection import Activity
from projections.alerts.projection import Alerts
from projections.analytics.projection import AnalyticsProjection
from projections.annotations.projection import Annotations
from projections.audit import Audit
from projections.bans import Bans
from projections.campaigns.projection import Campaigns
from projections.channels.projection import Channels
from projections.creator_history.projection import CreatorHistory
from projections.creators.projection import CreatorList
from projections.creators.search_keys import search_grams
from projections.engine.follower import Follower
from projections.feed.projection import Feed
from projections.organizations.projection import ApiKeys
from projections.people import People
from projections.project_logos import keep_logo
from projections.projects import Projects
from projections.reports.projection import Reports
from projections.scrape_runs.projection import ScrapeRuns
from projections.shares import Shares
from projections.videos.projection import Videos
from projections.views import Views
from projections.webhooks.projection import Webhooks
from tests.kit.builders import opened_store
from tests.kit.databases import new_database
from tests.kit.histories import (
    AWAY,
    HOME,
    MONDAY,
    History,
    added,
    found,
    log,
    requested,
    snapshot,
    stats,
)
from tests.kit.pictures import LOGO
from workers.scraping.jobs import ScrapeJobs
from workers.sources.request_counts import RequestCounts

WALLED = (
    "organizations",
    "projects",
    "project_logos",
    "api_keys",
    "members",
    "invitations",
    "person_sessions",
    "creator_list",
    "scrape_runs",
    "scrape_job",
    "source_request",
    "videos",
    "video_figures",
    "video_attributes",
    "moved_creators",
    "erased_videos",
    "analytics_subjects",
    "analytics_videos",
    "analytics_snapshots",
    "analytics_owner_states",
    "analytics_video_rollups",
    "analytics_profile_rollups",
    "analytics_profile_precision",
    "analytics_video_totals",
    "analytics_creator_moves",
    "analytics_campaign_changes",
    "analytics_campaign_members",
    "analytics_positions",
    "analytics_video_days",
    "analytics_profile_totals",
    "analytics_profile_days",
    "analytics_creator_posts",
    "analytics_owner_days",
    "creator_history",
    "creator_history_videos",
    "creator_milestones",
    "campaigns",
    "campaign_items",
    "activity",
    "activity_organizations",
    "activity_creators",
    "activity_videos",
    "annotations",
    "audit",
    "audit_members",
    "feed",
    "feed_subjects",
    "feed_views",
    "annotation_organizations",
    "annotation_projects",
    "annotation_creators",
    "views",
    "alert_rules",
    "alerts",
    "imports",
    "notifications",
    "notification_reads",
    "shares",
    "share_links",
    "reports",
    "report_issues",
    "report_waits",
    "webhooks",
    "webhook_cursors",
    "webhook_waiting",
    "webhook_deliveries",
    "channels",
    "channel_states",
    "channel_messages",
)
CLOSED = (
    "goatherd_events",
    "event_log",
    "quota_counters",
    "dead_letter",
    "dead_letter_decision",
    "creator_search",
    "creator_identity",
    "list_turn",
    "verdict_streak",
    "source_day",
    "known_video",
    "policy_task",
    "idempotency",
    "api_usage",
    "sign_in_links",
    "first_start_questions",
    "connect_links",
    "connect_attempts",
    "creator_connections",
    "ended_sessions",
    "scrape_schedule",
    "schedule_interval",
    "scheduled_video",
    "scheduler_lease",
    "bans",
    "people",
    "person_emails",
    "former_emails",
    "person_secrets",
    "invitation_links",
    "invitation_mails",
    "password_links",
    "email_links",
    "mails",
    "issue_links",
    "webhook_secrets",
    "webhook_keys",
    "webhook_replays",
    "channel_addresses",
    "creator_contacts",
    "due_work",
    "person_devices",
    "person_identities",
    "used_oidc_states",
    "pending_sign_ins",
    "passkeys",
    "spent_challenges",
    "analytics_unattributed",
    "analytics_gathered",
    "analytics_video_lists",
)
READABLE = (
    *("id", "name", "hint", "scopes", "created_at", "expires_at", "revoked_at"),
    "person_id",
)

# People who are limited see the rows of their projects in these tables, found by the
# project or by the creator, video or campaign of the row.
OF_PROJECTS = (
    *("projects", "project_logos", "creator_list", "scrape_runs", "scrape_job"),
    *("source_request", "videos", "video_figures", "video_attributes"),
    *("analytics_subjects", "analytics_videos", "analytics_snapshots"),
    *("analytics_owner_states", "analytics_video_rollups"),
    *("analytics_profile_rollups", "analytics_profile_precision"),
    *("analytics_video_totals", "analytics_creator_moves"),
    *("analytics_campaign_changes", "analytics_campaign_members"),
    *("analytics_video_days", "analytics_profile_totals", "analytics_profile_days"),
    *("analytics_creator_posts", "analytics_owner_days", "creator_history"),
    *("creator_history_videos", "creator_milestones", "campaigns", "campaign_items"),
    *("activity", "annotations", "feed", "notifications", "notification_reads"),
    *("shares", "share_links", "reports", "report_issues"),
    "report_waits",
    *("alerts", "imports"),
)
# They see these tables for the reasons given, and no table that is not named here.
OF_ORGANIZATION = {
    "organizations": "pages show its name, and answers are in its time zone",
    "members": "histories name people; no other column can be read",
    "api_keys": "queries join it, and find no row",
    "views": "the built-in ones, which belong to nobody",
    "alert_rules": "the built-in ones, and those of their projects",
    "analytics_positions": "the position up to which numbers are complete",
    "analytics_rule": "the rule of the installation for the first numbers",
    "projection": "how far read models have come",
}

Reading = Connection[TupleRow]


@pytest.fixture(scope="module")
def tenants_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """The URL of a database that tests read, with two organizations in it."""
    with new_database(postgres_url, template=template_database) as url:
        with opened_store(url) as store:
            _fill(store)
        yield url


@pytest.fixture(scope="module")
def projects_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """The URL of a database with two projects of one organization, and another one."""
    with new_database(postgres_url, template=template_database) as url:
        with opened_store(url) as store:
            _fill(store, (HOME, AWAY, HOME))
        yield url


def _fill(store: Store, tenants: Sequence[UUID] = (HOME, AWAY)) -> None:
    """Write the same rows into every read model for a project of each organization."""
    history = History()
    for number, tenant in enumerate(tenants):
        creator_id, run_id, key_id, project_id = (
            UUID(int=base + number) for base in (0xC0, 0x50, 0xA0, 0xB0)
        )
        if tenant not in tenants[:number]:
            history.happened(
                tenant, e.OrganizationCreated(name="Same", plan="free", time_zone="UTC")
            )
        history.happened(
            tenant,
            e.ProjectCreated(project_id=project_id, name="Same"),
            e.ProjectCreated(project_id=UUID(int=0xF0 + number), name="Same"),
            e.ApiKeyCreated(
                key_id=key_id, name="Same", digest=str(key_id), hint="same", scopes=()
            ),
            e.MemberAdded(person_id=UUID(int=0x90 + number), role="owner"),
            e.InvitationMade(
                id=UUID(int=0x80 + number),
                email="same@example.com",
                role="viewer",
                expires_at=MONDAY,
            ),
        )
        own = {"organization_id": tenant, "project_id": project_id}
        moved = e.CreatorMoved(
            organization_id=tenant,
            old_project_id=project_id,
            new_project_id=UUID(int=0xF0 + number),
            history="whole",
        )
        history.happened(creator_id, added("same", **own), moved)
        history.happened(
            UUID(int=0xE0 + number),
            e.CampaignCreated(
                organization_id=tenant, project_id=project_id, name="Same"
            ),
            e.CampaignItemAdded(
                organization_id=tenant, item_type="creator", item_id=creator_id
            ),
        )
        history.happened(
            run_id,
            requested(creator_id, organization_id=tenant),
            snapshot(
                creator_id,
                organization_id=tenant,
                follower_count=20_000 + number,
                precision="rounded",
            ),
            stats(
                "1",
                organization_id=tenant,
                project_id=project_id,
                views=number,
                attributes={"1": VideoAttributes(is_ad=True)},
            ),
        )
        history.happened(
            UUID(int=0xD0 + number), found(creator_id, "1", organization_id=tenant)
        )
        # The day after, what stood at the end of the first one is kept apart.
        history.happened(
            UUID(int=0x40 + number), snapshot(creator_id, organization_id=tenant, day=1)
        )
        for day in range(2):
            history.happened(
                UUID(int=0x60 + 16 * day + number),
                e.VideoStatsSnapshotRecorded(
                    organization_id=tenant,
                    project_id=project_id,
                    creator_id=creator_id,
                    observed_at=MONDAY + timedelta(days=day),
                    provider="test",
                    video_ids=("1",),
                    view_counts=(number,),
                    like_counts=(None,),
                    comment_counts=(None,),
                    share_counts=(None,),
                    save_counts=(None,),
                ),
            )
        history.happened(
            video_stream(project_id, "1"),
            e.VideoDiscovered(
                organization_id=tenant,
                project_id=project_id,
                creator_id=creator_id,
                tiktok_video_id="1",
                handle="same",
                tracking_status="auto_tracked",
                scrape_id=run_id,
                posted_at=MONDAY,
            ),
        )
        history.happened(
            UUID(int=0xDA0 + number),
            e.WebhookCreated(
                organization_id=tenant, url="https://same.example", types=("*",)
            ),
        )
        history.happened(
            UUID(int=0xDC0 + number),
            e.ChannelAdded(
                organization_id=tenant, kind="slack", name="Same", shown="same"
            ),
        )
        history.happened(
            tenant, e.ProjectLogoChanged(project_id=project_id, logo=logo_of(LOGO))
        )
        history.happened(
            UUID(int=0x5A0 + number),
            e.ShareMade(
                organization_id=tenant,
                project_id=project_id,
                scope="project",
                scope_id=project_id,
                name="Same",
            ),
        )
        history.happened(
            UUID(int=0xBE0 + number),
            e.ReportMade(
                organization_id=tenant,
                scope=ReportScope(type="project", id=project_id),
                name="Same",
                period="weekly",
                hour=9,
                sections=("kpis",),
                scheduled_from=MONDAY,
            ),
            e.ReportIssued(
                organization_id=tenant,
                scope=ReportScope(type="project", id=project_id),
                number=1,
                period="weekly",
                first_day=MONDAY.date(),
                last_day=MONDAY.date(),
                time_zone="UTC",
                position=1,
                sections=("kpis",),
                contents=Contents(),
            ),
        )
        history.happened(
            UUID(int=0xA10 + number),
            e.AlertOpened(
                organization_id=tenant,
                rule_id=UUID(int=0xA20),
                condition=e.Condition(type="creator_disabled"),
                subject_type="creator",
                subject_key=str(creator_id),
                creator_id=creator_id,
                project_id=project_id,
                severity="critical",
                since=MONDAY,
                evidence=e.AlertEvidence(),
            ),
        )
        history.happened(
            UUID(int=0xA30 + number),
            e.ImportFinished(
                organization_id=tenant, project_id=project_id, outcome="stored"
            ),
        )
        history.happened(
            UUID(int=0xCA0 + number),
            e.CampaignCreated(
                organization_id=tenant, project_id=project_id, name="Same"
            ),
            e.CampaignItemAdded(
                organization_id=tenant, item_type="creator", item_id=creator_id
            ),
        )
        history.happened(
            UUID(int=0xE8 + number),
            e.SubjectErased(
                organization_id=tenant,
                number=1,
                figures="drop",
                video_ids=(UUID(int=0xEC + number),),
            ),
        )
        RequestCounts(store.pool, Settings()).take("web", tenant, creator_id)
        _tell(store, tenant, project_id)
    log(store, history.events)
    for projection in (
        *(ApiKeys(), Bans(), CreatorList(), Projects(), ScrapeRuns()),
        *(AnalyticsProjection(), CreatorHistory(), ScrapeJobs(), Videos()),
        *(Alerts(), Feed()),
        *(Activity(), Campaigns(), Annotations(), Views(), Shares(), People(), Audit()),
        *(Webhooks(), Channels(), Reports()),
    ):
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()
    with store.pool.connection() as connection:
        _deliver(connection.cursor())
        keep_logo(connection.cursor(), history.events, LOGO)
        for number, tenant in enumerate(tenants):
            add_link(
                connection.cursor(),
                UUID(int=0x5A0 + number),
                token=str(number),
                organization_id=tenant,
                project_id=UUID(int=0xB0 + number),
                hashed=None,
                master_key=store.keyring.master_key(connection),
            )
        for number, tenant in enumerate((HOME, AWAY)):
            begin_session(
                connection.cursor(),
                person_id=UUID(int=0x90 + number),
                organization_id=tenant,
                address="10.1.1.1",
                browser="Firefox",
            )


def _deliver(cursor: Cursor[TupleRow]) -> None:
    """Let webhooks and channels have a delivery, and something that waits."""
    cursor.execute(
        "INSERT INTO webhook_cursors (webhook_id, organization_id, position) "
        "SELECT id, organization_id, 1 FROM webhooks"
    )
    cursor.execute(
        "INSERT INTO webhook_waiting (webhook_id, organization_id, position, number, "
        "ordinal, event_id, subject_id) "
        "SELECT id, organization_id, 1, 1, 0, 'evt_same', id FROM webhooks"
    )
    cursor.execute(
        "INSERT INTO webhook_deliveries (webhook_id, organization_id, id, event_id, "
        "event_type, position, ordinal, kind, try, at, duration_ms) "
        "SELECT id, organization_id, id, 'evt_same', 'creator.added', 1, 0, 'live', 1, "
        "now(), 1 FROM webhooks"
    )
    cursor.execute(
        "INSERT INTO report_waits "
        "(organization_id, report_id, scope_type, scope_id, because) "
        "SELECT organization_id, id, scope_type, scope_id, 'import' FROM reports"
    )
    cursor.execute(
        "INSERT INTO channel_states (channel_id, organization_id) "
        "SELECT id, organization_id FROM channels"
    )
    cursor.execute(
        "INSERT INTO channel_messages (id, organization_id, channel_id, kind, content) "
        "SELECT id, organization_id, id, 'alert', '{}' FROM channels"
    )


def _tell(store: Store, organization_id: UUID, project_id: UUID) -> None:
    """Tell of a project at the bell, and let somebody have read it."""
    reading = NewsReader(
        organization_id=organization_id,
        name="key:a",
        person_id=None,
        is_admin=True,
        project_ids=None,
    )
    with store.pool.connection() as connection:
        cursor = connection.cursor()
        news_id = notify(
            cursor, organization_id, kind="same", title="Same", project_id=project_id
        )
        mark_read(cursor, reading, [news_id])


@pytest.fixture
def reader(tenants_url: str) -> Iterator[Reading]:
    """A connection that has become the reader, in a transaction that may write."""
    with psycopg.connect(tenants_url) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(READER_ROLE)))
        yield connection
        connection.rollback()


def read_as(reader: Reading, organization_id: UUID | str) -> None:
    reader.execute(
        "SELECT set_config('goatherd.organization_id', %s, true)",
        (str(organization_id),),
    )


def owners(reader: Reading) -> dict[str, tuple[UUID, ...]]:
    """The organizations whose rows a query without a condition finds, by table."""
    return {
        table: tuple(
            row[0]
            for row in reader.execute(
                sql.SQL("SELECT DISTINCT organization_id FROM {}").format(
                    sql.Identifier(table)
                )
            )
        )
        for table in WALLED
    }


def refused(reader: Reading, statement: sql.Composed) -> bool:
    try:
        with reader.transaction(force_rollback=True):
            reader.execute(statement)
    except InsufficientPrivilege:
        return True
    return False


@pytest.mark.parametrize("tenant", (HOME, AWAY), ids=["home", "away"])
def test_an_organization_sees_its_own_rows_alone(reader: Reading, tenant: UUID):
    read_as(reader, tenant)

    assert owners(reader) == dict.fromkeys(WALLED, (tenant,))


@pytest.mark.parametrize("setting", (None, "", UUID(int=0)), ids=str)
def test_who_names_no_organization_sees_nothing(
    reader: Reading, setting: UUID | str | None
):
    if setting is not None:
        read_as(reader, setting)

    assert owners(reader) == dict.fromkeys(WALLED, ())


def test_asking_for_another_organization_by_name_finds_nothing(reader: Reading):
    read_as(reader, HOME)
    query = sql.SQL("SELECT count(*) FROM {} WHERE organization_id = %s")

    found = {
        table: reader.execute(query.format(sql.Identifier(table)), (AWAY,)).fetchone()
        for table in WALLED
    }

    assert found == dict.fromkeys(WALLED, (0,))


def test_the_organization_is_forgotten_with_the_transaction(reader: Reading):
    with reader.transaction(force_rollback=True):
        read_as(reader, HOME)
        while_named = owners(reader)
    reader.commit()

    assert while_named == dict.fromkeys(WALLED, (HOME,))
    assert owners(reader) == dict.fromkeys(WALLED, ())


def test_a_reader_changes_nothing(reader: Reading):
    read_as(reader, HOME)
    changes = [
        sql.SQL(change).format(sql.Identifier(table))
        for table in (*WALLED, "projection")
        for change in ("DELETE FROM {}", "INSERT INTO {} DEFAULT VALUES", "TRUNCATE {}")
    ]
    changes += [
        sql.SQL("UPDATE {} SET organization_id = organization_id").format(
            sql.Identifier(table)
        )
        for table in WALLED
    ]
    changes.append(
        sql.SQL("UPDATE {} SET position = 0").format(sql.Identifier("projection"))
    )

    allowed = [change.as_string() for change in changes if not refused(reader, change)]

    assert allowed == []


def test_no_table_of_tenants_is_open_to_readers_without_the_wall(reader: Reading):
    rows = reader.execute(
        "SELECT c.relname, c.relrowsecurity FROM pg_class c "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id' "
        "WHERE c.relkind IN ('r', 'p', 'v', 'm') "
        "AND has_any_column_privilege(%s, c.oid, 'SELECT')",
        (READER_ROLE,),
    )

    assert dict(rows) == dict.fromkeys(WALLED, True)


def test_what_is_not_of_one_organization_is_closed_to_readers(reader: Reading):
    read_as(reader, HOME)
    looks = [sql.SQL("SELECT FROM {}").format(sql.Identifier(name)) for name in CLOSED]

    allowed = [look.as_string() for look in looks if not refused(reader, look)]

    assert allowed == []


def test_the_digest_of_a_key_cannot_be_read(reader: Reading):
    read_as(reader, HOME)
    select = sql.SQL("SELECT {} FROM api_keys")
    rest = sql.SQL(", ").join(map(sql.Identifier, READABLE))
    by_digest = sql.SQL("SELECT {} FROM api_keys WHERE digest LIKE '%'")

    keys = reader.execute(select.format(rest)).fetchall()

    assert [key[0] for key in keys] == [UUID(int=0xA0)]
    assert refused(reader, select.format(sql.Identifier("digest")))
    assert refused(reader, select.format(sql.SQL("*")))
    assert refused(reader, by_digest.format(sql.Identifier("id")))


def test_of_a_session_only_its_last_use_can_be_read(reader: Reading):
    read_as(reader, HOME)
    select = sql.SQL("SELECT {} FROM person_sessions")

    seen = reader.execute("SELECT person_id, last_used_at FROM person_sessions")

    assert [person_id for person_id, _ in seen] == [UUID(int=0x90)]
    for closed in ("id", "digest", "address", "browser", "created_at"):
        assert refused(reader, select.format(sql.Identifier(closed))), closed


@pytest.mark.parametrize("tenant", (HOME, AWAY), ids=["home", "away"])
def test_the_search_finds_the_readers_own_creators_whatever_it_is_asked(
    reader: Reading, tenant: UUID
):
    own, other = [UUID(int=0xC0), UUID(int=0xC1)][:: 1 if tenant == HOME else -1]
    grams_of_both = [
        search_grams(HOME, "sam"),
        search_grams(AWAY, "sam"),
        list[str](),
    ]
    read_as(reader, tenant)

    found = [
        row[0]
        for grams in grams_of_both
        for row in reader.execute("SELECT id FROM goatherd_search(%s)", (grams,))
    ]

    assert found == [own, own]
    assert other not in found


def test_the_search_finds_nothing_for_who_names_no_organization(reader: Reading):
    grams = search_grams(HOME, "sam")

    rows = reader.execute("SELECT * FROM goatherd_search(%s)", (grams,)).fetchall()

    assert rows == []


def test_the_pool_for_reads_gives_readers_only(tenants_url: str):
    async def ask() -> TupleRow | None:
        async with (
            reading_pool(tenants_url, size=1) as pool,
            pool.connection() as connection,
        ):
            cursor = await connection.execute(
                "SELECT current_user, current_setting('transaction_read_only'), "
                "count(*) FROM projects"
            )
            return await cursor.fetchone()

    answer = asyncio.run(ask())

    assert answer == (READER_ROLE, "on", 0)


def test_the_events_of_a_creator_are_given_to_its_own_organization_alone(
    reader: Reading,
):
    ask = (
        "SELECT count(*) FROM goatherd_creator_events(%s, ARRAY(SELECT n FROM wanted))"
    )
    every = "WITH wanted AS (SELECT generate_series(1::bigint, 100) AS n) "
    found: dict[UUID, list[int]] = {}
    for tenant in (HOME, AWAY):
        read_as(reader, tenant)
        for creator_id in (UUID(int=0xC0), UUID(int=0xC1)):
            row = reader.execute((every + ask).encode(), (creator_id,)).fetchone()
            assert row is not None
            found.setdefault(tenant, []).append(row[0])

    assert [count > 0 for count in found[HOME]] == [True, False]
    assert [count > 0 for count in found[AWAY]] == [False, True]


def test_the_events_of_streams_are_given_to_their_own_organization_alone(
    reader: Reading,
):
    campaigns = [UUID(int=0xE0), UUID(int=0xE1)]
    ask = "SELECT stream FROM goatherd_stream_events(%s, 0, 1000, NULL, 100)"
    found: list[set[UUID]] = []
    for tenant in (HOME, AWAY, UUID(int=0)):
        read_as(reader, tenant)
        streams = [*campaigns, HOME, AWAY]
        found.append({row[0] for row in reader.execute(ask, (streams,))})

    assert found == [{campaigns[0]}, {campaigns[1]}, set()]


@pytest.fixture
def limited(projects_url: str) -> Iterator[Reading]:
    """A connection that has become the reader of limited people."""
    with psycopg.connect(projects_url) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(LIMITED_ROLE)))
        yield connection
        connection.rollback()


def _limit(limited: Reading, *projects: UUID) -> None:
    read_as(limited, HOME)
    limited.execute(
        "SELECT set_config('goatherd.project_ids', %s, true)",
        (f"{{{','.join(map(str, projects))}}}",),
    )


# Each creator has moved from the first project to the second one.
_PROJECTS = ((UUID(int=0xB0), UUID(int=0xF0)), (UUID(int=0xB2), UUID(int=0xF2)))


def _ids(number: int) -> set[str]:
    """The ids of everything that is in one of the projects."""
    bases = (0xC0, 0x50, 0xB0, 0xF0, 0xE0, 0xD0, 0x40, 0x60, 0x70, 0xCA0, 0xE8, 0xEC)
    ids = {UUID(int=base + number) for base in bases}
    return {str(id_) for id_ in ids | {video_stream(UUID(int=0xB0 + number), "1")}}


def _rows(limited: Reading, table: str) -> list[str]:
    columns = limited.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass "
        "AND attnum > 0 AND NOT attisdropped "
        "AND has_column_privilege(attrelid, attnum, 'SELECT')",
        (table,),
    ).fetchall()
    selected = sql.SQL(", ").join(sql.Identifier(name) for (name,) in columns)
    query = sql.SQL("SELECT {} FROM {}").format(selected, sql.Identifier(table))
    return [str(row) for row in limited.execute(query)]


def test_limited_people_find_rows_of_their_projects_alone(
    limited: Reading, subtests: pytest.Subtests
):
    for number, other in ((0, 2), (2, 0)):
        _limit(limited, *_PROJECTS[number // 2])
        for table in OF_PROJECTS:
            with subtests.test(table, number=number):
                found = _rows(limited, table)

                assert found
                assert not [r for r in found if any(i in r for i in _ids(other))]
        limited.rollback()
        limited.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(LIMITED_ROLE)))


def test_people_limited_to_both_projects_find_what_the_reader_finds(
    limited: Reading, projects_url: str, subtests: pytest.Subtests
):
    _limit(limited, *_PROJECTS[0], *_PROJECTS[1])

    with psycopg.connect(projects_url) as reader:
        reader.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(READER_ROLE)))
        read_as(reader, HOME)
        # Notes about the organization are not there for them, and neither are the
        # erased creators, whose history here says nothing else.
        gone = [str(UUID(int=n)) for n in (0xE8, 0xEA, 0xEC, 0xEE)]
        for table in {*OF_PROJECTS} - {"annotations"}:
            with subtests.test(table):
                all_rows = _rows(reader, table)
                # And neither are events about members of the organization.
                left_out = [*gone, "'member."] if table == "feed" else gone
                expected = [r for r in all_rows if not any(i in r for i in left_out)]
                assert sorted(_rows(limited, table)) == sorted(expected)


def test_an_index_finds_the_subjects_of_projects(limited: Reading):
    _limit(limited, *_PROJECTS[0])
    # PostgreSQL would read the few rows of this table without an index.
    limited.execute("SELECT set_config('enable_seqscan', 'off', true)")

    plan = limited.execute("EXPLAIN SELECT id FROM analytics_subjects").fetchall()

    steps = "\n".join(step for (step,) in plan)
    assert "using analytics_subjects_of_project" in steps
    assert "Filter" not in steps.replace("One-Time Filter", "")


def test_people_without_a_project_find_nothing(limited: Reading):
    for setting in ("", "{}", f"{{{UUID(int=0)}}}"):
        read_as(limited, HOME)
        limited.execute(
            "SELECT set_config('goatherd.project_ids', %s, true)", (setting,)
        )

        assert [table for table in OF_PROJECTS if _rows(limited, table)] == []


def test_every_table_that_limited_people_read_is_of_their_projects_or_named(
    limited: Reading,
):
    readable = limited.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
        "WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname = current_schema() "
        "AND has_any_column_privilege(%s, c.oid, 'SELECT')",
        (LIMITED_ROLE,),
    )

    assert {name for (name,) in readable} == {*OF_PROJECTS, *OF_ORGANIZATION}


def test_limited_people_read_the_names_of_members_and_no_key(limited: Reading):
    _limit(limited, *_PROJECTS[0])

    assert refused(
        limited, sql.SQL("SELECT {} FROM members").format(sql.Identifier("email"))
    )
    assert refused(
        limited, sql.SQL("SELECT {} FROM api_keys").format(sql.Identifier("digest"))
    )
    assert _rows(limited, "api_keys") == []
    assert [row for row in _rows(limited, "views") if "Stopped" not in row] == []


def test_functions_find_nothing_of_other_projects(limited: Reading):
    for number in (0, 2):
        _limit(limited, *_PROJECTS[number // 2])
        own = UUID(int=0xC0 + number)
        both = [UUID(int=0xC0), UUID(int=0xC2)]
        campaigns = [UUID(int=0xE0), UUID(int=0xE2)]

        found = limited.execute(
            "SELECT id FROM goatherd_search(%s)", (search_grams(HOME, "sam"),)
        ).fetchall()
        events = [
            limited.execute(
                "SELECT count(*) FROM goatherd_creator_events(%s, ARRAY("
                "SELECT generate_series(1::bigint, 1000)))",
                (creator_id,),
            ).fetchone()
            for creator_id in both
        ]
        streams = limited.execute(
            "SELECT DISTINCT stream "
            "FROM goatherd_stream_events(%s, 0, 1000, NULL, 500)",
            ([*campaigns, *both],),
        ).fetchall()

        assert found == [(own,)]
        assert [row and row[0] > 0 for row in events] == [each == own for each in both]
        assert {id_ for (id_,) in streams} == {own, UUID(int=0xE0 + number)}
