"""The address of an erased person leaves the channels and reports that mail to it."""

import asyncio
from uuid import UUID

import pytest

from application.accounts import typed_addresses
from application.accounts.operators import erase, erase_again, register
from application.accounts.service import PersonAccounts
from application.erase.repeat_texts import repeat_forgettings
from application.integrity.kept_keys import key_faults
from application.mail.recipients import mails_subject
from domain import events as e
from domain.organization.errors import LastOwnerError
from domain.subjects import subject_of_texts
from infra.database import own_pool
from infra.embedded.processes import wait_until
from infra.keys.keyring import destroy
from tests.kit.application import Tenant, data_of
from tests.kit.builders import asking
from tests.kit.keys import MASTER_KEY
from tests.kit.mailing import Mailing
from tests.kit.patience import PATIENTLY
from tests.kit.people import Colleague, a_browser, member_of, owner_of

TEAM = "team@herd.example"


@pytest.fixture
def tenant(mailing: Mailing) -> Tenant:
    return mailing.goatherd.tenant()


def channel_to(tenant: Tenant, address: str) -> str:
    body = {"kind": "email", "name": "Ops", "address": address}
    return data_of(tenant.post("/channels", body), status=201)["id"]


def report_to(tenant: Tenant, *recipients: str) -> str:
    body = {"name": "Monday", "recipients": [*recipients]}
    return data_of(tenant.post("/reports", body), status=201)["id"]


def channels_of(tenant: Tenant) -> set[str]:
    return {row["id"] for row in data_of(tenant.get("/channels"))}


def recipients_of(tenant: Tenant, report_id: str) -> list[str]:
    tenant.goatherd.catch_up()
    return data_of(tenant.get(f"/reports/{report_id}"))["recipients"]


def waiting(tenant: Tenant, report_id: str, address: str) -> int:
    """The number of mails of a report that wait for an address."""
    goatherd = tenant.goatherd
    subject = mails_subject(goatherd.store.names, UUID(report_id), address)
    query = "SELECT count(*) FROM mails WHERE subject = %s"
    return goatherd.query(query, subject)[0][0]


def can_be_read(tenant: Tenant, report_id: str, address: str) -> bool:
    """Tell if the log or the table still has an address of a report."""
    goatherd = tenant.goatherd
    goatherd.catch_up()
    rows = goatherd.query("SELECT r::text FROM reports r WHERE id = %s", report_id)
    found = repr(goatherd.events(report_id)) + repr(rows)
    return address.casefold() in found.casefold()


def no_faults_of_keys(tenant: Tenant) -> bool:
    with tenant.goatherd.store.pool.connection() as connection:
        return key_faults(connection, MASTER_KEY) == []


def test_waiting_mails_end_as_a_removal_takes_the_address_out(
    mailing: Mailing, tenant: Tenant
):
    ben, cleo = member_of(tenant), member_of(tenant, "Cleo")
    reports = [report_to(tenant, TEAM, ben.email) for _ in range(3)]
    for report_id in reports:
        tenant.goatherd.catch_up()
        data_of(tenant.post(f"/reports/{report_id}/send"), status=201)
    out, over, kept = reports
    choices = {"take_out": [out], "hand_over": [over], "to": str(cleo.id)}

    data_of(tenant.ask("DELETE", f"/members/{ben.id}", json=choices))

    assert mailing.goatherd is tenant.goatherd
    assert [waiting(tenant, each, ben.email) for each in reports] == [0, 0, 1]
    assert [waiting(tenant, each, TEAM) for each in reports] == [1, 1, 1]
    assert recipients_of(tenant, over) == [TEAM, cleo.email]
    assert recipients_of(tenant, kept) == [TEAM, ben.email]


