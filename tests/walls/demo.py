"""The demo on the day of the walls, with one thing of each kind beside its creators.

Things are made through the API where it makes them: its paths and bodies stay, whatever
moves behind them. The rest are events, whose names and fields stay as well.
"""

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import shake_256
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from msgspec import Struct

from api.cli.up.demo import import_history, make_weekly_report, track_demo
from api.cli.up.first_run import DEMO_ANSWERS, ensure_organization
from domain import events as e
from domain.scrape.observations import VideoObservation
from domain.streams import video_stream
from infra.database import migrate
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import Store
from infra.ids import new_id
from tests.kit.application import (
    BASE,
    SETTINGS,
    Goatherd,
    Tenant,
    data_of,
    settings_for,
    started,
)
from tests.kit.builders import asking
from tests.kit.databases import new_database
from tests.kit.keys import make_keys
from tests.kit.people import COOKIE, PASSWORD, joined
from tests.kit.pictures import LOGO
from tests.kit.visitor import Visitor
from tests.walls.clock import Clock, stopped_clock
from workers.sources.demo import DEMO_NAME, history_path
from workers.sources.demo.shift_dates import days_to_shift, shifted
from workers.sources.recordings.file_format import Observation, read_recording
from workers.sources.recordings.replay_clock import replay_started_at

OWNER = "ada@example.com"
# Nobody listens there, and nothing is sent to it.
_NOWHERE = "http://127.0.0.1:9"
_DAY = timedelta(days=1)


class Demo(Struct, frozen=True, kw_only=True):
    """The demo, browsers of two people, and ids by the names that they have in paths.

    ``shared`` and ``locked`` are the paths of shared links; the second has a password.
    """

    goatherd: Goatherd
    tenant: Tenant
    owner: Visitor
    viewer: Visitor
    shared: str
    locked: str
    ids: dict[str, str]
    project_ids: list[str]
    creator_ids: list[str]

    def ask(self, question: str) -> httpx.Response:
        """Ask with the first key, without a check of the answer: that is the walls'."""
        sent = {"Authorization": f"Bearer {self.tenant.key}"}
        return self.goatherd.client.get(question, headers=sent)

    def rows(self, path: str) -> list[Any]:
        """Return the first rows of a list."""
        return data_of(self.ask(f"{BASE}{path}"))


@contextmanager
def demo(server_url: str, folder: Path) -> Generator[Demo]:
    """Make the demo in a database of its own, on a day that does not end."""
    with (
        new_database(server_url) as url,
        stopped_clock(url) as clock,
        counted_secrets(),
    ):
        migrate(url)
        make_keys(url)
        with started(url) as goatherd:
            tenant = _first(goatherd, folder)
            yield Furnishing(tenant, clock).demo()


@contextmanager
def counted_secrets() -> Generator[None]:
    """Count secrets: the end of a key is shown, and names depend on a secret."""
    numbers = count(1)

    def token_bytes(size: int = 32) -> bytes:
        return shake_256(str(next(numbers)).encode()).digest(size)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(secrets, "token_bytes", token_bytes)
        patched.setattr(secrets, "token_hex", lambda size=32: token_bytes(size).hex())
        yield


def _first(goatherd: Goatherd, folder: Path) -> Tenant:
    """Do what ``goatherd up --demo`` does before its processes start."""
    plans = settings_for(goatherd.url).all_plans
    store = goatherd.store
    first = ensure_organization(store, folder, plans=plans, answers=DEMO_ANSWERS)
    track_demo(store, first, plans=plans)
    import_history(store, first)
    make_weekly_report(store, first)
    goatherd.catch_up()
    assert first.new_key is not None
    sent = {"Authorization": f"Bearer {first.new_key}"}
    project, key = (
        data_of(goatherd.client.get(f"{BASE}{path}", headers=sent))[0]["id"]
        for path in ("/projects", "/api-keys")
    )
    return Tenant(
        goatherd,
        organization_id=first.organization_id,
        project_id=UUID(project),
        key_id=UUID(key),
        key=first.new_key,
    )


def _recorded_videos(store: Store, handle: str) -> list[VideoObservation]:
    """Return the newest observation of each video of a creator, oldest video first."""
    days = days_to_shift(replay_started_at(store.pool, DEMO_NAME))
    newest: dict[str, VideoObservation] = {}
    for line in shifted(read_recording(history_path(handle)), days=days):
        if isinstance(line, Observation) and line.video is not None:
            newest[line.video.tiktok_video_id] = line.video
    return [newest[name] for name in sorted(newest)]


