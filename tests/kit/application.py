"""The real application over a real database, and the organizations that use it."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
from litestar import Litestar
from litestar.testing import TestClient

from api.http import writer
from api.main import assemble
from domain import commands as c
from domain import events as e
from domain.organization.api_keys import ALL_SCOPES
from domain.organization.plans import UNLIMITED
from domain.streams import creators_counter, video_stream
from infra.embedded.processes import wait_until
from infra.eventstore.store import RecordedEvent, Store
from infra.ids import new_id
from infra.organizations import make_organization
from infra.settings import Settings
from projections.engine.follower import Follower
from projections.organizations.projection import ApiKeys
from projections.registry import PROJECTIONS
from tests.kit.builders import NOON, asking, next_events, opened_store
from tests.kit.commands import auto_disable_creator, issue_key
from tests.kit.databases import new_database
from tests.kit.documented import documented
from tests.kit.keys import MASTER_KEY_TEXT
from tests.kit.patience import PATIENTLY
from workers.scraping.identity import CreatorIdentities
from workers.scraping.jobs import ScrapeJobs

BASE = "/api/v1"
SECRET = "mountain goat " * 3

# Everything that a creator may be added with, but its handle.
SETTINGS: dict[str, Any] = {
    "tracking_mode": "selective",
    "tracking_start_date": "2026-01-31",
    "tracking_end_date": "2026-02-28",
    "description": "Found at the fair.",
    "readme": "# Goat\n\nKnows how to climb. \N{GOAT}",
    "metadata": {"tags": ["goat", None, 1.5], "owner": {"name": "Peter"}},
    "tags": ["Spring", "tier A"],
}

# An operator would set these: the built-in free plan allows no API request at all.
PLANS = {
    "free": {
        "max_creators_per_org": 5,
        "max_projects_per_org": 1,
        "max_api_keys_per_org": 3,
        "max_views_per_org": 2,
        "max_members_per_org": 2,
        "max_campaigns_per_project": 2,
        "max_campaign_items_per_campaign": 3,
        "max_requests_per_minute": 10_000,
        "max_api_requests_per_day": 100_000,
        "max_manual_scrape_triggers_per_day": 1,
        "stats_history_retention_days": 30,
    },
    "short": {"stats_history_retention_days": 7},
    "closed": {"max_api_requests_per_day": 0},
}

_BEHIND = """
SELECT name, version, position FROM projection WHERE name = ANY(%s) AND position < %s
"""
_NEWS = """
SELECT topic, max(notification_id) FROM goatherd_events
WHERE notification_id > %s AND notification_id <= %s GROUP BY topic
"""
_MOVE_ON = """
UPDATE projection SET position = %s, heartbeat_at = clock_timestamp()
WHERE name = ANY(%s) AND position < %s
"""
_KEPT = """
SELECT (SELECT array[count(*), max(notification_id)] FROM goatherd_events),
       (SELECT array_agg(md5(t::text) ORDER BY t::text) FROM quota_counters t),
       (SELECT array_agg(md5(i::text) ORDER BY i::text) FROM idempotency i),
       (SELECT array_agg(md5(k::text) ORDER BY k::text) FROM api_keys k)
