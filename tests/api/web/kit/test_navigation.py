"""The main navigation: which page is marked, and what waits."""

import pytest

from api.web.kit.page import navigation
from tests.kit.visitor import Visitor


@pytest.mark.parametrize(
    ("path", "label"),
    (
        ("/", "Home"),
        ("/creators", "Creators"),
        ("/creators/0192f0c1/videos", "Creators"),
        ("/projects/0192f0c1/inbox", "Inbox"),
        ("/settings/keys", None),
        ("/compared", None),
    ),
)
def test_the_page_that_is_open_is_marked(path: str, label: str | None):
    current = [link.label for link in navigation(path) if link.is_current]

    assert current == ([label] if label else [])


def test_the_inbox_tells_how_much_waits_unless_nothing_does():
    some = {link.label: link.waiting for link in navigation("/", waiting=3)}
    none = {link.label: link.waiting for link in navigation("/", waiting=0)}

    assert some["Inbox"] == 3
    assert set(none.values()) == {None}


def test_every_page_links_to_the_documents_of_the_api(visitor: Visitor):
    page = visitor.see("/creators")

    assert [a.text for a in page.all("a", href="/docs")] == ["API documentation"] * 2
    for address in ("/docs", "/docs/errors"):
        assert visitor.get(address).status_code == 200
