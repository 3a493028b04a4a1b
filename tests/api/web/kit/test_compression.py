"""HTML is compressed, except on pages whose length would give a secret away."""

import gzip

import pytest

from tests.kit.application import Tenant, data_of
from tests.kit.creator_with_numbers import a_watched_creator
from tests.kit.visitor import Visitor

PLAIN = {"Accept-Encoding": "identity"}
PACKED = {"Accept-Encoding": "br, gzip;q=0.8"}


def test_a_page_is_compressed_for_clients_that_accept_it(visitor: Visitor):
    for path in ("/", "/creators", "/videos", "/docs/errors"):
        plain = visitor.get(path, headers=PLAIN)
        packed = visitor.get(path, headers=PACKED)

        assert "content-encoding" not in plain.headers, path
        assert packed.headers["content-encoding"] == "gzip", path
        assert int(packed.headers["content-length"]) < len(plain.content) / 2, path
        assert (
            packed.text.partition("</title>")[0] == plain.text.partition("</title>")[0]
        )
        for answer in (plain, packed):
            assert "Accept-Encoding" in answer.headers["vary"], path


@pytest.mark.parametrize("accepted", ("br", "gzip;q=0", "gzip; q=0.0", "deflate", ""))
def test_a_client_that_refuses_gzip_gets_plain_html(visitor: Visitor, accepted: str):
    answer = visitor.get("/creators", headers={"Accept-Encoding": accepted})

    assert "content-encoding" not in answer.headers
    assert answer.content.startswith(b"<!doctype html>")


def test_head_says_the_length_of_the_compressed_page(visitor: Visitor):
    answer = visitor.ask("HEAD", "/docs/errors", headers=PACKED)

    got = visitor.get("/docs/errors", headers=PACKED)
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-length"] == got.headers["content-length"]


def test_answers_that_are_neither_html_nor_the_document_are_not_compressed(
    home: Tenant, visitor: Visitor
):
    home.add("ada")
    home.goatherd.catch_up()

    for path in ("/creators.csv", "/metrics"):
        answer = visitor.get(path, headers=PACKED)

        assert answer.status_code == 200, path
        assert len(answer.content) > 0, path
        assert "content-encoding" not in answer.headers, path


def test_a_page_with_a_secret_is_never_compressed(
    home: Tenant, visitor: Visitor, passer_by: Visitor
):
    creator = a_watched_creator(home)
    data_of(home.post(f"/creators/{creator.id}/connect-links"), status=201)
    signed_in_late = passer_by.post(
        "/creators/add",
        {"handles": "ada"},
        headers={"Origin": "http://testserver.local"},
    )
    answers = {
        "sign in": passer_by.get("/", headers=PACKED),
        "wrong key": passer_by.post("/sign-in", {"key": "tga_no"}, headers=PACKED),
        "a form after the session": signed_in_late,
        "key": visitor.post(
            "/settings/keys", {"name": "New", "scopes": ["read"]}, headers=PACKED
        ),
        "consent": passer_by.get("/connect/" + "a" * 43, headers=PACKED),
        "link": visitor.get(f"/creators/{creator.id}/settings", headers=PACKED),
    }

    found = {
        name: (answer.headers.get("content-encoding"), answer.headers["cache-control"])
        for name, answer in answers.items()
    }
    assert found == dict.fromkeys(answers, (None, "no-store, no-transform"))


def test_the_settings_of_a_creator_are_compressed_while_they_show_no_link(
    home: Tenant, visitor: Visitor
):
    creator = a_watched_creator(home)

    answer = visitor.get(f"/creators/{creator.id}/settings", headers=PACKED)

    assert answer.headers["content-encoding"] == "gzip"


def test_a_page_has_another_token_each_time_and_all_of_them_work(
    home: Tenant, visitor: Visitor
):
    pages = [visitor.see("/projects") for _ in range(2)]
    tokens = [
        {one["value"] for one in page.all("input", name="csrf")} for page in pages
    ]

    assert [len(found) for found in tokens] == [1, 1]
    assert tokens[0] != tokens[1]
    for number, page in enumerate(pages):
        answer = visitor.submit(page, "/projects", name=f"Project {number}")
        assert answer.status_code == 303, answer.text
    home.goatherd.catch_up()
    names = {project["name"] for project in data_of(home.get("/projects"))}
    assert {"Project 0", "Project 1"} <= names


def test_a_compressed_page_is_the_plain_one(visitor: Visitor):
    plain = visitor.get("/docs/errors", headers=PLAIN)
    packed = visitor.get("/docs/errors", headers=PACKED)

    assert packed.content == plain.content
    assert len(gzip.compress(plain.content)) < len(plain.content)


def test_metrics_name_their_charset_once(visitor: Visitor):
    answer = visitor.get("/metrics")

    assert answer.headers["content-type"].count("charset=") == 1
