"""People sign in by an OpenID provider, and it says who may come in, and as what."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from application.accounts.forgotten import mail_password_link
from application.accounts.operators import erase, register
from application.accounts.service import PersonAccounts
from domain import commands as c
from domain import events as e
from domain.organization.handlers.members import add_member
from domain.organization.plans import Limits
from infra.embedded.processes import wait_until
from infra.eventstore.execute import execute
from infra.eventstore.store import Store
from infra.keys.person_secrets import set_password_hash
from infra.organizations import make_organization
from projections.organizations.projection import ApiKeys
from projections.people import People
from tests.kit.application import Goatherd, Tenant, ago, data_of, started
from tests.kit.builders import asking, opened_store
from tests.kit.databases import new_database
from tests.kit.markup import read
from tests.kit.openid import (
    CLIENT_ID,
    CLIENT_SECRET,
    MockProvider,
    mock_provider,
)
from tests.kit.patience import PATIENTLY
from tests.kit.people import COOKIE, added_member, owner_of
from tests.kit.visitor import Visitor

ROLES = {"herders": "member", "chiefs": "admin", "owners": "owner", "guests": "viewer"}
MAX_AGE = 3_600


class Directory(msgspec.Struct):
    """An installation whose people come from a provider, and their organization."""

    provider: MockProvider
    goatherd: Goatherd
    tenant: Tenant
    chosen: dict[str, Any]

    def knows(self, *groups: str, **claims: object) -> str:
        """Let the provider know somebody new; return its name for them."""
        subject = f"sub-{uuid4().hex}"
        self.says(subject, *groups, **claims)
        return subject

    def says(self, subject: str, *groups: str, **claims: object) -> None:
        said = {"email": f"{subject}@example.com", "name": "Ada Alm", **claims}
        self.provider.knows(subject, roles=list(groups), **said)

    def sent_back(self, visitor: Visitor, subject: str, *, after: str = "") -> str:
        """Go to the provider and prove who somebody is; return the way back."""
        answer = visitor.get(f"/sign-in/oidc{after}")
        assert answer.status_code == 303, answer.text
        return self.provider.sign_in(answer.headers["location"], subject)

    def sign_in(self, subject: str) -> Visitor:
        visitor = Visitor(self.goatherd)
        answer = visitor.get(self.sent_back(visitor, subject))
        assert answer.status_code == 303, answer.text
        return visitor

    def refused(self, visitor: Visitor, path: str) -> str:
        """The problem that a page names, and no session begins."""
        before = self.goatherd.query("SELECT count(*) FROM person_sessions")
        answer = visitor.get(path)
        assert answer.status_code == 403, answer.text
        assert COOKIE not in visitor.cookies
        assert before == self.goatherd.query("SELECT count(*) FROM person_sessions")
        page = read(answer.text)
        # A script takes the code out of the bar and the history.
        assert page.one("div", class_="gate card")["data-address"].startswith("/")
        return page.one("p", role="alert").text

    def member(self, subject: str) -> tuple[UUID, str, bool]:
        """The id, the role and the money of somebody who signed in once."""
        (row,) = self.goatherd.query(
            "SELECT person_id, role, money FROM members "
            "WHERE email = %s AND organization_id = %s AND removed_at IS NULL",
            f"{subject}@example.com",
            self.tenant.organization_id,
        )
        return row


@pytest.fixture(scope="module")
def directory(postgres_url: str, template_database: str) -> Iterator[Directory]:
    with (
        mock_provider() as provider,
        new_database(postgres_url, template=template_database) as url,
    ):
        with opened_store(url) as store:
            made = make_organization(
                store,
                name="Herd",
                plan="unlimited",
                time_zone="UTC",
                is_operator=True,
                context=asking(),
                in_transaction=lambda cursor, done: ApiKeys().write(
                    cursor, done.events
                ),
            )
        chosen: dict[str, Any] = {
            "oidc_issuer": provider.url,
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": CLIENT_SECRET,
            "oidc_organization": str(made.organization_id),
            "oidc_roles": msgspec.json.encode(ROLES).decode(),
            "oidc_max_age_seconds": str(MAX_AGE),
        }
        with started(url, **chosen) as goatherd:
            tenant = Tenant(
                goatherd,
                organization_id=made.organization_id,
                project_id=made.project_id,
                key_id=made.key_id,
                key=made.key,
            )
            goatherd.catch_up()
            yield Directory(provider, goatherd, tenant, chosen)


def test_somebody_new_gets_an_account_with_the_role_of_their_group(
    directory: Directory,
):
    subject = directory.knows("unknown", "guests", "herders")
    visitor = Visitor(directory.goatherd)

    button = visitor.see("/?next=%2Fcreators").one("a", class_="button primary wide")
    back = directory.sent_back(visitor, subject, after="?next=%2Fcreators")
    answer = visitor.get(back)
    (person_id, role, money) = directory.member(subject)

    host = directory.provider.url.removeprefix("http://")
    assert button.text == f"Sign in with {host}"
    assert button["href"] == "/sign-in/oidc?next=%2Fcreators"
    assert (answer.status_code, answer.headers["location"]) == (303, "/creators")
    # The highest of several roles counts.
    assert (role, money) == ("member", False)
    assert "Ada Alm" in visitor.see("/you").one("button", class_="account").text
    log = directory.goatherd.log(person_id)
    assert [(one.event, one.actor) for one in log] == [
        (
            e.PersonRegistered(name="Ada Alm", email=f"{subject}@example.com"),
            "directory",
        ),
        (e.SignInMethodChanged(method="oidc", change="added"), "directory"),
        (e.PersonSignedIn(method="oidc"), f"person:{person_id}"),
    ]


def test_a_key_of_somebody_whom_the_provider_does_not_know_any_more_ends(
    directory: Directory,
):
    subject = directory.knows("herders")
    directory.sign_in(subject)
    person_id, *_ = directory.member(subject)
    key = directory.tenant.with_key(person_id=person_id)
    other = added_member(
        directory.goatherd.store, directory.tenant.organization_id, role="member"
    )
    of_other = directory.tenant.with_key(person_id=other)

    def becomes(status: int, *, seconds_ago: int) -> bool:
        directory.goatherd.query(
            "UPDATE person_identities SET confirmed_at = "
            "now() - make_interval(secs => %s) WHERE person_id = %s",
            seconds_ago,
            person_id,
        )
        return wait_until(
            lambda: key.get("/creators").status_code == status, seconds=PATIENTLY
        )

    assert becomes(200, seconds_ago=MAX_AGE - 60)
    assert becomes(401, seconds_ago=MAX_AGE + 1)
    assert of_other.get("/creators").status_code == 200
    directory.sign_in(subject)
    assert wait_until(
        lambda: key.get("/creators").status_code == 200, seconds=PATIENTLY
    )
    # Somebody with a way in of their own does not depend on the provider.
    set_password(directory.goatherd.store, person_id)
    assert becomes(200, seconds_ago=MAX_AGE + 1)


def set_password(store: Store, person_id: UUID) -> None:
    with store.pool.connection() as connection:
        master_key = store.keyring.master_key(connection)
        set_password_hash(connection.cursor(), master_key, person_id, "hash")


def test_the_provider_is_asked_with_everything_that_guards_a_sign_in(
    directory: Directory,
):
    visitor = Visitor(directory.goatherd)
    answer = visitor.get("/sign-in/oidc", headers={"X-Forwarded-Proto": "https"})
    ahead = visitor.get("/sign-in/oidc", headers={"Sec-Purpose": "prefetch"})

    sent = dict(
        part.split("=", 1)
        for part in answer.headers["location"].partition("?")[2].split("&")
    )
    assert sent["redirect_uri"].endswith("%2Fsign-in%2Foidc%2Fcallback")
    assert sent["redirect_uri"].startswith("https%3A%2F%2F")
    assert (sent["response_type"], sent["code_challenge_method"]) == ("code", "S256")
    assert sent["scope"].startswith("openid")
    assert sent["max_age"] == str(MAX_AGE)
    assert {len(sent[one]) for one in ("state", "nonce", "code_challenge")} == {43}
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-goatherd_oidc=")
    for said in ("HttpOnly", "SameSite=Lax", "Secure", "Max-Age=600"):
        assert f"; {said}" in cookie
    assert "no-store" in answer.headers["cache-control"]
    assert (ahead.status_code, ahead.headers.get("set-cookie")) == (204, None)


def test_the_provider_sends_people_back_to_the_address_in_the_settings(
    directory: Directory,
):
    with started(
        directory.goatherd.url,
        adapt=lambda settings: msgspec.structs.replace(
            settings, url="https://goatherd.example.com"
        ),
        **directory.chosen,
    ) as goatherd:
        answer = Visitor(goatherd).get("/sign-in/oidc")

    back = "https%3A%2F%2Fgoatherd.example.com%2Fsign-in%2Foidc%2Fcallback"
    assert f"redirect_uri={back}&" in answer.headers["location"]


def test_the_role_follows_the_group_at_each_sign_in_and_ends_other_sessions(
    directory: Directory,
):
    subject = directory.knows("chiefs")
    first = directory.sign_in(subject)
    (person_id, role, _) = directory.member(subject)
    assert role == "admin"

    same = directory.sign_in(subject)
    assert first.get("/creators").status_code == 200
    directory.says(subject, "guests")
    now = directory.sign_in(subject)

    assert directory.member(subject)[:2] == (person_id, "viewer")
    assert [one.get("/creators").status_code for one in (first, same, now)] == [
        303,
        303,
        200,
    ]
    changed = directory.goatherd.log(directory.tenant.organization_id)[-1]
    assert changed.event == e.MemberChanged(person_id=person_id, role="viewer")
    assert changed.actor == "directory"


def test_the_last_owner_stays_an_owner(directory: Directory):
    first = directory.knows("owners")
    directory.sign_in(first)
    assert directory.member(first)[1:] == ("owner", True)
    directory.says(first, "guests")
    directory.sign_in(first)
    assert directory.member(first)[1] == "owner"

    directory.sign_in(directory.knows("owners"))
    directory.sign_in(first)

    assert directory.member(first)[1] == "viewer"


def test_nobody_gets_in_without_a_group_or_an_address(directory: Directory):
    goatherd, people = directory.goatherd, "SELECT count(*) FROM people"
    before = goatherd.query(people)
    for subject, why in (
        (directory.knows(), "in no group there"),
        (directory.knows("strangers"), "in no group there"),
        (directory.knows("herders", email="ada"), "did not say your email address"),
    ):
        visitor = Visitor(goatherd)
        said = directory.refused(visitor, directory.sent_back(visitor, subject))
        assert why in said
    assert goatherd.query(people) == before

    # The same holds for somebody who was in before.
    subject = directory.knows("herders")
    directory.sign_in(subject)
    directory.says(subject, "strangers")
    visitor = Visitor(goatherd)
    said = directory.refused(visitor, directory.sent_back(visitor, subject))
    assert "in no group there" in said


def test_the_plan_says_how_many_may_come_in(directory: Directory):
    goatherd, organization = directory.goatherd, directory.tenant.organization_id
    ((members,),) = goatherd.query(
        "SELECT count(*) FROM members WHERE organization_id = %s "
        "AND removed_at IS NULL",
        organization,
    )
    plans = {"tight": Limits(max_members_per_org=members + 1)}
    goatherd.append(organization, e.PlanChanged(old="unlimited", new="tight"))
    invited, stranger = directory.knows("herders"), directory.knows("herders")
    email = f"{invited}@example.com"
    invitation = e.InvitationMade(
        id=uuid4(), email=email, role="viewer", expires_at=ago(-7)
    )
    goatherd.append(organization, invitation)
    goatherd.catch_up()
    try:
        with started(
            goatherd.url,
            adapt=lambda settings: msgspec.structs.replace(settings, plans=plans),
            **directory.chosen,
        ) as tight:
            narrow = msgspec.structs.replace(directory, goatherd=tight)
            visitor = Visitor(tight)
            said = narrow.refused(visitor, narrow.sent_back(visitor, stranger))
            # The invitation had the last place, and leaves it to the person.
            narrow.sign_in(invited)
            narrow.sign_in(invited)
    finally:
        goatherd.append(organization, e.PlanChanged(old="tight", new="unlimited"))
        goatherd.catch_up()

    assert f"The plan allows {members + 1} members" in said
    assert directory.member(invited)[1] == "member"
    assert e.InvitationWithdrawn(id=invitation.id) in goatherd.events(organization)


def test_a_sign_in_belongs_to_one_browser_and_works_once(directory: Directory):
    subject = directory.knows("herders")
    visitor, other = Visitor(directory.goatherd), Visitor(directory.goatherd)
    back = directory.sent_back(visitor, subject)
    directory.sent_back(other, subject)
    cookies = dict(visitor.cookies)

    assert "another browser" in directory.refused(other, back)
    assert "another browser" in directory.refused(Visitor(directory.goatherd), back)
    wrong = back.replace("state=", "state=x")
    assert "another browser" in directory.refused(visitor, wrong)
    assert visitor.get(back).status_code == 303
    # The cookie is gone with the first use, and a copy of it is worth nothing.
    thief = Visitor(directory.goatherd)
    thief.cookies = cookies
    fresh = directory.provider.sign_in(page_at(directory, back), subject)
    for path in (back, fresh):
        thief.cookies = dict(cookies)
        assert "used already" in directory.refused(thief, path)


def page_at(directory: Directory, back: str) -> str:
    """The provider's page for a sign-in that went through already."""
    state = back.partition("state=")[2].partition("&")[0]
    return (
        f"{directory.provider.url}/oauth2/authorize?response_type=code&nonce=goat"
        f"&client_id={CLIENT_ID}&scope=openid&state={state}"
        "&redirect_uri=http%3A%2F%2Ftestserver%2Fsign-in%2Foidc%2Fcallback"
    )


