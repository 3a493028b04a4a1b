"""An account that was erased and is added again: nothing links the two creators."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast
from uuid import UUID

import httpx
import msgspec
import pytest

from application.integrity.make_root import make_root
from application.integrity.signing import InstallationSigner
from domain import events as e
from domain.messages import ErasedFigures
from domain.scrape.observations import (
    ProfileObservation,
    VideoObservation,
)
from domain.scrape.verdicts import Ok
from domain.streams import Names, video_stream
from infra.ids import new_id
from projections.analytics.projection import AnalyticsProjection
from projections.rebuild.rebuild import rebuild
from projections.registry import PROJECTIONS
from projections.videos.erased import names_after_erasures
from projections.videos.projection import Videos
from tests.browser.places import places
from tests.kit.application import (
    Goatherd,
    Tenant,
    data_of,
    own_installation,
    settings_for,
)
from tests.kit.builders import asking
from tests.kit.erasing import erase
from tests.kit.jobs import Scripted
from tests.kit.operations import ask_for, operations
from tests.kit.videos import settle
from tests.kit.visitor import Visitor
from workers.scraping.scrape import ScrapeDependencies, scrape_creator
from workers.sources.chain import Chain
from workers.sources.recordings.holders import find_holders
from workers.sources.recordings.import_recording import store_recording
from workers.sources.recordings.sorted_recording import SortedRecording

_HANDLE = "wanted.again"
_START = datetime.now(UTC).replace(microsecond=0) - timedelta(days=20)
_TODAY = datetime.now(UTC).date()
_IDS = [str(7311223344556600000 + n) for n in range(1, 8)]
# Fields that name one creator, one of its videos or one of its runs.
_NAMED = ("creator_id", "video_id", "scrape_id")
# Fields of an answer about itself: when it was made, and how far the log was then.
_OF_THE_REQUEST = {
    *("requestId", "made_at", "read_at", "signature", "to", "position"),
    "nextAfter",
}
# The search for remains finds whoever is added again, because that is its purpose.
_REMAINS = "findErasureRemains"
_REQUEST = re.compile("Request [0-9a-f-]{36}")
_OPEN_RUNS = "SELECT id FROM scrape_runs WHERE creator_id = %s AND finished_at IS NULL"
_RUNS = "SELECT id FROM scrape_runs WHERE creator_id = %s"
_VIDEOS = "SELECT id FROM videos WHERE creator_id = %s"


@pytest.fixture(scope="module")
def goatherd(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    """An installation with a short log, for the tests make every read model anew."""
    yield from own_installation(postgres_url, template_database)


def _some_ids() -> dict[str, str]:
    """Return an id for each name in the path of an operation."""
    found = {
        name: str(new_id())
        for each in operations().values()
        for name in each.ids("path")
    }
    # An issue is named by its number as well, so its id may be any text.
    return {**found, "issue_id": str(new_id())}


class _Scene:
    """An account of five videos, as a source shows it at each time."""

    def __init__(self, home: Tenant) -> None:
        self.home = home
        self.goatherd: Goatherd = home.goatherd
        self.visitor = Visitor(home.goatherd)
        self.visitor.sign_in(home.key)

    def seen(self, day: int) -> Ok:
        """Return the figures of the account so many days after the start."""
        return Ok(
            observed_at=_START + timedelta(days=day),
            profile=ProfileObservation(
                user_id="6811223344556677", follower_count=700 + day
            ),
            videos=tuple(
                VideoObservation(
                    tiktok_video_id=id_,
                    title=f"A jump of {_HANDLE}",
                    kind="video",
                    # On one day the source says another time.
                    posted_at=_START - timedelta(hours=7 * n, seconds=day == 2),
                    thumbnail_url=f"https://p16.tiktokcdn.com/{id_}.jpeg",
                    # No position in the log and no size of a file is as large.
                    view_count=1_000_003 * n + 37 * day,
                    like_count=100 * n + day,
                )
                for n, id_ in enumerate(_IDS, start=1)
            ),
        )

    def add(self, day: int) -> str:
        """Add the account and let its first runs end; returns the creator's id."""
        creator_id = self.home.add(_HANDLE, tracking_start_date=None)["id"]
        self.scrape(creator_id, day)
        return creator_id

    def scrape(self, creator_id: str, *days: int) -> None:
        """Do the open runs, and one run more for each further day."""
        for day in days:
            path = f"/creators/{creator_id}/scrape"
            data_of(self.home.post(path, {"job_type": "discover_videos"}), status=202)
            self.goatherd.catch_up()
            chain = Chain(Scripted(self.seen(day)))
            dependencies = ScrapeDependencies(store=self.goatherd.store, chain=chain)
            for (run,) in self.goatherd.query(_OPEN_RUNS, creator_id):
                scrape_creator(dependencies, run)
            self.goatherd.catch_up()
            settle(self.goatherd.store)
            self.goatherd.catch_up()

    def names_of(self, creator_id: str) -> set[str]:
        """The ids of a creator, its videos and its runs, and their pseudonyms."""
        ids = [
            id_
            for query in (_VIDEOS, _RUNS)
            for (id_,) in self.goatherd.query(query, creator_id)
        ]
        histories = self.goatherd.store.load(*ids)
        names = {
            name
            for history in histories.values()
            for recorded in history
            for name in getattr(recorded.event, "video_ids", ())
        }
        return {creator_id, *map(str, ids), *names}

    def ids_of(self, creator_id: str) -> dict[str, str]:
        """A creator, and one video and one run of it."""
        (video,), (run,) = (
            self.goatherd.query(f"{query} ORDER BY id LIMIT 1", creator_id)[0]
            for query in (_VIDEOS, _RUNS)
        )
        return {"creator_id": creator_id, "video_id": str(video), "scrape_id": str(run)}

    def answers(self, ids: dict[str, str]) -> dict[str, object]:
        """Every answer about a creator, a video and a run, by its subject."""
        return dict(_readable(self._responses(ids)))

    def _responses(self, ids: dict[str, str]) -> Iterator[tuple[str, httpx.Response]]:
        others = {
            "project_id": str(self.home.project_id),
            **dict.fromkeys(("campaign_id", "inner_id"), str(new_id())),
            **_some_ids(),
        }
        for operation in operations().values():
            if operation.method != "GET" or operation.id == _REMAINS:
                continue
            ask = ask_for(operation, {**others, **ids})
            places_of = {*operation.ids("path"), *operation.ids("query")}
            if "creator_id" in operation.ids("query"):
                ask.params["creator_id"] = ids["creator_id"]
                ask.params.pop("project_id", None)
            if "entity_id" in operation.ids("query"):
                for entity in ("creator", "video"):
                    about = {"entity": entity, "entity_id": ids[f"{entity}_id"]}
                    metric = "followers" if entity == "creator" else "views"
                    for chosen in {metric, "views"}:
                        params = {**ask.params, **about, "metric": chosen}
                        one = msgspec.structs.replace(ask, params=params)
                        yield f"{operation.id} {params}", one.made_by(self.home)
            elif places_of & {*_NAMED} or "creator_ids" in ask.params:
                yield f"{operation.id} {ask.params}", ask.made_by(self.home)
        for path in places():
            if "/erased" in path:
                continue
            if any(f"{{{name}" in path for name in _NAMED):
                place = path.format(**{**others, **ids})
                yield place, self.visitor.get(place)