"""


class Goatherd:
    """One running application, its database, and the followers of its log."""

    def __init__(self, client: TestClient[Litestar], store: Store, url: str) -> None:
        self.client = client
        self.store = store
        self.url = url
        self.documented = documented()
        self._followers = [
            Follower(projection, pool=store.pool, codec=store.codec)
            for projection in (*PROJECTIONS, ScrapeJobs(), CreatorIdentities())
        ]
        for follower in self._followers:
            follower.register()

    def catch_up(self, *, but: str = "") -> None:
        """Catch every read model up with the log, perhaps all but one.

        A projector that runs beside may be at one just now: then it is waited for.
        """
        names = [f.projection.name for f in self._followers if f.projection.name != but]
        head = self.head

        def is_caught_up() -> bool:
            # Most of them are there already, and a question to each would cost more.
            late = {name: rest for name, *rest in self.query(_BEHIND, names, head)}
            if not late:
                return True
            for follower in self._with_news(late, until=head):
                follower.catch_up()
            return not self.query(_BEHIND, names, head)

        assert wait_until(is_caught_up, seconds=PATIENTLY)

    def _with_news(
        self, late: Mapping[str, Sequence[int]], *, until: int
    ) -> list[Follower]:
        """The followers that have events to read, among those with such names.

        ``late`` has their versions and positions. The others are moved on together:
        each by itself would take five statements to find that nothing concerns it.
        """
        first = min(position for _, position in late.values())
        news = self.query(_NEWS, first, until)
        reading: list[Follower] = []
        passing: list[str] = []
        for follower in self._followers:
            projection = follower.projection
            if projection.name not in late:
                continue
            version, position = late[projection.name]
            if version != projection.version or any(
                at > position
                and (topic in projection.events or not self.store.codec.knows(topic))
                for topic, at in news
            ):
                reading.append(follower)
            else:
                passing.append(projection.name)
        if passing:
            self.query(_MOVE_ON, until, passing, until)
        return reading

    def kept(self) -> object:
        """Everything that a request may store and a refused one may not."""
        return self.query(_KEPT)

    def query(self, statement: str, *values: object) -> list[Any]:
        """Execute SQL, and return the rows if it returns any."""
        with self.store.pool.connection() as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def log(self, stream: UUID | str) -> list[RecordedEvent]:
        stream = UUID(str(stream))
        return self.store.load(stream)[stream]

    def events(self, stream: UUID | str) -> list[e.Event]:
        return [recorded.event for recorded in self.log(stream)]

    @property
    def head(self) -> int:
        """The position of the newest event."""
        return self.store.head()

    def since(self, position: int) -> list[RecordedEvent]:
        """All events after a position, in the log's order."""
        streams = self.query(
            "SELECT DISTINCT originator_id FROM goatherd_events "
            "WHERE notification_id > %s",
            position,
        )
        histories = self.store.load(*(stream for (stream,) in streams))
        recorded = (event for history in histories.values() for event in history)
        return sorted(
            (event for event in recorded if event.position > position),
            key=lambda event: event.position,
        )

    def append(self, stream: UUID | str, *events: e.Event) -> None:
        """Append events that no request can cause."""
        stream = UUID(str(stream))
        recorded_event = self.store.load(stream)[stream]
        self.store.append(next_events(stream, recorded_event, events), context=asking())

    def tenant(
        self,
        *,
        plan: str = UNLIMITED,
        time_zone: str = "UTC",
        is_operator: bool = False,
    ) -> "Tenant":
        """A new organization with one project and a key that may do everything."""
        made = make_organization(
            self.store,
            name="Herd",
            plan=plan,
            time_zone=time_zone,
            is_operator=is_operator,
            context=asking(),
            # As the command line does it, so that the key opens at once.
            in_transaction=lambda cursor, done: ApiKeys().write(cursor, done.events),
        )
        return Tenant(
            self,
            organization_id=made.organization_id,
            project_id=made.project_id,
            key_id=made.key_id,
            key=made.key,
        )