def test_two_answers_at_once_begin_one_session(directory: Directory):
    subject = directory.knows("herders")
    visitor = Visitor(directory.goatherd)
    back = directory.sent_back(visitor, subject)
    twins = [Visitor(directory.goatherd) for _ in range(4)]
    for twin in twins:
        twin.cookies = dict(visitor.cookies)

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda one: one.get(back).status_code, twins))

    assert sorted(answers) == [303, 403, 403, 403]


def test_one_person_in_two_browsers_at_once_gets_one_account(directory: Directory):
    subject = directory.knows("herders")
    visitors = [Visitor(directory.goatherd) for _ in range(4)]
    ways = [directory.sent_back(visitor, subject) for visitor in visitors]

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda v, p: v.get(p).status_code, visitors, ways))

    assert answers == [303] * 4
    directory.member(subject)


def test_an_answer_of_another_issuer_and_a_refusal_sign_nobody_in(
    directory: Directory,
):
    subject = directory.knows("herders")
    visitor = Visitor(directory.goatherd)
    back = directory.sent_back(visitor, subject)
    evil = f"{back}&iss=https%3A%2F%2Fevil.example.com"
    assert "can't be trusted" in directory.refused(visitor, evil)

    answer = visitor.get("/sign-in/oidc")
    denied = directory.provider.deny(answer.headers["location"])
    if "state=" not in denied:
        # The mock leaves out what a provider must say.
        denied += "&state=" + answer.headers["location"].partition("state=")[2][:43]
    assert "did not sign you in" in directory.refused(visitor, denied)


