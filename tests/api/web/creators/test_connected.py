"""/creators shows which creators have connected their own account."""

from uuid import uuid4

from api.web.creator.connection import is_local
from tests.kit.application import Tenant, data_of
from tests.kit.connections import waiting_consent
from tests.kit.markup import read
from tests.kit.visitor import Visitor


def connected(visitor: Visitor, path: str = "/creators") -> set[str]:
    """The handles of the rows that say so."""
    rows = visitor.see(path).one("tbody").all("tr")
    return {
        handle
        for row in rows
        for handle in ("ada", "bea", "cleo")
        if {f"@{handle}", "connected"} <= {*row.text.split()}
    }


def test_a_creator_is_marked_in_the_list_while_it_is_connected(
    visitor: Visitor, home: Tenant
):
    ada, bea = (home.add(handle)["id"] for handle in ("ada", "bea"))
    for creator_id, handle in ((ada, "ada"), (bea, "bea")):
        waiting_consent(home, creator_id, handle, str(uuid4()))
    data_of(home.post(f"/creators/{ada}/connection/accept"))
    home.goatherd.catch_up()

    assert connected(visitor) == {"ada"}
    (row,) = visitor.see("/creators?connected=true").one("tbody").all("tr")
    assert "@ada" in row.text
    assert connected(visitor, "/creators?connected=false") == set()
    data_of(home.delete(f"/creators/{ada}/connection"))
    home.goatherd.catch_up()
    assert connected(visitor) == set()


def test_who_may_only_read_is_not_given_a_link_to_use(home: Tenant):
    path = f"/creators/{home.add('linked.goat')['id']}/connect-links"
    made = data_of(home.post(path), status=201)
    home.goatherd.catch_up()

    (seen,) = data_of(home.with_key("read").get(path))

    assert seen == {**made, "url": None}
    assert data_of(home.get(path)) == [made]


def test_a_link_to_this_machine_says_that_a_creator_cannot_open_it(
    home: Tenant, visitor: Visitor
):
    creator_id = home.add("linked.goat")["id"]
    data_of(home.post(f"/creators/{creator_id}/connect-links"), status=201)
    home.goatherd.catch_up()

    at_home = {"Host": "localhost"}
    answer = visitor.get(f"/creators/{creator_id}/settings", headers=at_home)

    page = read(answer.text)
    link = page.one("input", id="connect-link")["value"]
    assert link.startswith("http://localhost/connect/")
    assert "open this link." in page.text


def test_an_address_of_this_machine_is_told_from_one_that_others_reach():
    ours = (
        "http://localhost/",
        "http://127.0.0.1:80/",
        "http://[::1]/",
        "http://a.localhost/",
    )
    others = (
        "https://goatherd.example/",
        "http://192.168.1.4:8000/",
        "http://127.org/",
    )

    assert [url for url in (*ours, *others) if is_local(url)] == [*ours]