class Tenant:
    """An organization with a project, and a client with one of its keys."""

    def __init__(
        self,
        goatherd: Goatherd,
        *,
        organization_id: UUID,
        project_id: UUID,
        key_id: UUID,
        key: str,
    ) -> None:
        self.goatherd = goatherd
        self.organization_id = organization_id
        self.project_id = project_id
        self.key_id = key_id
        self.key = key

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        client: TestClient[Litestar] | None = None,
        **sent: Any,  # noqa: ANN401 - as httpx takes them
    ) -> httpx.Response:
        """Send a request, and check the answer by the OpenAPI document.

        An empty header is left out.
        """
        headers = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        headers = {name: value for name, value in headers.items() if value}
        answer = (client or self.goatherd.client).request(
            method, path if path.startswith("/api/") else BASE + path,
            headers=headers, **sent,
        )  # fmt: skip
        self.goatherd.documented.check(answer)
        return answer

    def get(self, path: str, **sent: Any) -> httpx.Response:  # noqa: ANN401
        return self.ask("GET", path, **sent)

    def every(self, path: str, *, limit: int = 100) -> Iterator[Any]:
        """Every row of a list, page by page."""
        cursor: dict[str, str] = {}
        while True:
            answer = self.get(path, params={"limit": limit, **cursor})
            yield from data_of(answer)
            following = answer.json()["meta"]["nextCursor"]
            if following is None:
                return
            cursor = {"cursor": following}

    def post(self, path: str, json: object = None, **sent: Any) -> httpx.Response:  # noqa: ANN401
        return self.ask("POST", path, **_body(json), **sent)

    def patch(self, path: str, json: object, **sent: Any) -> httpx.Response:  # noqa: ANN401
        return self.ask("PATCH", path, json=json, **sent)

    def delete(self, path: str, **sent: Any) -> httpx.Response:  # noqa: ANN401
        return self.ask("DELETE", path, **sent)

    @property
    def creators(self) -> str:
        """The path at which creators are added to the project."""
        return f"/projects/{self.project_id}/creators"

    def add(self, handle: str, **settings: object) -> dict[str, Any]:
        """Add a creator, and return it as it was answered."""
        answer = self.post(self.creators, {"tiktok_handle": handle, **settings})
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]

    def campaign(self, name: str, *items: tuple[str, str]) -> str:
        """Create a campaign of items, each a type and an id; return its id."""
        path = f"/projects/{self.project_id}/campaigns"
        campaign_id = data_of(self.post(path, {"name": name}), status=201)["id"]
        if items:
            put = [{"item_type": kind, "item_id": id_} for kind, id_ in items]
            answer = self.post(f"/campaigns/{campaign_id}/items", {"items": put})
            assert answer.status_code == 201, answer.text
        return campaign_id

    def shown(self, creator_id: str) -> dict[str, Any]:
        """The creator as it is read once the followers are caught up."""
        self.goatherd.catch_up()
        return data_of(self.get(f"/creators/{creator_id}"))

    @property
    def counted(self) -> int:
        """The number of creators that counts against the plan's limit."""
        rows = self.goatherd.query(
            "SELECT value FROM quota_counters WHERE key = %s",
            creators_counter(self.organization_id),
        )
        return rows[0][0] if rows else 0

    def disable(self, creator_id: str) -> UUID:
        """Let the policy disable a creator; returns the scrape that was the last."""
        scrape_id = new_id()
        auto_disable_creator(
            self.goatherd.store,
            UUID(creator_id),
            c.AutoDisable(verdict="private", scrape_id=scrape_id),
            context=asking(),
        )
        return scrape_id

    def saw(self, creator_id: str, **figures: Any) -> None:  # noqa: ANN401
        """Let a scrape have seen the creator's profile."""
        self.goatherd.append(
            new_id(),
            e.ProfileSnapshotRecorded(
                organization_id=self.organization_id,
                creator_id=UUID(creator_id),
                **{"observed_at": NOON, "provider": "test", **figures},
            ),
        )

    def saw_videos(
        self,
        creator_id: str,
        views: Mapping[str, int | None],
        *,
        at: datetime = NOON,
        posted_at: tuple[datetime | None, ...] = (),
        **counts: Sequence[int | None],
    ) -> None:
        """Let a scrape have seen videos with views, and of the rest these counts."""
        names = ("like_counts", "comment_counts", "share_counts", "save_counts")
        nothing = (None,) * len(views)
        rest: Any = {name: tuple(counts.get(name, nothing)) for name in names}
        self.goatherd.append(
            new_id(),
            e.VideoStatsSnapshotRecorded(
                organization_id=self.organization_id,
                project_id=self.project_id,
                creator_id=UUID(creator_id),
                observed_at=at,
                provider="test",
                video_ids=tuple(views),
                view_counts=tuple(views.values()),
                posted_at=posted_at,
                **rest,
            ),
        )

    def failed(self, scrape_id: str, *, outcome: e.Outcome | None = "blocked") -> None:
        """Let a run have failed."""
        requested: Any = self.goatherd.events(scrape_id)[0]
        self.goatherd.append(
            scrape_id,
            e.ScrapeFailed(
                organization_id=self.organization_id,
                creator_id=requested.creator_id,
                job_type=requested.job_type,
                provider="test",
                attempts=5,
                error="TikTok sent us away.",
                outcome=outcome,
            ),
        )

    def found(
        self,
        creator_id: str,
        tiktok_video_id: str | None = None,
        *,
        status: e.TrackingStatus = "auto_tracked",
        pseudonym: str | None = None,
        **reported: Any,  # noqa: ANN401 - any field of a run about a video
    ) -> str:
        """Let a run have found a video of the creator's; returns the video's id.

        Without a pseudonym it goes by its id on TikTok, as in an old log.
        """
        tiktok_video_id = tiktok_video_id or str(new_id().int % 10**18 + 10**18)
        video_id = video_stream(self.project_id, pseudonym or tiktok_video_id)
        self.goatherd.append(
            video_id,
            e.VideoDiscovered(
                organization_id=self.organization_id,
                project_id=self.project_id,
                creator_id=UUID(creator_id),
                tiktok_video_id=tiktok_video_id,
                handle="goat",
                tracking_status=status,
                scrape_id=new_id(),
                pseudonym=pseudonym or tiktok_video_id,
                **reported,
            ),
        )
        return str(video_id)

    def with_key(
        self,
        *scopes: e.Scope,
        expires_at: datetime | None = None,
        person_id: UUID | None = None,
    ) -> "Tenant":
        """The same organization as a client with another key, perhaps a person's."""
        issued = issue_key(
            self.goatherd.store,
            self.organization_id,
            name="Another key",
            scopes=scopes or ALL_SCOPES,
            expires_at=expires_at,
            person_id=person_id,
            plans=settings_for(self.goatherd.url).all_plans,
            context=asking(),
            in_transaction=lambda cursor, done: ApiKeys().write(cursor, done.events),
        )
        return Tenant(
            self.goatherd,
            organization_id=self.organization_id,
            project_id=self.project_id,
            key_id=issued.key_id,
            key=issued.text,
        )