def test_a_session_ends_when_the_provider_has_to_be_asked_again(directory: Directory):
    subject = directory.knows("herders")
    visitor = directory.sign_in(subject)
    goatherd, (person_id, _, _) = directory.goatherd, directory.member(subject)
    ((seconds,),) = goatherd.query(
        "SELECT extract(epoch FROM ends_at - created_at) FROM person_sessions "
        "WHERE person_id = %s",
        person_id,
    )
    assert seconds == MAX_AGE
    assert visitor.get("/creators").status_code == 200

    goatherd.query(
        "UPDATE person_sessions SET ends_at = now() WHERE person_id = %s", person_id
    )
    # Another process knows nothing of the session yet.
    with started(goatherd.url) as another:
        visitor_there = Visitor(another)
        visitor_there.cookies = dict(visitor.cookies)
        assert visitor_there.get("/creators").status_code == 303


def test_somebody_who_was_removed_or_erased_has_to_be_let_in_again(
    directory: Directory,
):
    goatherd, organization = directory.goatherd, directory.tenant.organization_id
    subject = directory.knows("herders")
    directory.sign_in(subject)
    (person_id, _, _) = directory.member(subject)
    goatherd.append(organization, e.MemberRemoved(person_id=person_id))
    goatherd.catch_up()
    visitor = Visitor(goatherd)
    said = directory.refused(visitor, directory.sent_back(visitor, subject))
    assert "removed you" in said

    add = c.AddMember(person_id=person_id, role="viewer")
    execute(
        goatherd.store,
        lambda: add_member(organization, add),
        context=asking(),
        in_transaction=lambda cursor, done: People().write(cursor, done.events),
    )
    directory.sign_in(subject)
    assert directory.member(subject)[:2] == (person_id, "member")

    erase(goatherd.store, person_id, context=asking())
    assert (
        goatherd.query("SELECT FROM person_identities WHERE person_id = %s", person_id)
        == []
    )
    directory.sign_in(subject)
    assert directory.member(subject)[0] != person_id


