from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from domain.errors import (
    CreatorBannedError,
    CreatorRemovedError,
    DomainError,
    HandleTakenError,
    InvalidHandleError,
    LimitReachedError,
    NoChangeError,
)
from domain.organization.plans import DEFAULT_PLANS
from infra.eventstore.execute import Executed
from infra.eventstore.store import Store
from tests.kit.builders import NOON, Home, asking, make_home, opened_store
from tests.kit.commands import (
    ban_handle,
    reenable_creators,
    remove_creators,
    unban_handle,
)

T = TypeVar("T")

NAMES = ("ada", "berta", "cleo", "dora", "emma", "frida", "gerda")
MOST = 5


class HandlersMachine(RuleBasedStateMachine):
    """Everything that can be asked of creators, on PostgreSQL, against plain dicts."""

    store: Store
    creators = Bundle("creators")

    def __init__(self) -> None:
        super().__init__()
        self.home: Home = make_home(self.store, plan="free")
        # Bans are the installation's, so that each run has handles of its own.
        self.tail = f".{self.home.project_id.hex[-12:]}"
        self.now: datetime = NOON
        self.model: dict[UUID, dict[str, Any]] = {}
        self.last_holder: dict[str, UUID] = {}
        self.banned: set[str] = set()

    def active(self) -> int:
        return sum(known["status"] == "active" for known in self.model.values())

    def holder(self, name: str) -> UUID | None:
        for key, known in self.model.items():
            if known["name"] == name and known["status"] != "removed":
                return key
        return None

    @rule(
        target=creators,
        names=st.lists(st.sampled_from((*NAMES, "no handle")), min_size=1, max_size=4),
    )
    def add(self, names: list[str]) -> object:
        expected: list[tuple[str, Any]] = []
        for index, name in enumerate(names):
            last = self.last_holder.get(name)
            if name == "no handle":
                expected.append(("failed", InvalidHandleError))
            elif name in names[:index]:
                expected.append(("failed", HandleTakenError))
            elif name in self.banned:
                expected.append(("failed", CreatorBannedError))
            elif self.holder(name):
                expected.append(("failed", HandleTakenError))
            elif last and self.model[last]["name"] == name:
                expected.append(("reactivated", last))
            else:
                expected.append(("created", None))
        wanted = sum(status != "failed" for status, _ in expected)

        results = _answer(lambda: self.home.add(*(name + self.tail for name in names)))

        if self.active() + wanted > MOST:
            assert isinstance(results, LimitReachedError)
            assert (results.current, results.maximum) == (self.active(), MOST)
            return multiple()
        assert isinstance(results, list)
        for (status, detail), result, name in zip(
            expected, results, names, strict=True
        ):
            assert result.status == status
            if status == "failed":
                assert type(result.refusal) is detail
                continue
            assert result.creator_id is not None
            if status == "reactivated":
                assert result.creator_id == detail
            known = self.model.setdefault(result.creator_id, {"reenabled": None})
            known |= {"name": name, "status": "active"}
            self.last_holder[name] = result.creator_id
        return multiple(*(r.creator_id for r in results if r.status == "created"))

    @rule(key=creators, name=st.sampled_from(NAMES))
    def rename(self, key: UUID, name: str) -> None:
        known = self.model[key]
        expected: type[DomainError] | None = None
        if known["status"] == "removed":
            expected = CreatorRemovedError
        elif known["name"] == name:
            expected = NoChangeError
        elif name in self.banned:
            expected = CreatorBannedError
        elif self.holder(name):
            expected = HandleTakenError

        answer = _answer(lambda: self.home.rename(key, name + self.tail))

        assert type(answer) is (expected or type(None))
        if answer is None:
            known["name"] = name
            self.last_holder[name] = key

    @rule(key=creators)
    def remove(self, key: UUID) -> None:
        self.home.remove(key)
        self.model[key]["status"] = "removed"

    @rule(keys=st.lists(creators, max_size=3))
    def remove_several(self, keys: list[UUID]) -> None:
        done = remove_creators(
            self.store,
            keys,
            organization_id=self.home.organization_id,
            project_id=self.home.project_id,
            context=asking(),
        )

        for key, result in zip(keys, done.result, strict=True):
            removed = self.model[key]["status"] == "removed"
            assert result.status == ("skipped" if removed else "ok")
            self.model[key]["status"] = "removed"

    @rule(key=creators)
    def disable(self, key: UUID) -> None:
        self.home.disable(key)
        if self.model[key]["status"] == "active":
            self.model[key]["status"] = "disabled"

    @rule(keys=st.lists(creators, max_size=3), hours=st.sampled_from((0, 23, 24)))
    def reenable(self, keys: list[UUID], hours: int) -> None:
        self.now += timedelta(hours=hours)
        waking = {
            key
            for key in keys
            if self.model[key]["status"] == "disabled"
            and (
                self.model[key]["reenabled"] is None
                or self.now - self.model[key]["reenabled"] >= timedelta(hours=24)
            )
        }

        done = _answer(
            lambda: reenable_creators(
                self.store,
                keys,
                organization_id=self.home.organization_id,
                project_id=self.home.project_id,
                plans=DEFAULT_PLANS,
                now=self.now,
                context=asking(),
            )
        )

        if waking and self.active() + len(waking) > MOST:
            assert isinstance(done, LimitReachedError)
            return
        assert isinstance(done, Executed)
        woken = {r.id for r in done.result if r.status == "ok"}
        assert woken == waking
        for key in waking:
            self.model[key] |= {"status": "active", "reenabled": self.now}

    @rule(name=st.sampled_from(NAMES))
    def ban(self, name: str) -> None:
        events = ban_handle(self.store, name + self.tail, context=asking())
        assert bool(events) is (name not in self.banned)
        self.banned.add(name)

    @rule(name=st.sampled_from(NAMES))
    def unban(self, name: str) -> None:
        events = unban_handle(self.store, name + self.tail, context=asking())
        assert bool(events) is (name in self.banned)
        self.banned.discard(name)

    @rule(key=consumes(creators))
    def never_ask_again(self, key: UUID) -> None:
        """Leave a creator as it is, so that others come to be asked."""

    @invariant()
    def everything_is_as_the_model_says(self) -> None:
        assert self.home.counted() == self.home.active_in_the_log() == self.active()
        for key, known in self.model.items():
            creator = self.home.look_at(key)
            assert creator.handle == known["name"] + self.tail
            assert creator.status == known["status"]
        for name in NAMES:
            assert self.home.holder(name + self.tail) == self.holder(name)


def _answer(ask: Callable[[], T]) -> T | DomainError:
    try:
        return ask()
    except DomainError as refusal:
        return refusal


def test_whatever_is_asked_in_whatever_order_the_model_agrees(database_url: str):
    with opened_store(database_url) as store:
        kind = type("Machine", (HandlersMachine,), {"store": store})
        run_state_machine_as_test(
            kind,
            settings=settings(
                max_examples=25,
                stateful_step_count=25,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow],
            ),
        )
