"""A request for every operation there is, made from the OpenAPI document."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache, partial
from typing import cast
from uuid import UUID, uuid4

import httpx
import msgspec

from api.http.error_codes import Code
from application.integrity.make_root import make_root
from application.integrity.signing import InstallationSigner
from application.notifications.news import notify
from domain import events as e
from infra.ids import new_id
from infra.settings import Settings
from tests.kit.application import Goatherd, Tenant, ago, data_of, settings_for
from tests.kit.builders import asking
from tests.kit.connections import waiting_consent
from tests.kit.documented import Described, Json, documented
from tests.kit.people import added_member
from tests.kit.pictures import LOGO
from workers.sources.request_counts import RequestCounts


class Ask(msgspec.Struct, kw_only=True):
    """A request that an organization may make, to be spoiled by a test."""

    method: str
    path: str
    params: dict[str, str] = {}
    headers: dict[str, str] = {}
    json: Json | None = None
    content: bytes | None = None

    def made_by(self, tenant: Tenant) -> httpx.Response:
        body = {"json": self.json, "content": self.content}
        return tenant.ask(
            self.method,
            self.path,
            params=self.params,
            headers=self.headers,
            **{name: value for name, value in body.items() if value is not None},
        )


# Answers that do not end have tests of their own, with a server.
_STREAMS = {"streamEvents"}
# A key of the organization is refused only where it asks for what a person has.
_OF_PEOPLE_AS_WELL = {"createApiKey", "listApiKeys"}


@cache
def operations() -> Mapping[str, Described]:
    """Every documented operation of an organization's key, by its id."""
    return {
        o.id: o
        for o in documented().operations.values()
        if o.needs_key
        and o.id not in _STREAMS
        and (Code.PERSON_REQUIRED not in o.codes or o.id in _OF_PEOPLE_AS_WELL)
    }


# Ids of what belongs to the whole organization, to which both projects belong.
OF_ORGANIZATION = {
    *("key_id", "person_id", "invitation_id", "webhook_id", "delivery_id"),
    "channel_id",
}


def ids_of(tenant: Tenant) -> dict[str, str]:
    """The id of one thing of each kind of the organization, by the parameter's name.

    ``confirm`` is the creator's handle, which an erasure has to name.
    """
    creator = tenant.add(f"goat.{uuid4().hex[:20]}", tags=["Hook", "Spring"])
    scrape = data_of(tenant.post(f"/creators/{creator['id']}/scrape"), status=202)
    tenant.failed(scrape["scrape_id"])
    name = str(uuid4().int % 10**18 + 10**18)
    video_id = tenant.found(creator["id"], name, status="pending_review")
    for hours in (2, 1):
        tenant.saw_videos(creator["id"], {name: 100 - hours}, at=ago(hours / 24))
    tenant.found(creator["id"], status="excluded")
    inner = tenant.campaign("Inner")
    outer = tenant.campaign("Outer", ("video", video_id), ("campaign", inner))
    note = {"scope": "creator", "scope_id": creator["id"], "starts_on": "2026-03-01"}
    noted = tenant.post("/analytics/annotations", {**note, "text": "A note."})
    best = {"name": "Best", "list": "creators"}
    view = tenant.post("/views", {**best, "query": f"project_id={tenant.project_id}"})
    shared = {"scope": "creator", "scope_id": creator["id"]}
    share = data_of(tenant.post("/shares", shared), status=201)
    about = {"type": "project", "id": str(tenant.project_id)}
    reported = {"name": "Monday", "scope": about, "recipients": ["ada@example.com"]}
    report = data_of(tenant.post("/reports", reported), status=201)["id"]
    watched = {"type": "project", "id": str(tenant.project_id)}
    rule = {"name": "Quiet", "scope": watched, "condition": {"type": "views_spike"}}
    ruled = tenant.post("/alert-rules", rule)
    _, alert_id = (_alert_about(tenant, creator["id"]) for _ in range(2))
    data_of(tenant.ask("PUT", f"/projects/{tenant.project_id}/logo", content=LOGO))
    counts = RequestCounts(tenant.goatherd.store.pool, Settings())
    counts.take("web", tenant.organization_id, UUID(creator["id"]))
    # Further keys of this one, and not the one that asks: it may be revoked.
    key = tenant.with_key("read")
    store, settings = tenant.goatherd.store, settings_for(tenant.goatherd.url)
    signer = InstallationSigner(store.pool, settings).open()
    make_root(store, signer, context=asking())
    link = data_of(tenant.post(f"/creators/{creator['id']}/connect-links"), status=201)
    invitation = {"email": f"cleo.{uuid4().hex}@example.com", "role": "viewer"}
    invited = data_of(tenant.post("/invitations", invitation), status=201)
    person_id = added_member(store, tenant.organization_id, role="member")
    with store.pool.connection() as connection:
        cursor, of = connection.cursor(), tenant.organization_id
        for title in ("Old news", "News"):
            notify(cursor, of, kind="news", title=title)
    waiting_consent(tenant, creator["id"], f"new.{uuid4().hex[:20]}")
    webhook, delivery = _delivered(tenant)
    channel = {"kind": "webhook", "name": "Ops", "url": "http://127.0.0.1:9/ops"}
    channel_id = data_of(tenant.post("/channels", channel), status=201)["id"]
    tenant.goatherd.catch_up()
    issue = data_of(tenant.post(f"/reports/{report}/send"), status=201)
    tenant.goatherd.catch_up()
    return {
        "project_id": str(tenant.project_id),
        "creator_id": creator["id"],
        "confirm": creator["tiktok_handle"],
        "scrape_id": scrape["scrape_id"],
        "video_id": video_id,
        "campaign_id": outer,
        "inner_id": inner,
        "annotation_id": data_of(noted, status=201)["id"],
        "view_id": data_of(view, status=201)["id"],
        "share_id": share["id"],
        "report_id": report,
        "issue_id": issue["id"],
        "rule_id": data_of(ruled, status=201)["id"],
        "alert_id": str(alert_id),
        "key_id": str(key.key_id),
        "link_id": link["id"],
        "person_id": str(person_id),
        "invitation_id": invited["id"],
        "webhook_id": webhook,
        "delivery_id": delivery,
        "channel_id": channel_id,
    }