def test_the_address_of_somebody_invited_who_comes_by_the_provider_is_forgotten(
    directory: Directory,
):
    goatherd, subject = directory.goatherd, directory.knows("herders")
    invitation = {"email": f"{subject}@example.com", "role": "viewer"}
    sent = data_of(directory.tenant.post("/invitations", invitation), status=201)

    directory.sign_in(subject)

    links = "SELECT FROM invitation_links WHERE invitation_id = %s"
    keys = "SELECT wrapped FROM subject_keys WHERE subject = %s"
    assert goatherd.query(links, sent["id"]) == []
    assert goatherd.query(keys, sent["id"]) == [(None,)]


def test_somebody_elses_address_gives_nobody_their_account(directory: Directory):
    email = f"ben.{uuid4().hex}@example.com"
    ben = register(directory.goatherd.store, name="Ben", email=email, context=asking())
    subject = directory.knows("owners", email=email.upper(), email_verified=True)
    visitor = Visitor(directory.goatherd)

    said = directory.refused(visitor, directory.sent_back(visitor, subject))

    assert "an account here with your email address" in said
    assert (
        directory.goatherd.query(
            "SELECT FROM person_identities WHERE person_id = %s", ben
        )
        == []
    )


def test_an_address_that_both_sides_confirmed_joins_an_account(
    directory: Directory,
):
    goatherd, organization = directory.goatherd, directory.tenant.organization_id
    ada = owner_of(goatherd.tenant())
    goatherd.append(ada.id, e.EmailConfirmed())
    subject = directory.knows("chiefs", email=ada.email.upper(), email_verified=True)
    visitor = directory.sign_in(subject)
    directory.sign_in(subject)

    assert goatherd.query(
        "SELECT role, removed_at FROM members "
        "WHERE person_id = %s AND organization_id = %s",
        *(ada.id, organization),
    ) == [("admin", None)]
    assert ada.name in visitor.see("/you").one("button", class_="account").text
    events = goatherd.events(ada.id)
    assert events.count(e.SignInMethodChanged(method="oidc", change="added")) == 1
    # A second identity with the address is somebody else's.
    other = directory.knows("chiefs", email=ada.email, email_verified=True)
    directory.refused(Visitor(goatherd), directory.sent_back(visitor, other))