def ago(days: float) -> datetime:
    """The time so many days before now."""
    return datetime.now(UTC) - timedelta(days=days)


def stored_key(headers: Mapping[str, str]) -> str:
    """Return the stored key of the Idempotency-Key in these headers."""
    return writer.stored_key(headers["Idempotency-Key"].encode(), SECRET.strip())


def data_of(answer: httpx.Response, *, status: int = 200) -> Any:  # noqa: ANN401
    """The data of an answer that must have this status."""
    assert answer.status_code == status, answer.text
    return answer.json()["data"]


def code_of(answer: httpx.Response) -> tuple[int, str | None]:
    """The status of an answer, and why it failed if it did."""
    return answer.status_code, (answer.json()["meta"] or {}).get("code")


def settings_for(url: str, **chosen: str) -> Settings:
    return Settings.from_environment(
        {
            "GOATHERD_PROVIDERS": "replay",
            **{f"GOATHERD_{name.upper()}": text for name, text in chosen.items()},
            "GOATHERD_DATABASE_URL": url,
            "GOATHERD_SECRET": SECRET,
            "GOATHERD_MASTER_KEY": MASTER_KEY_TEXT,
            "GOATHERD_PLANS": msgspec.json.encode(PLANS).decode(),
            "GOATHERD_WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
        }
    )


@contextmanager
def serving(
    url: str,
    *,
    redis_url: str | None = None,
    adapt: Callable[[Settings], Settings] = lambda settings: settings,
    **chosen: str,
) -> Generator[TestClient[Litestar]]:
    """One application, as each process of `goatherd serve` has it."""
    settings = msgspec.structs.replace(settings_for(url, **chosen), redis_url=redis_url)
    settings = adapt(settings)
    app = assemble(settings)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def own_installation(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    """The real application over a database that nobody else has."""
    with (
        new_database(postgres_url, template=template_database) as url,
        started(url) as goatherd,
    ):
        yield goatherd


@contextmanager
def started(
    url: str,
    *,
    adapt: Callable[[Settings], Settings] = lambda settings: settings,
    **chosen: str,
) -> Generator[Goatherd]:
    """An application and its followers on a migrated database."""
    with (
        serving(url, adapt=adapt, **chosen) as client,
        opened_store(url, pool_size=8) as store,
    ):
        yield Goatherd(client, store, url)


def _body(json: object) -> dict[str, object]:
    return {} if json is None else {"json": json}