def test_channels_and_reports_mail_to_an_erased_person_no_more(
    mailing: Mailing, tenant: Tenant
):
    goatherd, stranger = mailing.goatherd, mailing.goatherd.tenant()
    ben = member_of(tenant)
    own, kept = channel_to(tenant, ben.email.upper()), channel_to(tenant, TEAM)
    elsewhere = channel_to(stranger, ben.email)
    waits = report_to(tenant, TEAM, ben.email.title())
    earlier, gone = report_to(tenant, ben.email), report_to(tenant, ben.email)
    others = report_to(tenant, TEAM)
    data_of(tenant.patch(f"/reports/{earlier}", {"recipients": [TEAM]}))
    data_of(tenant.delete(f"/reports/{gone}"))
    goatherd.append(
        waits,
        e.RecipientUnsubscribed(
            organization_id=tenant.organization_id, address="cleo@herd.example"
        ),
    )
    goatherd.catch_up()
    data_of(tenant.post(f"/reports/{waits}/send"), status=201)
    assert [waiting(tenant, waits, each) for each in (TEAM, ben.email)] == [1, 1]
    versions = len(goatherd.events(others))

    erase(goatherd.store, ben.id, context=asking())

    assert channels_of(tenant) == {kept}
    assert channels_of(stranger) == {elsewhere}
    query = "SELECT channel_id FROM channel_addresses WHERE channel_id = ANY(%s)"
    assert goatherd.query(query, [UUID(own), UUID(kept)]) == [(UUID(kept),)]
    assert [waiting(tenant, waits, each) for each in (TEAM, ben.email)] == [1, 0]
    for report_id in (waits, earlier, others):
        assert recipients_of(tenant, report_id) == [TEAM]
    shown = data_of(tenant.get(f"/reports/{waits}"))
    assert (shown["name"], shown["unsubscribed"]) == ("Monday", ["cleo@herd.example"])
    assert len(goatherd.events(others)) == versions
    # A process may hold a key for a second.
    for report_id in (waits, earlier, gone):
        assert wait_until(
            lambda of=report_id: not can_be_read(tenant, of, ben.email),
            seconds=PATIENTLY,
        )
    said = [row["summary"] for row in data_of(tenant.get("/audit"))]
    assert sum("hannel" in each and "removed" in each for each in said) == 1, said
    assert said.count("Earlier names and notes forgotten by test.") == 3, said
    assert said.count("Report changed: 1 recipient, by test.") == 1, said
    assert ben.email not in str(said)
    assert no_faults_of_keys(tenant)


def test_an_address_is_found_in_an_organization_that_the_person_left(tenant: Tenant):
    ben = member_of(tenant)
    channel, report = channel_to(tenant, ben.email), report_to(tenant, ben.email)
    data_of(tenant.delete(f"/members/{ben.id}"))
    assert channels_of(tenant) == {channel}
    assert recipients_of(tenant, report) == [ben.email]

    erase(tenant.goatherd.store, ben.id, context=asking())

    assert channels_of(tenant) == set()
    assert recipients_of(tenant, report) == []


def test_an_address_that_unsubscribed_is_forgotten(tenant: Tenant):
    ben = member_of(tenant)
    report = report_to(tenant, ben.email, TEAM)
    left = e.RecipientUnsubscribed(
        organization_id=tenant.organization_id, address=ben.email
    )
    tenant.goatherd.append(report, left)
    assert can_be_read(tenant, report, ben.email)

    erase(tenant.goatherd.store, ben.id, context=asking())

    assert recipients_of(tenant, report) == [TEAM]
    assert wait_until(
        lambda: not can_be_read(tenant, report, ben.email), seconds=PATIENTLY
    )


def test_the_last_owner_who_is_not_erased_keeps_their_mails(tenant: Tenant):
    ada = owner_of(tenant)
    channel, report = channel_to(tenant, ada.email), report_to(tenant, ada.email)

    with pytest.raises(LastOwnerError):
        erase(tenant.goatherd.store, ada.id, context=asking())

    assert channels_of(tenant) == {channel}
    assert recipients_of(tenant, report) == [ada.email]