def test_an_address_that_one_side_did_not_confirm_joins_nobody(
    directory: Directory, subtests: pytest.Subtests
):
    goatherd = directory.goatherd
    confirmed, moved = e.EmailConfirmed(), e.EmailChanged(email="new@example.com")
    for name, events, verified in (
        ("neither here", (), True),
        ("nor there", (confirmed,), False),
        ("another address by now", (confirmed, moved), True),
        ("said as a text", (confirmed,), "true"),
    ):
        email = f"ben.{uuid4().hex}@example.com"
        ben = register(goatherd.store, name="Ben", email=email, context=asking())
        for event in events:
            goatherd.append(ben, event)
        subject = directory.knows("owners", email=email, email_verified=verified)
        visitor = Visitor(goatherd)
        with subtests.test(name):
            said = directory.refused(visitor, directory.sent_back(visitor, subject))
            assert "an account here with your email address" in said
            assert goatherd.events(ben)[1:] == [*events]


def test_somebody_who_was_removed_does_not_join_again_by_their_address(
    directory: Directory,
):
    goatherd, organization = directory.goatherd, directory.tenant.organization_id
    email = f"ben.{uuid4().hex}@example.com"
    ben = register(goatherd.store, name="Ben", email=email, context=asking())
    goatherd.append(ben, e.EmailConfirmed())
    goatherd.append(organization, e.MemberAdded(person_id=ben, role="viewer"))
    goatherd.append(organization, e.MemberRemoved(person_id=ben))
    subject = directory.knows("owners", email=email, email_verified=True)
    visitor = Visitor(goatherd)

    said = directory.refused(visitor, directory.sent_back(visitor, subject))

    assert "removed you" in said
    identities = "SELECT FROM person_identities WHERE person_id = %s"
    assert goatherd.query(identities, ben) == []


