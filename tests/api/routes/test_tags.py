"""Tags in lists: which are in use, and filters and searches by them."""

from typing import Any

import pytest

from tests.kit.application import Tenant, code_of, data_of


def found(home: Tenant, **query: str) -> list[str]:
    home.goatherd.catch_up()
    creators = data_of(home.get("/creators", params=query))
    return sorted(creator["tiktok_handle"] for creator in creators)


def listed(home: Tenant, **query: str) -> list[dict[str, Any]]:
    home.goatherd.catch_up()
    return data_of(home.get("/tags", params=query))


def test_tags_are_listed_with_how_many_creators_and_videos_have_them(home: Tenant):
    home.add("ada", tags=["Spring", "tier A"])
    home.add("berta", tags=["SPRING"])
    home.add("carl", tags=["Spring"])
    home.delete(f"/creators/{home.add('dora', tags=['gone', 'spring'])['id']}")
    url = "https://www.tiktok.com/@goat/video/{}"
    for video_id in ("71", "72"):
        body = {"url": url.format(video_id), "tags": ["spring", "Hook"]}
        video = data_of(
            home.post(f"/projects/{home.project_id}/videos", body), status=201
        )
    home.delete(f"/videos/{video['id']}")

    assert listed(home) == [
        {"tag": "Hook", "creator_count": 0, "video_count": 1},
        {"tag": "Spring", "creator_count": 3, "video_count": 1},
        {"tag": "tier A", "creator_count": 1, "video_count": 0},
    ]
    assert listed(home, project_id=str(home.project_id)) == listed(home)
    assert listed(home, project_id="00000000-0000-4000-8000-000000000000") == []


def test_tags_come_in_pages(home: Tenant):
    home.add("ada", tags=[f"t{n:02}" for n in range(7)])
    home.goatherd.catch_up()
    seen: list[str] = []
    query = {"limit": "3"}

    while True:
        answer = home.get("/tags", params=query)
        seen += [each["tag"] for each in data_of(answer)]
        cursor = answer.json()["meta"]["nextCursor"]
        if cursor is None:
            break
        query["cursor"] = cursor

    assert seen == [f"t{n:02}" for n in range(7)]


def test_others_see_no_tag_of_ours(home: Tenant, stranger: Tenant):
    home.add("ada", tags=["Spring"])

    assert listed(stranger) == []
    assert found(stranger, tag="spring") == []
    assert found(stranger, search="spring") == []


def test_a_filter_wants_all_of_its_tags_in_any_letter_case(home: Tenant):
    home.add("ada", tags=["Spring", "tier A"])
    home.add("berta", tags=["spring"])
    home.add("carl", tags=["springs"])

    assert found(home, tag="SPRING") == ["ada", "berta"]
    assert found(home, tag=" tier a ,spring") == ["ada"]
    assert found(home, tag="spring", search="bert") == ["berta"]
    assert found(home, tag="none") == []


@pytest.mark.parametrize(
    "tag", ("", "a,,b", " ", "x" * 41, ",".join("abcdefghijklmnopqrstu"))
)
def test_a_filter_that_names_no_tag_is_refused(home: Tenant, tag: str):
    answer = home.get("/creators", params={"tag": tag})

    assert code_of(answer) == (400, "invalid_query")
    assert answer.json()["meta"]["fields"][0]["path"] == "/tag"


def test_the_search_finds_names_and_tags(home: Tenant):
    ada = home.add("ada", tags=["Frühling", "tier A"])
    berta = home.add("berta")
    home.patch(f"/creators/{ada['id']}", {"display_name": "Countess of Ödland"})
    home.saw(berta["id"], display_name="Tess Tier")

    assert found(home, search="ÖDLAND") == ["ada"]
    assert found(home, search="frühl") == ["ada"]
    assert found(home, search="tier") == ["ada", "berta"]
    assert found(home, search="ada") == ["ada"]
    home.patch(f"/creators/{ada['id']}", {"tags": [], "display_name": None})
    assert found(home, search="ödland") == []
    assert found(home, search="frühl") == []
