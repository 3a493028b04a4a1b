"""Requests to hosts of others: no address inside, no redirect, limits in all ways."""

import hmac
import socket
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from ipaddress import ip_address

import pytest

from infra.http_out.addresses import Address, AddressRefusedError, is_public
from infra.http_out.client import HttpClient, start_of, trusted_certificates
from infra.http_out.refusals import RefusedError
from tests.kit.patience import at_most
from tests.kit.scripted_site import Answer, ScriptedSite

BODY = b'{"event":"video.added"}'
SIGNATURE = hmac.digest(b"of both", BODY, sha256).hex()


def is_here(address: Address) -> bool:
    return address.is_loopback


@pytest.fixture
def site() -> Iterator[ScriptedSite]:
    with ScriptedSite() as site:
        yield site


@pytest.fixture
def client() -> Iterator[HttpClient]:
    with HttpClient(
        tls=trusted_certificates(), headers={"User-Agent": "goat"}, may_reach=is_here
    ) as client:
        yield client


def post(
    client: HttpClient, url: str, *, seconds: float = 20.0, most: int = 1_024
) -> tuple[int, bytes]:
    """Send a signed body; return the status and the start of the answer."""
    request = client.build_request(
        "POST", url, content=BODY, headers={"X-Signature": SIGNATURE}
    )
    with client.requested(request, what="POST", seconds=seconds) as (_, response):
        return response.status_code, start_of(response, most=most)


def test_a_signed_body_arrives_as_it_was_signed(client: HttpClient, site: ScriptedSite):
    site.answers["/hook"] = Answer(status=202, body=b"taken")

    answer = post(client, f"{site.url}/hook?for=us")

    (received,) = site.received
    assert answer == (202, b"taken")
    assert received.body == BODY
    assert received.headers["x-signature"] == SIGNATURE
    assert received.query == {"for": ["us"]}


def test_only_the_start_of_an_endless_answer_is_read(
    client: HttpClient, site: ScriptedSite
):
    def pieces() -> Iterator[bytes]:
        while not site.leaving.is_set():
            yield b"goat" * 100

    site.answers["/hook"] = Answer(pieces=pieces)

    assert post(client, f"{site.url}/hook") == (200, (b"goat" * 256))


def test_a_redirect_is_an_answer_and_leads_nowhere(
    client: HttpClient, site: ScriptedSite
):
    site.answers["/hook"] = Answer(status=307, headers={"Location": "/elsewhere"})

    assert post(client, f"{site.url}/hook")[0] == 307
    assert site.paths == ["/hook"]


@pytest.mark.parametrize("is_head", (True, False))
def test_a_byte_now_and_then_ends_with_the_time_of_the_request(
    client: HttpClient, site: ScriptedSite, *, is_head: bool
):
    site.answers["/hook"] = (
        Answer(dripping_head=True)
        if is_head
        else Answer(pieces=lambda: site.drip(every=0.05))
    )
    began_at = time.monotonic()

    with pytest.raises(RefusedError, match="Timeout"):
        post(client, f"{site.url}/hook", seconds=0.4)

    assert time.monotonic() - began_at < 0.4 + at_most(10)


def test_no_address_inside_gets_a_request(site: ScriptedSite):
    port = site.url.rpartition(":")[2]
    hosts = ("127.0.0.1", "localhost", "[::]", "[::ffff:127.0.0.1]", "2130706433")

    with HttpClient(
        tls=trusted_certificates(), headers={}, may_reach=is_public
    ) as client:
        for host in hosts:
            with pytest.raises(AddressRefusedError):
                post(client, f"http://{host}:{port}/hook")

    assert site.paths == []


def test_public_addresses_are_those_on_the_internet(subtests: pytest.Subtests):
    texts = {
        "93.184.216.34": True,
        "2606:2800:220:1:248:1893:25c8:1946": True,
        "10.0.0.1": False,
        "100.64.0.1": False,
        "169.254.169.254": False,
        "224.0.0.1": False,
        "fd00::1": False,
        "fe80::1": False,
        "::1": False,
    }
    for text, expected in texts.items():
        with subtests.test(text):
            assert is_public(ip_address(text)) is expected


class Names:
    """A resolver that a test answers for; numbers go to the real one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
        self.resolved: list[str] = []
        self._answers = iter(answers)
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self.resolve)

    def resolve(self, host: str, port: int, *more: int, **kinds: int) -> object:
        if not host.endswith(".example"):
            return self._real(host, port, *more, **kinds)
        self.resolved.append(host)
        address = next(self._answers)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]


def test_a_name_is_resolved_once_and_the_checked_address_is_used(
    client: HttpClient, site: ScriptedSite, monkeypatch: pytest.MonkeyPatch
):
    site.answers["/hook"] = Answer(status=204)
    names = Names(monkeypatch, "127.0.0.1", "192.0.2.1")
    url = site.url.replace("127.0.0.1", "hooks.example")

    assert post(client, f"{url}/hook")[0] == 204
    assert names.resolved == ["hooks.example"]
    assert site.received[0].headers["host"].startswith("hooks.example:")


def test_addresses_that_gateways_translate_are_checked_for_their_target(
    monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
):
    inside = ("64:ff9b::a00:1", "2002:7f00:1::1", "::ffff:169.254.169.254")
    Names(monkeypatch, *inside)

    with HttpClient(
        tls=trusted_certificates(), headers={}, may_reach=is_public
    ) as client:
        for text in inside:
            with subtests.test(text), pytest.raises(AddressRefusedError):
                post(client, "http://hooks.example/hook")


def test_a_resolver_that_hangs_ends_with_the_time_of_the_request(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch
):
    leaving = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: leaving.wait() and [])
    began_at = time.monotonic()

    with pytest.raises(RefusedError, match="ConnectTimeout"):
        post(client, "http://hooks.example/hook", seconds=0.3)

    assert time.monotonic() - began_at < 0.3 + at_most(10)
    leaving.set()


def test_names_that_do_not_exist_fail_like_any_connection(client: HttpClient):
    for host in ("nobody.invalid", "a" * 70 + ".invalid"):
        with pytest.raises(RefusedError, match="ConnectError") as failed:
            post(client, f"http://{host}/hook")
        assert not failed.value.was_sent