def test_a_forgotten_password_gives_nobody_one_past_the_provider(
    directory: Directory,
):
    subject, store = directory.knows("herders"), directory.goatherd.store
    directory.sign_in(subject)
    ben = register(store, name="Ben", email=f"x{subject}@a.example", context=asking())

    mail_password_link(store, f"{subject}@example.com")
    mail_password_link(store, f"x{subject}@a.example")

    links = directory.goatherd.query("SELECT person_id FROM password_links")
    assert links == [(ben,)]


def test_somebody_who_only_comes_by_the_provider_confirms_their_address_on_you(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(PersonAccounts, "can_mail", True)
    subject = directory.knows("herders")
    visitor = directory.sign_in(subject)
    (ben, *_) = directory.member(subject)

    def card() -> tuple[str, list[str]]:
        section = visitor.see("/you").one("section", aria_labelledby="email-title")
        return section.text, [form["action"] for form in section.all("form")]

    text, actions = card()
    assert "not confirmed" in text
    # The address is that of the provider, so nothing changes it here.
    assert actions == ["/you/email/link"]
    directory.goatherd.append(ben, e.EmailConfirmed())
    directory.goatherd.catch_up()
    text, actions = card()
    assert f"{subject}@example.com" in text
    assert actions == []


def test_a_person_connects_their_account_on_the_page_you_and_disconnects_it(
    directory: Directory,
):
    ada = owner_of(directory.goatherd.tenant())
    subject = directory.knows("herders", email=ada.email)

    def way_back() -> str:
        left = ada.browser.submit(ada.browser.see("/you"), "/you/oidc/connect")
        address = read(left.text).one("a", class_="button primary wide")["href"]
        assert "prompt=login" in address
        return directory.provider.sign_in(address, subject)

    # The answer connects nobody who is not signed in any more.
    back = way_back()
    gone = Visitor(directory.goatherd)
    gone.cookies = {k: v for k, v in ada.browser.cookies.items() if k != COOKIE}
    assert "another browser" in directory.refused(gone, back)
    arrived = ada.browser.get(way_back())
    assert (arrived.status_code, arrived.headers["location"]) == (303, "/you")

    visitor = directory.sign_in(subject)
    assert ada.name in visitor.see("/you").one("button", class_="account").text

    page = ada.browser.see("/you")
    done = ada.browser.submit(page, "/you/oidc/disconnect")
    assert done.status_code == 303
    assert [
        one
        for one in directory.goatherd.events(ada.id)
        if "Method" in type(one).__name__
    ][1:] == [
        e.SignInMethodChanged(method="oidc", change="added"),
        e.SignInMethodChanged(method="oidc", change="removed"),
    ]
    again = Visitor(directory.goatherd)
    said = directory.refused(again, directory.sent_back(again, subject))
    assert "an account here with your email address" in said


def test_an_identity_is_of_one_person_and_the_only_way_in_stays(directory: Directory):
    subject = directory.knows("herders")
    visitor = directory.sign_in(subject)
    page = visitor.see("/you")
    # Without a password there is nothing to disconnect with, on the page or past it.
    assert page.all("form", action="/you/oidc/disconnect") == []
    csrf = visitor.csrf_in("/you")
    visitor.post("/you/oidc/disconnect", {"csrf": csrf})
    assert "last way to sign in" in visitor.see("/you").text

    ada = owner_of(directory.goatherd.tenant())
    left = ada.browser.submit(ada.browser.see("/you"), "/you/oidc/connect")
    address = read(left.text).one("a", class_="button primary wide")["href"]
    answer = ada.browser.get(directory.provider.sign_in(address, subject))
    assert (answer.status_code, answer.headers["location"]) == (303, "/you")
    assert "connected with a person already" in ada.browser.see("/you").text
    directory.sign_in(subject)


def test_without_the_settings_there_is_no_such_way(goatherd: Goatherd):
    visitor = Visitor(goatherd)

    for path in ("/sign-in/oidc", "/sign-in/oidc/callback?code=x&state=y"):
        assert visitor.get(path).status_code == 404
    assert "Sign in with 1" not in visitor.get("/").text
