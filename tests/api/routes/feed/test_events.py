"""The feed: public events in order, page by page, of one's own organization."""

import re
import threading
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from jsonschema import Draft202012Validator

from domain import events as e
from domain.feed.types import BY_NAME, TYPES, schema_of
from domain.messages import copied
from infra.ids import new_id
from projections.engine.follower import Follower
from projections.feed.projection import Feed
from projections.feed.queries import FeedFilter, FeedPlace, public_events_now
from tests.api.http.test_limited_people import limited_to, limits
from tests.kit.application import Goatherd, Tenant, ago, code_of, data_of
from tests.kit.people import added_member

__all__ = ["limits"]

PATH = "/events"


def listed(tenant: Tenant, **params: object) -> list[dict[str, Any]]:
    tenant.goatherd.catch_up()
    shown: dict[str, Any] = params
    return data_of(tenant.get(PATH, params={"limit": 1000, **shown}))


def types(tenant: Tenant, **params: object) -> list[str]:
    return [event["type"] for event in listed(tenant, **params)]


def added(tenant: Tenant) -> dict[str, Any]:
    return tenant.add(f"goat.{uuid4().hex[:20]}")


def jumped(tenant: Tenant, creator_id: str, *views: int) -> str:
    """A video of the creator's that has these views, one observation after another."""
    name = str(uuid4().int % 10**18 + 10**18)
    video_id = tenant.found(creator_id, name, title="Goats dance")
    for number, count in enumerate(views):
        tenant.saw_videos(creator_id, {name: count}, at=ago(9 - number))
    return video_id


def opened(tenant: Tenant, **about: Any) -> UUID:  # noqa: ANN401 - fields of the event
    """An alert that opened and was resolved."""
    alert_id = new_id()
    event = e.AlertOpened(
        organization_id=tenant.organization_id,
        rule_id=new_id(),
        condition=e.Condition(type="no_post_for_days", days=7),
        severity="warning",
        since=ago(1),
        evidence=e.AlertEvidence(value=8.2, limit=7),
        **about,
    )
    over = copied(event, e.AlertResolved, at=ago(0), has_fired=True, end="over")
    tenant.goatherd.append(alert_id, event, over)
    return alert_id


def test_an_event_has_its_place_subject_times_and_actor(home: Tenant) -> None:
    creator = added(home)

    (event,) = listed(home, types="creator.added")

    assert re.fullmatch(r"evt_[A-Za-z0-9_-]{8,}", event["id"])
    assert event == {
        "id": event["id"],
        "type": "creator.added",
        "timestamp": event["recorded_at"],
        "recorded_at": event["recorded_at"],
        "version": 1,
        "position": home.goatherd.log(creator["id"])[0].position,
        "organization_id": str(home.organization_id),
        "project_id": str(home.project_id),
        "subject": {"type": "creator", "id": creator["id"]},
        "actor": f"key:{home.key_id}",
        "data": {
            "creator_id": creator["id"],
            "handle": creator["tiktok_handle"],
            "tracking_mode": "auto",
            "tracking_start_date": creator["tracking_start_date"],
            "tracking_end_date": None,
        },
    }


def test_a_jump_of_views_is_an_event_for_each_milestone(home: Tenant) -> None:
    creator = added(home)
    video_id = jumped(home, creator["id"], 9_000, 300_000, 300_001)

    events = listed(home, types="video.milestone")

    assert [event["data"]["milestone"] for event in events] == [
        *(10_000, 50_000, 100_000, 250_000),
    ]
    assert {event["subject"]["id"] for event in events} == {video_id}
    assert {event["data"]["title"] for event in events} == {"Goats dance"}
    assert len({event["id"] for event in events}) == 4
    large = listed(home, types="video.milestone,creator.added", min_milestone=100_000)
    assert [event["data"].get("milestone") for event in large] == [
        *(None, 100_000, 250_000),
    ]


