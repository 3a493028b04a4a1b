import asyncio
from collections.abc import Iterator

import pytest
from litestar import Litestar, get
from litestar.testing import TestClient

from api.http.access.auth import Authenticator, Principal
from api.http.access.failed_logins import FailedLogins
from api.http.errors import ApiError
from api.http.request import Request
from api.http.responses import Answer
from domain.events import Scope
from tests.kit.tiny_app import NOTE_ID, Keyring, tiny_app

NOTES = "/api/v1/notes"
A_KEY = f"tga_{1:064x}"


class Clock:
    """A clock that only moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(keyring: Keyring, clock: Clock) -> Iterator[TestClient[Litestar]]:
    with TestClient(tiny_app(keyring, clock=clock)) as client:
        yield client


@pytest.mark.parametrize(
    "header",
    (
        A_KEY,
        "Bearer",
        "Bearer ",
        f"Basic {A_KEY}",
        f"Bearer {A_KEY} ",
        f"Bearer {A_KEY}0",
        f"Bearer {A_KEY[:-1]}",
        f"Bearer {A_KEY.upper()}",
        f"Bearer TGA_{1:064x}",
        f"Bearer {A_KEY},Bearer {A_KEY}",
        f"Bearer tga_{2:064x}",
        f"Bearer tgb_{1:064x}",
    ),
)
def test_whatever_is_no_key_that_works_is_answered_alike(
    client: TestClient[Litestar], keyring: Keyring, header: str
):
    keyring.add(1, "read")

    answer = client.get(NOTES, headers={"Authorization": header})

    assert answer.status_code == 401
    assert answer.json()["error"] == "Invalid or missing API key."
    assert answer.json()["meta"]["code"] == "invalid_api_key"
    assert answer.headers["WWW-Authenticate"] == (
        'Bearer realm="goatherd", error="invalid_token"'
    )


def test_without_a_key_the_client_is_told_how_to_send_one(
    client: TestClient[Litestar],
):
    answer = client.get(NOTES)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="goatherd"'


def test_the_name_of_the_scheme_may_be_written_in_any_case(
    client: TestClient[Litestar], keyring: Keyring
):
    keyring.add(1, "read")

    answer = client.get(NOTES, headers={"Authorization": f"bEaReR  {A_KEY}"})

    assert answer.status_code == 200


@pytest.mark.parametrize("granted", ((), ("read",), ("write",), ("read", "admin")))
def test_an_operation_needs_exactly_its_scope(
    client: TestClient[Litestar], keyring: Keyring, granted: tuple[Scope, ...]
):
    header = keyring.add(1, *granted)

    statuses: dict[Scope, int] = {
        "read": client.get(NOTES, headers=header).status_code,
        "write": client.post(NOTES, json={"text": "milk"}, headers=header).status_code,
        "admin": client.put("/api/v1/names/ada", headers=header).status_code,
    }

    assert statuses == {
        scope: (201 if scope == "write" else 200) if scope in granted else 403
        for scope in ("read", "write", "admin")
    }


def test_a_key_without_the_scope_is_told_which_it_has(
    client: TestClient[Litestar], keyring: Keyring
):
    header = keyring.add(1, "read", "admin")

    answer = client.delete(f"{NOTES}/{NOTE_ID}", headers=header)

    assert answer.status_code == 403
    body = answer.json()
    assert body["error"] == (
        "This action requires the 'write' scope. Granted: [read, admin]"
    )
    assert body["meta"] == {
        "code": "insufficient_scope",
        "requestId": answer.headers["X-Request-Id"],
        "required": "write",
        "granted": ["read", "admin"],
    }


def test_nothing_of_a_body_is_read_before_the_key_is_known(
    client: TestClient[Litestar],
):
    answer = client.post(NOTES, content=b"{" * 2_000_000)

    assert answer.status_code == 401


def test_a_key_is_looked_up_again_after_half_a_second(
    client: TestClient[Litestar], keyring: Keyring, clock: Clock
):
    header = keyring.add(1, "read")

    for now in (1000.0, 1000.2, 1000.49, 1000.51, 1000.9):
        clock.now = now
        client.get(NOTES, headers=header)

    assert keyring.lookups == 2


def test_a_revoked_key_stops_working_within_half_a_second(
    client: TestClient[Litestar], keyring: Keyring, clock: Clock
):
    header = keyring.add(1, "read")
    client.get(NOTES, headers=header)

    keyring.revoke(header)
    clock.now += 0.5
    answer = client.get(NOTES, headers=header)

    assert answer.status_code == 401


def test_a_slow_lookup_does_not_keep_a_revoked_key_for_longer(
    keyring: Keyring, clock: Clock
):
    async def slow(digest: bytes) -> Principal | None:
        found = await keyring.find(digest)
        clock.now += 0.4
        return found

    header = keyring.add(1, "read")
    authenticator = Authenticator(slow, clock=clock)
    sent = header["Authorization"].encode()
    asyncio.run(authenticator.authenticate(sent))

    keyring.revoke(header)
    clock.now += 0.2

    with pytest.raises(ApiError):
        asyncio.run(authenticator.authenticate(sent))


def test_a_key_that_did_not_work_works_as_soon_as_it_exists(
    client: TestClient[Litestar], keyring: Keyring
):
    before = client.get(NOTES, headers={"Authorization": f"Bearer {A_KEY}"})

    after = client.get(NOTES, headers=keyring.add(1, "read"))

    assert (before.status_code, after.status_code) == (401, 200)


def test_repeated_wrong_keys_are_slowed_down_and_right_ones_never(
    client: TestClient[Litestar], keyring: Keyring
):
    right = keyring.add(1, "read")
    wrong = {"Authorization": f"Bearer tga_{2:064x}"}

    failures = [client.get(NOTES, headers=wrong) for _ in range(25)]
    success = client.get(NOTES, headers=right)

    assert [f.status_code for f in failures] == [401] * 20 + [429] * 5
    assert failures[-1].headers["Retry-After"] == "60"
    assert failures[-1].json()["meta"]["retryAfter"] == 60
    assert failures[-1].json()["meta"]["code"] == "rate_limit_exceeded"
    assert success.status_code == 200


def test_whoever_sends_no_key_guesses_nothing(client: TestClient[Litestar]):
    failures = [client.get(NOTES) for _ in range(25)]

    assert {f.status_code for f in failures} == {401}


def test_wrong_keys_are_forgotten_after_a_minute():
    clock = Clock()
    attempts = FailedLogins(limit=1, window=60, clock=clock)
    attempts.count("192.0.2.1")

    with pytest.raises(ApiError) as refused:
        attempts.count("192.0.2.1")
    clock.now += 60

    attempts.count("192.0.2.1")
    assert refused.value.headers == {"Retry-After": "60"}


def test_one_address_does_not_slow_another_down():
    attempts = FailedLogins(limit=1, clock=Clock())
    attempts.count("192.0.2.1")

    attempts.count("192.0.2.2")

    with pytest.raises(ApiError):
        attempts.count("192.0.2.1")


def test_addresses_of_one_ipv6_network_are_one_address():
    attempts = FailedLogins(limit=1, clock=Clock())
    attempts.count("2001:db8:0:1::1")
    attempts.count("2001:db8:0:2::1")

    with pytest.raises(ApiError):
        attempts.count("2001:db8:0:1:ffff::2")


def test_failures_from_ever_new_addresses_do_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("api.http.access.failed_logins._MAX_ADDRESSES", 3)
    attempts = FailedLogins(limit=1, clock=Clock())
    for number in range(10):
        attempts.count(f"192.0.2.{number}")

    attempts.count("192.0.2.0")

    with pytest.raises(ApiError):
        attempts.count("192.0.2.9")


def test_an_operation_for_everybody_has_no_principal(keyring: Keyring):
    @get("/open", opt={"scope": None}, tags=["Operations"])
    async def ask_who(request: Request) -> Answer[str]:
        return Answer(request.principal.plan)

    with TestClient(
        tiny_app(keyring, pages=[ask_who]), raise_server_exceptions=False
    ) as client:
        answer = client.get("/open", headers=keyring.add(1, "read"))

    assert answer.status_code == 500
    assert keyring.lookups == 0
