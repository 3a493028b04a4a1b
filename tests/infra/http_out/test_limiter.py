"""The limiter: turns, pauses and limits that hold for everybody, on a real Valkey."""

import multiprocessing
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest
import redis

from infra.embedded import EmbeddedValkey
from infra.http_out.limiter import Limiter, NoTurnError, polite
from infra.http_out.shared_server import connect_fast
from tests.kit.patience import PATIENTLY, at_most

# A machine that has much else to do is not a server that is away.

HOST = "goats.example"
KEYS = f"goatherd:politeness:{{{HOST}}}"


@pytest.fixture
def server(redis_url: str) -> Iterator[redis.Redis]:
    with connect_fast(redis_url, patience=PATIENTLY) as server:
        yield server


@pytest.fixture
def worker(redis_url: str) -> Iterator[Callable[..., Limiter]]:
    """Somebody who shares the server, and nothing else, with the others."""
    with ExitStack() as stack:

        def another(**chosen: float) -> Limiter:
            server = stack.enter_context(connect_fast(redis_url, patience=PATIENTLY))
            return polite(server, **{"gap": 0.0, "jitter": 0.0, **chosen})

        yield another


def take_turns(politeness: Limiter, *, times: int, spans: list[tuple[float, float]]):
    for _ in range(times):
        with politeness.turn(HOST, patience=30):
            began_at = time.monotonic()
            time.sleep(0.01)  # what a request takes
            spans.append((began_at, time.monotonic()))


def take_turns_in_a_process(url: str, *, times: int, path: str) -> None:
    spans: list[tuple[float, float]] = []
    with connect_fast(url, patience=PATIENTLY) as server:
        take_turns(polite(server, gap=0.02, jitter=0.01), times=times, spans=spans)
    Path(path).write_text("\n".join(f"{began} {ended}" for began, ended in spans))


def at_once(*tasks: Callable[[], object]) -> None:
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def seconds_to_get(politeness: Limiter, *, patience: float = PATIENTLY) -> float:
    began_at = time.monotonic()
    with politeness.turn(HOST, patience=patience):
        return time.monotonic() - began_at


def test_no_two_processes_ask_at_a_time_or_too_soon(redis_url: str, tmp_path: Path):
    spawn = multiprocessing.get_context("spawn")
    paths = [str(tmp_path / name) for name in ("one", "two")]
    processes = [
        spawn.Process(
            target=take_turns_in_a_process,
            args=(redis_url,),
            kwargs={"times": 8, "path": path},
        )
        for path in paths
    ]

    for process in processes:
        process.start()
    for process in processes:
        process.join()

    # The clock is the machine's, the same for both.
    lines = [line for path in paths for line in Path(path).read_text().splitlines()]
    spans = sorted(tuple(map(float, line.split())) for line in lines)
    assert len(spans) == 16
    assert all(b[0] - a[1] >= 0.02 for a, b in pairwise(spans))


def test_no_two_threads_of_several_workers_ask_at_a_time(
    worker: Callable[..., Limiter],
):
    spans: list[tuple[float, float]] = []
    workers = [worker(gap=0.005), worker(gap=0.005)]

    at_once(
        *(
            lambda w=w: take_turns(w, times=4, spans=spans)
            for w in workers
            for _ in range(3)
        )
    )

    spans.sort()
    assert len(spans) == 24
    assert all(b[0] - a[1] >= 0.005 for a, b in pairwise(spans))


def test_the_gap_varies(worker: Callable[..., Limiter]):
    one, other = worker(jitter=0.08), worker()

    gaps: list[float] = []
    for _ in range(6):
        with one.turn(HOST, patience=5):
            pass
        gaps.append(seconds_to_get(other))

    assert max(gaps) - min(gaps) > 0.004
    assert max(gaps) < at_most(5)


def test_a_pause_holds_for_every_worker(worker: Callable[..., Limiter]):
    one, other = worker(), worker()

    began_at = time.monotonic()
    one.pause(HOST, seconds=0.4)

    seconds_to_get(other)

    # The server counts in whole milliseconds.
    assert time.monotonic() - began_at > 0.39
    at_once(lambda: seconds_to_get(one), lambda: seconds_to_get(other))