def test_each_page_goes_on_where_the_one_before_ended(home: Tenant) -> None:
    for _ in range(3):
        jumped(home, added(home)["id"], 900, 300_000)
    whole = listed(home)

    paged: list[dict[str, Any]] = []
    after = 0
    for _ in whole:
        answer = home.get(PATH, params={"after": after, "limit": 2})
        paged += data_of(answer)
        after = answer.json()["meta"]["nextAfter"]

    assert paged == whole
    places = [event["position"] for event in whole]
    assert places == sorted(places)
    assert after == places[-1]
    later = home.get(PATH, params={"after": after}).json()
    assert (later["data"], later["meta"]["nextAfter"]) == ([], after)


def test_a_filter_passes_over_other_events(home: Tenant) -> None:
    first, second = added(home), added(home)
    campaign = home.campaign("Spring", ("creator", second["id"]))
    home.patch(f"/creators/{first['id']}", {"tags": ["tier A"]})
    for creator in (first, second):
        home.found(creator["id"], status="pending_review")
    of_second = ["creator.added", "video.discovered", "video.pending_review"]

    assert types(home, creator_id=second["id"]) == of_second
    assert types(home, campaign_id=campaign) == [
        *("creator.added", "campaign.created", "campaign.item_added"),
        *("video.discovered", "video.pending_review"),
    ]
    assert {event["data"]["creator_id"] for event in listed(home, tag="TIER a")} == {
        first["id"]
    }
    assert types(home, project_id=str(uuid4())) == []
    assert "video.discovered" not in types(home, types="*")
    assert "video.pending_review" in types(home, types="*,video.discovered")
    newest = listed(home)[-1]["position"]
    answer = home.get(PATH, params={"types": "creator.removed"})
    assert answer.json()["meta"]["nextAfter"] == newest


@pytest.mark.parametrize(
    ("name", "value"),
    (
        ("types", "creator.sneezed"),
        ("types", "creator.added,creator.added"),
        ("types", ""),
        ("after", "-1"),
        ("after", "soon"),
        ("limit", "0"),
        ("min_milestone", "0"),
    ),
)
def test_a_parameter_that_makes_no_sense_is_refused_by_its_name(
    home: Tenant, name: str, value: str
) -> None:
    answer = home.get(PATH, params={name: value})

    assert code_of(answer) == (400, "invalid_query")
    assert f"/{name}" in answer.text


def test_nobody_reads_the_events_of_another_organization(
    home: Tenant, stranger: Tenant
) -> None:
    creator = added(home)
    jumped(home, creator["id"], 900, 60_000)

    assert listed(stranger, creator_id=creator["id"]) == []
    assert creator["id"] not in str(listed(stranger))
    assert not {each["id"] for each in listed(home)} & {
        each["id"] for each in listed(stranger)
    }


def test_members_are_in_the_events_of_admins_alone(home: Tenant) -> None:
    ben = added_member(home.goatherd.store, home.organization_id, role="viewer")
    home.goatherd.append(home.organization_id, e.MemberRemoved(person_id=ben))
    reader, admin = home.with_key("read", "write"), home.with_key("read", "admin")
    added(home)
    of_members = ["member.joined", "member.left"]
    sample = "/event-types/member.joined/sample"

    assert types(reader) == types(reader, types="*") == ["creator.added"]
    for everything in (types(admin), types(admin, types="*")):
        assert everything == [*of_members, "creator.added"]
    for named in ("member.joined", "*,member.left"):
        refused = reader.get(PATH, params={"types": named})
        assert code_of(refused) == (403, "insufficient_scope")
        assert types(admin, types=named)
    assert code_of(reader.get(sample)) == (403, "insufficient_scope")
    assert data_of(admin.get(sample))["data"]["person_id"] == str(ben)
    # A reader of everything need not begin anew after events that are not for them.
    newest = home.get(PATH).json()["meta"]["nextAfter"]
    assert reader.get(PATH).json()["meta"]["nextAfter"] == newest


