"""A campaign: commands while processes are killed and frozen, and what must hold then.

``make chaos ARGS="--seconds 600"`` runs it against a ``goatherd up`` of its own.
Clients ask with an Idempotency-Key until they are answered; the log must then hold what
was acknowledged, all of it and once, and each key must be answered as the first time.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import msgspec
import psutil
import psycopg

from infra.embedded import running_postgres_url
from infra.embedded.processes import wait_until
from tests.faults.chaos_clients import Clients, Outcome
from tests.kit.command_line import Running, running
from tests.kit.faults import freeze_for, kill_process
from tests.kit.ports import free_port

SETTLING_SECONDS = 90.0

_PART_FROZEN = 0.15
_FROZEN_SECONDS = (0.5, 3.0)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How long, with a fault how often, and the longest time without an answer.

    The campaign goes on until there were at least ``faults``, however busy the machine.
    """

    seconds: float = 600.0
    faults: int = 0
    every: float = 3.6
    longest: float = 15.0
    seed: int = 1


class Faults:
    """Kills and freezes processes of a ``goatherd up``, one after another."""

    def __init__(self, up: Running, outcome: Outcome, *, plan: Plan) -> None:
        self._up = up
        self._outcome = outcome
        self._every = plan.every
        self._least = plan.faults
        self._random = Random(plan.seed)  # noqa: S311
        self._kinds: dict[str, Callable[[], list[psutil.Process]]] = {
            "API": lambda: self._children_of("api.cli serve"),
            "server of the API": lambda: self._named("api.cli serve"),
            "projector": lambda: self._named("api.cli project"),
            "dispatcher": lambda: self._named("api.cli dispatch"),
            "worker": lambda: self._children_of("dramatiq"),
            "parent of workers": lambda: self._named("dramatiq"),
            "PostgreSQL": lambda: self._named("bin/postgres"),
            "Valkey": lambda: self._named("valkey-server"),
        }

    def run(self, seconds: float) -> None:
        """Go on for so long; every kind has its turn before one has a second."""
        ends_at = time.monotonic() + seconds
        kinds: list[str] = []
        while time.monotonic() < ends_at or self._outcome.faults < self._least:
            time.sleep(self._every * self._random.uniform(0.5, 1.5))
            kinds = kinds or self._random.sample([*self._kinds], len(self._kinds))
            self._strike(kinds.pop())

    def _strike(self, kind: str) -> None:
        with suppress(psutil.Error):
            victims = self._kinds[kind]()
            if not victims:
                return  # it is not back yet
            if self._random.random() < _PART_FROZEN:
                freeze_for(victims, self._random.uniform(*_FROZEN_SECONDS))
                self._outcome.frozen[kind] += 1
            else:
                kill_process(victims[0])
                self._outcome.killed[kind] += 1

    def _named(self, words: str) -> list[psutil.Process]:
        found = self._up.child(words)
        return [] if found is None else [found]

    def _children_of(self, words: str) -> list[psutil.Process]:
        # Python starts a tracker of shared memory for them, which is not ours.
        return [
            child
            for parent in self._named(words)
            for child in parent.children(recursive=True)
            if "tracker" not in " ".join(child.cmdline())
        ]


def campaign(plan: Plan, *, data_dir: Path, folder: Path) -> Outcome:
    """Run a campaign against a new installation in the data directory."""
    port = free_port()
    settings: dict[str, object] = {
        "data_dir": data_dir,
        "port": port,
        "providers": "replay",
    }
    with running("up", settings=settings, folder=folder) as up:
        assert up.says("Goatherd is ready"), up.err
        key = (data_dir / "api-key").read_text().strip()
        clients = Clients(port, key, seed=plan.seed)
        clients.start()
        Faults(up, clients.outcome, plan=plan).run(plan.seconds)
        clients.stop()
        for requested in [*clients.answered]:
            clients.repeat(requested)
        _check_log(clients, data_dir)
    outcome = clients.outcome
    if outcome.refused:
        clients.violate(f"{outcome.refused} connections were refused")
    if outcome.longest_seconds > plan.longest:
        clients.violate(f"nothing was answered for {outcome.longest_seconds:.1f} s")
    return outcome


def _check_log(clients: Clients, data_dir: Path) -> None:
    """Compare the log with the acknowledged commands, once every scrape has ended."""
    url = running_postgres_url(data_dir)
    assert url is not None
    acknowledged = Counter(
        json.loads(answer.content)["data"]["id"]
        for answer in clients.answered.values()
        if answer.status == 201
    )
    with psycopg.connect(url, autocommit=True) as connection:

        def streams(*names: str) -> Counter[str]:
            query = "SELECT stream::text FROM event_log WHERE name = ANY(%s)"
            return Counter(id_ for (id_,) in connection.execute(query, (list(names),)))

        def have_ended() -> bool:
            ended = streams("scrape_succeeded", "scrape_failed")
            return ended.keys() >= streams("scrape_requested").keys()

        if not wait_until(have_ended, seconds=SETTLING_SECONDS):
            clients.violate("some scrapes did not end")
        ended = streams("scrape_succeeded", "scrape_failed")
        if added := streams("creator_added") - acknowledged:
            clients.violate(f"{added.total()} creators were doubled: {[*added][:3]}")
        if lost := acknowledged - streams("creator_added"):
            clients.violate(f"{lost.total()} creators were lost: {[*lost][:3]}")
        if doubled := [stream for stream, count in ended.items() if count > 1]:
            clients.violate(f"{len(doubled)} scrapes ended twice: {doubled[:3]}")
        clients.outcome.scrapes = len(ended)


def _main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    usual = Plan()
    parser.add_argument("--seconds", type=float, default=usual.seconds)
    parser.add_argument("--every", type=float, default=usual.every)
    parser.add_argument("--longest", type=float, default=usual.longest)
    parser.add_argument("--seed", type=int, default=usual.seed)
    plan = msgspec.convert(vars(parser.parse_args()), Plan)
    with tempfile.TemporaryDirectory(prefix="goatherd-chaos-", dir="/tmp") as place:
        # PostgreSQL runs as another account where this one is root.
        Path(place).chmod(0o711)
        outcome = campaign(plan, data_dir=Path(place) / "data", folder=Path(place))
    sys.stdout.write(outcome.summary() + "\n")
    return 1 if outcome.violations else 0


if __name__ == "__main__":
    sys.exit(_main())