def test_a_pause_that_is_too_long_is_found_out_without_waiting(
    worker: Callable[..., Limiter],
):
    one, other = worker(), worker()
    one.pause(HOST, seconds=300)

    for politeness in (one, other):
        began_at = time.monotonic()
        with (
            pytest.raises(NoTurnError) as refused,
            politeness.turn(HOST, patience=60),
        ):
            pass
        assert time.monotonic() - began_at < at_most(20)
        # The server counts in whole milliseconds.
        assert 290 < refused.value.retry_after < 300.01


def test_a_longer_pause_is_not_shortened(worker: Callable[..., Limiter]):
    one, other = worker(), worker()
    one.pause(HOST, seconds=300)

    other.pause(HOST, seconds=0.1)

    with pytest.raises(NoTurnError) as refused, other.turn(HOST, patience=5):
        pass
    assert refused.value.retry_after > 290


def test_another_host_is_not_concerned(worker: Callable[..., Limiter]):
    politeness = worker()
    politeness.pause(HOST, seconds=300)

    with politeness.turn("sheep.example", patience=30):
        pass


def test_nobody_waits_longer_than_they_want(worker: Callable[..., Limiter]):
    one, other = worker(), worker()

    with (
        one.turn(HOST, patience=5),
        pytest.raises(NoTurnError),
        other.turn(HOST, patience=0.2),
    ):
        pass

    # It would be told that it gets no turn.
    seconds_to_get(other)


def test_a_thread_waits_no_longer_for_another_of_its_process(
    worker: Callable[..., Limiter],
):
    politeness = worker()
    refused: list[NoTurnError] = []

    def try_it() -> None:
        try:
            seconds_to_get(politeness, patience=0.1)
        except NoTurnError as error:
            refused.append(error)

    with politeness.turn(HOST, patience=5):
        at_once(try_it)

    assert len(refused) == 1


def test_a_thread_does_not_wait_for_a_turn_that_a_pause_follows(
    worker: Callable[..., Limiter],
):
    politeness = worker()
    refused: list[NoTurnError] = []

    def try_it() -> None:
        try:
            seconds_to_get(politeness, patience=20)
        except NoTurnError as error:
            refused.append(error)

    with politeness.turn(HOST, patience=5):
        politeness.pause(HOST, seconds=300)
        at_once(try_it)

    assert refused[0].retry_after > 290


def test_a_turn_whose_holder_died_ends_by_itself(
    server: redis.Redis, worker: Callable[..., Limiter]
):
    dead = worker(longest_turn=0.3).turn(HOST, patience=5)
    dead.__enter__()

    assert server.exists(f"{KEYS}:turn")
    assert seconds_to_get(worker()) > 0.1


def test_a_turn_that_ended_by_itself_is_not_taken_from_the_next(
    server: redis.Redis, worker: Callable[..., Limiter]
):
    slow, quick = worker(longest_turn=0.05), worker()

    with slow.turn(HOST, patience=5):
        next_turn = quick.turn(HOST, patience=5)
        next_turn.__enter__()
        mine = server.get(f"{KEYS}:turn")

    assert mine
    assert server.get(f"{KEYS}:turn") == mine
    next_turn.__exit__(None, None, None)
    assert not server.exists(f"{KEYS}:turn")


def test_a_failure_gives_the_turn_back(worker: Callable[..., Limiter]):
    one, other = worker(), worker()

    with pytest.raises(ValueError, match="oops"), one.turn(HOST, patience=5):
        raise ValueError("oops")

    assert seconds_to_get(other) < at_most(2)


def test_nothing_stays_behind(server: redis.Redis, worker: Callable[..., Limiter]):
    politeness = worker(gap=0.01)

    seconds_to_get(politeness)

    assert all(0 < server.pttl(key) < 60_000 for key in server.keys("goatherd:*"))


def test_while_the_server_is_away_each_process_is_polite_by_itself(data_dir: Path):
    spans: list[tuple[float, float]] = []
    service = EmbeddedValkey(data_dir)
    with connect_fast(service.start()) as server:
        politeness = polite(server, gap=0.03, jitter=0.0)
        seconds_to_get(politeness)
        service.stop()

        at_once(
            *(lambda: take_turns(politeness, times=3, spans=spans) for _ in range(3))
        )
        politeness.pause(HOST, seconds=300)
        with pytest.raises(NoTurnError), politeness.turn(HOST, patience=5):
            pass

    spans.sort()
    assert len(spans) == 9
    assert all(b[0] - a[1] >= 0.029 for a, b in pairwise(spans))


