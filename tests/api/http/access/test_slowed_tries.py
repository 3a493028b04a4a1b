"""Wrong tries to sign in: a growing delay that keeps nobody else out."""

from itertools import pairwise

from api.http.access.slowed_tries import SharedChecks, SlowedTries, Try

HERE = Try(address="192.0.2.1", email="ada@example.com")
ELSEWHERE = Try(address="192.0.2.2", email="ada@example.com")
KNOWN = Try(address="192.0.2.1", email="ada@example.com", device=b"laptop")


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_the_delay_grows_with_each_wrong_try_up_to_a_minute():
    clock, waits = Clock(), list[int]()
    tries = SlowedTries(clock=clock)
    for _ in range(15):
        waits.append(tries.refused_for(HERE))
        clock.now += waits[-1]
        assert tries.refused_for(HERE) == 0
        tries.count(HERE)

    assert waits == [0] * 5 + [1, 2, 4, 8, 16, 32] + [60] * 4
    assert all(one <= other for one, other in pairwise(waits))


def test_other_addresses_and_accounts_and_known_browsers_do_not_wait():
    tries = SlowedTries(clock=Clock())
    for _ in range(10):
        tries.count(HERE)

    other = Try(address=HERE.address, email="ben@example.com")
    assert tries.refused_for(HERE) > 0
    for one in (ELSEWHERE, KNOWN, other):
        assert tries.refused_for(one) == 0
        assert tries.waits_for(one) == 0


def test_an_address_that_tries_many_accounts_waits_for_all_of_them():
    tries = SlowedTries(clock=Clock())
    for number in range(22):
        tries.count(Try(address="2001:db8::1", email=f"{number}@example.com"))

    neighbour = Try(address="2001:db8::2", email="new@example.com")
    assert tries.refused_for(neighbour) > 0
    assert tries.refused_for(Try(address="2001:db8:0:1::1", email="a@b.c")) == 0


def test_an_account_that_many_addresses_try_answers_later_and_to_everybody():
    tries = SlowedTries(clock=Clock())
    for number in range(200):
        tries.count(Try(address=f"192.0.2.{number}", email=HERE.email))

    fresh = Try(address="198.51.100.1", email=HERE.email)
    assert tries.refused_for(fresh) == 0
    assert tries.waits_for(fresh) == 4.0
    assert tries.waits_for(KNOWN) == 0


def test_a_right_try_is_not_counted_and_forgives_the_wrong_ones():
    tries = SlowedTries(clock=Clock())
    for _ in range(7):
        tries.count(HERE)
    tries.count(KNOWN)
    tries.forgive(KNOWN)
    still = tries.refused_for(HERE)
    tries.count(HERE)
    tries.forgive(HERE)

    assert still > 0
    assert tries.refused_for(HERE) == 0
    for _ in range(100):
        tries.count(HERE)
        tries.forgive(HERE)
    assert tries.refused_for(HERE) == 0


def test_wrong_tries_are_forgotten_after_an_hour_and_the_oldest_beyond_ten_thousand():
    clock = Clock()
    tries = SlowedTries(clock=clock)
    for _ in range(30):
        tries.count(HERE)
    clock.now += 3_601
    assert tries.refused_for(HERE) == 0
    for _ in range(30):
        tries.count(HERE)
    for number in range(5_000):
        tries.count(Try(address=f"10.{number // 256}.{number % 256}.1", email="x@y.z"))

    assert tries.refused_for(HERE) == 0


def test_an_account_refuses_short_codes_from_many_addresses_but_not_its_own_browsers():
    tries = SlowedTries(refuses_by_account=True, clock=Clock())
    for number in range(21):
        tries.count(Try(address=f"192.0.2.{number}", email=HERE.email))

    fresh = Try(address="198.51.100.1", email=HERE.email)
    assert tries.refused_for(fresh) == 2
    assert tries.waits_for(fresh) == 0
    assert tries.refused_for(KNOWN) == 0


def sharing(clock: Clock) -> SlowedTries:
    return SlowedTries(checks=SharedChecks(clock=clock), clock=clock)


def test_ten_thousand_guesses_from_a_thousand_addresses_get_two_checks_a_second():
    clock = Clock()
    tries, checked = sharing(clock), 0
    for number in range(10_000):
        one = Try(address=f"10.0.{number // 250 % 4}.{number % 250}", email="a@b.c")
        if tries.refused_for(one) == 0:
            tries.count(one)
            checked += 1
        clock.now += 1 / 50

    # One of each address, those that may be made at once, and two for each second.
    assert checked <= 1_000 + 20 + 2 * 200
    assert checked > 1_000


def test_guesses_leave_checks_to_other_addresses_and_known_browsers():
    clock = Clock()
    tries = sharing(clock)
    mistyped = Try(address="198.51.100.1", email=HERE.email)
    tries.count(mistyped)
    guesses = [Try(address=f"10.0.0.{n % 4}", email=f"{n}@b.c") for n in range(60)]
    for one in guesses[:20]:
        tries.count(one)
    clock.now += 60
    allowed = [one for one in guesses[20:] if not count_if_allowed(tries, one)]

    # Twenty are there, and an address with nine wrong tries leaves eight.
    assert len(allowed) == 13
    assert tries.refused_for(guesses[-1]) > 0
    assert tries.refused_for(mistyped) == 0
    assert tries.refused_for(Try(address="198.51.100.2", email=HERE.email)) == 0
    known = Try(address="10.0.0.1", email=HERE.email, device=b"laptop")
    assert tries.refused_for(known) == 0


def count_if_allowed(tries: SlowedTries, one: Try) -> int:
    """Count a try unless it is refused; return the seconds for which it is."""
    seconds = tries.refused_for(one)
    if seconds == 0:
        tries.count(one)
    return seconds


def test_a_check_that_was_shared_comes_back_with_time():
    clock = Clock()
    tries = sharing(clock)
    tries.count(HERE)
    for number in range(20):
        one = Try(address=f"10.0.0.{number}", email="a@b.c")
        tries.count(one)
        tries.count(one)

    assert tries.refused_for(HERE) == 1
    clock.now += 0.5
    assert tries.refused_for(HERE) == 0
