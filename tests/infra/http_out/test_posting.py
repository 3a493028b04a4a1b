"""Posting to addresses of customers: nothing inside, whatever a name says later."""

import socket
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpcore
import pytest

from domain.webhook.errors import InvalidWebhookUrlError
from infra.http_out.posting import Posted, Poster, check_url
from tests.kit.patience import PATIENTLY, at_most
from tests.kit.scripted_site import Answer, ScriptedSite

BODY = b'{"type":"creator.added"}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"
HERE = ("127.0.0.1", "allowed.example")


@pytest.fixture
def site() -> Iterator[ScriptedSite]:
    with ScriptedSite() as site:
        yield site


def test_the_answer_of_an_allowed_host_is_told_with_its_start(site: ScriptedSite):
    site.answers["/hook"] = Answer(
        status=429, headers={"Retry-After": "7"}, body=b"n" * 2_000
    )
    with Poster(HERE) as poster:
        posted = poster.post(f"{site.url}/hook", BODY, headers={"x-a": "1"})

    assert (posted.status, posted.retry_after, posted.is_taken) == (429, "7", False)
    assert posted.answer == b"n" * 1_024
    assert site.received[0].body == BODY
    assert site.received[0].headers["x-a"] == "1"


def test_an_address_is_refused_in_every_way_to_write_it(subtests: pytest.Subtests):
    for host in (
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0"),
        *("10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "169.254.169.254"),
        *("[::1]", "[::]", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]", "[2002:a00:1::]"),
        *("[fe80::1]", "[fd00:ec2::254]", "[::10.0.0.1]", "[::ffff:0:10.0.0.1]"),
        *("[fe80::1%25eth0]", "198.18.0.1", "192.0.2.1", "255.255.255.255"),
        *("168.63.129.16", "224.0.0.1", "127\u30020\u30020\u30021"),
    ):
        with subtests.test(host), pytest.raises(InvalidWebhookUrlError):
            check_url(f"https://{host}/hook", allowed_hosts=())


def test_names_and_public_addresses_are_accepted_by_https_alone(
    subtests: pytest.Subtests,
):
    for url in (
        "https://example.com/a?b=c",
        "https://8.8.8.8:8443/",
        "https://b\u00fc.de",
    ):
        with subtests.test(url):
            check_url(url, allowed_hosts=())
    for url in (
        *("http://example.com/", "ftp://example.com/", "https:///a", "https://a b/"),
        *(
            "https://ada:x@example.com/",
            "https://example.com\\@10.0.0.1/",
            "example.com",
        ),
        *("https://example.com/\n", "https://xn--/", "https://0x.0x.0/"),
        *("https://0x100000000/", "https://1.2.3.4.5./", "https://example.com:999999/"),
        *("https://example.com:0/", "https://example.com:-80/"),
    ):
        with subtests.test(url), pytest.raises(InvalidWebhookUrlError):
            check_url(url, allowed_hosts=())
    check_url("http://allowed.example:8080/", allowed_hosts=HERE)
    check_url("http://127.0.0.1:1/", allowed_hosts=HERE)


def test_a_name_that_leads_inside_the_second_time_gets_nothing(
    monkeypatch: pytest.MonkeyPatch,
):
    answers = iter(("93.184.216.34", "127.0.0.1", "::ffff:169.254.169.254"))
    connected: list[str] = []

    def resolve(host: str, port: int, *_: int, **kinds: int) -> object:
        if kinds.get("flags"):
            raise socket.gaierror
        assert host == "hooks.example"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(_: object, host: str, *__: object, **___: object) -> object:
        connected.append(host)
        raise httpcore.ConnectError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    with Poster(HERE) as poster:
        first, *others = (
            poster.post("https://hooks.example/", BODY, headers={}) for _ in range(3)
        )

    assert connected == ["93.184.216.34"]
    assert (first.is_inside, first.was_sent) == (False, False)
    for posted in others:
        assert (posted.is_inside, posted.was_sent) == (True, False)
        assert posted.failed == "The host has an address that is not public."


def test_a_redirect_inside_is_an_answer(site: ScriptedSite):
    site.answers["/hook"] = Answer(
        status=302, headers={"Location": "http://127.0.0.1/inside"}
    )
    with Poster(HERE) as poster:
        posted = poster.post(f"{site.url}/hook", BODY, headers={})

    assert (posted.status, posted.is_taken) == (302, False)
    assert site.paths == ["/hook"]


def posted_to(said: bytes, *, is_stuck: bool, scheme: str = "http") -> Posted:
    """Post to a host that says something, and then ends or is stuck."""
    # A busy machine needs a while to connect.
    seconds = 1.0 if is_stuck else PATIENTLY
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        Poster(HERE, seconds=seconds) as poster,
        ThreadPoolExecutor(1) as threads,
    ):
        url = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/"
        posting = threads.submit(poster.post, url, BODY, headers={})
        listening.settimeout(PATIENTLY)
        connection, _ = listening.accept()
        with connection:
            connection.sendall(said)
            if is_stuck:
                posting.exception(PATIENTLY)
            else:
                # The request is read, so that the end is no reset.
                connection.settimeout(PATIENTLY)
                connection.recv(65_536)
        return posting.result(PATIENTLY)


