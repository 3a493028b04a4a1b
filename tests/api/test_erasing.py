"""An erasure in one transaction: the key, the rows, and what repeats their texts."""

from collections.abc import Iterator
from datetime import date
from functools import partial
from threading import Thread
from uuid import UUID

import pytest

from api.http import writer
from application.erase.erase import ErasureCommand
from domain import events as e
from domain.creator.handlers.erase import Erasure
from domain.messages import ErasedFigures
from infra.eventstore.execute import Executed
from infra.eventstore.store import BusyError
from infra.ids import new_id
from projections.bans import Bans
from projections.rebuild.rebuild import rebuild
from tests.kit.application import Goatherd, Tenant, data_of, own_installation
from tests.kit.builders import log_of
from tests.kit.erasing import erase as erase_creator
from tests.kit.erasing import tables_with

_DAY = date(2026, 3, 1)
# Other tests keep theirs in the same database.
_VIDEO = "7311223344556677881"


@pytest.fixture(scope="module")
def goatherd(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    """An installation with a short log, for the tests search every table."""
    yield from own_installation(postgres_url, template_database)


def erase(
    tenant: Tenant,
    creator_id: str,
    *,
    confirm: str = "wanted.goat",
    figures: ErasedFigures = "anonymous",
) -> Executed[Erasure]:
    return erase_creator(
        tenant.goatherd.store,
        UUID(creator_id),
        organization_id=tenant.organization_id,
        confirm=confirm,
        figures=figures,
    )


def found_in(tenant: Tenant, word: str) -> list[str]:
    return tables_with(tenant.goatherd.store, word)


@pytest.mark.parametrize("figures", ("anonymous", "drop"))
def test_nothing_of_who_is_erased_is_found_in_any_table(
    home: Tenant, figures: ErasedFigures
):
    handle = f"wanted.{figures}"
    creator = home.post(
        home.creators,
        {"tiktok_handle": handle, "readme": f"{handle} climbs"},
        headers={"Idempotency-Key": f"key {figures}"},
    ).json()["data"]
    home.saw(creator["id"], follower_count=12, display_name=f"{handle} herself")
    # As workers store it: only its own event, sealed, has the id on TikTok.
    home.found(
        creator["id"], _VIDEO, pseudonym="1234567890123", title=f"{handle} jumps"
    )
    data_of(home.post(f"/creators/{creator['id']}/scrape"), status=202)
    home.goatherd.catch_up()
    assert "public.creator_list" in found_in(home, handle)
    assert "public.idempotency" in found_in(home, handle)
    assert "public.analytics_videos" in found_in(home, _VIDEO)

    done = erase(home, creator["id"], confirm=handle, figures=figures)
    home.goatherd.catch_up()

    assert done.result.handles == (handle,)
    assert found_in(home, handle) == []
    assert found_in(home, _VIDEO) == []
    shown = data_of(home.get(f"/creators/{creator['id']}"))
    assert (shown["status"], shown["readme"]) == ("erased", None)
    assert shown["follower_count"] == (12 if figures == "anonymous" else None)
    history = home.get(f"/creators/{creator['id']}/history")
    assert history.status_code == 200
    assert "wanted" not in history.text
    earlier = home.get(
        f"/creators/{creator['id']}", params={"as_of": str(done.position)}
    )
    assert "wanted" not in earlier.text
    fresh = home.add(handle)
    assert fresh["id"] != creator["id"]


def test_of_many_erasures_at_once_each_has_a_number_of_its_own(home: Tenant):
    ids = [home.add(f"goat.{n}")["id"] for n in range(3)]
    home.goatherd.catch_up()
    threads = [
        Thread(target=partial(erase, home, one, confirm=f"goat.{n}"))
        for n, one in enumerate(ids)
    ]

    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        home.goatherd.catch_up()
    erased = log_of(home.goatherd.store, e.SubjectErased)

    ours = [o.event for o in erased if str(o.stream) in ids]
    numbers = [one.number for one in ours if isinstance(one, e.SubjectErased)]
    assert len({*numbers}) == len(numbers) == 3


def test_what_comes_to_belong_to_it_meanwhile_is_erased_as_well(
    home: Tenant, monkeypatch: pytest.MonkeyPatch
):
    creator_id = home.add("wanted.goat")["id"]
    home.goatherd.catch_up()
    of_it = ErasureCommand.handler
    notes: list[UUID] = []

    def handler(self: ErasureCommand) -> object:
        started = of_it(self)
        if not notes:
            # Somebody writes a note between what is read and the append.
            notes.append(new_id())
            home.goatherd.append(notes[0], _note(home, creator_id))
            home.goatherd.catch_up()
        return started

    monkeypatch.setattr(ErasureCommand, "handler", handler)
    erase(home, creator_id)

    assert e.AnnotationDeleted in map(type, home.goatherd.events(str(notes[0])))


def test_no_answer_that_is_kept_for_a_key_names_who_is_erased(home: Tenant):
    creator_id = home.add("wanted.then")["id"]
    video_id = home.found(creator_id)
    single = (
        f"/projects/{home.project_id}/videos",
        {"url": f"https://www.tiktok.com/@wanted.then/video/{_VIDEO}"},
    )

    def status_of(key: str, path: str, body: dict[str, str]) -> int:
        return home.post(path, body, headers={"Idempotency-Key": key}).status_code

    assert status_of("single", *single) == 201
    data_of(home.patch(f"/creators/{creator_id}", {"tiktok_handle": "wanted.goat"}))
    home.goatherd.catch_up()
    # None of these names the creator by its id.
    requests = {
        "note": (
            "/analytics/annotations",
            {
                "scope": "video",
                "scope_id": video_id,
                "starts_on": "2026-03-01",
                "text": "With her son.",
            },
        ),
        "taken": (home.creators, {"tiktok_handle": "wanted.goat"}),
        "then": (
            f"/projects/{home.project_id}/videos",
            {"url": "https://www.tiktok.com/@Wanted.Then"},
        ),
        "no video": (
            f"/projects/{home.project_id}/videos",
            {"url": "https://www.tiktok.com/@Wanted.Goat"},
        ),
        "somebody else": (home.creators, {"tiktok_handle": "wanted.goat.2"}),
    }

    def statuses() -> list[int]:
        return [status_of(key, *request) for key, request in requests.items()]

    assert statuses() == [201, 409, 400, 400, 201]
    home.goatherd.catch_up()
    erase(home, creator_id)

    assert statuses() == [410, 410, 410, 410, 201]
    assert status_of("single", *single) == 410


def test_who_is_called_like_a_state_takes_no_answers_of_others_along(home: Tenant):
    creator_id = home.add("active")["id"]
    keyed = {"Idempotency-Key": "of another"}
    body = {"tiktok_handle": "goat.kept"}
    assert home.post(home.creators, body, headers=keyed).status_code == 201
    home.goatherd.catch_up()

    erase(home, creator_id, confirm="active")

    assert home.post(home.creators, body, headers=keyed).status_code == 201


@pytest.mark.parametrize(
    ("path", "body", "answers_by", "status", "status_later"),
    (
        ("creators", {"tiktok_handle": "wanted.goat"}, "answer_failure", 409, 201),
        (
            "videos",
            {"url": f"https://www.tiktok.com/@wanted.goat/video/{_VIDEO}"},
            "_with_position",
            200,
            201,
        ),
    ),
)
def test_an_answer_from_before_an_erasure_is_not_stored_after_it(
    home: Tenant,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    body: dict[str, str],
    answers_by: str,
    status: int,
    status_later: int,
):
    creator_id = home.add("wanted.goat")["id"]
    home.found(
        creator_id, _VIDEO, pseudonym=home.goatherd.store.names.pseudonym(_VIDEO)
    )
    home.goatherd.catch_up()
    answer = getattr(writer, answers_by)

    def ask() -> int:
        keyed = {"Idempotency-Key": "slow"}
        return home.post(
            f"/projects/{home.project_id}/{path}", body, headers=keyed
        ).status_code

    def slowly(*given: object) -> object:
        made = answer(*given)
        monkeypatch.undo()
        erase(home, creator_id)
        home.goatherd.catch_up()
        return made

    monkeypatch.setattr(writer, answers_by, slowly)

    assert ask() == status
    assert ask() == status_later


def test_single_videos_under_a_former_handle_are_erased_as_well(home: Tenant):
    def single(number: int, handle: str = "wanted.before") -> str:
        url = f"https://www.tiktok.com/@{handle}/video/{number}"
        path = f"/projects/{home.project_id}/videos"
        return data_of(home.post(path, {"url": url}), status=201)["id"]

    def handle_of(video_id: str) -> str:
        query = "SELECT tiktok_handle FROM videos WHERE id = %s"
        return home.goatherd.query(query, video_id)[0][0]

    own = single(7311223344556677101)
    creator_id = home.add("wanted.before")["id"]
    data_of(home.patch(f"/creators/{creator_id}", {"tiktok_handle": "wanted.after"}))
    under_the_old_address = single(7311223344556677102)
    # The handle that it had in between is another creator's, and was one more's.
    data_of(home.patch(f"/creators/{creator_id}", {"tiktok_handle": "wanted.shared"}))
    data_of(home.patch(f"/creators/{creator_id}", {"tiktok_handle": "wanted.last"}))
    other = home.add("wanted.shared")["id"]
    of_another = single(7311223344556677103, "wanted.shared")
    data_of(home.patch(f"/creators/{other}", {"tiktok_handle": "another.goat"}))
    home.add("wanted.after")
    of_whoever_is_called_so_now = single(7311223344556677104, "wanted.after")
    home.goatherd.catch_up()
    concerned = data_of(home.get(f"/creators/{creator_id}/erase"))["video_count"]

    done = erase(home, creator_id, confirm="wanted.last")
    home.goatherd.catch_up()

    assert concerned == 2
    assert {own, under_the_old_address} < {str(each) for each in done.result.subjects}
    assert handle_of(own).startswith("erased-")
    assert handle_of(under_the_old_address).startswith("erased-")
    assert home.goatherd.query(
        "SELECT tracking_status FROM videos WHERE id = %s", under_the_old_address
    ) == [("excluded",)]
    assert handle_of(of_another) == "wanted.shared"
    assert handle_of(of_whoever_is_called_so_now) == "wanted.after"
    assert done.result.handles == (
        "wanted.after",
        "wanted.before",
        "wanted.last",
        "wanted.shared",
    )


def test_an_erasure_holds_no_append_up_while_a_backup_reads_old_tables(home: Tenant):
    creator_id = home.add("wanted.goat")["id"]
    store = home.goatherd.store
    rebuild(store, Bans(), by="test")
    home.goatherd.catch_up()

    with store.pool.connection() as backup, backup.transaction():
        backup.execute("SELECT FROM goatherd_old_bans.bans")
        with pytest.raises(BusyError):
            erase(home, creator_id)
        assert home.shown(creator_id)["tiktok_handle"] == "wanted.goat"

    assert erase(home, creator_id).result.creator_ids == (UUID(creator_id),)


def _note(home: Tenant, creator_id: str) -> e.AnnotationAdded:
    return e.AnnotationAdded(
        organization_id=home.organization_id,
        scope="creator",
        scope_id=UUID(creator_id),
        project_id=home.project_id,
        starts_on=_DAY,
        ends_on=_DAY,
        text="Fell ill.",
    )