def _readable(
    answers: Iterable[tuple[str, httpx.Response]],
) -> Iterator[tuple[str, object]]:
    for about, answer in answers:
        assert answer.status_code < 500, (about, answer.text)
        if answer.headers["Content-Type"].startswith("application/json"):
            yield about, (answer.status_code, _about(answer.json()))
        else:
            yield about, (answer.status_code, _REQUEST.sub("", answer.text))


def _about(value: object) -> object:
    """Return an answer without its own time, and without fields of the project."""
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        is_event = "event" in fields or "stream" in fields or "version" in fields
        return {
            name: _about(each)
            for name, each in fields.items()
            if is_event or name not in _OF_THE_REQUEST
        }
    if isinstance(value, list):
        found = cast("list[object]", value)
        return [_about(each) for each in found if not _is_of_project(each)]
    return value


def _is_of_project(value: object) -> bool:
    return isinstance(value, dict) and value.get("scope") == "project"


def _import(scene: _Scene, folder: Path) -> None:
    """Import observations of the account from before its erasure, and since."""
    path = folder / "recording.jsonl"
    lines = [
        {
            "observed_at": (_START + timedelta(days=day, hours=1)).isoformat(),
            "handle": _HANDLE,
            "video": {"tiktok_video_id": id_, "title": _HANDLE, "view_count": 90 + day},
        }
        for day in (0, 2, 6)
        for id_ in _IDS
    ]
    path.write_bytes(b"\n".join(map(msgspec.json.encode, lines)))
    store, home = scene.goatherd.store, scene.home
    with SortedRecording.read(
        path, now=datetime.now(UTC), advance=lambda _: None
    ) as recording:
        store_recording(
            store,
            recording,
            find_holders(store, home.project_id, recording.handles).creators,
            organization_id=home.organization_id,
            project_id=home.project_id,
            context=asking(),
            advance=lambda _: None,
        )
    scene.goatherd.catch_up()
    settle(store)
    scene.goatherd.catch_up()


