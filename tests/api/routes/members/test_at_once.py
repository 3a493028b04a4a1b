"""Two requests at once about members: both decide before either is stored."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import count
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from application.accounts.invitations import follow_members
from application.accounts.operators import erase
from domain import commands as c
from domain import events as e
from domain.errors import DomainError
from domain.organization.decider import organization_of
from infra.eventstore.store import RecordedEvent, Store
from tests.kit.application import Goatherd, Tenant, ago, code_of, data_of, settings_for
from tests.kit.builders import asking
from tests.kit.commands import change_organization
from tests.kit.markup import read
from tests.kit.patience import PATIENTLY
from tests.kit.people import (
    PASSWORD,
    Colleague,
    a_browser,
    added_member,
    member_of,
    with_joining,
)

Act = Callable[[], str]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Callable[[Act, Act], list[str]]:
    """Let two people act at once: the first append of each waits for the other's."""
    append = Store.append

    def run(*acts: Act) -> list[str]:
        barrier, appends = Barrier(len(acts)), count()

        def met(store: Store, *given: Any, **named: Any) -> list[RecordedEvent]:  # noqa: ANN401 - of append
            if next(appends) < len(acts):
                barrier.wait(PATIENTLY)
            return append(store, *given, **named)

        with monkeypatch.context() as patched, ThreadPoolExecutor(len(acts)) as threads:
            patched.setattr(Store, "append", met)
            return sorted(threads.map(lambda act: act(), acts))

    return run


def refusal_of(act: Callable[[], object]) -> str:
    """The code with which something is refused, or "ok"."""
    try:
        act()
    except DomainError as refusal:
        return refusal.code
    return "ok"


def address() -> str:
    return f"ben.{uuid4().hex}@example.com"


def invite(home: Tenant, email: str) -> dict[str, Any]:
    sent = home.post("/invitations", {"email": email, "role": "viewer"})
    return data_of(sent, status=201)


def answered(answer: httpx.Response) -> str:
    status, code = code_of(answer)
    return code or ("ok" if answer.is_success else str(status))


def test_of_two_answers_to_one_invitation_one_counts(
    home: Tenant,
    stranger: Tenant,
    at_once: Callable[[Act, Act], list[str]],
    subtests: pytest.Subtests,
):
    def accept(token: str, key: Tenant) -> str:
        return answered(key.post("/invitations/accept", {"token": token}))

    def decline(token: str, _: Tenant) -> str:
        return answered(home.post("/invitations/decline", {"token": token}))

    for name, second in (("accept", accept), ("decline", decline)):
        with subtests.test(name):
            ben = member_of(stranger)
            key = stranger.with_key("read", person_id=ben.id)
            sent = invite(home, ben.email)
            token = sent["link"].rpartition("/")[2]

            answers = at_once(partial(accept, token, key), partial(second, token, key))

            assert answers == ["gone", "ok"]
            ended = [
                event
                for event in home.goatherd.events(home.organization_id)
                if getattr(event, "id", None) == UUID(sent["id"])
            ]
            assert len(ended) == 2
            assert data_of(home.get("/invitations")) == []


def test_of_two_who_register_with_one_link_one_gets_in(
    home: Tenant, at_once: Callable[[Act, Act], list[str]]
):
    sent = invite(home, address())
    token = sent["link"].rpartition("/")[2]

    def join() -> str:
        return refusal_of(
            lambda: with_joining(
                home.goatherd,
                lambda joining: joining.join(
                    token, name="Ben", password=PASSWORD, client=a_browser()
                ),
            )
        )

    assert at_once(join, join) == ["gone", "ok"]
    assert len(data_of(home.get("/members"))) == 1
    assert home.goatherd.query(
        "SELECT count(*) FROM people WHERE email = %s", sent["email"]
    ) == [(1,)]


