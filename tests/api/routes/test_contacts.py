"""The contact address of a creator: set by writers, hidden from others, erased."""

from uuid import uuid4

from domain import events as e
from tests.kit.application import Goatherd, Tenant, code_of, data_of

EMAIL = "ada.of.goats@herd.example"


def test_a_contact_address_is_shown_to_writers_and_in_personal_data_alone(
    goatherd: Goatherd, home: Tenant
):
    creator = home.add(f"goat.{uuid4().hex[:12]}")
    path = f"/creators/{creator['id']}"
    set_ = home.patch(
        path, {"contact_email": f" {EMAIL} "}, headers={"If-Match": '"1"'}
    )
    goatherd.catch_up()

    assert data_of(set_)["version"] == 2
    shown = data_of(home.get(f"{path}/contact"))
    assert shown == {
        "creator_id": creator["id"],
        "contact_email": EMAIL,
        "opted_out_at": None,
    }
    reader = home.with_key("read")
    assert code_of(reader.get(f"{path}/contact")) == (403, "insufficient_scope")
    assert data_of(home.get(f"{path}/personal-data"))["contact_email"] == EMAIL
    history = data_of(home.get(f"{path}/history"))
    assert history[0]["summary"].startswith("Contact address set by ")
    elsewhere = (
        *(home.get(each).text for each in (path, f"{path}/history", "/events")),
        *(home.get(each).text for each in ("/activity", "/audit", "/creators")),
        set_.text,
        *(
            row
            for (row,) in goatherd.query(
                "SELECT t::text FROM goatherd_events t UNION ALL "
                "SELECT t::text FROM creator_contacts t UNION ALL "
                "SELECT t::text FROM creator_list t"
            )
        ),
    )
    assert not [text for text in elsewhere if "ada.of.goats" in text]
    # The reading of this stream is that of the log: the event has no address.
    (changed,) = [
        event
        for event in goatherd.events(creator["id"])
        if isinstance(event, e.CreatorContactChanged)
    ]
    assert changed.has_address
    data_of(home.patch(path, {"contact_email": None}))
    assert data_of(home.get(f"{path}/contact"))["contact_email"] is None


def test_what_is_no_address_is_refused_and_strangers_find_nothing(
    goatherd: Goatherd, home: Tenant, stranger: Tenant
):
    creator = home.add(f"goat.{uuid4().hex[:12]}")
    path = f"/creators/{creator['id']}"
    goatherd.catch_up()

    wrong = home.patch(path, {"contact_email": "nobody at home"})

    assert code_of(wrong) == (400, "invalid_body")
    assert wrong.json()["meta"]["fields"][0]["path"] == "/contact_email"
    assert code_of(stranger.get(f"{path}/contact")) == (404, "not_found")
    assert code_of(stranger.patch(path, {"contact_email": EMAIL})) == (404, "not_found")


def test_an_erasure_removes_the_contact_address(goatherd: Goatherd, home: Tenant):
    creator = home.add(f"goat.{uuid4().hex[:12]}")
    path = f"/creators/{creator['id']}"
    data_of(home.patch(path, {"contact_email": EMAIL}))
    goatherd.catch_up()

    data_of(home.post(f"{path}/erase", {"confirm": creator["tiktok_handle"]}))

    left = goatherd.query(
        "SELECT count(*) FROM creator_contacts WHERE creator_id = %s", creator["id"]
    )
    assert left == [(0,)]
    assert data_of(home.get(f"{path}/personal-data"))["contact_email"] is None
    assert code_of(home.patch(path, {"contact_email": EMAIL})) == (410, "gone")