def _found(scene: _Scene, project_id: UUID, handle: str, tiktok_video_id: str) -> str:
    """A creator of a project with one video, which a run has found."""
    path = f"/projects/{project_id}/creators"
    added = data_of(scene.home.post(path, {"tiktok_handle": handle}), status=201)
    name = scene.goatherd.store.names.pseudonym(tiktok_video_id)
    video = e.VideoDiscovered(
        organization_id=scene.home.organization_id,
        project_id=project_id,
        creator_id=UUID(added["id"]),
        tiktok_video_id=tiktok_video_id,
        handle=handle,
        tracking_status="auto_tracked",
        scrape_id=new_id(),
        pseudonym=name,
    )
    scene.goatherd.append(video_stream(project_id, name), video)
    scene.goatherd.catch_up()
    return added["id"]


def test_only_where_a_video_is_new_it_gets_another_name(home: Tenant):
    scene, store = _Scene(home), home.goatherd.store
    body = {"name": "Further"}
    second, third = (
        UUID(data_of(home.post("/projects", body), status=201)["id"]) for _ in range(2)
    )
    creator_id = _found(scene, home.project_id, "wanted.first", "71")
    # Nobody knows that it is the same account.
    _found(scene, second, "wanted.second", "71")
    of_whoever = home.organization_id

    def generations(project_id: UUID, names: Names = store.names) -> list[int]:
        named = names_after_erasures(
            store.pool,
            names,
            lambda: ("71", "72"),
            organization_id=of_whoever,
            project_id=project_id,
        )
        return [named.generations.get(id_, 0) for id_ in ("71", "72")]

    projects = (home.project_id, second, third)
    assert [generations(each) for each in projects] == [[0, 0]] * 3
    _erase(scene, creator_id, "wanted.first")
    assert [generations(each) for each in projects] == [[1, 0], [0, 0], [1, 0]]

    url = "https://www.tiktok.com/@whoever/video/71"
    added = home.post(f"/projects/{home.project_id}/videos", {"url": url})
    again = home.post(f"/projects/{home.project_id}/videos", {"url": url})
    assert (added.status_code, again.status_code) == (201, 200)
    assert data_of(again)["id"] == data_of(added, status=201)["id"]
    _found(scene, third, "wanted.third", "72")
    assert [generations(each) for each in projects] == [[1, 0], [0, 0], [1, 0]]


def _erase(
    scene: _Scene, creator_id: str, handle: str, figures: ErasedFigures = "anonymous"
) -> None:
    erase(
        scene.goatherd.store,
        UUID(creator_id),
        organization_id=scene.home.organization_id,
        confirm=handle,
        figures=figures,
    )
    scene.goatherd.catch_up()


def _said_of_videos(scene: _Scene, of: dict[str, str]) -> dict[str, str]:
    """Return all that a reader learns of a creator's videos, and of all together."""
    said: dict[str, str] = {}
    days = {"from": str((_START - timedelta(days=9)).date()), "to": str(_TODAY)}
    for operation in operations().values():
        if operation.method != "GET" or operation.id in {"getProof", "getPersonalData"}:
            continue
        ask = ask_for(operation, of)
        ways = [ask.params]
        if operation.id == "getAnalytics":
            about = {"metric": "views", "mode": "cumulative", **days}
            entities = [("video", "video_id"), ("creator", "creator_id")]
            ways = [
                {"entity": entity, "entity_id": of[name], **about, **more}
                for entity, name in [*entities, ("project", "project_id")]
                for more in ({}, {"breakdown": "video"})
                if not (more and entity == "video")
            ]
        elif operation.id == "explainAnalytics":
            on = {"metric": "views", "date": str((_START + timedelta(days=3)).date())}
            ways = [
                {"entity": entity, "entity_id": of[f"{entity}_id"], **on}
                for entity in ("video", "creator", "project")
            ]
        elif operation.id == "listVideos":
            ways += [{"sort": "view_count"}, {"creator_id": of["creator_id"], **days}]
        elif "Summaries" in operation.details["tags"]:
            ways = [{**ask.params, **days}]
        for params in ways:
            one = msgspec.structs.replace(ask, params=params)
            said[f"{operation.id} {params}"] = one.made_by(scene.home).text
    return said


