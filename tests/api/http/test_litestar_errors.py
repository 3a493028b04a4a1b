"""Every failure of every operation, as documented: produced, and nothing stored."""

import asyncio
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest
from msgspec.structs import replace

from api import main
from api.http.access.auth import Authenticator, Principal
from api.http.bodies import incoming_body
from api.http.bodies.incoming_body import IncomingBody
from api.http.errors import Code
from api.routes import (
    bans,
    notifications,
    projections,
    source_requests,
    sources,
)
from api.routes.connections import links
from api.routes.integrity import (
    log_check,
    proofs,
    roots,
)
from api.routes.reports import routes as report_routes
from application.channels.recipients import CreatorRecipient, opt_out
from application.connect import rows
from application.erase import erase as erasing
from domain import events as e
from domain.alert import handlers as alert_handlers
from domain.channel import handlers as channel_handlers
from domain.report import handlers as report_handlers
from domain.webhook import handlers as webhook_handlers
from infra.eventstore.store import Store
from infra.ids import new_id
from projections.engine import reader
from tests.kit.application import Goatherd, Tenant, ago, data_of, started, stored_key
from tests.kit.connections import waiting_consent
from tests.kit.databases import new_database
from tests.kit.depth import IS_FULL
from tests.kit.documented import Described
from tests.kit.operations import ask_for, ids_of, operations
from tests.kit.people import added_member, second_owner

OF_NO_OPERATION = {
    Code.METHOD_NOT_ALLOWED,
    Code.EMAIL_TAKEN,
    Code.HAS_OWNER,
    Code.LAST_SIGN_IN_METHOD,
    Code.ANOTHER_ADDRESS,
    Code.PERSON_REQUIRED,
    Code.RECENT_PROOF_REQUIRED,
    Code.SECOND_FACTOR_REQUIRED,
}
"""The codes of addresses without an operation, of pages, and of what only people do."""

NEVER = {
    # The document promises these by convention, but nothing can cause them.
    ("banHandle", Code.NOT_FOUND),
    ("unbanHandle", Code.NOT_FOUND),
    ("getCreatorStats", Code.NOT_FOUND),
    ("getCreatorStats", Code.INVALID_PARAMS),
    ("getCreatorStats", Code.PROJECTION_BEHIND),
    ("getVideoStats", Code.NOT_FOUND),
    ("getVideoStats", Code.INVALID_PARAMS),
    ("getVideoStats", Code.PROJECTION_BEHIND),
    ("getCampaignStats", Code.NOT_FOUND),
    ("getCampaignStats", Code.INVALID_PARAMS),
    ("getCampaignStats", Code.PROJECTION_BEHIND),
    # The answer is the same for everybody, and no read model is read for it.
    ("getAnalyticsSchema", Code.PROJECTION_BEHIND),
    ("listEventTypes", Code.PROJECTION_BEHIND),
    # News are stored together with what they tell of.
    ("listNotifications", Code.PROJECTION_BEHIND),
}