def test_an_erasure_that_was_killed_is_completed_by_another_one(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
):
    goatherd, ben = tenant.goatherd, member_of(tenant)
    channel_to(tenant, ben.email)
    report = report_to(tenant, ben.email)

    class KilledError(Exception):
        pass

    def killed(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(typed_addresses, "_take_out_of_reports", killed)
        with pytest.raises(KilledError):
            erase(goatherd.store, ben.id, context=asking())
    assert channels_of(tenant) == set()
    assert recipients_of(tenant, report) == [ben.email]

    erase(goatherd.store, ben.id, context=asking())

    assert recipients_of(tenant, report) == []
    assert goatherd.events(str(ben.id))[-1] == e.PersonErased()


@pytest.mark.parametrize("has_forgotten", (True, False))
def test_older_data_with_newer_keys_lose_the_address_again(
    tenant: Tenant,
    has_forgotten: bool,  # noqa: FBT001 - of a parametrized test
):
    # Earlier releases erased people and left their address in channels and reports.
    goatherd, ben = tenant.goatherd, member_of(tenant)
    channel, report = channel_to(tenant, ben.email), report_to(tenant, ben.email, TEAM)
    goatherd.catch_up()
    of_texts = [UUID(channel), subject_of_texts("report", UUID(report), 0)]
    subjects = [ben.id, *of_texts * has_forgotten]
    with goatherd.store.pool.connection() as connection, connection.transaction():
        destroy(connection.cursor(), subjects)
    # The process of a restore holds no keys yet.
    goatherd.store.keyring.check()

    again = erase_again(goatherd.store, context=asking())
    repeat_forgettings(goatherd.store)

    assert ben.id in again
    assert channels_of(tenant) == set()
    query = "SELECT count(*) FROM channel_addresses WHERE channel_id = %s"
    assert goatherd.query(query, channel) == [(0,)]
    assert recipients_of(tenant, report) == ([] if has_forgotten else [TEAM])
    assert wait_until(
        lambda: not can_be_read(tenant, report, ben.email), seconds=PATIENTLY
    )
    assert no_faults_of_keys(tenant)


def renamed(tenant: Tenant, person: Colleague, *addresses: str) -> None:
    """Change the address of a person, as the page of their account does."""

    async def run() -> None:
        goatherd = tenant.goatherd
        async with own_pool(goatherd.url, size=1) as own:
            accounts = PersonAccounts(goatherd.store, own)
            for address in addresses:
                await accounts.change_email(
                    person.id, address, kept=None, client=a_browser()
                )

    asyncio.run(run())


def invited_by(tenant: Tenant, address: str) -> UUID:
    body = {"email": address, "role": "viewer"}
    return UUID(data_of(tenant.post("/invitations", body), status=201)["id"])


@pytest.mark.parametrize("are_kept", (True, False))
def test_former_addresses_are_forgotten_as_the_present_one_is(
    tenant: Tenant,
    are_kept: bool,  # noqa: FBT001 - of a parametrized test
):
    goatherd, elsewhere = tenant.goatherd, tenant.goatherd.tenant()
    ben = member_of(tenant)
    second, third = f"second.{ben.id}@example.com", f"third.{ben.id}@example.com"
    renamed(tenant, ben, second, third)
    if not are_kept:
        # Somebody who changed their address before hashes were kept.
        goatherd.query("DELETE FROM former_emails RETURNING 1")
    channel, report = channel_to(tenant, ben.email), report_to(tenant, second, TEAM)
    invited = invited_by(elsewhere, ben.email)

    erase(goatherd.store, ben.id, context=asking())

    assert channels_of(tenant) == set()
    assert recipients_of(tenant, report) == [TEAM]
    assert data_of(elsewhere.get("/invitations")) == []
    keys = "SELECT wrapped FROM subject_keys WHERE subject = ANY(%s)"
    assert set(goatherd.query(keys, [invited, UUID(channel)])) == {(None,)}
    query = "SELECT FROM former_emails WHERE person_id = %s"
    assert goatherd.query(query, ben.id) == []
    for address in (ben.email, second, third):
        assert wait_until(
            lambda of=address: not can_be_read(tenant, report, of), seconds=PATIENTLY
        )
    assert no_faults_of_keys(tenant)


def test_older_data_with_newer_keys_lose_former_addresses_again(tenant: Tenant):
    goatherd, ben = tenant.goatherd, member_of(tenant)
    renamed(tenant, ben, f"second.{ben.id}@example.com")
    report = report_to(tenant, ben.email, TEAM)
    with goatherd.store.pool.connection() as connection, connection.transaction():
        destroy(connection.cursor(), [ben.id])
    goatherd.store.keyring.check()

    assert ben.id in erase_again(goatherd.store, context=asking())

    assert recipients_of(tenant, report) == [TEAM]


def test_a_former_address_of_somebody_else_by_now_stays_theirs(tenant: Tenant):
    goatherd, ben = tenant.goatherd, member_of(tenant)
    renamed(tenant, ben, f"second.{ben.id}@example.com")
    register(goatherd.store, name="Cleo", email=ben.email, context=asking())
    report = report_to(tenant, ben.email)

    erase(goatherd.store, ben.id, context=asking())

    assert recipients_of(tenant, report) == [ben.email]