def test_a_host_that_is_stuck_at_any_step_ends_with_the_time_of_the_request(
    subtests: pytest.Subtests,
):
    steps = {
        "https": ("https", b""),
        "http": ("http", b""),
        "a part of the head": ("http", HEAD),
    }
    for step, (scheme, said) in steps.items():
        with subtests.test(step):
            posted = posted_to(said, is_stuck=True, scheme=scheme)
            assert (posted.status, posted.is_taken) == (None, False)
            assert "Timeout" in (posted.failed or "")
            assert posted.duration_ms < at_most(5) * 1_000


def test_a_status_is_the_answer_also_if_its_body_breaks_off(
    subtests: pytest.Subtests,
):
    for status in (200, 503):
        with subtests.test(str(status)):
            said = HEAD.replace(b"200", str(status).encode()) + b"\r\nhel"
            posted = posted_to(said, is_stuck=False)
            assert (posted.status, posted.is_taken) == (status, status == 200)
            assert posted.failed is None


def posted_in_turn(
    connections: Sequence[Sequence[bytes]], *, is_closing: bool = True
) -> list[Posted]:
    """Post once for each answer of a host, which has these answers by connection.

    With ``is_closing`` it closes each connection behind the last answer, otherwise all
    of them in the end.
    """
    is_over = threading.Event()

    def serve() -> None:
        for answers in connections:
            connection = opened.enter_context(listening.accept()[0])
            connection.settimeout(PATIENTLY)
            for answer in answers:
                received = b""
                while not received.endswith(BODY):
                    received += connection.recv(65_536)
                is_over.clear()
                connection.sendall(answer)
            if is_closing:
                opened.close()
            is_over.set()

    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        ThreadPoolExecutor(1) as threads,
        ExitStack() as opened,
        Poster(HERE, seconds=PATIENTLY) as poster,
    ):
        listening.settimeout(PATIENTLY)
        serving = threads.submit(serve)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        results: list[Posted] = []
        for answers in connections:
            results += [poster.post(url, BODY, headers={}) for _ in answers]
            assert is_over.wait(PATIENTLY)
        serving.result(PATIENTLY)
    return results


def test_a_connection_is_used_again_until_its_host_closes_it():
    whole = HEAD + b"\r\nhello"
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + whole
    chunked = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
    )

    posted = posted_in_turn([[whole, chunked, early, TAKEN], [whole]])

    assert [each.answer for each in posted] == [b"hello", b"a", b"hello", b"", b"hello"]
    assert all(each.is_taken for each in posted)


def test_no_connection_is_used_again_that_may_hold_more_of_an_answer(
    subtests: pytest.Subtests,
):
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" + b"n" * 3_000
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    for answer in (long, closing, TAKEN + TAKEN.replace(b"204", b"410")):
        with subtests.test(str(answer[:60])):
            posted = posted_in_turn([[answer], [TAKEN]], is_closing=False)
            assert all(each.is_taken for each in posted)
    with subtests.test("a body that ends with the connection"):
        first, second = posted_in_turn([[b"HTTP/1.0 200 OK\r\n\r\nhello"], [TAKEN]])
        assert (first.answer, second.status) == (b"hello", 204)


def test_an_answer_that_is_no_http_is_a_failure(subtests: pytest.Subtests):
    for said in (b"SSH-2.0-OpenSSH\r\n", b"", b"HTTP/1.1 101 Yes\r\n\r\n"):
        with subtests.test(str(said)):
            (posted,) = posted_in_turn([[said]])
            assert (posted.failed, posted.was_sent) == (
                "Sending failed: RemoteProtocolError.",
                True,
            )