class Scene:
    """A tenant with a request, and the fault that the request shall meet."""

    def __init__(
        self,
        operation: Described,
        tenant: Tenant,
        ids: dict[str, str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.operation = operation
        self.tenant = tenant
        self.ids = ids
        self.monkeypatch = monkeypatch
        self.ask = ask_for(operation, ids)

    def settle(self, tenant: Tenant) -> None:
        """Ask as another organization, about its own things."""
        self.tenant = tenant
        self.ids = ids_of(tenant)
        self.ask = ask_for(self.operation, self.ids)

    def fail(self, error: Exception, *, keys: bool = False) -> None:
        """Let every use of the database by the operation fail, or that of its key."""

        def raise_it(*_: object, **__: object) -> None:
            raise error

        if keys:
            self.monkeypatch.setattr(main, "holder_of", raise_it)
            return
        self.monkeypatch.setattr(reader.Reader, "rows", raise_it)
        self.monkeypatch.setattr(bans, "page_of_bans", raise_it)
        self.monkeypatch.setattr(projections, "progress", raise_it)
        self.monkeypatch.setattr(sources, "source_activity", raise_it)
        self.monkeypatch.setattr(sources, "check_source", raise_it)
        self.monkeypatch.setattr(source_requests, "requests_of_organizations", raise_it)
        self.monkeypatch.setattr(roots, "recorded_roots", raise_it)
        self.monkeypatch.setattr(log_check, "newest_check", raise_it)
        self.monkeypatch.setattr(proofs, "streams_of_creator", raise_it)
        self.monkeypatch.setattr(rows, "waiting_consent", raise_it)
        self.monkeypatch.setattr(links, "revoke_link", raise_it)
        self.monkeypatch.setattr(notifications, "mark_read", raise_it)
        self.monkeypatch.setattr(Store, "load", raise_it)


Spoil = Callable[[Scene], None]
"""Makes a request one that must fail."""


def unknown_parameter(scene: Scene) -> None:
    scene.ask.params = {"unknown": "1"}


def malformed_header(scene: Scene) -> None:
    name = {
        "GET": "Goatherd-Min-Position",
        "POST": "Idempotency-Key",
        "PATCH": "If-Match",
        "DELETE": "If-Match",
        "PUT": "If-Match",
    }[scene.ask.method]
    scene.ask.headers = {name: "\x7f"}


def malformed_path(scene: Scene) -> None:
    scene.ask.path = scene.operation.path.format(handle="%00")


def malformed_body(scene: Scene) -> None:
    scene.ask.json = {"unknown": 1}


def json_of(content: bytes) -> Spoil:
    def send(scene: Scene) -> None:
        scene.ask.json = None
        scene.ask.content = content
        scene.ask.headers = {"Content-Type": "application/json"}

    return send


def plain_text(scene: Scene) -> None:
    scene.ask.json = None
    scene.ask.content = msgspec.json.encode({})
    scene.ask.headers = {"Content-Type": "text/plain"}


def foreign_cursor(scene: Scene) -> None:
    scene.ask.params = {"cursor": "AAAA"}


def no_key(scene: Scene) -> None:
    scene.ask.headers = {"Authorization": ""}


def too_little_scope(scene: Scene) -> None:
    scopes = {"read", "write", "admin"}
    # A second one is of people who act on what is their own.
    (needed, *_) = re.findall("`(read|write|admin)`", _description(scene))
    scene.tenant = scene.tenant.with_key(*(scopes - {needed}))  # pyright: ignore[reportArgumentType]


def no_operator(scene: Scene) -> None:
    scene.tenant = scene.tenant.goatherd.tenant()


def used_up_plan(scene: Scene) -> None:
    scene.tenant = scene.tenant.goatherd.tenant(plan="closed", is_operator=True)


def nothing_there(scene: Scene) -> None:
    ids = {name: str(uuid4()) for name in scene.ids}
    scene.ask = ask_for(scene.operation, ids)
    if "Not there for people who are limited" in str(scene.operation.details):
        limit_to_no_project(scene)


def limit_to_no_project(scene: Scene) -> None:
    find = Authenticator.principal_of

    async def limited(self: Authenticator, digest: bytes) -> Principal:
        return replace(await find(self, digest), project_ids=frozenset())

    scene.monkeypatch.setattr(Authenticator, "principal_of", limited)


def stale_version(scene: Scene) -> None:
    scene.ask.headers = {"If-Match": '"99"'}


def key_of_another_route(scene: Scene) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    path = "/api-keys" if scene.operation.id == "createProject" else "/projects"
    scene.tenant.post(path, {"name": "First"}, headers=headers)
    scene.ask.headers = headers


def key_of_another_body(scene: Scene) -> None:
    scene.ask.headers = {"Idempotency-Key": str(uuid4())}
    scene.ask.made_by(scene.tenant)
    content = b" " + msgspec.json.encode(scene.ask.json or {})
    scene.ask.json, scene.ask.content = None, content
    scene.ask.headers["Content-Type"] = "application/json"


def key_that_is_at_work(scene: Scene) -> None:
    scene.ask.headers = {"Idempotency-Key": str(uuid4())}
    scene.ask.made_by(scene.tenant)
    scene.tenant.goatherd.query(
        "UPDATE idempotency SET status = NULL WHERE idempotency_key = %s",
        stored_key(scene.ask.headers),
    )


def answer_about_who_is_erased(scene: Scene) -> None:
    scene.ask.headers = {"Idempotency-Key": str(uuid4())}
    scene.ask.made_by(scene.tenant)
    scene.tenant.goatherd.query(
        "UPDATE idempotency SET status = 410, headers = '{}', body = '' "
        "WHERE idempotency_key = %s",
        stored_key(scene.ask.headers),
    )


def database_away(scene: Scene) -> None:
    scene.fail(psycopg.OperationalError("server closed the connection"))


def keys_away(error: Exception) -> Spoil:
    def forget(scene: Scene) -> None:
        # One that nobody has looked up yet.
        scene.tenant = scene.tenant.with_key()
        scene.fail(error, keys=True)

    return forget


def bug(scene: Scene) -> None:
    scene.fail(RuntimeError("the password is hunter2"))


def followers_behind(scene: Scene) -> None:
    scene.monkeypatch.setattr(reader, "PATIENCE_SECONDS", 0.0)
    # Nothing follows by itself here.
    written = scene.tenant.post("/projects", {"name": "Not followed yet"})
    position = written.headers["Goatherd-Position"]
    scene.ask.headers = {"Goatherd-Min-Position": position}


def body_that_does_not_come(scene: Scene) -> None:
    async def never(_: IncomingBody) -> None:
        await asyncio.Event().wait()

    scene.monkeypatch.setattr(IncomingBody, "_next", never)
    scene.monkeypatch.setattr(incoming_body, "BODY_SECONDS", 0.0)
    json_of(b" ")(scene)


CONVENTIONS: dict[Code, Spoil] = {
    Code.INVALID_QUERY: unknown_parameter,
    Code.INVALID_BODY: malformed_body,
    Code.INVALID_PARAMS: malformed_header,
    Code.INVALID_CURSOR: foreign_cursor,
    Code.BODY_TOO_DEEP: json_of(b'{"a":' * 65 + b"1" + b"}" * 65),
    Code.BODY_TOO_LARGE: json_of(b" " * 1_000_001),
    Code.REQUEST_TIMEOUT: body_that_does_not_come,
    Code.UNSUPPORTED_MEDIA_TYPE: plain_text,
    Code.INVALID_API_KEY: no_key,
    Code.INSUFFICIENT_SCOPE: too_little_scope,
    Code.OPERATOR_ONLY: no_operator,
    Code.RATE_LIMIT_EXCEEDED: used_up_plan,
    Code.NOT_FOUND: nothing_there,
    Code.VERSION_CONFLICT: stale_version,
    Code.IDEMPOTENCY_CONFLICT: key_of_another_route,
    Code.IDEMPOTENCY_KEY_REUSED: key_of_another_body,
    Code.IDEMPOTENCY_IN_FLIGHT: key_that_is_at_work,
    Code.GONE: answer_about_who_is_erased,
    Code.PROJECTION_BEHIND: followers_behind,
    Code.UNAVAILABLE: database_away,
    Code.INTERNAL_ERROR: bug,
}
"""How each failure that follows from the conventions comes about."""


def full(scene: Scene) -> None:
    scene.settle(scene.tenant.goatherd.tenant(plan="free"))
    # The plan's only scrape by hand is used by now, and its only project is there.
    scene.tenant.post("/api-keys", {"name": "The last"})
    for number in range(4):
        scene.tenant.add(f"goat{number}")


def archived_project(scene: Scene) -> None:
    scene.settle(scene.tenant.goatherd.tenant())
    tenant = scene.tenant
    data_of(tenant.post("/projects", {"name": "Another"}), status=201)
    data_of(tenant.delete(f"/projects/{tenant.project_id}"))


def move_into_an_archived_project(scene: Scene) -> None:
    other = data_of(scene.tenant.post("/projects", {"name": "Past"}), status=201)
    data_of(scene.tenant.delete(f"/projects/{other['id']}"))
    scene.ask.json = {"project_id": other["id"]}


def only_project(scene: Scene) -> None:
    scene.settle(scene.tenant.goatherd.tenant())


def no_room_for_the_archived_project(scene: Scene) -> None:
    scene.settle(scene.tenant.goatherd.tenant(plan="free"))
    tenant, project_id = scene.tenant, scene.tenant.project_id
    another = e.ProjectCreated(project_id=new_id(), name="Another")
    tenant.goatherd.append(
        tenant.organization_id, another, e.ProjectArchived(project_id=project_id)
    )


def full_of_views(scene: Scene) -> None:
    scene.settle(scene.tenant.goatherd.tenant(plan="free"))
    for number in range(4):
        view = {"name": f"View {number}", "list": "creators"}
        scene.tenant.post("/views", view)


def full_of_others(scene: Scene) -> None:
    scene.settle(scene.tenant.goatherd.tenant(plan="free"))
    scene.tenant.disable(scene.ids["creator_id"])
    for number in range(5):
        scene.tenant.add(f"goat{number}")


def taken_handle(scene: Scene) -> None:
    scene.tenant.add(str(body_of(scene)["tiktok_handle"]))


def banned_handle(scene: Scene) -> None:
    handle = str(body_of(scene)["tiktok_handle"])
    scene.tenant.ask("PUT", f"/admin/bans/{handle}")


def banned_with_an_erasure(scene: Scene, handle: str) -> None:
    erase(scene, scene.tenant.add(handle)["id"], ban=True)


def handle_of_an_erased_ban(scene: Scene) -> None:
    banned_with_an_erasure(scene, str(body_of(scene)["tiktok_handle"]))


def video_of_an_erased_ban(scene: Scene) -> None:
    url = str(body_of(scene)["url"]).replace("@goat/", "@erased.goat/")
    scene.ask.json = {"url": url}
    banned_with_an_erasure(scene, "erased.goat")


def no_handle(scene: Scene) -> None:
    body_of(scene)["tiktok_handle"] = "not a handle"


def no_handle_in_the_path(scene: Scene) -> None:
    scene.ask.path = scene.operation.path.format(handle="a%20b")


def unknown_projection(scene: Scene) -> None:
    scene.ask.path = scene.operation.path.format(name="goats")


def what_is_no_read_model(scene: Scene) -> None:
    scene.ask.path = scene.operation.path.format(name="scrape_jobs")


def removed_creator(scene: Scene) -> None:
    creator = scene.tenant.add(f"leaving.{uuid4().hex[:20]}")
    scene.tenant.delete(f"/creators/{creator['id']}")
    scene.ask.path = scene.ask.path.replace(scene.ids["creator_id"], creator["id"])


def run_of_a_removed_creator(scene: Scene) -> None:
    creator = scene.tenant.add(f"leaving.{uuid4().hex[:20]}")
    requested = scene.tenant.post(f"/creators/{creator['id']}/scrape").json()["data"]
    scene.tenant.failed(requested["scrape_id"])
    scene.tenant.delete(f"/creators/{creator['id']}")
    scene.ask.path = scene.ask.path.replace(
        scene.ids["scrape_id"], requested["scrape_id"]
    )


def run_that_has_not_ended(scene: Scene) -> None:
    creator = scene.tenant.add(f"waiting.{uuid4().hex[:20]}")
    requested = scene.tenant.post(f"/creators/{creator['id']}/scrape")
    scene.ask.path = scene.ask.path.replace(
        scene.ids["scrape_id"], requested.json()["data"]["scrape_id"]
    )


def video_of_a_removed_creator(scene: Scene) -> None:
    creator = scene.tenant.add(f"leaving.{uuid4().hex[:20]}")
    video_id = scene.tenant.found(creator["id"])
    scene.tenant.delete(f"/creators/{creator['id']}")
    scene.ask.path = scene.ask.path.replace(scene.ids["video_id"], video_id)


def video_of_a_banned_handle(scene: Scene) -> None:
    url = str(body_of(scene)["url"]).replace("@goat/", "@banned.goat/")
    scene.ask.json = {"url": url}
    scene.tenant.ask("PUT", "/admin/bans/banned.goat")


def same_handle(scene: Scene) -> None:
    creator = scene.tenant.shown(scene.ids["creator_id"])
    body_of(scene)["tiktok_handle"] = f"@{creator['tiktok_handle'].upper()}"


def before_retention(scene: Scene) -> None:
    scene.settle(scene.tenant.goatherd.tenant(plan="free"))
    scene.ask.params.pop("period", None)
    scene.ask.params["from"] = str(datetime.now(UTC).date() - timedelta(days=32))


def put_into(scene: Scene, campaign_id: str, item_type: str, item_id: object) -> None:
    item = {"item_type": item_type, "item_id": item_id}
    answer = scene.tenant.post(f"/campaigns/{campaign_id}/items", item)
    assert answer.status_code == 201, answer.text


def new_campaign(scene: Scene) -> str:
    return scene.tenant.campaign("Spring")


def full_campaign(scene: Scene) -> None:
    scene.settle(scene.tenant.goatherd.tenant(plan="free"))
    put_into(scene, scene.ids["campaign_id"], "creator", scene.tenant.add("goat")["id"])


def full_campaign_of_a_line(scene: Scene) -> None:
    full_campaign(scene)
    scene.ask.json = {"text": f"Handle,Campaign\n@goat.{uuid4().hex[:8]},Outer\n"}


def campaign_in_itself(scene: Scene) -> None:
    scene.ask.json = {"item_type": "campaign", "item_id": scene.ids["campaign_id"]}


def ten_campaigns_below(scene: Scene) -> None:
    chain = [new_campaign(scene) for _ in range(10)]
    for above, below in pairwise(chain):
        put_into(scene, above, "campaign", below)
    scene.ask.json = {"item_type": "campaign", "item_id": chain[0]}


def item_named_twice(scene: Scene) -> None:
    item = {"item_type": "creator", "item_id": scene.ids["creator_id"]}
    scene.ask.json = {"items": [item, item]}


def item_that_was_removed(scene: Scene) -> None:
    creator = scene.tenant.add(f"leaving.{uuid4().hex[:20]}")
    scene.tenant.delete(f"/creators/{creator['id']}")
    scene.ask.json = {"item_type": "creator", "item_id": creator["id"]}


def item_of_another_project(scene: Scene) -> None:
    project = scene.tenant.post("/projects", {"name": "Other"}).json()["data"]["id"]
    added = scene.tenant.post(
        f"/projects/{project}/creators", {"tiktok_handle": f"far.{uuid4().hex[:20]}"}
    )
    scene.ask.json = {"item_type": "creator", "item_id": added.json()["data"]["id"]}


def annotation_of_the_log(scene: Scene) -> None:
    systems = scene.tenant.get("/analytics/annotations", params={"kind": "system"})
    scene.ask.path = f"/analytics/annotations/{systems.json()['data'][0]['id']}"


def without_right_to_manage(scene: Scene) -> None:
    scene.tenant = scene.tenant.with_key("read", "write")
    scene.ask.json = {"for": "me"}


def view_from_the_start(scene: Scene) -> None:
    built_in = scene.tenant.get("/views").json()["data"][0]
    scene.ask.path = f"/views/{built_in['id']}"


def expired_invitation_of_a_full_plan(scene: Scene) -> None:
    scene.settle(scene.tenant.goatherd.tenant(plan="free"))
    expired = e.InvitationSentAgain(
        id=UUID(scene.ids["invitation_id"]), expires_at=ago(1)
    )
    scene.tenant.goatherd.append(scene.tenant.organization_id, expired)
    other = {"email": "dan@example.com", "role": "viewer"}
    scene.tenant.post("/invitations", other)


def address_of_a_member(scene: Scene) -> None:
    ((email,),) = scene.tenant.goatherd.query(
        "SELECT email FROM people WHERE person_id = %s", scene.ids["person_id"]
    )
    scene.ask.json = {"email": email, "role": "viewer"}


def invited_address(scene: Scene) -> None:
    invitation, *_ = scene.tenant.get("/invitations").json()["data"]
    scene.ask.json = {"email": invitation["email"], "role": "viewer"}


def unknown_project_of_a_member(scene: Scene) -> None:
    projects = [str(uuid4())]
    scene.ask.json = {
        "email": "ben@example.com", "role": "viewer", "project_ids": projects,
    }  # fmt: skip


def for_an_owner(scene: Scene) -> None:
    """Let a key invite an owner, although there is one, or change an invited one."""
    scene.settle(scene.tenant.goatherd.tenant())
    email = f"eva.{uuid4().hex}@example.com"
    body = {"email": email, "role": "owner"}
    invited = scene.tenant.post("/invitations", body).json()["data"]["id"]
    second_owner(scene.tenant.goatherd.store, scene.tenant.organization_id)
    if scene.operation.id == "createInvitation":
        scene.ask.json = {**body, "email": "ben@example.com"}
    scene.ask.path = scene.ask.path.replace(scene.ids["invitation_id"], invited)


def an_owner(scene: Scene, *, others: int = 1) -> None:
    """Ask to change or remove an owner; there are so many others."""
    scene.settle(scene.tenant.goatherd.tenant())
    of = scene.tenant.goatherd.store, scene.tenant.organization_id
    owner = second_owner(*of)
    for _ in range(others):
        second_owner(*of)
    link = "/password-link" if scene.ask.method == "POST" else ""
    scene.ask.path = f"/members/{owner}{link}"
    if scene.ask.method == "PATCH":
        scene.ask.json = {"role": "viewer"}


def a_member_of_two(scene: Scene) -> None:
    """Ask about somebody who belongs to another organization as well."""
    person_id, goatherd = UUID(scene.ids["person_id"]), scene.tenant.goatherd
    other = goatherd.tenant().organization_id
    goatherd.append(other, e.MemberAdded(person_id=person_id, role="viewer"))
    goatherd.catch_up()


def the_last_owner(scene: Scene) -> None:
    an_owner(scene, others=0)


def taken_in_another_project(scene: Scene) -> None:
    project = scene.tenant.post("/projects", {"name": "Other"}).json()["data"]["id"]
    handle = scene.tenant.shown(scene.ids["creator_id"])["tiktok_handle"]
    scene.tenant.post(f"/projects/{project}/creators", {"tiktok_handle": handle})
    scene.ask.json = {"project_id": project}


def removed_in_another_project(scene: Scene) -> None:
    tenant, handle = scene.tenant, f"moving.{uuid4().hex[:20]}"
    project = tenant.post("/projects", {"name": "Other"}).json()["data"]["id"]
    body = {"tiktok_handle": handle}
    there = tenant.post(f"/projects/{project}/creators", body).json()["data"]
    tenant.delete(f"/creators/{there['id']}")
    moving = tenant.add(handle)
    scene.ask.path = scene.ask.path.replace(scene.ids["creator_id"], moving["id"])
    scene.ask.json = {"project_id": project}


def account_is_connected_there(scene: Scene) -> None:
    """Let a creator and one of the project that it moves to have one account."""
    tenant, account = scene.tenant, str(uuid4())
    project = tenant.post("/projects", {"name": "Other"}).json()["data"]["id"]
    moving = tenant.add(f"moving.{uuid4().hex[:20]}")
    body = {"tiktok_handle": f"there.{uuid4().hex[:20]}"}
    there = tenant.post(f"/projects/{project}/creators", body).json()["data"]
    for creator in (moving, there):
        waiting_consent(tenant, creator["id"], creator["tiktok_handle"], account)
        tenant.post(f"/creators/{creator['id']}/connection/accept")
    scene.ask.path = scene.ask.path.replace(scene.ids["creator_id"], moving["id"])
    scene.ask.json = {"project_id": project}


def video_of_a_moved_creator(scene: Scene) -> None:
    project = scene.tenant.post("/projects", {"name": "Other"}).json()["data"]["id"]
    video = f"{uuid4().int % 10**18 + 10**18}"
    creator = scene.tenant.add(f"moving.{uuid4().hex[:20]}")
    names = scene.tenant.goatherd.store.names
    scene.tenant.found(creator["id"], video, pseudonym=names.pseudonym(video))
    moved = scene.tenant.post(
        f"/creators/{creator['id']}/move", {"project_id": project}
    )
    assert moved.status_code == 200, moved.text
    scene.ask.json = {"url": f"https://www.tiktok.com/@goat/video/{video}"}


def video_of_a_creator_out_of_sight(scene: Scene) -> None:
    video_of_a_moved_creator(scene)
    tenant = scene.tenant
    person_id = added_member(
        tenant.goatherd.store,
        tenant.organization_id,
        role="member",
        project_ids=(tenant.project_id,),
    )
    scene.tenant = tenant.with_key("read", "write", person_id=person_id)


def erase(
    scene: Scene, creator_id: str, *, ban: bool = False, is_taken_in: bool = True
) -> None:
    """Erase a creator that was just added, as the read models know it."""
    scene.tenant.goatherd.catch_up()
    confirm = scene.tenant.shown(creator_id)["tiktok_handle"]
    path = f"/creators/{creator_id}/erase"
    erased = scene.tenant.post(path, {"confirm": confirm, "ban": ban})
    assert erased.status_code == 200, erased.text
    if is_taken_in:
        scene.tenant.goatherd.catch_up()


def erased_creator(scene: Scene) -> None:
    creator = scene.tenant.add(f"gone.{uuid4().hex[:20]}")
    erase(scene, creator["id"])
    scene.ask.path = scene.ask.path.replace(scene.ids["creator_id"], creator["id"])
    if scene.ask.json and "scope_id" in scene.ask.json:
        scene.ask.json["scope_id"] = creator["id"]


def run_of_an_erased_creator(scene: Scene) -> None:
    creator = scene.tenant.add(f"gone.{uuid4().hex[:20]}")
    requested = scene.tenant.post(f"/creators/{creator['id']}/scrape").json()["data"]
    scene.tenant.failed(requested["scrape_id"])
    erase(scene, creator["id"])
    scene.ask.path = scene.ask.path.replace(
        scene.ids["scrape_id"], requested["scrape_id"]
    )


def video_of_an_erased_creator(scene: Scene) -> None:
    creator = scene.tenant.add(f"gone.{uuid4().hex[:20]}")
    video = f"{uuid4().int % 10**18 + 10**18}"
    pseudonym = scene.tenant.goatherd.store.names.pseudonym(video)
    video_id = scene.tenant.found(creator["id"], video, pseudonym=pseudonym)
    erase(scene, creator["id"])
    scene.ask.path = scene.ask.path.replace(scene.ids["video_id"], video_id)


def on_things_of_its_own(spoil: Spoil) -> Spoil:
    """A tenant of its own, because the other cases need the things that it erases."""

    def settle(scene: Scene) -> None:
        scene.settle(scene.tenant)
        spoil(scene)

    return settle


def account_of(username: str | None = None, *, open_id: str | None = None) -> Spoil:
    """Let an account say that it is a creator, which it can't be."""

    def spoil(scene: Scene) -> None:
        tenant = scene.tenant
        creator = tenant.add(f"known.{uuid4().hex[:20]}")
        other = tenant.add(f"other.{uuid4().hex[:20]}")
        handle = username or other["tiktok_handle"]
        if handle == "banned":
            handle = f"banned.{uuid4().hex[:20]}"
            tenant.ask("PUT", f"/admin/bans/{handle}", json={})
        elif handle == "erased":
            handle = f"erased.{uuid4().hex[:20]}"
            banned_with_an_erasure(scene, handle)
        account = open_id and f"{open_id}-{uuid4()}"
        if account:
            handle = f"fresh.{uuid4().hex[:20]}"
            waiting_consent(tenant, other["id"], f"b.{uuid4().hex[:20]}", account)
            tenant.post(f"/creators/{other['id']}/connection/accept")
        waiting_consent(tenant, creator["id"], handle, account)
        scene.ask.path = scene.ask.path.replace(scene.ids["creator_id"], creator["id"])

    return spoil


def account_of_who_is_gone(*, is_erased: bool) -> Spoil:
    """Let an account say that it is a creator, which is not tracked any more."""

    def spoil(scene: Scene) -> None:
        creator = scene.tenant.add(f"gone.{uuid4().hex[:20]}")
        waiting_consent(scene.tenant, creator["id"], f"new.{uuid4().hex[:20]}")
        if is_erased:
            erase(scene, creator["id"])
        else:
            scene.tenant.delete(f"/creators/{creator['id']}")
        scene.ask.path = scene.ask.path.replace(scene.ids["creator_id"], creator["id"])

    return spoil


def read_models_behind(scene: Scene) -> None:
    scene.monkeypatch.setattr(erasing, "PATIENCE_SECONDS", 0.0)
    scene.tenant.add(f"late.{uuid4().hex[:20]}")


def erasure_not_taken_in(scene: Scene) -> None:
    # In an organization of its own, because adding a video waits for it there.
    scene.settle(scene.tenant.goatherd.tenant())
    scene.monkeypatch.setattr("projections.videos.erased.PATIENCE_SECONDS", 0.0)
    creator = scene.tenant.add(f"gone.{uuid4().hex[:20]}")
    erase(scene, creator["id"], is_taken_in=False)


def remains_not_taken_in(scene: Scene) -> None:
    # The list of creators has taken it in, or else it would not say "erased" yet.
    scene.monkeypatch.setattr("application.erase.remains.PATIENCE_SECONDS", 0.0)
    late = ["creator_identities"]
    scene.monkeypatch.setattr("application.erase.remains.behind", lambda *_: late)
    creator = scene.tenant.add(f"gone.{uuid4().hex[:20]}")
    erase(scene, creator["id"])
    scene.ask.path = scene.ask.path.replace(scene.ids["creator_id"], creator["id"])


def remains_a_day_later(scene: Scene) -> None:
    creator = scene.tenant.add(f"gone.{uuid4().hex[:20]}")
    erase(scene, creator["id"])
    scene.tenant.goatherd.query("DELETE FROM erased_values")
    scene.ask.path = scene.ask.path.replace(scene.ids["creator_id"], creator["id"])


def full_of_rules(scene: Scene) -> None:
    # The organization has one rule of its own already.
    scene.monkeypatch.setattr(alert_handlers, "MOST_RULES", 1)


def full_of_channels(scene: Scene) -> None:
    scene.monkeypatch.setattr(channel_handlers, "MOST_CHANNELS", 1)


def channel_without_mail(scene: Scene) -> None:
    mail = {"kind": "email", "name": "Mail", "address": "ada@herd.example"}
    channel = scene.tenant.post("/channels", mail).json()["data"]
    scene.ask.path = scene.ask.path.replace(scene.ids["channel_id"], channel["id"])


def creator_of_a_channel(scene: Scene) -> UUID:
    """Ask for a test to a creator, who has no contact address."""
    project_id = str(scene.tenant.project_id)
    mails = {"kind": "creator_email", "name": "Mails", "project_id": project_id}
    channel = scene.tenant.post("/channels", mails).json()["data"]
    scene.ask.path = scene.ask.path.replace(scene.ids["channel_id"], channel["id"])
    creator_id = scene.tenant.add(f"goat.{uuid4().hex[:12]}")["id"]
    scene.ask.json = {"creator_id": creator_id}
    return UUID(creator_id)


def creator_without_contact(scene: Scene) -> None:
    creator_of_a_channel(scene)


def creator_who_opted_out(scene: Scene) -> None:
    store = scene.tenant.goatherd.store
    recipient = CreatorRecipient(
        creator_id=creator_of_a_channel(scene),
        organization_id=scene.tenant.organization_id,
        organization="",
        is_subscribed=True,
    )
    opt_out(store, recipient)


def full_of_reports(scene: Scene) -> None:
    scene.monkeypatch.setattr(report_handlers, "MOST_REPORTS", 1)


def sent_too_often(scene: Scene) -> None:
    scene.monkeypatch.setattr(report_handlers, "MOST_SENT_A_DAY", 1)


def report_about_the_unknown(scene: Scene) -> None:
    body_of(scene)["scope"] = {"type": "project", "id": str(uuid4())}


def report_of_a_moved_creator(scene: Scene) -> None:
    creator = scene.tenant.add(f"moved.{uuid4().hex[:20]}")
    about = {"type": "creator", "id": creator["id"]}
    made = scene.tenant.post("/reports", {"name": "Moved", "scope": about})
    report_id = data_of(made, status=201)["id"]
    other = scene.tenant.post("/projects", {"name": "Other"}).json()["data"]["id"]
    scene.tenant.goatherd.catch_up()
    move = {"project_id": other, "history": "whole"}
    data_of(scene.tenant.post(f"/creators/{creator['id']}/move", move))
    scene.tenant.goatherd.catch_up()
    scene.ask.path = scene.ask.path.replace(scene.ids["report_id"], report_id)


def report_about_the_new(scene: Scene) -> None:
    # Nobody has caught up with the creator yet.
    scene.monkeypatch.setattr("api.routes.reports.routes.PATIENCE_SECONDS", 0.0)
    creator = scene.tenant.add(f"new.{uuid4().hex[:20]}")
    about = {"type": "creator", "id": creator["id"]}
    made = scene.tenant.post("/reports", {"name": "New", "scope": about})
    report_id = data_of(made, status=201)["id"]
    scene.ask.path = scene.ask.path.replace(scene.ids["report_id"], report_id)


def full_of_webhooks(scene: Scene) -> None:
    scene.monkeypatch.setattr(webhook_handlers, "MOST_WEBHOOKS", 1)


def rule_of_an_unknown_project(scene: Scene) -> None:
    body_of(scene)["scope"] = {"type": "project", "id": str(uuid4())}


def alert_that_is_over(scene: Scene) -> None:
    alert_id = new_id()
    of: dict[str, Any] = {
        "organization_id": scene.tenant.organization_id,
        "rule_id": new_id(),
        "condition": e.Condition(type="creator_disabled"),
        "subject_type": "creator",
        "subject_key": scene.ids["creator_id"],
    }
    scene.tenant.goatherd.append(
        alert_id,
        e.AlertOpened(
            **of, severity="critical", since=ago(1), evidence=e.AlertEvidence()
        ),
        e.AlertResolved(**of, at=ago(0), has_fired=True, end="over"),
    )
    scene.ask.path = scene.ask.path.replace(scene.ids["alert_id"], str(alert_id))


def unknown_type_of_event(scene: Scene) -> None:
    scene.ask.path = scene.operation.path.format(event_type="goat.sneezed")


def as_it_is(scene: Scene) -> None:
    del scene


def no_picture(scene: Scene) -> None:
    scene.ask.content = b"<svg/>"


def empty_file(scene: Scene) -> None:
    scene.ask.content = b""


def file_that_is_too_large(scene: Scene) -> None:
    scene.ask.content = b" " * 10_000_001


def full_of_creators(scene: Scene) -> None:
    full(scene)
    other = scene.ids["confirm"].encode(), b"another.goat"
    scene.ask.content = (scene.ask.content or b"").replace(*other)


def position_without_an_event(scene: Scene) -> None:
    scene.ask.path = scene.operation.path.format(position=0)


def pdf_without_the_extra(scene: Scene) -> None:
    scene.monkeypatch.setattr(report_routes, "can_write_pdf", lambda: False)
    scene.ask.params = {"format": "pdf"}


OWN: dict[tuple[str, Code], Spoil] = {
    ("setProjectLogo", Code.INVALID_LOGO): no_picture,
    ("createAlertRule", Code.LIMIT_REACHED): full_of_rules,
    ("createAlertRule", Code.NOT_FOUND): rule_of_an_unknown_project,
    ("acknowledgeAlert", Code.ALERT_OVER): alert_that_is_over,
    ("snoozeAlert", Code.ALERT_OVER): alert_that_is_over,
    ("createWebhook", Code.LIMIT_REACHED): full_of_webhooks,
    ("createReport", Code.LIMIT_REACHED): full_of_reports,
    ("createReport", Code.NOT_FOUND): report_about_the_unknown,
    ("sendReport", Code.LIMIT_REACHED): sent_too_often,
    ("sendReport", Code.PROJECTION_BEHIND): report_about_the_new,
    ("sendReport", Code.REPORT_STOPPED): report_of_a_moved_creator,
    ("getReportIssue", Code.PDF_NOT_INSTALLED): pdf_without_the_extra,
    ("getLatestReportIssue", Code.PDF_NOT_INSTALLED): pdf_without_the_extra,
    ("createChannel", Code.LIMIT_REACHED): full_of_channels,
    ("testChannel", Code.MAIL_NOT_SET_UP): channel_without_mail,
    ("testChannel", Code.NO_CONTACT_ADDRESS): creator_without_contact,
    ("testChannel", Code.OPTED_OUT): creator_who_opted_out,
    ("getSampleEvent", Code.NOT_FOUND): unknown_type_of_event,
    ("traceEvent", Code.NOT_FOUND): position_without_an_event,
    **{
        (operation, code): keys_away(error)
        for operation in ("listStoredTypes", "traceEvent")
        for code, error in (
            (Code.INTERNAL_ERROR, RuntimeError("hunter2")),
            (Code.UNAVAILABLE, psycopg.OperationalError()),
        )
    },
    ("listEventTypes", Code.INTERNAL_ERROR): keys_away(RuntimeError("hunter2")),
    ("listEventTypes", Code.UNAVAILABLE): keys_away(psycopg.OperationalError()),
    **{
        (name, Code.PROJECT_ARCHIVED): archived_project
        for name in (
            *("addCreators", "importCreators", "previewCreators", "addVideo"),
            *("reenableCreators", "scrapeCreator", "scrapeVideo", "retryScrape"),
            *("previewObservations", "importObservations"),
        )
    },
    **{
        (name, code): spoil
        for name in ("previewObservations", "importObservations")
        for code, spoil in (
            (Code.INVALID_BODY, empty_file),
            (Code.BODY_TOO_LARGE, file_that_is_too_large),
            (Code.PROJECTION_BEHIND, erasure_not_taken_in),
        )
    },
    ("importObservations", Code.LIMIT_REACHED): full_of_creators,
    ("moveCreator", Code.PROJECT_ARCHIVED): move_into_an_archived_project,
    ("archiveProject", Code.LAST_PROJECT): only_project,
    ("restoreProject", Code.LIMIT_REACHED): no_room_for_the_archived_project,
    ("getVideoStats", Code.GONE): as_it_is,
    ("getVideoStats", Code.INTERNAL_ERROR): keys_away(RuntimeError("hunter2")),
    ("getVideoStats", Code.UNAVAILABLE): keys_away(psycopg.OperationalError()),
    ("createProject", Code.LIMIT_REACHED): full,
    ("createApiKey", Code.LIMIT_REACHED): full,
    ("addCreators", Code.LIMIT_REACHED): full,
    ("addCreators", Code.HANDLE_TAKEN): taken_handle,
    ("addCreators", Code.CREATOR_BANNED): banned_handle,
    ("addCreators", Code.ERASED_AND_BANNED): handle_of_an_erased_ban,
    ("addCreators", Code.INVALID_HANDLE): no_handle,
    ("changeCreator", Code.HANDLE_TAKEN): taken_handle,
    ("changeCreator", Code.CREATOR_BANNED): banned_handle,
    ("changeCreator", Code.ERASED_AND_BANNED): handle_of_an_erased_ban,
    ("changeCreator", Code.INVALID_HANDLE): no_handle,
    ("changeCreator", Code.CREATOR_REMOVED): removed_creator,
    ("changeCreator", Code.NO_CHANGE): same_handle,
    ("moveCreator", Code.HANDLE_TAKEN): taken_in_another_project,
    ("moveCreator", Code.CONSENT_REFUSED): account_is_connected_there,
    ("moveCreator", Code.ACCOUNT_IN_PROJECT): removed_in_another_project,
    ("moveCreator", Code.CREATOR_REMOVED): removed_creator,
    ("moveCreator", Code.GONE): erased_creator,
    ("changeCreator", Code.GONE): erased_creator,
    ("removeCreator", Code.GONE): erased_creator,
    ("disableCreator", Code.GONE): erased_creator,
    ("disableCreator", Code.CREATOR_REMOVED): removed_creator,
    ("scrapeCreator", Code.GONE): erased_creator,
    ("createAnnotation", Code.GONE): erased_creator,
    ("retryScrape", Code.GONE): run_of_an_erased_creator,
    ("addVideo", Code.PROJECTION_BEHIND): erasure_not_taken_in,
    ("changeVideo", Code.GONE): video_of_an_erased_creator,
    ("excludeVideo", Code.GONE): video_of_an_erased_creator,
    ("scrapeVideo", Code.GONE): video_of_an_erased_creator,
    ("disableVideoTracking", Code.GONE): video_of_an_erased_creator,
    ("previewCreatorErasure", Code.GONE): erased_creator,
    ("findErasureRemains", Code.GONE): remains_a_day_later,
    ("findErasureRemains", Code.PROJECTION_BEHIND): remains_not_taken_in,
    ("eraseCreator", Code.GONE): erased_creator,
    ("eraseCreator", Code.PROJECTION_BEHIND): read_models_behind,
    ("eraseCreator", Code.IDEMPOTENCY_KEY_REUSED): on_things_of_its_own(
        key_of_another_body
    ),
    ("eraseCreator", Code.IDEMPOTENCY_IN_FLIGHT): on_things_of_its_own(
        key_that_is_at_work
    ),
    ("addVideo", Code.OTHER_PROJECT): video_of_a_moved_creator,
    ("addVideo", Code.HANDLE_TAKEN): video_of_a_creator_out_of_sight,
    ("createConnectLink", Code.CREATOR_REMOVED): removed_creator,
    ("createConnectLink", Code.GONE): erased_creator,
    ("endConnection", Code.GONE): erased_creator,
    ("acceptConnection", Code.HANDLE_TAKEN): account_of(),
    ("acceptConnection", Code.CREATOR_BANNED): account_of("banned"),
    ("acceptConnection", Code.ERASED_AND_BANNED): account_of("erased"),
    ("acceptConnection", Code.CONSENT_REFUSED): account_of(open_id="same"),
    ("acceptConnection", Code.CREATOR_REMOVED): account_of_who_is_gone(is_erased=False),
    ("acceptConnection", Code.GONE): account_of_who_is_gone(is_erased=True),
    ("acceptConnection", Code.IDEMPOTENCY_KEY_REUSED): on_things_of_its_own(
        key_of_another_body
    ),
    ("acceptConnection", Code.IDEMPOTENCY_IN_FLIGHT): on_things_of_its_own(
        key_that_is_at_work
    ),
    ("scrapeCreator", Code.CREATOR_REMOVED): removed_creator,
    ("scrapeCreator", Code.LIMIT_REACHED): full,
    ("retryScrape", Code.CREATOR_REMOVED): run_of_a_removed_creator,
    ("retryScrape", Code.LIMIT_REACHED): full,
    ("retryScrapes", Code.LIMIT_REACHED): full,
    ("retryScrape", Code.CANNOT_RETRY): run_that_has_not_ended,
    ("scrapeVideo", Code.CREATOR_REMOVED): video_of_a_removed_creator,
    ("scrapeVideo", Code.LIMIT_REACHED): full,
    ("addVideo", Code.CREATOR_BANNED): video_of_a_banned_handle,
    ("addVideo", Code.ERASED_AND_BANNED): video_of_an_erased_ban,
    ("reenableCreators", Code.LIMIT_REACHED): full_of_others,
    ("getAnalytics", Code.RETENTION_EXCEEDED): before_retention,
    ("explainAnalytics", Code.RETENTION_EXCEEDED): before_retention,
    ("getCampaignLeaderboard", Code.RETENTION_EXCEEDED): before_retention,
    ("getCreatorLeaderboard", Code.RETENTION_EXCEEDED): before_retention,
    ("getCreatorScatter", Code.RETENTION_EXCEEDED): before_retention,
    ("getMemberOverlap", Code.RETENTION_EXCEEDED): before_retention,
    ("getOutliers", Code.RETENTION_EXCEEDED): before_retention,
    ("getPostingConsistency", Code.RETENTION_EXCEEDED): before_retention,
    ("getPostingHeatmap", Code.RETENTION_EXCEEDED): before_retention,
    ("getVideoLeaderboard", Code.RETENTION_EXCEEDED): before_retention,
    ("getViewDistribution", Code.RETENTION_EXCEEDED): before_retention,
    ("getKpis", Code.RETENTION_EXCEEDED): before_retention,
    ("listCreators", Code.RETENTION_EXCEEDED): before_retention,
    ("listVideos", Code.RETENTION_EXCEEDED): before_retention,
    ("getAnalyticsSchema", Code.INTERNAL_ERROR): keys_away(RuntimeError("hunter2")),
    ("getAnalyticsSchema", Code.UNAVAILABLE): keys_away(psycopg.OperationalError()),
    ("getCreatorStats", Code.GONE): as_it_is,
    ("getCreatorStats", Code.INTERNAL_ERROR): keys_away(RuntimeError("hunter2")),
    ("getCreatorStats", Code.UNAVAILABLE): keys_away(psycopg.OperationalError()),
    ("getCampaignStats", Code.GONE): as_it_is,
    ("getCampaignStats", Code.INTERNAL_ERROR): keys_away(RuntimeError("hunter2")),
    ("getCampaignStats", Code.UNAVAILABLE): keys_away(psycopg.OperationalError()),
    ("createCampaign", Code.LIMIT_REACHED): full,
    ("importCreators", Code.LIMIT_REACHED): full,
    ("previewCreators", Code.LIMIT_REACHED): full_campaign_of_a_line,
    ("addCampaignItems", Code.LIMIT_REACHED): full_campaign,
    ("addCampaignItems", Code.CAMPAIGN_CYCLE): campaign_in_itself,
    ("addCampaignItems", Code.CAMPAIGN_TOO_DEEP): ten_campaigns_below,
    ("addCampaignItems", Code.ALREADY_MEMBER): item_named_twice,
    ("addCampaignItems", Code.ITEM_REMOVED): item_that_was_removed,
    ("addCampaignItems", Code.OTHER_PROJECT): item_of_another_project,
    ("changeAnnotation", Code.SYSTEM_ANNOTATION): annotation_of_the_log,
    ("deleteAnnotation", Code.SYSTEM_ANNOTATION): annotation_of_the_log,
    ("createView", Code.LIMIT_REACHED): full_of_views,
    # The view would be about projects that the person does not see.
    ("createView", Code.NOT_FOUND): limit_to_no_project,
    ("changeView", Code.VIEW_OF_ANOTHER): without_right_to_manage,
    ("createInvitation", Code.LIMIT_REACHED): full,
    ("createInvitation", Code.ALREADY_MEMBER): address_of_a_member,
    ("createInvitation", Code.ALREADY_INVITED): invited_address,
    ("createInvitation", Code.NOT_FOUND): unknown_project_of_a_member,
    ("createInvitation", Code.OWNERS_ONLY): for_an_owner,
    ("resendInvitation", Code.LIMIT_REACHED): expired_invitation_of_a_full_plan,
    ("resendInvitation", Code.OWNERS_ONLY): for_an_owner,
    ("withdrawInvitation", Code.OWNERS_ONLY): for_an_owner,
    ("changeMember", Code.LAST_OWNER): the_last_owner,
    ("changeMember", Code.OWNERS_ONLY): an_owner,
    ("makePasswordLink", Code.OWNERS_ONLY): an_owner,
    ("makePasswordLink", Code.NO_PASSWORD_LINK): a_member_of_two,
    ("removeMember", Code.LAST_OWNER): the_last_owner,
    ("removeMember", Code.OWNERS_ONLY): an_owner,
    ("changeView", Code.BUILT_IN_VIEW): view_from_the_start,
    ("deleteView", Code.BUILT_IN_VIEW): view_from_the_start,
    ("banHandle", Code.INVALID_HANDLE): no_handle_in_the_path,
    ("unbanHandle", Code.INVALID_HANDLE): no_handle_in_the_path,
    ("rebuildProjection", Code.NOT_FOUND): unknown_projection,
    ("rebuildProjection", Code.CANNOT_REBUILD): what_is_no_read_model,
    ("cancelRebuild", Code.NOT_FOUND): unknown_projection,
    ("banHandle", Code.INVALID_PARAMS): malformed_path,
    ("unbanHandle", Code.INVALID_PARAMS): malformed_path,
}
"""How each failure that is an operation's own comes about."""

DOCUMENTED = [
    (operation.id, code)
    for operation in operations().values()
    for code in Code
    if code in operation.codes - OF_NO_OPERATION
    if (operation.id, code) not in NEVER
]
EACH = 1 if IS_FULL else 3
"""A failure by convention is the same code for all: ``make full`` produces each."""
PRODUCED = [
    failure
    for number, failure in enumerate(DOCUMENTED)
    if failure in OWN or number % EACH == 0
]
AT_ONCE = 130
"""The number of failures that one test produces, so that none takes long."""


def body_of(scene: Scene) -> dict[str, Any]:
    assert scene.ask.json is not None
    return scene.ask.json


def _description(scene: Scene) -> str:
    return scene.operation.details["description"]


@pytest.fixture(scope="module")
def goatherd(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    """An application of this module's own, because some scenes tamper with the log."""
    with (
        new_database(postgres_url, template=template_database) as url,
        started(url) as goatherd,
    ):
        goatherd.tenant(is_operator=True)
        yield goatherd


@pytest.fixture(scope="module")
def population(goatherd: Goatherd) -> tuple[Tenant, dict[str, str]]:
    tenant = goatherd.tenant(is_operator=True)
    return tenant, ids_of(tenant)


@pytest.mark.parametrize("first", range(0, len(PRODUCED), AT_ONCE))
def test_failures_have_their_codes_and_leave_nothing_behind(
    population: tuple[Tenant, dict[str, str]], first: int, subtests: pytest.Subtests
):
    for operation_id, code in PRODUCED[first : first + AT_ONCE]:
        with subtests.test(f"{operation_id} {code}"):
            assert_fails(population, operations()[operation_id], code)


def assert_fails(
    population: tuple[Tenant, dict[str, str]], operation: Described, code: Code
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        scene = Scene(operation, *population, monkeypatch)
        spoil = OWN.get((operation.id, code)) or CONVENTIONS[code]
        spoil(scene)
        goatherd = scene.tenant.goatherd
        if operation.id == "sendReport" and code is not Code.PROJECTION_BEHIND:
            # An issue by hand is refused until all is counted.
            goatherd.catch_up()
        kept = goatherd.kept()

        answer = scene.ask.made_by(scene.tenant)

    assert answer.status_code == code.status, answer.text
    body = answer.json()
    assert [*body] == ["data", "error", "meta"]
    assert body["data"] is None
    assert body["error"]
    assert body["meta"]["code"] == code
    assert body["meta"]["requestId"] == answer.headers["X-Request-Id"]
    assert "hunter2" not in answer.text
    if code.status in {429, 503} or code is Code.IDEMPOTENCY_IN_FLIGHT:
        assert int(answer.headers["Retry-After"]) >= 1
    if code in {Code.INVALID_QUERY, Code.INVALID_BODY, Code.INVALID_PARAMS}:
        assert body["meta"]["fields"]
    assert goatherd.kept() == kept


def test_every_code_of_the_table_is_produced_above():
    produced = {code for _, code in PRODUCED}

    assert produced | OF_NO_OPERATION == set(Code)
    assert not produced & OF_NO_OPERATION


def test_no_failure_is_described_that_no_operation_has():
    assert {*OWN} <= {*DOCUMENTED}
    assert {*NEVER} <= {
        (operation.id, code)
        for operation in operations().values()
        for code in Code
        if code in operation.codes
    }
