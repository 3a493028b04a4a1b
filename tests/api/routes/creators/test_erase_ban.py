"""Erasing with a ban: the account is not tracked again, and no answer names it."""

import json
from uuid import UUID

import pytest

from domain import commands as c
from domain import events as e
from tests.api.routes.creators.test_erase import HANDLE, cli, known  # noqa: F401
from tests.kit.application import Tenant, code_of, data_of
from tests.kit.builders import NOON, asking
from tests.kit.command_line import CommandLine
from tests.kit.commands import end_scrape

USER_ID = "7100000000000000001"
VIDEO_URL = f"https://www.tiktok.com/@{HANDLE}/video/7100000000000000099"
REFUSED = (409, "erased_and_banned")


@pytest.fixture
def banned(home: Tenant) -> Tenant:
    """A tenant that erased and banned an account that had two handles."""
    creator_id = known(home)
    ended(home, creator_id, USER_ID)
    home.patch(f"/creators/{creator_id}", {"tiktok_handle": "renamed.goat"})
    home.goatherd.catch_up()
    body = {"confirm": "renamed.goat", "ban": True}
    data_of(home.post(f"/creators/{creator_id}/erase", body))
    home.goatherd.catch_up()
    return home


def ended(home: Tenant, creator_id: str, user_id: str) -> None:
    """Let the creator's first open run of the profile see an account."""
    runs = [
        recorded.stream
        for recorded in home.goatherd.since(0)
        if isinstance(recorded.event, e.ScrapeRequested)
        and recorded.event.creator_id == UUID(creator_id)
    ]
    seen = c.RecordResult(
        provider="test",
        observed_at=NOON,
        attempts=1,
        duration_ms=1,
        profile=c.ProfileSnapshot(user_id=user_id, follower_count=3),
    )
    end_scrape(home.goatherd.store, runs[0], seen, context=asking())


def test_nothing_adds_the_account_again_and_no_answer_names_it(banned: Tenant):
    other = banned.add("another.goat")["id"]
    kept = banned.goatherd.head
    many = {"creators": [{"tiktok_handle": HANDLE}, {"tiktok_handle": f"@{HANDLE}"}]}
    text = f"Handle,Notes\n{HANDLE},{HANDLE} climbs"

    single = banned.post(banned.creators, {"tiktok_handle": "Renamed.Goat"})
    bulk = banned.post(banned.creators, many)
    texts = [
        banned.post(f"{banned.creators}/{what}", {"text": text})
        for what in ("preview", "import")
    ]
    renamed = banned.patch(f"/creators/{other}", {"tiktok_handle": HANDLE})
    video = banned.post(f"/projects/{banned.project_id}/videos", {"url": VIDEO_URL})

    assert code_of(single) == code_of(renamed) == code_of(video) == REFUSED
    results = data_of(bulk)["results"]
    assert [one["code"] for one in results] == ["erased_and_banned"] * 2
    assert [one["tiktok_handle"] for one in results] == [None, None]
    for answer in texts:
        (line,) = data_of(answer)["lines"]
        assert line["error"] == "skipped: erased and banned"
        assert (line["line"], line["text"], line["tiktok_handle"]) == (2, "", None)
    for answer in (single, bulk, *texts, renamed, video):
        assert "wanted" not in answer.text
        assert "renamed.goat" not in answer.text
    assert banned.goatherd.head == kept


def test_a_run_that_finds_the_account_under_a_new_handle_removes_it(banned: Tenant):
    creator_id = banned.add("new.name.goat")["id"]
    before = banned.goatherd.head

    ended(banned, creator_id, USER_ID)

    happened = [recorded.event for recorded in banned.goatherd.since(before)]
    assert [event.stored_name for event in happened] == [
        "scrape_failed",
        "creator_removed",
        "handle_released",
    ]
    assert banned.shown(creator_id)["status"] == "removed"


def test_the_ban_names_nobody_in_a_list_and_is_lifted_as_a_whole_by_one_handle(
    banned: Tenant,
    cli: CommandLine,  # noqa: F811
):
    org = str(banned.organization_id)

    listed = cli("bans", "list")
    missed = cli("bans", "lift-erased", "another.goat", "--org", org)
    lifted = cli("bans", "lift-erased", f"@{HANDLE}", "--org", org)
    again = cli("bans", "lift-erased", f"@{HANDLE}", "--org", org)
    added = banned.post(banned.creators, {"tiktok_handle": "renamed.goat"})
    ended(banned, data_of(added, status=201)["id"], USER_ID)

    assert HANDLE not in listed.out
    assert "renamed.goat" not in listed.out
    assert "0 bans of erased accounts lifted." in missed.out
    assert "1 ban of erased accounts lifted." in lifted.out
    assert "0 bans of erased accounts lifted." in again.out
    assert banned.shown(added.json()["data"]["id"])["status"] == "active"


def test_the_command_line_bans_too_and_nothing_is_left_of_the_person(
    home: Tenant,
    cli: CommandLine,  # noqa: F811
):
    handle = "by.line.goat"
    creator_id = home.add(handle)["id"]
    home.goatherd.catch_up()

    done = cli("erase", creator_id, "--confirm", handle, "--ban")
    home.goatherd.catch_up()
    refused = home.post(home.creators, {"tiktok_handle": handle})
    verified = cli("erase", creator_id, "--verify", "--json")

    assert done.status == 0
    assert code_of(refused) == REFUSED
    assert json.loads(verified.out)["found"] == []