def test_of_who_is_erased_only_sums_and_days_of_posting_are_shown(home: Tenant):
    scene = _Scene(home)
    creator_id = scene.add(1)
    scene.scrape(creator_id, 2, 3)
    of = {
        **_some_ids(),
        **scene.ids_of(creator_id),
        "project_id": str(home.project_id),
        "campaign_id": home.campaign("Spring", ("creator", creator_id)),
        "inner_id": home.campaign("Inner"),
        "confirm": _HANDLE,
    }
    home.goatherd.catch_up()
    videos = [video for day in (1, 2, 3) for video in scene.seen(day).videos]
    telling = re.compile(
        "|".join(
            # Not within a digest or a signature, which have all digits by chance.
            [rf"(?<![\w+/-]){video.view_count}(?![\w+/-])" for video in videos]
            + [f"{video.posted_at:%Y-%m-%dT%H:%M:%S}" for video in videos]
        )
    )

    def sums() -> list[object]:
        chosen_series = {
            "entity": "creator",
            "entity_id": creator_id,
            "mode": "cumulative",
        }
        span = {"from": str(_START.date()), "to": str(_TODAY)}
        return [
            data_of(
                home.get(
                    "/analytics", params={**chosen_series, **span, "metric": metric}
                )
            )["series"][0]["points"]
            for metric in ("views", "likes", "posts", "followers")
        ]

    before, shown_before = sums(), _said_of_videos(scene, of)
    _erase(scene, creator_id, _HANDLE)
    after, answered = sums(), _said_of_videos(scene, of)

    assert after == before
    revealing = {
        what.split()[0] for what, text in shown_before.items() if telling.search(text)
    }
    assert revealing >= {"listActivity", "listCreators", "listVideos"}
    assert len([text for text in shown_before.values() if telling.search(text)]) > 9
    # Roots count the events of the whole installation.
    found = {
        what: telling.findall(text)
        for what, text in answered.items()
        if not what.startswith("listRoots")
    }
    assert {what: numbers for what, numbers in found.items() if numbers} == {}
    shown = data_of(home.get("/videos", params={"creator_id": creator_id}))
    assert {video["posted_at"][10:] for video in shown} == {"T00:00:00Z"}
    assert {video["view_count"] for video in shown} == {None}
    for projection in (AnalyticsProjection(), Videos()):
        rebuild(home.goatherd.store, projection, by="test")
    home.goatherd.catch_up()
    assert sums() == before
    assert _said_of_videos(scene, of).keys() == answered.keys()
    assert data_of(home.get("/videos", params={"creator_id": creator_id})) == shown


def _differing(before: dict[str, object], after: dict[str, object]) -> list[str]:
    return [about for about in before if before[about] != after.get(about)]


@pytest.mark.parametrize("figures", ("anonymous", "drop"))
def test_nothing_links_an_erased_creator_with_who_is_added_again(
    home: Tenant, figures: ErasedFigures, tmp_path: Path
):
    scene, store = _Scene(home), home.goatherd.store
    old = scene.add(1)
    scene.scrape(old, 2, 3)
    old_ids, old_names = scene.ids_of(old), scene.names_of(old)
    _erase(scene, old, _HANDLE, figures)
    signer = InstallationSigner(store.pool, settings_for(home.goatherd.url))
    make_root(store, signer.open(), context=asking())
    home.goatherd.catch_up()
    before = scene.answers(old_ids)

    new = scene.add(4)
    scene.scrape(new, 5)
    _import(scene, tmp_path)
    live = scene.answers(old_ids)
    for projection in PROJECTIONS:
        rebuild(store, projection, by="test")
    home.goatherd.catch_up()
    rebuilt = scene.answers(old_ids)
    make_root(store, signer.open(), context=asking())
    about_the_new = scene.answers(scene.ids_of(new))

    assert _differing(before, live) == []
    assert _differing(before, rebuilt) == []
    new_names = scene.names_of(new)
    assert len(new_names) == len({*new_names} - old_names) > 3 * len(_IDS)
    assert [name for name in new_names if name in str(rebuilt)] == []
    assert [name for name in old_names if name in str(about_the_new)] == []
    listed = data_of(home.get("/videos", params={"creator_id": new}))
    assert {video["tiktok_video_id"] for video in listed} == {*_IDS}
    assert all(video["title"] for video in listed)
