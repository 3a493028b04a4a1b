"""One video: added by its URL, shown, described, excluded, looked at."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import events as e
from domain.streams import video_stream
from domain.video.attributes import Sound, VideoAttributes
from infra.ids import new_id
from tests.kit.application import Tenant, code_of, data_of
from tests.kit.builders import NOON

ID = "7185729796075474222"
URL = f"https://www.tiktok.com/@Goat/photo/{ID}?lang=en"
FIELDS = (
    *("id", "project_id", "creator_id", "tiktok_video_id", "url", "title", "kind"),
    *(
        "description",
        "readme",
        "metadata",
        "tags",
        "thumbnail_url",
        "posted_at",
        "view_count",
    ),
    *("like_count", "comment_count", "share_count", "save_count", "duration_s"),
    *("sound", "hashtags", "mentions", "is_ad", "is_pinned", "is_private"),
    *("language", "tracking_status"),
    *("tracking_enabled", "first_seen_at", "last_scraped_at", "missing_since"),
    *("version", "created_at", "updated_at"),
)


def videos(home: Tenant) -> str:
    return f"/projects/{home.project_id}/videos"


def added(home: Tenant, url: str = URL) -> dict[str, Any]:
    return data_of(home.post(videos(home), {"url": url}), status=201)


def seen(home: Tenant, *, hours: int = 0, **figures: Any) -> None:  # noqa: ANN401
    """Let a scrape have seen the video."""
    names = home.goatherd.store.names
    nothing: dict[str, Any] = dict.fromkeys(
        f"{name}_counts" for name in ("view", "like", "comment", "share", "save")
    )
    attributes: Any = figures.pop("attributes", None)
    columns: dict[str, Any] = {
        name: (value,) for name, value in {**nothing, **figures}.items()
    }
    name = names.pseudonym(ID)
    home.goatherd.append(
        new_id(),
        e.VideoStatsSnapshotRecorded(
            organization_id=home.organization_id,
            project_id=home.project_id,
            creator_id=None,
            observed_at=NOON + timedelta(hours=hours),
            provider="test",
            video_ids=(name,),
            has_pseudonyms=True,
            attributes={} if attributes is None else {name: attributes},
            **columns,
        ),
    )
    home.goatherd.catch_up()


def test_an_added_video_is_answered_as_it_is_read_later(home: Tenant):
    answer = home.post(videos(home), {"url": URL})

    video = data_of(answer, status=201)
    video_id = str(
        video_stream(home.project_id, home.goatherd.store.names.pseudonym(ID))
    )
    assert tuple(video) == FIELDS
    assert {name: video[name] for name in FIELDS[:7]} == {
        "id": video_id,
        "project_id": str(home.project_id),
        "creator_id": None,
        "tiktok_video_id": ID,
        "url": f"https://www.tiktok.com/@goat/photo/{ID}",
        "title": None,
        "kind": "photo",
    }
    assert (video["tracking_status"], video["tracking_enabled"]) == ("direct_add", True)
    assert (video["view_count"], video["metadata"], video["version"]) == (None, {}, 1)
    assert answer.headers["ETag"].startswith('W/"1-')
    assert int(answer.headers["Goatherd-Position"]) == home.goatherd.head
    home.goatherd.catch_up()
    read = home.get(f"/videos/{video_id}")
    assert data_of(read) == video
    assert read.headers["ETag"] == answer.headers["ETag"]


def test_an_added_video_is_scraped_at_once(home: Tenant):
    head = home.goatherd.head

    video = added(home)

    (_, request) = home.goatherd.since(head)
    assert isinstance(request.event, e.ScrapeRequested)
    assert (request.event.job_type, request.event.trigger) == ("video_stats", "added")
    assert request.event.tiktok_video_ids == (ID,)
    home.goatherd.catch_up()
    scrape = data_of(home.get(f"/scrapes/{request.stream}"))
    assert (scrape["creator_id"], scrape["tiktok_handle"]) == (None, "goat")
    assert scrape["status"] == "queued"
    assert video["project_id"] == scrape["project_id"]


def test_adding_again_answers_200_with_the_video_as_it_is(home: Tenant):
    first = added(home)
    head = home.goatherd.head

    again = home.post(videos(home), {"url": URL.replace("photo", "video")})

    assert data_of(again) == first
    assert home.goatherd.head == head


def test_a_video_is_added_with_tags_and_adding_it_again_replaces_them(home: Tenant):
    first = data_of(
        home.post(videos(home), {"url": URL, "tags": [" Hook ", "b", "hook"]}),
        status=201,
    )

    again = data_of(home.post(videos(home), {"url": URL, "tags": ["c"]}))
    left_out = data_of(home.post(videos(home), {"url": URL}))

    assert first["tags"] == ["Hook", "b"]
    assert (again["tags"], again["version"]) == (["c"], 2)
    assert left_out == again
    home.goatherd.catch_up()
    assert data_of(home.get(f"/videos/{first['id']}")) == again


@pytest.mark.parametrize("status", ("pending_review", "out_of_window", "excluded"))
def test_adding_a_video_that_did_not_count_tracks_it(
    home: Tenant, status: e.TrackingStatus
):
    creator = home.add("goat")
    pseudonym = home.goatherd.store.names.pseudonym(ID)
    home.found(creator["id"], ID, status=status, title="Goats", pseudonym=pseudonym)
    head = home.goatherd.head

    video = data_of(home.post(videos(home), {"url": URL}))

    assert (video["tracking_status"], video["version"]) == ("direct_add", 2)
    assert (video["creator_id"], video["title"]) == (creator["id"], "Goats")
    assert [type(event.event) for event in home.goatherd.since(head)] == [e.VideoAdded]


@pytest.mark.parametrize(
    ("url", "message"),
    (
        ("https://vm.tiktok.com/ZMabc/", "open it in a browser"),
        (f"https://evil.example/@goat/video/{ID}", "not the URL of a TikTok video"),
        (f"https://www.tiktok.com@evil.example/@goat/video/{ID}", "not the URL"),
        (f"https://www.tiktok.com/@goat/video/{2**63}", "not the URL"),
        ("", "must not be empty"),
        ("x" * 2_049, "at most 2048 characters"),
    ),
)
def test_what_is_no_url_of_a_video_is_refused_by_name(
    home: Tenant, url: str, message: str
):
    kept = home.goatherd.kept()

    answer = home.post(videos(home), {"url": url})

    assert code_of(answer) == (400, "invalid_body")
    (field,) = answer.json()["meta"]["fields"]
    assert field["path"] == "/url"
    assert message in field["message"]
    assert home.goatherd.kept() == kept


def test_of_many_who_add_one_video_at_once_one_is_told_that_it_is_new(home: Tenant):
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(lambda _: home.post(videos(home), {"url": URL}), range(6))
        )

    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.json()["data"]["id"] for answer in answers}) == 1


def test_an_addition_is_repeated_byte_for_byte(home: Tenant):
    key = {"Idempotency-Key": str(uuid4())}
    first = home.post(videos(home), {"url": URL}, headers=key)
    head = home.goatherd.head

    again = home.post(videos(home), {"url": URL}, headers=key)

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert home.goatherd.head == head


def test_notes_are_kept_as_they_were_written(home: Tenant):
    video = added(home)
    notes = {
        "description": "Found at the fair.",
        "readme": "# Goat \N{GOAT}",
        "metadata": {"tags": ["goat", None, 1.5], "big": 2**63 - 1},
        "tags": ["Hook", "b"],
    }

    answer = home.patch(f"/videos/{video['id']}", notes, headers={"If-Match": '"1"'})

    changed = data_of(answer)
    assert {name: changed[name] for name in notes} == notes
    assert changed["version"] == 2
    assert answer.headers["ETag"].startswith('W/"2-')
    assert changed["tracking_status"] == "direct_add"
    home.goatherd.catch_up()
    assert data_of(home.get(f"/videos/{video['id']}")) == changed
    cleared = data_of(home.patch(f"/videos/{video['id']}", {"readme": None}))
    assert (cleared["readme"], cleared["description"]) == (None, notes["description"])


@pytest.mark.parametrize(
    ("body", "path"),
    (
        ({}, ""),
        ({"title": "Goats"}, "/title"),
        ({"tracking_status": "included"}, "/tracking_status"),
        ({"description": "x" * 5_001}, "/description"),
        ({"readme": "\N{GOAT}" * 16_001}, "/readme"),
        ({"metadata": {"a": "x" * 16_000}}, "/metadata"),
        ({"metadata": []}, "/metadata"),
        ({"tags": [f"t{n}" for n in range(21)]}, "/tags"),
        ({"tags": ["a,b"]}, "/tags"),
        ({"tags": ["x" * 41]}, "/tags/0"),
        ({"metadata": None}, "/metadata"),
    ),
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_notes_that_are_none_are_refused_by_name(
    home: Tenant, body: dict[str, Any], path: str
):
    video = added(home)
    head = home.goatherd.head

    answer = home.patch(f"/videos/{video['id']}", body)

    assert code_of(answer) == (400, "invalid_body")
    assert answer.json()["meta"]["fields"][0]["path"] == path
    assert home.goatherd.head == head


def test_a_change_answers_with_the_figures_that_are_known(home: Tenant):
    video = added(home)
    seen(home, view_counts=1_000, like_counts=0, titles="Goats", kinds="photo")

    changed = data_of(home.patch(f"/videos/{video['id']}", {"description": "New"}))

    assert (changed["view_count"], changed["like_count"]) == (1_000, 0)
    assert (changed["save_count"], changed["title"]) == (None, "Goats")
    assert changed["last_scraped_at"] == "2026-03-01T12:00:00Z"
    home.goatherd.catch_up()
    assert data_of(home.get(f"/videos/{video['id']}")) == changed


def test_a_video_that_went_missing_says_since_when_until_it_is_seen(home: Tenant):
    video = added(home)
    seen(home, view_counts=1)
    gone = e.VideoWentMissing(
        organization_id=home.organization_id,
        missing_since=NOON + timedelta(hours=1),
        scrape_id=new_id(),
    )
    home.goatherd.append(video["id"], gone)
    home.goatherd.catch_up()

    missing = data_of(home.get(f"/videos/{video['id']}"))
    seen(home, hours=2, view_counts=2)
    back = data_of(home.get(f"/videos/{video['id']}"))

    assert (missing["missing_since"], missing["view_count"]) == (
        "2026-03-01T13:00:00Z",
        1,
    )
    assert (back["missing_since"], back["view_count"]) == (None, 2)


def test_an_excluded_video_answers_like_none_but_to_being_excluded(home: Tenant):
    video = added(home)
    path = f"/videos/{video['id']}"

    excluded = data_of(home.delete(path))
    home.goatherd.catch_up()
    head = home.goatherd.head
    again = data_of(home.delete(path))
    others = [
        home.get(path),
        home.patch(path, {"readme": "# Goat"}),
        home.post(f"{path}/scrape"),
        home.post(f"{path}/tracking-disable"),
    ]

    assert (excluded["tracking_status"], excluded["version"]) == ("excluded", 2)
    assert again == excluded
    assert {code_of(answer) for answer in others} == {(404, "not_found")}
    assert home.goatherd.head == head


@pytest.mark.parametrize("method", ("PATCH", "DELETE"))
def test_somebody_else_s_change_is_not_overwritten(home: Tenant, method: str):
    video = added(home)
    path = f"/videos/{video['id']}"
    home.patch(path, {"readme": "# Goat"})
    body: dict[str, Any] = {"json": {"readme": "# Sheep"}} if method == "PATCH" else {}

    answer = home.ask(method, path, headers={"If-Match": '"1"'}, **body)

    assert code_of(answer) == (412, "version_conflict")
    assert answer.json()["meta"]["currentVersion"] == 2
    assert len(home.goatherd.log(video["id"])) == 2


def test_tracking_is_disabled_and_begins_anew_by_adding(home: Tenant):
    video = added(home)
    path = f"/videos/{video['id']}/tracking-disable"

    disabled, again = data_of(home.post(path)), data_of(home.post(path))
    tracked = data_of(home.post(videos(home), {"url": URL}))

    assert (disabled["tracking_enabled"], disabled["tracking_status"]) == (
        False,
        "direct_add",
    )
    assert again == disabled
    assert (tracked["tracking_enabled"], tracked["version"]) == (True, 3)


def test_a_scrape_of_a_video_is_queued_as_its_creator_s(home: Tenant):
    creator = home.add("goat.of.the.day")
    video_id = home.found(creator["id"], ID)

    answer = home.post(f"/videos/{video_id}/scrape")

    queued = data_of(answer, status=202)
    assert queued == {
        "scrape_id": queued["scrape_id"],
        "video_id": video_id,
        "creator_id": creator["id"],
        "job_type": "video_stats",
        "status": "queued",
    }
    (request,) = home.goatherd.events(queued["scrape_id"])
    assert isinstance(request, e.ScrapeRequested)
    assert (request.handle, request.trigger) == ("goat.of.the.day", "manual")
    assert request.tiktok_video_ids == (ID,)
    assert request.creator_id == UUID(creator["id"])


def test_scrapes_of_videos_and_creators_share_the_day_s_limit(home: Tenant):
    free = home.goatherd.tenant(plan="free")
    creator = free.add("goat")
    video = added(free)

    first = free.post(f"/videos/{video['id']}/scrape")
    second = free.post(f"/creators/{creator['id']}/scrape")
    third = free.post(f"/videos/{video['id']}/scrape")

    assert first.status_code == 202
    assert code_of(second) == code_of(third) == (402, "limit_reached")
    assert third.json()["meta"]["limitKey"] == "max_manual_scrape_triggers_per_day"


def test_while_the_queue_is_behind_looks_by_hand_are_told_to_wait(home: Tenant):
    video = added(home)
    home.goatherd.catch_up()
    home.goatherd.query(
        "UPDATE scrape_job SET due_at = now() - interval '1 hour' "
        "WHERE organization_id = %s",
        home.organization_id,
    )
    kept = home.goatherd.kept()

    refused = home.post(f"/videos/{video['id']}/scrape")

    assert code_of(refused) == (429, "rate_limit_exceeded")
    assert refused.headers["Retry-After"] == "60"
    assert home.goatherd.kept() == kept


def test_a_video_shows_its_attributes_and_lists_are_filtered_by_them(home: Tenant):
    video = added(home)
    added(home, URL.replace(ID, ID[:-1] + "0"))
    attributes = VideoAttributes(
        duration_s=15,
        sound=Sound(id="7064", title="=Hay", author="Cleo", original=False),
        hashtags=("Hay", "Goats"),
        mentions=(),
        is_ad=True,
    )
    seen(home, attributes=attributes)
    seen(home, hours=1, attributes=VideoAttributes(is_ad=False))
    home.goatherd.catch_up()

    shown = data_of(home.get(f"/videos/{video['id']}"))
    found = {
        query: [each["id"] for each in data_of(home.get(f"/videos?{query}"))]
        for query in (
            *("hashtag=hay", "hashtag=%23HAY,goats", "hashtag=hay,straw"),
            *("sound_id=7064", "sound_id=706", "hashtag=hay&sound_id=7064"),
            *("hashtag=hay&sort=new_views", "hashtag=%20,", "sort=view_count"),
        )
    }
    table = home.get("/videos?hashtag=hay&format=csv").text.splitlines()

    assert shown["sound"] == {
        "id": "7064",
        "title": "=Hay",
        "author": "Cleo",
        "original": False,
    }
    assert (shown["duration_s"], shown["hashtags"], shown["mentions"]) == (
        *(15, ["Hay", "Goats"]),
        [],
    )
    assert (shown["is_ad"], shown["is_pinned"], shown["language"]) == (
        *(False, None),
        None,
    )
    only, none = [video["id"]], []
    assert {query: ids for query, ids in found.items() if len(ids) < 2} == {
        "hashtag=hay": only,
        "hashtag=%23HAY,goats": only,
        "hashtag=hay,straw": none,
        "sound_id=7064": only,
        "sound_id=706": none,
        "hashtag=hay&sound_id=7064": only,
        "hashtag=hay&sort=new_views": only,
    }
    assert table[0].endswith(
        "duration_s,sound_id,sound_title,hashtags,mentions,is_ad,is_pinned,"
        "is_private,language"
    )
    assert table[1].endswith('15,7064,\'=Hay,"Hay,Goats",,false,,,')


def test_a_sound_has_every_field_also_where_the_source_left_some_out(home: Tenant):
    video = added(home)
    seen(home, attributes=VideoAttributes(sound=Sound(id="7064")))
    home.goatherd.catch_up()

    shown = data_of(home.get(f"/videos/{video['id']}"))

    assert shown["sound"] == {
        "id": "7064",
        "title": None,
        "author": None,
        "original": None,
    }


def test_the_stats_of_a_video_are_gone_and_name_the_way(home: Tenant):
    video_id = uuid4()

    answer = home.get(f"/videos/{video_id}/stats")

    assert code_of(answer) == (410, "gone")
    assert f"/analytics?entity=video&entity_id={video_id}" in answer.json()["error"]