def test_an_erasure_takes_the_texts_and_leaves_the_order(home: Tenant) -> None:
    creator = added(home)
    handle = f"new.{uuid4().hex[:20]}"
    home.patch(f"/creators/{creator['id']}", {"tiktok_handle": handle})
    jumped(home, creator["id"], 900, 60_000)
    before = listed(home)
    confirm = {"confirm": handle, "figures": "anonymous"}
    data_of(home.post(f"/creators/{creator['id']}/erase", confirm))

    after = listed(home)

    kept = after[: len(before)]
    (erasure,) = (event for event in after if event["type"] == "subject.erased")
    assert [event["id"] for event in kept] == [event["id"] for event in before]
    text = str(after)
    assert handle not in text
    assert creator["tiktok_handle"] not in text
    assert "Goats dance" not in text
    erased = erasure["data"]["handle"]
    assert {e["data"]["handle"] for e in after if "handle" in e["data"]} == {erased}


def test_alerts_are_in_the_events_with_their_creator_and_evidence(
    home: Tenant, limits: dict[UUID, frozenset[UUID]]
) -> None:
    creator = added(home)
    about = {"subject_type": "creator", "subject_key": creator["id"]}
    of_creator = opened(
        home, **about, creator_id=UUID(creator["id"]), project_id=home.project_id
    )
    of_source = opened(home, subject_type="source", subject_key="web")

    events = listed(home, types="alert.opened,alert.resolved")
    of_one = listed(home, types="alert.opened", creator_id=creator["id"])
    limited = limited_to(home, limits, home.project_id)

    assert [(each["subject"]["id"], each["project_id"]) for each in events] == [
        *[(str(of_creator), str(home.project_id))] * 2,
        *[(str(of_source), None)] * 2,
    ]
    assert of_one == events[:1]
    data = events[0]["data"]
    assert data["handle"] == creator["tiktok_handle"]
    assert data["about"] == {"type": "creator", "id": creator["id"]}
    assert data["condition"] == {"type": "no_post_for_days", "days": 7}
    assert (data["words"], data["severity"]) == ("No post for 7 days", "warning")
    assert data["evidence"]["value"] == 8.2
    assert events[1]["data"]["end"] == "over"
    assert events[2]["data"]["handle"] is None
    assert types(limited, types="alert.opened") == ["alert.opened"]


def test_each_issue_of_a_report_is_an_event_with_its_days_and_no_name(
    home: Tenant, limits: dict[UUID, frozenset[UUID]]
) -> None:
    creator = added(home)
    campaign = home.campaign("Spring")
    issues: dict[str, dict[str, Any]] = {}
    for type_, id_ in (
        *(("org", None), ("project", str(home.project_id))),
        *(("campaign", campaign), ("creator", creator["id"])),
    ):
        scope = {"type": type_} if id_ is None else {"type": type_, "id": id_}
        given = {"name": "Monday", "scope": scope, "recipients": ["ada@example.com"]}
        report = data_of(home.post("/reports", given), status=201)
        home.goatherd.catch_up()
        sent = home.post(f"/reports/{report['id']}/send")
        issues[type_] = data_of(sent, status=201)

    events = listed(home, types="report.ready")
    limited = limited_to(home, limits, home.project_id)

    for event, (type_, issue) in zip(events, issues.items(), strict=True):
        Draft202012Validator(schema_of(BY_NAME["report.ready"])).validate(event)
        data = event["data"]
        assert event["subject"] == {"type": "report", "id": issue["report_id"]}
        assert (data["scope"]["type"], data["issue_id"]) == (type_, issue["id"])
        same = ("report_id", "number", "period", "from", "to", "position", "due_at")
        assert {name: data[name] for name in same} == {
            name: issue[name] for name in same
        }
        in_none = type_ == "org"
        assert event["project_id"] == (None if in_none else str(home.project_id))
    assert "Monday" not in str(events)
    assert "ada@" not in str(events)
    assert listed(limited, types="report.ready") == events[1:]
    for name, id_, expected in (
        ("project_id", home.project_id, events[1:]),
        ("campaign_id", campaign, events[2:3]),
        ("creator_id", creator["id"], events[3:]),
    ):
        assert listed(home, types="report.ready", **{name: id_}) == expected, name


