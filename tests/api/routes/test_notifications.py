"""The bell: everybody has the news that are theirs, and their own marks."""

from uuid import UUID

from application.accounts.operators import erase
from application.notifications.news import notify, prune
from domain.organization.roles import scopes_of
from tests.api.http.test_limited_people import limited_to, limits
from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.builders import asking
from tests.kit.people import owner_of

__all__ = ["limits"]


def tell(tenant: Tenant, title: str, **fields: object) -> UUID:
    with tenant.goatherd.store.pool.connection() as connection:
        return notify(
            connection.cursor(),
            tenant.organization_id,
            kind="news",
            title=title,
            **fields,  # pyright: ignore[reportArgumentType]
        )


def shown(tenant: Tenant) -> dict[str, bool]:
    rows = data_of(tenant.get("/notifications"))
    return {row["title"]: row["is_read"] for row in rows}


def unread(tenant: Tenant) -> int:
    return tenant.get("/notifications").json()["meta"]["unreadCount"]


def test_a_key_has_marks_of_its_own(home: Tenant) -> None:
    other = home.with_key("read")
    ids = [tell(home, title) for title in ("One", "Two", "Three")]

    left = data_of(home.post("/notifications/read", {"ids": [str(ids[0])]}))

    assert left == {"unread_count": 2}
    assert shown(home) == {"Three": False, "Two": False, "One": True}
    assert (unread(home), unread(other)) == (2, 3)
    assert data_of(other.post("/notifications/read")) == {"unread_count": 0}
    assert (unread(home), unread(other)) == (2, 0)
    assert set(shown(other).values()) == {True}


def test_pages_of_news_follow_each_other_and_count_all(home: Tenant) -> None:
    for number in range(5):
        tell(home, str(number))

    rows = [row["title"] for row in home.every("/notifications", limit=2)]

    assert rows == ["4", "3", "2", "1", "0"]
    assert home.get("/notifications?limit=2").json()["meta"]["unreadCount"] == 5


def test_news_for_admins_and_for_a_person_are_not_for_others(
    goatherd: Goatherd,
) -> None:
    tenant = goatherd.tenant()
    owner = owner_of(tenant)
    viewer, own = tenant.with_key(*scopes_of("viewer")), owner.browser
    tell(tenant, "For all")
    tell(tenant, "For admins", for_admins=True)
    tell(tenant, "For Ada", person_id=owner.id)

    assert shown(tenant) == {"For admins": False, "For all": False}
    assert shown(viewer) == {"For all": False}
    assert own.get("/").status_code == 200
    marked = viewer.post("/notifications/read", {})
    assert data_of(marked) == {"unread_count": 0}
    assert unread(tenant) == 2
    erase(goatherd.store, owner.id, even_last_owner=True, context=asking())
    left = goatherd.query(
        "SELECT title FROM notifications WHERE organization_id = %s ORDER BY at",
        tenant.organization_id,
    )
    assert left == [("For all",), ("For admins",)]


def test_limited_people_have_the_news_of_their_projects(
    home: Tenant, limits: dict[UUID, frozenset[UUID]]
) -> None:
    second = data_of(home.post("/projects", {"name": "Rival"}), status=201)
    home.goatherd.catch_up()
    person = limited_to(home, limits, home.project_id)
    tell(home, "For everybody")
    tell(home, "In the other project", project_id=UUID(second["id"]))
    mine = tell(home, "In their project", project_id=home.project_id)

    assert shown(person) == {"In their project": False}
    assert unread(person) == 1
    data_of(person.post("/notifications/read", {}))
    marked = home.goatherd.query(
        "SELECT notification_id FROM notification_reads WHERE organization_id = %s",
        home.organization_id,
    )
    assert marked == [(mine,)]


def test_news_of_another_organization_are_not_there(goatherd: Goatherd) -> None:
    mine, other = goatherd.tenant(), goatherd.tenant()
    theirs = tell(other, "Theirs")

    answer = mine.post("/notifications/read", {"ids": [str(theirs)]})

    assert data_of(answer) == {"unread_count": 0}
    assert shown(mine) == {}
    assert shown(other) == {"Theirs": False}


def test_news_are_deleted_with_their_marks_after_30_days(home: Tenant) -> None:
    tell(home, "Old")
    data_of(home.post("/notifications/read", {}))
    tell(home, "New")
    with home.goatherd.store.pool.connection() as connection:
        connection.execute(
            "UPDATE notifications SET at = now() - interval '31 days' "
            "WHERE title = 'Old' AND organization_id = %s",
            (home.organization_id,),
        )

    assert prune(home.goatherd.store.pool) >= 1

    assert shown(home) == {"New": False}
    marks = home.goatherd.query(
        "SELECT count(*) FROM notification_reads WHERE organization_id = %s",
        home.organization_id,
    )
    assert marks == [(0,)]