def test_a_server_that_comes_back_is_asked_again(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("infra.http_out.shared_server.AWAY_SECONDS", 0.05)
    service = EmbeddedValkey(data_dir)
    url = service.start()
    with connect_fast(url) as server:
        politeness = polite(server, gap=0.0, jitter=0.0)
        service.stop()
        seconds_to_get(politeness)
        again = EmbeddedValkey(data_dir)
        again.start()

        deadline = time.monotonic() + PATIENTLY
        while not server.exists(f"{KEYS}:free_at") and time.monotonic() < deadline:
            politeness.pause(HOST, seconds=0.2)

        assert server.exists(f"{KEYS}:free_at")
    again.stop()


def test_a_server_that_hangs_is_waited_for_once():
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        url = f"redis://127.0.0.1:{listener.getsockname()[1]}"
        server = stack.enter_context(connect_fast(url, patience=0.3))
        politeness = polite(server, gap=0.0, jitter=0.0)
        began_at = time.monotonic()

        for _ in range(20):
            seconds_to_get(politeness)

    # Waited for each time, before and after a turn, it would be twelve.
    assert time.monotonic() - began_at < at_most(5)


# At most so many in a window


def counting(
    server: redis.Redis, *, most: int = 3, window: float = 0.5, processes: int = 1
) -> Limiter:
    return Limiter(
        server, name="test_counting", most=most, window=window, processes=processes
    )


def times_of(limiters: list[Limiter], *, times: int) -> list[float]:
    """Take turns one after the other; return the time of each."""
    taken: list[float] = []
    for number in range(times):
        with limiters[number % len(limiters)].turn(HOST, patience=PATIENTLY):
            taken.append(time.monotonic())
    return taken


def test_no_window_has_more_requests_than_the_limit_of_all_processes(
    server: redis.Redis,
):
    seconds = 1.0
    limiters = [counting(server, window=seconds) for _ in range(2)]

    began_at = time.monotonic()
    times_of(limiters, times=10)

    # After nine requests, three windows are over. The server counts in whole
    # milliseconds.
    assert time.monotonic() - began_at >= 3 * seconds - 0.01


def test_a_wait_for_the_window_that_is_too_long_is_found_out_without_waiting(
    server: redis.Redis,
):
    one, other = (counting(server, window=300) for _ in range(2))
    times_of([one], times=3)

    with pytest.raises(NoTurnError) as refused, other.turn(HOST, patience=30):
        pass

    assert 200 < refused.value.retry_after <= 300
    with other.turn("sheep.example", patience=0):
        pass


def test_threads_below_a_limit_do_not_wait_for_each_other(server: redis.Redis):
    limiter = counting(server, most=2)
    together = threading.Barrier(2)

    def take() -> None:
        with limiter.turn(HOST, patience=PATIENTLY):
            together.wait(PATIENTLY)

    at_once(take, take)

    assert not together.broken


def test_a_pause_holds_below_the_limit_too(server: redis.Redis):
    one, other = counting(server), counting(server)
    one.pause(HOST, seconds=300)

    with pytest.raises(NoTurnError) as refused, other.turn(HOST, patience=5):
        pass

    assert refused.value.retry_after > 250


def test_while_the_server_is_away_each_process_has_its_part_of_the_limit(
    data_dir: Path,
):
    service = EmbeddedValkey(data_dir)
    with connect_fast(service.start()) as server:
        limiters = [counting(server, most=9, window=300, processes=3) for _ in "ab"]
        service.stop()
        for limiter in limiters:
            times_of([limiter], times=3)

            with pytest.raises(NoTurnError) as refused, limiter.turn(HOST, patience=5):
                pass
            assert 200 < refused.value.retry_after <= 300


def test_a_count_stays_no_longer_than_its_window(server: redis.Redis):
    times_of([counting(server, window=60)], times=2)

    (key,) = server.keys("goatherd:test_counting:*")
    assert 0 < server.pttl(key) <= 60_000