class Furnishing:
    """Makes things one after the other, a minute apart."""

    def __init__(self, tenant: Tenant, clock: Clock) -> None:
        self._tenant = tenant
        self._clock = clock
        self._ids: dict[str, str] = {}

    def demo(self) -> Demo:
        tenant = self._tenant
        tracked = {row["tiktok_handle"]: row["id"] for row in tenant.every("/creators")}
        creator_id = tracked["mount-goatlympus"]
        self._ids |= {
            "project_id": str(tenant.project_id),
            "creator_id": creator_id,
            "handle": "mount-goatlympus",
            "name": "creator_list",
            "event_type": "creator.added",
            "event": "creator_added",
            "position": "2",
        }
        self._people()
        self._projects()
        self._creators(tracked)
        self._videos(tracked)
        self._campaigns(creator_id)
        self._views()
        shared, locked = self._shares(creator_id)
        self._reports()
        self._alerts(creator_id)
        self._programs(creator_id)
        # Pages keep a minute long which projects there are, so people come last.
        owner = self._account()
        self._ids["person_id"] = data_of(tenant.get("/members"))[0]["id"]
        viewer = self._viewer()
        return Demo(
            goatherd=tenant.goatherd,
            tenant=tenant,
            owner=owner,
            viewer=viewer,
            shared=shared,
            locked=locked,
            ids=self._ids,
            project_ids=[row["id"] for row in tenant.every("/projects")],
            creator_ids=[tracked[handle] for handle in sorted(tracked)],
        )

    def _made(self, path: str, json: object = None, *, status: int = 201) -> Any:  # noqa: ANN401
        self._clock.move_on()
        made = data_of(self._tenant.post(path, json), status=status)
        self._tenant.goatherd.catch_up()
        return made

    def _changed(self, path: str, json: object) -> None:
        self._clock.move_on()
        data_of(self._tenant.patch(path, json))
        self._tenant.goatherd.catch_up()

    def _happened(self, stream: UUID, event: e.Event) -> str:
        self._clock.move_on()
        self._tenant.goatherd.append(stream, event)
        self._tenant.goatherd.catch_up()
        return str(stream)

    def _account(self) -> Visitor:
        """Make the first owner's account on the page You, as the first key may."""
        visitor = Visitor(self._tenant.goatherd)
        visitor.sign_in(self._tenant.key)
        fields = {"name": "Ada Alm", "email": OWNER, "password": PASSWORD}
        answer = visitor.post("/you/account", fields)
        assert answer.status_code == 303, answer.text
        assert COOKIE in visitor.cookies
        self._tenant.goatherd.catch_up()
        return visitor

    def _people(self) -> None:
        invitation = {"email": "cleo@example.com", "role": "viewer"}
        self._ids["invitation_id"] = self._made("/invitations", invitation)["id"]
        limited = {
            "email": "ben@example.com",
            "role": "member",
            "project_ids": [self._ids["project_id"]],
            "money": False,
        }
        self._made("/invitations", limited)

    def _viewer(self) -> Visitor:
        """Let somebody join who may only read."""
        accepted = {"email": "dora@example.com", "role": "viewer"}
        sent = self._made("/invitations", accepted)
        viewer = joined(self._tenant, sent, name="Dora Dorn").browser
        self._tenant.goatherd.catch_up()
        return viewer

    def _projects(self) -> None:
        of = self._ids["project_id"]
        more = {
            "client": "Alm & Sons",
            "comment": "Pays in cheese.",
            "color": "#1D56C2",
        }
        self._changed(f"/projects/{of}", more)
        data_of(self._tenant.ask("PUT", f"/projects/{of}/logo", content=LOGO))
        alps = {"name": "Alps", "description": "All that is <high> up."}
        self._made("/projects", alps)
        archived = self._made("/projects", {"name": "Old pastures"})["id"]
        self._tenant.delete(f"/projects/{archived}")
        self._tenant.goatherd.catch_up()

    def _creators(self, tracked: dict[str, str]) -> None:
        tenant = self._tenant
        added = {
            handle: self._made(tenant.creators, {"tiktok_handle": handle, **settings})[
                "id"
            ]
            for handle, settings in (
                ("goat.of.the.day", SETTINGS),
                ("kid", {}),
                ("billy", {}),
                ("nanny", {}),
            )
        }
        self._changed(
            f"/creators/{tracked['mount-goatlympus']}",
            {
                "display_name": "Goatlympus",
                "description": "The one on the *mountain*.",
                "contact_email": "goat@example.com",
                "tags": ["Spring", "tier A"],
                "metadata": {"fee": 120, "ok": True},
            },
        )
        self._changed(
            f"/creators/{tracked['kid-and-kettle']}", {"tracking_mode": "selective"}
        )
        self._clock.move_on()
        tenant.delete(f"/creators/{added['billy']}")
        self._clock.move_on()
        tenant.disable(added["nanny"])
        self._clock.move_on()
        data_of(tenant.post(f"/creators/{added['kid']}/disable"))
        requested = self._made(
            f"/creators/{tracked['gruff-brothers-trails']}/scrape", status=202
        )
        self._ids["scrape_id"] = requested["scrape_id"]
        self._clock.move_on()
        tenant.failed(requested["scrape_id"])
        data_of(tenant.ask("PUT", "/admin/bans/bad-goat", json={"reason": "Bites."}))
        self._tenant.goatherd.catch_up()

    def _videos(self, tracked: dict[str, str]) -> None:
        """Let scrapes have found the videos of the past, and four more."""
        goatherd = self._tenant.goatherd
        found = [
            self._discovered(UUID(creator_id), handle, video)
            for handle, creator_id in sorted(tracked.items())
            for video in _recorded_videos(goatherd.store, handle)
        ]
        self._clock.move_on()
        # A transaction for each would take longer than all else.
        goatherd.store.append(found, context=asking())
        goatherd.catch_up()
        creator_id = tracked["mount-goatlympus"]
        for number, status in enumerate(
            ("pending_review", "pending_review", "excluded", "auto_tracked")
        ):
            self._happened_video(creator_id, number, status=status)
        listed = f"/videos?creator_id={creator_id}&sort=view_count"
        self._ids["video_id"] = next(self._tenant.every(listed))["id"]
        described = {"description": "The best one.", "tags": ["hook"]}
        path = f"/videos/{self._ids['video_id']}"
        self._changed(path, {**described, "metadata": {"a": 1}})

    def _discovered(
        self, creator_id: UUID, handle: str, video: VideoObservation
    ) -> NewEvent:
        tenant = self._tenant
        name = video.tiktok_video_id
        pseudonym = tenant.goatherd.store.names.pseudonym(name)
        event = e.VideoDiscovered(
            organization_id=tenant.organization_id,
            project_id=tenant.project_id,
            creator_id=creator_id,
            tiktok_video_id=name,
            handle=handle,
            tracking_status="auto_tracked",
            scrape_id=new_id(),
            kind=video.kind,
            title=video.title,
            posted_at=video.posted_at,
            pseudonym=pseudonym,
            attributes=video.attributes,
        )
        return NewEvent(video_stream(tenant.project_id, pseudonym), 1, event)

    def _happened_video(
        self, creator_id: str, number: int, *, status: e.TrackingStatus
    ) -> None:
        self._clock.move_on()
        name = str(7_460_000_000_000_000_001 + number)
        self._tenant.found(
            creator_id,
            name,
            status=status,
            title=f"Hay, the {number}th sort",
            posted_at=datetime.now(UTC) - number * _DAY,
        )
        self._tenant.goatherd.catch_up()

    def _campaigns(self, creator_id: str) -> None:
        path = f"/projects/{self._tenant.project_id}/campaigns"
        inner = self._made(path, {"name": "Inner", "description": "Inside."})["id"]
        outer = self._made(
            path,
            {
                "name": "Autumn",
                "readme": "# Autumn\n\nLeaves.",
                "metadata": {"po": "17"},
                "starts_on": "2026-10-01",
                "ends_on": "2026-12-31",
                "target_views": 2_000_000,
                "target_posts": 40,
                "cost_minor": 125_000,
                "currency": "EUR",
            },
        )["id"]
        items = (
            ("creator", creator_id),
            ("video", self._ids["video_id"]),
            ("campaign", inner),
        )
        put = [{"item_type": kind, "item_id": id_} for kind, id_ in items]
        self._made(f"/campaigns/{outer}/items", {"items": put})
        self._ids |= {"campaign_id": outer, "inner_id": inner}
        noted = {
            "scope": "campaign",
            "scope_id": outer,
            "starts_on": "2026-10-05",
            "ends_on": "2026-10-07",
            "text": "The fair.",
        }
        self._ids["annotation_id"] = self._made("/analytics/annotations", noted)["id"]

    def _views(self) -> None:
        best = {
            "name": "Best",
            "list": "creators",
            "query": f"project_id={self._tenant.project_id}&sort=followers",
            "columns": ["followers", "last_posted_at"],
        }
        self._ids["view_id"] = self._made("/views", best)["id"]
        self._made("/views", {"name": "New", "list": "videos", "query": "sort=views"})

    def _shares(self, creator_id: str) -> tuple[str, str]:
        of = {"scope": "creator", "scope_id": creator_id}
        locked = self._made(
            "/shares",
            {
                **of,
                "name": "For the client",
                "rolling": "28d",
                "hide": ["money", "notes"],
                "password": PASSWORD,
                "expires_at": "2026-12-24T00:00:00Z",
            },
        )
        campaign = {"scope": "campaign", "scope_id": self._ids["campaign_id"]}
        shown = {"from": "2026-10-01", "to": "2026-10-31", "embed": True}
        from_there = {"origins": ["https://example.com"]}
        open_one = self._made("/shares", {**campaign, **shown, **from_there})
        self._ids["share_id"] = locked["id"]
        return urlsplit(open_one["url"]).path, urlsplit(locked["url"]).path

    def _reports(self) -> None:
        about = {"type": "project", "id": self._ids["project_id"]}
        monthly = {"name": "Monthly", "scope": about, "period": "monthly"}
        report_id = self._made("/reports", {**monthly, "recipients": [OWNER]})["id"]
        issue = self._made(f"/reports/{report_id}/send")
        self._ids |= {"report_id": report_id, "issue_id": issue["id"]}

    def _alerts(self, creator_id: str) -> None:
        watched = {"type": "project", "id": self._ids["project_id"]}
        rule = {
            "name": "Quiet",
            "scope": watched,
            "condition": {"type": "no_post_for_days", "days": 7},
            "for_minutes": 60,
            "cool_down_minutes": 120,
        }
        rule_id = self._made("/alert-rules", rule)["id"]
        spikes = {"name": "Spikes", "condition": {"type": "views_spike"}}
        self._made("/alert-rules", {**spikes, "scope": watched, "enabled": False})
        opened = [
            self._happened(
                new_id(),
                e.AlertOpened(
                    organization_id=self._tenant.organization_id,
                    rule_id=UUID(rule_id),
                    condition=e.Condition(type="no_post_for_days", days=7),
                    subject_type="creator",
                    subject_key=creator_id,
                    creator_id=UUID(creator_id),
                    project_id=self._tenant.project_id,
                    severity=severity,
                    since=datetime.now(UTC) - _DAY,
                    evidence=e.AlertEvidence(),
                ),
            )
            for severity in ("critical", "warning", "info")
        ]
        data_of(self._tenant.post(f"/alerts/{opened[1]}/acknowledge"))
        later = {"until": "2026-11-09T08:00:00Z"}
        data_of(self._tenant.post(f"/alerts/{opened[2]}/snooze", later))
        self._ids |= {"rule_id": rule_id, "alert_id": opened[0]}

    def _programs(self, creator_id: str) -> None:
        """Make what other programs use: keys, webhooks, channels, links and roots."""
        key = self._made("/api-keys", {"name": "Warehouse", "scopes": ["read"]})
        link = self._made(f"/creators/{creator_id}/connect-links")
        hook = {
            "url": f"{_NOWHERE}/hook",
            "types": ["creator.added", "video.reviewed"],
            "description": "The warehouse.",
            "signatures": ["v1", "v1a"],
        }
        webhook = self._made("/webhooks", hook)
        sent = self._made(f"/webhooks/{webhook['id']}/test", status=200)
        # A try took as long as it took.
        self._tenant.goatherd.query("UPDATE webhook_deliveries SET duration_ms = 3")
        channel = {"kind": "webhook", "name": "Ops", "url": f"{_NOWHERE}/ops"}
        self._ids |= {
            "key_id": key["id"],
            "link_id": link["id"],
            "webhook_id": webhook["id"],
            "delivery_id": sent["id"],
            "channel_id": self._made("/channels", channel)["id"],
        }
        mail = {"kind": "email", "name": "The team", "address": "team@example.com"}
        self._made("/channels", mail)
        self._made("/admin/roots")
