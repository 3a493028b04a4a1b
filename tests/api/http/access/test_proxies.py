"""Visitors behind a proxy: their own address counts, and nobody can invent one."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from api.http.access.proxies import TrustedProxies
from infra.settings import Settings
from tests.kit.application import Goatherd, started
from tests.kit.databases import new_database
from tests.kit.people import PASSWORD, owner_of
from tests.kit.visitor import Visitor

PROXY = ("10.0.0.2", 4711)
TRUSTED = TrustedProxies(("10.0.0.0/8", "2001:db8:1::/48"))
STRANGER, COLLEAGUE = "203.0.113.9", "198.51.100.7"


def seen(*lines: str, client: tuple[str, int] = PROXY) -> str:
    """The address of the visitor, with these lines of the header."""
    headers = [(b"x-forwarded-for", line.encode()) for line in lines]
    found = TRUSTED.visitor(client, [(b"host", b"goatherd"), *headers])
    assert found is not None
    assert found[1] == client[1]
    return found[0]


@pytest.mark.parametrize(
    ("lines", "address"),
    (
        (("203.0.113.9",), "203.0.113.9"),
        # The words of a visitor stand to the left of those of the proxies.
        (("127.0.0.1, 198.51.100.7, 203.0.113.9",), "203.0.113.9"),
        (("198.51.100.7", "203.0.113.9, 10.0.0.9"), "203.0.113.9"),
        (("203.0.113.9,10.0.0.9 ,  10.1.1.1",), "203.0.113.9"),
        (("203.0.113.9:51234",), "203.0.113.9"),
        (("2001:db8::1",), "2001:db8::1"),
        (("[2001:db8::1]:443, [2001:db8:1::5]",), "2001:db8::1"),
        (("::ffff:203.0.113.9",), "203.0.113.9"),
        # Visitors inside of the network come through the proxy as well.
        (("10.0.0.77",), "10.0.0.77"),
        # A word that no proxy writes ends the search at the address that is known.
        ((), "10.0.0.2"),
        (("",), "10.0.0.2"),
        (("198.51.100.7, unknown",), "10.0.0.2"),
        (("198.51.100.7, <script>, 10.0.0.9",), "10.0.0.9"),
        (("198.51.100.7,,10.0.0.9",), "10.0.0.9"),
    ),
)
def test_the_nearest_address_that_no_proxy_of_ours_has_is_the_visitor_s(
    lines: tuple[str, ...], address: str
):
    assert seen(*lines) == address


def test_a_visitor_without_a_trusted_proxy_is_not_believed():
    assert seen("203.0.113.9", client=("192.0.2.1", 1)) == "192.0.2.1"
    assert seen("203.0.113.9", client=("::ffff:10.0.0.2", 1)) == "203.0.113.9"
    header = [(b"x-forwarded-for", b"203.0.113.9")]
    assert TrustedProxies(()).visitor(PROXY, header) == PROXY
    assert TRUSTED.visitor(None, header) is None


@pytest.fixture(scope="module")
def goatherd(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    def behind_a_proxy(settings: Settings) -> Settings:
        return replace(settings, trusted_proxies=("10.0.0.0/8",))

    with (
        new_database(postgres_url, template=template_database) as url,
        started(url, adapt=behind_a_proxy) as goatherd,
    ):
        goatherd.tenant(is_operator=True)
        yield goatherd


@pytest.fixture(scope="module")
def without_setting(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    with (
        new_database(postgres_url, template=template_database) as url,
        started(url) as goatherd,
    ):
        goatherd.tenant(is_operator=True)
        yield goatherd


def attack(goatherd: Goatherd) -> list[int]:
    """Answers to a colleague, who signs in 14 times while a stranger guesses.

    All come from the address of one proxy, and each time with a new browser.
    """
    owner = owner_of(goatherd.tenant())
    proxy, answers = Visitor(goatherd), list[int]()
    for number in range(70):
        proxy.cookies.clear()
        proxy.post(
            "/sign-in",
            {"email": f"guess.{number}@example.com", "password": "wrong" * 4},
            # A stranger's own line stands to the left of the proxy's.
            headers={"X-Forwarded-For": f"{COLLEAGUE}, {STRANGER}"},
        )
        if number % 5 == 4:
            proxy.cookies.clear()
            answer = proxy.post(
                "/sign-in",
                {"email": owner.email, "password": PASSWORD},
                headers={"X-Forwarded-For": COLLEAGUE},
            )
            answers.append(answer.status_code)
    return answers


def test_a_stranger_who_guesses_keeps_no_colleague_out(goatherd: Goatherd):
    assert attack(goatherd) == [303] * 14


def test_without_the_setting_all_visitors_of_a_proxy_share_its_address(
    without_setting: Goatherd,
):
    assert 429 in attack(without_setting)


def test_a_session_shows_the_address_of_the_visitor(goatherd: Goatherd):
    owner = owner_of(goatherd.tenant())
    there = Visitor(goatherd)

    there.post(
        "/sign-in",
        {"email": owner.email, "password": PASSWORD},
        headers={"X-Forwarded-For": "203.0.113.77"},
    )

    assert "203.0.113.77" in owner.browser.see("/you").text