def test_the_last_place_of_the_plan_is_taken_once(
    goatherd: Goatherd,
    at_once: Callable[[Act, Act], list[str]],
    subtests: pytest.Subtests,
):
    def invited(small: Tenant, _: UUID) -> str:
        body = {"email": address(), "role": "viewer"}
        return answered(small.post("/invitations", body))

    def sent_again(small: Tenant, expired: UUID) -> str:
        return answered(small.post(f"/invitations/{expired}/resend"))

    for name, second in (("invite", invited), ("resend", sent_again)):
        with subtests.test(name):
            small = goatherd.tenant(plan="free")
            member_of(small)
            expired = UUID(invite(small, address())["id"])
            goatherd.append(
                small.organization_id,
                e.InvitationSentAgain(id=expired, expires_at=ago(1)),
            )

            answers = at_once(
                partial(invited, small, expired), partial(second, small, expired)
            )

            assert answers == ["limit_reached", "ok"]
            organization = organization_of(goatherd.events(small.organization_id))
            assert organization is not None
            now = datetime.now(UTC)
            valid = [
                one for one in organization.invitations.values() if one.expires_at > now
            ]
            assert len(organization.members) + len(valid) == 2


def test_of_two_owners_who_go_at_once_one_stays(
    goatherd: Goatherd,
    at_once: Callable[[Act, Act], list[str]],
    subtests: pytest.Subtests,
):
    store = goatherd.store

    def changed(organization_id: UUID, command: c.OrganizationCommand) -> str:
        return refusal_of(
            lambda: change_organization(
                store,
                organization_id,
                command,
                plans=settings_for(goatherd.url).all_plans,
                context=asking(),
                in_transaction=lambda cursor, done: follow_members(cursor, done.events),
            )
        )

    def step_down(organization_id: UUID, one: UUID, _: UUID) -> str:
        command = c.ChangeMember(person_id=one, role="viewer", by=one)
        return changed(organization_id, command)

    def leave(organization_id: UUID, one: UUID, _: UUID) -> str:
        return changed(organization_id, c.RemoveMember(person_id=one, by=one))

    def remove_the_other(organization_id: UUID, one: UUID, other: UUID) -> str:
        return changed(organization_id, c.RemoveMember(person_id=other, by=one))

    def be_erased(_: UUID, one: UUID, __: UUID) -> str:
        return refusal_of(lambda: erase(store, one, context=asking()))

    for first, second, refusal in (
        (step_down, step_down, "last_owner"),
        (leave, step_down, "last_owner"),
        (be_erased, leave, "last_owner"),
        (be_erased, be_erased, "last_owner"),
        (remove_the_other, remove_the_other, "insufficient_scope"),
    ):
        with subtests.test(f"{first.__name__}, {second.__name__}"):
            tenant = goatherd.tenant()
            of = tenant.organization_id
            ada, ben = (
                added_member(store, of, role="owner"),
                added_member(store, of, role="owner"),
            )

            answers = at_once(
                partial(first, of, ada, ben), partial(second, of, ben, ada)
            )

            assert answers == sorted(["ok", refusal])
            members = data_of(tenant.get("/members"))
            assert [member["role"] for member in members].count("owner") == 1


def test_an_admin_who_was_removed_meanwhile_reads_so_on_a_page(
    home: Tenant, at_once: Callable[[Act, Act], list[str]]
):
    ben, cleo = member_of(home, role="admin"), member_of(home, "Cleo", role="admin")
    csrf = {one.id: one.browser.csrf_in("/members") for one in (ben, cleo)}

    def remove(one: Colleague, other: Colleague) -> str:
        path, form = f"/members/{other.id}/remove", {"csrf": csrf[one.id]}
        answer = one.browser.post(path, form)
        return read(answer.text).one("h1").text if answer.is_error else "ok"

    answers = at_once(partial(remove, ben, cleo), partial(remove, cleo, ben))

    said = "You are no owner or admin of the organization any more."
    assert answers == [said, "ok"]
