"""Projects: made, shown, listed and changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from domain import events as e
from domain.organization.logo import logo_of
from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.pictures import JPEG, LOGO, WEBP, chunk, png


def shown(home: Tenant, project_id: str) -> dict[str, Any]:
    home.goatherd.catch_up()
    return data_of(home.get(f"/projects/{project_id}"))


def test_a_project_is_made(home: Tenant):
    head = home.goatherd.head

    answer = home.post("/projects", {"name": "Alps", "description": "High up."})

    project = data_of(answer, status=201)
    made_at = datetime.fromisoformat(project["created_at"])
    assert answer.json() == {
        "data": {
            "id": str(UUID(project["id"])),
            "org_id": str(home.organization_id),
            "name": "Alps",
            "description": "High up.",
            "client": None,
            "comment": None,
            "color": None,
            "logo": None,
            "archived_at": None,
            "version": 1,
            "created_at": made_at.isoformat().replace("+00:00", "Z"),
            "updated_at": project["created_at"],
        },
        "error": None,
        "meta": None,
    }
    (recorded,) = home.goatherd.since(head)
    assert recorded.stream == home.organization_id
    assert recorded.event == e.ProjectCreated(
        project_id=UUID(project["id"]), name="Alps", description="High up."
    )
    assert recorded.actor == f"key:{home.key_id}"
    assert recorded.correlation_id == UUID(answer.headers["X-Request-Id"])
    assert answer.headers["ETag"] == '"1"'
    assert int(answer.headers["Goatherd-Position"]) == recorded.position
    assert shown(home, project["id"]) == project


@pytest.mark.parametrize(
    ("change", "becomes"),
    (
        ({"name": "Andes"}, {"name": "Andes", "description": "High up."}),
        ({"description": None}, {"name": "Alps", "description": None}),
        (
            {"name": "Andes", "description": "Higher."},
            {"name": "Andes", "description": "Higher."},
        ),
        ({"client": "Alm & Co"}, {"client": "Alm & Co", "comment": None}),
        ({"comment": "May"}, {"client": None, "comment": "May"}),
        ({"color": "#1D56c2"}, {"color": "#1D56c2", "client": None}),
    ),
    ids=["name", "description", "both", "client", "comment", "color"],
)
def test_a_project_is_changed_and_the_rest_stays(
    home: Tenant, change: dict[str, Any], becomes: dict[str, Any]
):
    body = {"name": "Alps", "description": "High up."}
    before = data_of(home.post("/projects", body), status=201)
    head = home.goatherd.head

    answer = home.patch(f"/projects/{before['id']}", change)

    project = data_of(answer)
    assert project == {
        **before,
        **becomes,
        "version": 2,
        "updated_at": project["updated_at"],
    }
    assert project["updated_at"] > before["updated_at"]
    (recorded,) = home.goatherd.since(head)
    assert recorded.event == e.ProjectDetailsChanged(
        project_id=UUID(project["id"]), **change
    )
    assert answer.headers["ETag"] == '"2"'
    assert int(answer.headers["Goatherd-Position"]) == recorded.position
    assert shown(home, project["id"]) == project


def test_a_change_to_what_is_so_already_is_answered_and_not_stored(home: Tenant):
    body = {"name": "Alps", "description": None}
    before = data_of(home.post("/projects", body), status=201)
    kept = home.goatherd.kept()

    answer = home.patch(f"/projects/{before['id']}", body)

    assert data_of(answer) == before
    assert int(answer.headers["Goatherd-Position"]) == home.goatherd.head
    assert home.goatherd.kept() == kept


def test_the_version_is_the_projects_own(home: Tenant):
    first = data_of(home.post("/projects", {"name": "Alps"}), status=201)
    home.post("/projects", {"name": "Andes"})
    home.post("/api-keys", {"name": "Another"})

    stale = home.patch(
        f"/projects/{first['id']}", {"name": "A"}, headers={"If-Match": '"2"'}
    )
    matched = home.patch(
        f"/projects/{first['id']}", {"name": "B"}, headers={"If-Match": '"1"'}
    )

    assert stale.status_code == 412
    assert stale.json()["meta"]["currentVersion"] == 1
    assert data_of(matched)["version"] == 2


def test_a_project_that_the_client_has_already_is_not_sent_again(home: Tenant):
    project = data_of(home.post("/projects", {"name": "Alps"}), status=201)
    home.goatherd.catch_up()
    path = f"/projects/{project['id']}"

    same = home.get(path, headers={"If-None-Match": '"1"'})
    home.patch(path, {"name": "Andes"})
    home.goatherd.catch_up()
    changed = home.get(path, headers={"If-None-Match": '"1"'})

    assert (same.status_code, same.content) == (304, b"")
    assert data_of(changed)["name"] == "Andes"


def test_projects_are_listed_newest_first_page_by_page(home: Tenant):
    made = [
        data_of(home.post("/projects", {"name": name}), status=201)
        for name in ("Alps", "Andes", "Atlas", "Altai")
    ]
    home.goatherd.catch_up()

    first = home.get("/projects", params={"limit": 2})
    cursor = first.json()["meta"]["nextCursor"]
    second = home.get("/projects", params={"limit": 3, "cursor": cursor})

    assert data_of(first) == [made[3], made[2]]
    rest = data_of(second)
    assert rest[:2] == [made[1], made[0]]
    assert (rest[2]["id"], rest[2]["name"]) == (str(home.project_id), "First project")
    assert second.json()["meta"] == {"nextCursor": None, "limit": 3}


@pytest.mark.parametrize(
    ("body", "path"),
    (
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"name": None}, "/name"),
        ({"name": "x", "description": "x" * 5_001}, "/description"),
        ({"name": "x", "id": "y"}, "/id"),
        ({"name": "x\0"}, "/name"),
    ),
)
def test_a_project_that_is_none_is_refused_by_field(
    home: Tenant, body: dict[str, Any], path: str
):
    answer = home.post("/projects", body)

    assert answer.status_code == 400
    assert [f["path"] for f in answer.json()["meta"]["fields"]] == [path]


def test_the_longest_names_and_descriptions_fit(home: Tenant):
    body = {"name": "\N{GOAT}" * 200, "description": "\N{GOAT}" * 5_000}

    project = data_of(home.post("/projects", body), status=201)

    assert shown(home, project["id"]) == project
    assert project | body == project


def test_a_plan_says_how_many_projects_there_may_be(goatherd: Goatherd):
    home = goatherd.tenant(plan="free")
    kept = goatherd.kept()

    answer = home.post("/projects", {"name": "One too many"})

    assert answer.status_code == 402
    assert answer.json()["meta"] == {
        "code": "limit_reached",
        "requestId": answer.headers["X-Request-Id"],
        "limitKey": "max_projects_per_org",
        "current": 1,
        "max": 1,
    }
    assert goatherd.kept() == kept


def test_the_words_and_the_colour_of_reports_are_cleared_with_null(home: Tenant):
    path = f"/projects/{home.project_id}"
    home.patch(
        path, {"client": "Alm & Co", "comment": "First month", "color": "#0f766e"}
    )

    cleared = data_of(
        home.patch(path, {"client": None, "comment": None, "color": None})
    )

    assert cleared["client"] is cleared["comment"] is cleared["color"] is None
    assert cleared["version"] == 3
    assert shown(home, str(home.project_id)) == cleared


def test_a_wrong_client_comment_or_colour_is_refused_by_field(
    home: Tenant, subtests: pytest.Subtests
):
    kept = home.goatherd.kept()
    for body, path in (
        ({"client": ""}, "/client"),
        ({"client": "  "}, "/client"),
        ({"client": "x" * 201}, "/client"),
        ({"client": 7}, "/client"),
        ({"comment": "x" * 2_001}, "/comment"),
        ({"comment": "x\0"}, "/comment"),
        *(
            ({"color": color}, "/color")
            for color in ("", "red", "#1d56c", "1d56c2", "#1d56cg", "#1d56c2\n", 7)
        ),
        ({"logo": "x"}, "/logo"),
    ):
        with subtests.test(str(body)[:40]):
            answer = home.patch(f"/projects/{home.project_id}", body)

            assert answer.status_code == 400
            assert [f["path"] for f in answer.json()["meta"]["fields"]] == [path]
    assert home.goatherd.kept() == kept


# logos


def logo_path(home: Tenant) -> str:
    return f"/projects/{home.project_id}/logo"


def put_logo(
    tenant: Tenant, path: str, content: bytes, headers: dict[str, str] | None = None
) -> httpx.Response:
    return tenant.ask("PUT", path, content=content, headers=headers or {})


def test_a_logo_is_kept_and_shown_as_it_was_sent(
    home: Tenant, subtests: pytest.Subtests
):
    version = 1
    for content in (LOGO, JPEG, WEBP):
        logo = logo_of(content)
        with subtests.test(logo.media_type):
            head = home.goatherd.head
            version += 1

            # The type that a client names says nothing.
            answer = put_logo(home, logo_path(home), content, {"Content-Type": "a/b"})

            project = data_of(answer)
            (recorded,) = home.goatherd.since(head)
            assert recorded.event == e.ProjectLogoChanged(
                project_id=home.project_id, logo=logo
            )
            assert project["logo"] == msgspec.to_builtins(logo)
            assert project["version"] == version
            assert answer.headers["ETag"] == f'"{version}"'
            assert shown(home, project["id"]) == project
            picture = home.get(logo_path(home))
            assert picture.content == content
            assert picture.headers["Content-Type"] == logo.media_type
    assert logos(home) == [WEBP]


def test_the_same_logo_again_changes_nothing(home: Tenant):
    before = data_of(put_logo(home, logo_path(home), LOGO))
    kept = home.goatherd.kept()

    assert data_of(put_logo(home, logo_path(home), LOGO)) == before
    assert home.goatherd.kept() == kept


def test_a_removed_logo_is_deleted(home: Tenant):
    put_logo(home, logo_path(home), LOGO)

    removed = data_of(home.ask("DELETE", logo_path(home)))
    again = data_of(home.ask("DELETE", logo_path(home)))
    home.goatherd.catch_up()

    assert (removed["logo"], removed["version"]) == (None, 3)
    assert again == removed
    assert home.get(logo_path(home)).status_code == 404
    assert logos(home) == []


def test_a_picture_that_is_no_logo_is_refused_with_the_reason(
    home: Tenant, subtests: pytest.Subtests
):
    kept = home.goatherd.kept()
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
    no_logo = "a logo is a PNG, JPEG or WebP picture"
    for name, content, reason in (
        ("nothing", b"", no_logo),
        ("SVG", svg, no_logo),
        ("GIF", b"GIF89a" + b"\0" * 20, no_logo),
        ("broken", LOGO[:-1], "the picture is broken"),
        ("animated", png(more=chunk(b"acTL", b"\0" * 8)), "the picture is animated"),
    ):
        with subtests.test(name):
            answer = put_logo(
                home, logo_path(home), content, {"Content-Type": "image/png"}
            )

            assert answer.status_code == 422
            meta = answer.json()["meta"]
            assert meta["code"] == "invalid_logo"
            assert meta["fields"] == [{"path": "/logo", "message": reason}]
    assert (home.goatherd.kept(), logos(home)) == (kept, [])


def test_a_logo_has_at_most_a_megabyte(home: Tenant):
    def sized(length: int) -> bytes:
        return png(more=chunk(b"tEXt", b"x" * (length - len(LOGO) - 12)))

    too_large = put_logo(home, logo_path(home), sized(1_000_001))
    fits = put_logo(home, logo_path(home), sized(1_000_000))

    assert too_large.status_code == 413
    assert too_large.json()["error"] == "The body is larger than 1 MB."
    assert data_of(fits)["logo"]["bytes"] == 1_000_000


def test_a_logo_is_not_set_over_a_change_that_the_client_did_not_see(home: Tenant):
    home.patch(f"/projects/{home.project_id}", {"client": "Alm"})

    stale = put_logo(home, logo_path(home), LOGO, {"If-Match": '"1"'})
    matched = put_logo(home, logo_path(home), LOGO, {"If-Match": '"2"'})

    assert stale.status_code == 412
    assert data_of(matched)["version"] == 3


def test_the_logo_of_another_organization_is_not_found(goatherd: Goatherd):
    home, away = goatherd.tenant(), goatherd.tenant()
    put_logo(home, logo_path(home), LOGO)
    goatherd.catch_up()

    answers = [
        away.get(logo_path(home)),
        put_logo(away, logo_path(home), JPEG),
        away.ask("DELETE", logo_path(home)),
        away.patch(f"/projects/{home.project_id}", {"client": "Ours"}),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert home.get(logo_path(home)).content == LOGO


def test_a_key_that_only_reads_sets_no_logo(home: Tenant):
    reader = home.with_key("read")
    put_logo(home, logo_path(home), LOGO)

    assert put_logo(reader, logo_path(home), JPEG).status_code == 403
    assert reader.ask("DELETE", logo_path(home)).status_code == 403
    assert reader.get(logo_path(home)).content == LOGO


def logos(home: Tenant) -> list[bytes]:
    with home.goatherd.store.pool.connection() as connection:
        rows = connection.execute(
            "SELECT content FROM project_logos WHERE organization_id = %s",
            (home.organization_id,),
        ).fetchall()
    return [content for (content,) in rows]