class Things:
    """An organization for many operations, and another when its things are used up."""

    def __init__(self, goatherd: Goatherd) -> None:
        self._goatherd = goatherd
        self._make_anew()

    def answer(self, operation: Described, *, example: int = 0) -> httpx.Response:
        """Return the answer to an example, whose things are there before it."""
        _, answer = self.request_and_answer(operation, example=example)
        return answer

    def request_and_answer(
        self,
        operation: Described,
        *,
        example: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[Callable[[], httpx.Response], httpx.Response]:
        """Return what sends the request of an example again, and its first answer."""
        send, answer = self._send(operation, example, headers or {})
        if answer.is_success:
            return send, answer
        # An operation before it may have removed or changed what it is about.
        self._make_anew()
        return self._send(operation, example, headers or {})

    def _send(
        self, operation: Described, example: int, headers: Mapping[str, str]
    ) -> tuple[Callable[[], httpx.Response], httpx.Response]:
        ask = ask_for(operation, self._ids, example=example)
        ask.headers = {**ask.headers, **headers}
        send = partial(ask.made_by, self._home)
        return send, send()

    def _make_anew(self) -> None:
        self._home = self._goatherd.tenant(is_operator=True)
        self._ids = ids_of(self._home)


def _delivered(tenant: Tenant) -> tuple[str, str]:
    """A webhook to which nobody listens, and a delivery of an event to it."""
    url = {"url": "http://127.0.0.1:9/hook", "signatures": ["v1", "v1a"]}
    webhook = data_of(tenant.post("/webhooks", url), status=201)["id"]
    delivery = data_of(tenant.post(f"/webhooks/{webhook}/test"))["id"]
    tenant.goatherd.catch_up()
    tenant.goatherd.query(
        "UPDATE webhook_deliveries d SET position = f.position, ordinal = f.ordinal "
        "FROM feed f WHERE d.id = %s AND f.organization_id = d.organization_id",
        UUID(delivery),
    )
    return webhook, delivery


def _alert_about(tenant: Tenant, creator_id: str) -> UUID:
    alert_id = new_id()
    tenant.goatherd.append(
        alert_id,
        e.AlertOpened(
            organization_id=tenant.organization_id,
            rule_id=new_id(),
            condition=e.Condition(type="creator_disabled"),
            subject_type="creator",
            subject_key=creator_id,
            creator_id=UUID(creator_id),
            project_id=tenant.project_id,
            severity="critical",
            since=ago(1),
            evidence=e.AlertEvidence(),
        ),
    )
    return alert_id


def ask_for(operation: Described, ids: Mapping[str, str], *, example: int = 0) -> Ask:
    """The request of the document's example, with these ids."""
    handle = f"spam.{uuid4().hex[:20]}"
    path = operation.path.format(
        **ids, handle=handle, name="bans", event_type="creator.added", position=1
    )
    params = params_for(operation, ids)
    if operation.takes_file:
        file = _table(ids) if operation.takes_table else LOGO
        return Ask(method=operation.method, path=path, params=params, content=file)
    if not operation.bodies:
        return Ask(method=operation.method, path=path, params=params)
    body = about(operation.bodies[example], ids)
    return Ask(
        method=operation.method, path=path, params=params, json=cast("Json", body)
    )


def _table(ids: Mapping[str, str]) -> bytes:
    """A CSV file as Goatherd exports it, with a video of the creator."""
    video = uuid4().int % 10**18 + 10**18
    rows = (
        "observed_at,handle,observation,tiktok_video_id,view_count",
        f"2026-03-01T00:00:00Z,{ids['confirm']},video,{video},7",
    )
    return "\n".join(rows).encode()


def params_for(operation: Described, ids: Mapping[str, str]) -> dict[str, str]:
    """The required parameters of the operation's example."""
    if operation.id in {"listCreators", "listVideos"}:
        return {"period": "7d"}
    if operation.id == "getCreatorDiff":
        return {"from": "1"}
    if operation.id == "getCreatorFigures":
        return {"creator_ids": ids["creator_id"]}
    if operation.id == "checkSource":
        return {"tiktok_handle": "goat"}
    if operation.id == "getMemberOverlap":
        return {"campaign_ids": f"{ids['campaign_id']},{ids['inner_id']}"}
    if operation.takes_table:
        # Another request may have removed the creator meanwhile.
        return {"create_creators": "true"}
    if "Summaries" in operation.details["tags"]:
        return {"project_id": ids["project_id"]}
    if operation.id not in {"getAnalytics", "explainAnalytics"}:
        return {}
    of = id_named("entity_id", ids)
    params = {"entity": "creator", "entity_id": of, "metric": "followers"}
    if operation.id == "explainAnalytics":
        params["date"] = str(datetime.now(UTC).date())
    return params


def id_named(name: str, ids: Mapping[str, str]) -> str:
    """The id for a parameter's name; a creator's for entities and items."""
    is_any = name in {"entity_id", "item_id", "scope_id", "stream"}
    return ids["creator_id" if is_any else name.removesuffix("s")]


def about(example: object, ids: Mapping[str, str]) -> object:
    """The example of a body, with these ids and with handles nobody has."""
    if isinstance(example, list):
        return [about(item, ids) for item in cast("list[object]", example)]
    if not isinstance(example, dict):
        return example
    fields = cast("Json", example)
    if "item_type" in fields:
        return {**fields, "item_id": ids[f"{fields['item_type']}_id"]}
    if "scope_id" in fields:
        return {**fields, "scope": "creator", "scope_id": ids["creator_id"]}
    return {name: _about(name, value, ids) for name, value in fields.items()}


def _about(name: str, value: object, ids: Mapping[str, str]) -> object:
    if name == "tiktok_handle":
        return f"@goat.{uuid4().hex[:20]}"
    if name == "url" and value != "https://example.com/goatherd":
        return f"https://www.tiktok.com/@goat/video/{uuid4().int % 10**18 + 10**18}"
    if name in ids:
        return ids[name]
    if name.removesuffix("s") in ids:
        return [ids[name.removesuffix("s")]]
    return about(value, ids)


def places_of_ids(operation: Described) -> list[tuple[str, str]]:
    """The places of ids in an operation: path, query or body, and the name there."""
    found = [("path", name) for name in operation.ids("path")]
    found += [("query", name) for name in operation.ids("query")]
    for body in operation.bodies:
        found += [("body", name) for name in _names_of_ids(body)]
    return found


def _names_of_ids(example: object) -> list[str]:
    if isinstance(example, list):
        items = cast("list[object]", example)
        return [name for item in items for name in _names_of_ids(item)]
    if not isinstance(example, dict):
        return []
    fields = cast("Json", example)
    names = [name for name, value in fields.items() if _is_id(value)]
    return names + [n for value in fields.values() for n in _names_of_ids(value)]


def _is_id(value: object) -> bool:
    if isinstance(value, list):
        items = cast("list[object]", value)
        return bool(items) and _is_id(items[0])
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False
