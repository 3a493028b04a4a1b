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
from msgspec.structs import replace

from domain import commands as c
from domain.creator.errors import AccountInProjectError
from domain.errors import (
    CreatorBannedError,
    CreatorRemovedError,
    DomainError,
    HandleTakenError,
    InvalidHandleError,
    LimitReachedError,
    NoChangeError,
)
from domain.organization.plans import DEFAULT_PLANS, NO_LIMITS
from infra.eventstore.execute import Executed
from infra.eventstore.store import Store
from infra.ids import new_id
from tests.kit.builders import NOON, Home, asking, make_home, opened_store
from tests.kit.commands import (
    ban_handle,
    change_organization,
    disable_creators,
    move_creator,
    reenable_creators,
    remove_creators,
    unban_handle,
)

T = TypeVar("T")

NAMES = ("ada", "berta", "cleo", "dora", "emma", "frida", "gerda")
MOST = 5
PLACES = st.integers(0, 2)


class HandlersMachine(RuleBasedStateMachine):
    """Everything that can be asked of creators, on PostgreSQL, against plain dicts."""

    store: Store
    creators = Bundle("creators")

    def __init__(self) -> None:
        super().__init__()
        home = make_home(self.store, plan="free")
        self.homes = [home, *(replace(home, project_id=_more(home)) for _ in range(2))]
        # Bans are the installation's, so that each run has handles of its own.
        self.tail = f".{home.project_id.hex[-12:]}"
        self.now: datetime = NOON
        self.model: dict[UUID, dict[str, Any]] = {}
        self.last_holder: dict[tuple[int, str], UUID] = {}
        self.banned: set[str] = set()

    def active(self) -> int:
        return sum(known["status"] == "active" for known in self.model.values())

    def holder(self, place: int, name: str) -> UUID | None:
        for key, known in self.model.items():
            is_there = place in _places(known)
            if is_there and known["name"] == name and known["status"] != "removed":
                return key
        return None

    def is_taken(self, places: set[int], name: str) -> bool:
        return any(self.holder(place, name) for place in places)

    def claimed(self, key: UUID) -> None:
        known = self.model[key]
        for place in _places(known):
            self.last_holder[place, known["name"]] = key

    @rule(
        target=creators,
        names=st.lists(st.sampled_from((*NAMES, "no handle")), min_size=1, max_size=4),
        place=PLACES,
    )
    def add(self, names: list[str], place: int) -> object:
        expected: list[tuple[str, Any]] = []
        for index, name in enumerate(names):
            last = self.last_holder.get((place, name))
            former = self.model[last] if last else None
            if former and (
                former["name"] != name
                or former["status"] != "removed"
                or place not in _places(former)
            ):
                former = None
            if name == "no handle":
                expected.append(("failed", InvalidHandleError))
            elif name in names[:index]:
                expected.append(("failed", HandleTakenError))
            elif name in self.banned:
                expected.append(("failed", CreatorBannedError))
            elif self.holder(place, name):
                expected.append(("failed", HandleTakenError))
            elif former is None:
                expected.append(("created", None))
            elif former["place"] != place or self.is_taken(_places(former), name):
                expected.append(("failed", HandleTakenError))
            else:
                expected.append(("reactivated", last))
        wanted = sum(status != "failed" for status, _ in expected)

        home = self.homes[place]
        results = _answer(lambda: home.add(*(name + self.tail for name in names)))

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
            known = self.model.setdefault(
                result.creator_id,
                {"reenabled": None, "origin": place, "by_hand": False},
            )
            known |= {"name": name, "status": "active", "place": place}
            self.claimed(result.creator_id)
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
        elif self.is_taken(_places(known), name):
            expected = HandleTakenError

        answer = _answer(lambda: self.homes[0].rename(key, name + self.tail))

        assert type(answer) is (expected or type(None))
        if answer is None:
            known["name"] = name
            self.claimed(key)

    @rule(key=creators, place=PLACES)
    def move(self, key: UUID, place: int) -> None:
        known = self.model[key]
        expected: type[DomainError] | None = None
        if known["status"] == "removed":
            expected = CreatorRemovedError
        elif self.holder(place, known["name"]) not in (None, key):
            expected = HandleTakenError
        elif known["place"] != place and any(
            (other["place"], other["name"]) == (place, known["name"])
            for other in self.model.values()
        ):
            # It was removed there, and counts there.
            expected = AccountInProjectError

        answer = _answer(
            lambda: move_creator(
                self.store,
                key,
                c.MoveCreator(project_id=self.homes[place].project_id, history="whole"),
                video_ids=(),
                same_account=(),
                organization_id=self.homes[0].organization_id,
                context=asking(),
            )
        )

        assert type(answer) is (expected or Executed)
        if expected is None:
            known["place"] = place
            self.claimed(key)

    @rule(key=creators)
    def remove(self, key: UUID) -> None:
        self.homes[0].remove(key)
        self.model[key]["status"] = "removed"

    @rule(keys=st.lists(creators, max_size=3), place=PLACES)
    def remove_several(self, keys: list[UUID], place: int) -> None:
        done = remove_creators(
            self.store,
            keys,
            organization_id=self.homes[place].organization_id,
            project_id=self.homes[place].project_id,
            context=asking(),
        )

        for key, result in zip(keys, done.result, strict=True):
            known = self.model[key]
            if known["place"] != place:
                assert result.status == "failed"
                continue
            assert result.status == (
                "skipped" if known["status"] == "removed" else "ok"
            )
            known["status"] = "removed"

    @rule(key=creators)
    def disable(self, key: UUID) -> None:
        self.homes[0].disable(key)
        if self.model[key]["status"] == "active":
            self.model[key] |= {"status": "disabled", "by_hand": False}

    @rule(keys=st.lists(creators, max_size=3), place=PLACES)
    def disable_by_hand(self, keys: list[UUID], place: int) -> None:
        done = disable_creators(
            self.store,
            keys,
            organization_id=self.homes[place].organization_id,
            project_id=self.homes[place].project_id,
            context=asking(),
        )
        stopping = {
            key
            for key in keys
            if self.model[key]["status"] == "active"
            and self.model[key]["place"] == place
        }
        assert {r.id for r in done.result if r.status == "ok"} == stopping
        for key in stopping:
            self.model[key] |= {"status": "disabled", "by_hand": True}

    @rule(
        keys=st.lists(creators, max_size=3), hours=st.sampled_from((0, 23, 24)),
        place=PLACES,
    )  # fmt: skip
    def reenable(self, keys: list[UUID], hours: int, place: int) -> None:
        self.now += timedelta(hours=hours)
        waking = {
            key
            for key in keys
            if self.model[key]["status"] == "disabled"
            and self.model[key]["place"] == place
            and (
                self.model[key]["by_hand"]
                or self.model[key]["reenabled"] is None
                or self.now - self.model[key]["reenabled"] >= timedelta(hours=24)
            )
        }

        done = _answer(
            lambda: reenable_creators(
                self.store,
                keys,
                organization_id=self.homes[place].organization_id,
                project_id=self.homes[place].project_id,
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
        home = self.homes[0]
        assert home.counted() == home.active_in_the_log() == self.active()
        for key, known in self.model.items():
            creator = home.look_at(key)
            assert creator.handle == known["name"] + self.tail
            assert creator.status == known["status"]
            assert creator.project_id == self.homes[known["place"]].project_id
        for place, home in enumerate(self.homes):
            for name in NAMES:
                assert home.holder(name + self.tail) == self.holder(place, name)


def _places(known: dict[str, Any]) -> set[int]:
    """Where a creator needs its handle: the project it is in, and its first one."""
    return {known["place"], known["origin"]}


def _more(home: Home) -> UUID:
    """Make another project, of which the plan allows one only."""
    project_id = new_id()
    change_organization(
        home.store,
        home.organization_id,
        c.CreateProject(project_id=project_id, name="Summer", description=None),
        plans={"free": NO_LIMITS},
        context=asking(),
    )
    return project_id


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