def test_every_event_fits_the_schema_of_its_type(home: Tenant) -> None:
    creator = added(home)
    home.found(creator["id"], status="pending_review")
    jumped(home, creator["id"], 900, 60_000)
    home.disable(creator["id"])
    scrape = data_of(home.post(f"/creators/{added(home)['id']}/scrape"), status=202)
    home.failed(scrape["scrape_id"])
    campaign = home.campaign("Spring", ("creator", creator["id"]))
    home.patch(f"/campaigns/{campaign}", {"name": "Summer"})
    home.delete(f"/campaigns/{campaign}")
    person = new_id()
    joined = e.MemberAdded(person_id=person, role="viewer")
    left = e.MemberRemoved(person_id=person)
    home.goatherd.append(home.organization_id, joined, left)

    events = listed(home)

    validators = {t.name: Draft202012Validator(schema_of(t)) for t in TYPES}
    for event in events:
        validators[event["type"]].validate(event)
    seen = {event["type"]: event for event in events}
    assert {
        *("creator.disabled", "video.pending_review", "scrape.failed", "member.left"),
        *("campaign.updated", "campaign.deleted", "video.milestone", "member.joined"),
    } <= seen.keys()
    assert seen["campaign.updated"]["data"]["name"] == "Summer"
    assert seen["scrape.failed"]["data"]["handle"]


def test_workers_read_the_same_events(home: Tenant) -> None:
    jumped(home, added(home)["id"], 900, 60_000)
    shown = listed(home)

    with home.goatherd.store.pool.connection() as connection:
        page = public_events_now(
            connection,
            home.goatherd.store.codec,
            home.organization_id,
            FeedFilter(),
            after=FeedPlace(0),
            limit=1_000,
        )

    read = [msgspec.to_builtins(each.event) for each in page.events]
    assert read == shown
    assert page.next_after == shown[-1]["position"]


def test_a_reader_misses_nothing_while_others_append(goatherd: Goatherd) -> None:
    home = goatherd.tenant()
    creators = [UUID(added(home)["id"]) for _ in range(4)]
    stop = threading.Event()
    follower = Follower(Feed(), pool=goatherd.store.pool, codec=goatherd.store.codec)

    def append(creator: UUID) -> None:
        for _ in range(25):
            goatherd.append(
                creator,
                e.CreatorRemoved(organization_id=home.organization_id),
                e.CreatorReactivated(
                    organization_id=home.organization_id, tracking_mode="auto"
                ),
            )

    def follow() -> None:
        while not stop.is_set():
            # Small batches, so that a page may end anywhere.
            follower.step(3)

    writers = [threading.Thread(target=append, args=(each,)) for each in creators]
    following = threading.Thread(target=follow)
    read: list[str] = []
    after = 0
    for thread in (*writers, following):
        thread.start()
    try:
        while True:
            is_over = not any(writer.is_alive() for writer in writers)
            answer = home.get(PATH, params={"after": after, "limit": 3}).json()
            read += [event["id"] for event in answer["data"]]
            after = answer["meta"]["nextAfter"]
            if is_over and after >= goatherd.head:
                break
    finally:
        stop.set()
        for thread in (*writers, following):
            thread.join()

    assert read == [event["id"] for event in listed(home)]
    assert len(read) == len({*read}) == 4 + 4 * 50
    assert BY_NAME["creator.removed"].in_wildcard


def test_each_type_has_a_schema_an_example_and_a_sample_of_ones_own(
    home: Tenant,
) -> None:
    creator = added(home)
    home.goatherd.catch_up()

    listed_types = data_of(home.get("/event-types"))
    own = data_of(home.get("/event-types/creator.added/sample"))
    example = data_of(home.get("/event-types/member.left/sample"))

    assert [row["type"] for row in listed_types] == [each.name for each in TYPES]
    for row in listed_types:
        Draft202012Validator(row["schema"]).validate(row["example"])
    assert (own["is_example"], own["subject"]["id"]) == (False, creator["id"])
    assert (example["is_example"], example["type"]) == (True, "member.left")
    unknown = home.get("/event-types/creator.sneezed/sample")
    assert code_of(unknown) == (404, "not_found")
