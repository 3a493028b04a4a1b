from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import reduce
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from msgspec import UNSET

from domain import commands as c
from domain import events as e
from domain.creator import decider, handle_claim
from domain.creator.decider import CreatorState
from domain.decisions import decide_all
from domain.errors import (
    BlankNameError,
    CreatorRemovedError,
    DomainError,
    HandleTakenError,
    InvalidFieldError,
    InvalidWindowError,
    NoChangeError,
)
from infra.eventstore.codec import Codec
from tests.kit.builders import NOON, ORGANIZATION, PROJECT
from tests.kit.depth import part_of

# Few of everything, so that collisions are common.
HANDLES = st.sampled_from(("ada", "berta", "cleo", "dora"))
DAYS = st.none() | st.sampled_from([date(2026, 3, day) for day in (1, 2, 3)])
MODES = st.sampled_from(("auto", "selective"))
TEXTS = st.none() | st.sampled_from(
    ("", "goat", '\N{GOAT} "q" \\', '\N{GOAT} "q" \\ \x7f \u2028')
)
TAGS = st.sampled_from(([], ["goat"], ["Goat", "b"], ["b", "Goat"]))
METADATA = st.sampled_from(
    (
        {},
        {"a": 1},
        {"a": True},
        {"a": 1.0},
        {"a": None, "b": 2**63 - 1},
        {"a": {"b": [1, "\N{GOAT}"]}},
    )
)
SCRAPES = st.sampled_from([UUID(int=number) for number in (1, 2, 3)])
VERDICTS = st.sampled_from(("not_found", "private", "unavailable"))
OR_UNSET = st.just(UNSET)


class Population:
    """The system: every stream a list of stored events, read back for each decision."""

    def __init__(self) -> None:
        self._codec = Codec()
        self._streams: dict[object, list[tuple[str, bytes]]] = defaultdict(list)

    def creator(self, key: UUID) -> CreatorState | None:
        return reduce(decider.evolve, self._history(key), None)

    def claim(self, handle: str) -> handle_claim.HandleClaim:
        return reduce(
            handle_claim.evolve, self._history(handle), handle_claim.UNCLAIMED
        )

    def ask(
        self,
        key: UUID,
        *commands: c.CreatorCommand,
        claim: str | None = None,
        release: str | None = None,
    ) -> int:
        """Carry out all or nothing, and say how many events that made."""
        happened: dict[object, Sequence[e.Event]] = {
            key: decide_all(
                self.creator(key),
                commands,
                decide=decider.decide,
                evolve=decider.evolve,
            )
        }
        for handle, kind in ((claim, c.ClaimHandle), (release, c.ReleaseHandle)):
            if handle is not None:
                order = kind(
                    organization_id=ORGANIZATION,
                    project_id=PROJECT,
                    handle=handle,
                    creator_id=key,
                )
                happened[handle] = handle_claim.decide(self.claim(handle), order)
        for stream, events in happened.items():
            for event in events:
                stored = self._codec.name_of(event), self._codec.encode(event)
                assert self._codec.decode(*stored) == event
                self._streams[stream].append(stored)
        return sum(map(len, happened.values()))

    def _history(self, stream: object) -> list[Any]:
        return [self._codec.decode(*stored) for stored in self._streams[stream]]


class CreatorMachine(RuleBasedStateMachine):
    """The model: a dict a creator, changed by rules that know no event."""

    creators = Bundle("creators")

    def __init__(self) -> None:
        super().__init__()
        self.population = Population()
        self.now: datetime = NOON
        self.model: dict[UUID, dict[str, Any]] = {}
        self.last_holder: dict[str, UUID] = {}

    def holder(self, handle: str) -> UUID | None:
        holding = (
            key
            for key, known in self.model.items()
            if known["handle"] == handle and known["status"] != "removed"
        )
        return next(holding, None)

    def refused(self, key: UUID, *commands: c.CreatorCommand, **claim: str) -> object:
        """Ask, and return the refusal or how many events were made."""
        try:
            return self.population.ask(key, *commands, **claim)
        except DomainError as refusal:
            return type(refusal)

    @rule(
        target=creators,
        handle=HANDLES,
        mode=MODES,
        start=DAYS,
        end=DAYS,
        description=TEXTS,
        metadata=METADATA,
        tags=TAGS,
    )
    def add(
        self,
        handle: str,
        mode: e.TrackingMode,
        start: date | None,
        end: date | None,
        description: str | None,
        metadata: dict[str, Any],
        tags: list[str],
    ) -> UUID:
        key = UUID(int=1_000 + len(self.model))
        add = c.AddCreator(
            organization_id=ORGANIZATION,
            project_id=PROJECT,
            handle=handle,
            tracking_mode=mode,
            tracking_start_date=start,
            tracking_end_date=end,
            description=description,
            readme=None,
            metadata=metadata,
            tags=tags,
        )

        answer = self.refused(key, add, claim=handle)

        if start and end and end < start:
            assert answer is InvalidWindowError
            return self.holder(handle) or key
        if held := self.holder(handle):
            assert answer is HandleTakenError
            return held
        assert answer == 2
        self.last_holder[handle] = key
        self.model[key] = {
            "handle": handle,
            "status": "active",
            "tracking_mode": mode,
            "tracking_start_date": start,
            "tracking_end_date": end,
            "display_name": None,
            "description": description,
            "readme": None,
            "metadata": metadata,
            "tags": tags,
            "disabled_reason": None,
            "disabled_by": None,
            "reenabled_at": None,
        }
        return key

    @rule(key=creators, handle=HANDLES)
    def rename(self, key: UUID, handle: str) -> None:
        if key not in self.model:
            return
        known = self.model[key]
        old = known["handle"]

        answer = self.refused(
            key, c.RenameHandle(handle=handle), claim=handle, release=old
        )

        if known["status"] == "removed":
            assert answer is CreatorRemovedError
        elif handle == old:
            assert answer is NoChangeError
        elif self.holder(handle):
            assert answer is HandleTakenError
        else:
            assert answer == 3
            known["handle"] = handle
            self.last_holder[handle] = key

    @rule(
        key=creators,
        display_name=TEXTS | OR_UNSET,
        description=TEXTS | OR_UNSET,
        metadata=METADATA | OR_UNSET,
        tags=TAGS | OR_UNSET,
    )
    def change_details(self, key: UUID, **changes: Any) -> None:  # noqa: ANN401
        if key not in self.model:
            return
        known = self.model[key]

        answer = self.refused(key, c.ChangeDetails(**changes))

        if known["status"] == "removed":
            assert answer is CreatorRemovedError
            return
        wanted = {name: value for name, value in changes.items() if value is not UNSET}
        before = {name: known[name] for name in wanted}
        if wanted.get("display_name") == "":
            # Nobody has it, so it would be a change.
            assert answer is BlankNameError
            return
        if "\u2028" in (wanted.get("display_name") or ""):
            # The name is shown in one line, and the description in several.
            assert answer is InvalidFieldError
            return
        # As people see it: 1 is not True.
        assert answer == (_shown(wanted) != _shown(before))
        known.update(wanted)

    @rule(
        key=creators,
        tracking_mode=MODES | OR_UNSET,
        tracking_start_date=DAYS | OR_UNSET,
        tracking_end_date=DAYS | OR_UNSET,
    )
    def change_tracking(self, key: UUID, **changes: Any) -> None:  # noqa: ANN401
        if key not in self.model:
            return
        known = self.model[key]

        answer = self.refused(key, c.ChangeTracking(**changes))

        wanted = {name: value for name, value in changes.items() if value is not UNSET}
        after = {**known, **wanted}
        start, end = after["tracking_start_date"], after["tracking_end_date"]
        moved = (start, end) != (
            known["tracking_start_date"],
            known["tracking_end_date"],
        )
        if known["status"] == "removed":
            assert answer is CreatorRemovedError
        elif start and end and end < start:
            assert answer is InvalidWindowError
        else:
            assert answer == moved + (after["tracking_mode"] != known["tracking_mode"])
            self.model[key] = after

    @rule(key=creators)
    def remove(self, key: UUID) -> None:
        if key not in self.model:
            return
        known = self.model[key]

        answer = self.refused(key, c.SoftDelete(), release=known["handle"])

        assert answer == (0 if known["status"] == "removed" else 2)
        known["status"] = "removed"
        known["disabled_reason"] = None

    @rule(
        key=creators,
        tracking_mode=MODES | OR_UNSET,
        tracking_start_date=DAYS | OR_UNSET,
        tracking_end_date=DAYS | OR_UNSET,
    )
    def bring_back(self, key: UUID, **changes: Any) -> None:  # noqa: ANN401
        known = self.model.get(key)
        if known is None or known["status"] != "removed":
            return

        answer = self.refused(key, c.Reactivate(**changes), claim=known["handle"])

        named = {name: value for name, value in changes.items() if value is not UNSET}
        after = {**known, **named}
        start, end = after["tracking_start_date"], after["tracking_end_date"]
        if start and end and end < start:
            assert answer is InvalidWindowError
        elif self.holder(known["handle"]):
            assert answer is HandleTakenError
        else:
            assert answer == 2
            self.last_holder[known["handle"]] = key
            self.model[key] = {**after, "status": "active"}

    @rule(key=creators, verdict=VERDICTS, scrape=SCRAPES)
    def disable(self, key: UUID, verdict: e.Outcome, scrape: UUID) -> None:
        if key not in self.model:
            return
        known = self.model[key]

        answer = self.refused(key, c.AutoDisable(verdict=verdict, scrape_id=scrape))

        disables = known["status"] == "active" and known["disabled_by"] != scrape
        assert answer == int(disables)
        if disables:
            known["status"] = "disabled"
            known["disabled_reason"] = verdict
            known["disabled_by"] = scrape

    @rule(key=creators)
    def disable_by_hand(self, key: UUID) -> None:
        if key not in self.model:
            return
        known = self.model[key]

        answer = self.refused(key, c.Disable())

        if known["status"] == "removed":
            assert answer is CreatorRemovedError
            return
        assert answer == (1 if known["status"] == "active" else 0)
        if known["status"] == "active":
            known["status"] = "disabled"
            known["disabled_reason"] = "by_hand"

    @rule(key=creators, hours=st.sampled_from((0, 23, 24)))
    def reenable(self, key: UUID, hours: int) -> None:
        if key not in self.model:
            return
        known = self.model[key]
        self.now += timedelta(hours=hours)

        answer = self.refused(key, c.Reenable(at=self.now))

        last = known["reenabled_at"]
        wakes = known["status"] == "disabled" and (
            known["disabled_reason"] == "by_hand"
            or last is None
            or self.now - last >= timedelta(hours=24)
        )
        assert answer == int(wakes)
        if wakes:
            known["status"] = "active"
            known["disabled_reason"] = None
            known["reenabled_at"] = self.now

    @invariant()
    def every_creator_is_what_the_model_says(self) -> None:
        for key, known in self.model.items():
            found = self.population.creator(key)
            assert found is not None
            assert _shown({name: getattr(found, name) for name in known}) == _shown(
                known
            )

    @invariant()
    def every_handle_is_held_by_whom_the_model_says(self) -> None:
        for handle in ("ada", "berta", "cleo", "dora"):
            claim = self.population.claim(handle)
            assert claim.holder == self.holder(handle)
            assert claim.last_holder == self.last_holder.get(handle)


def _shown(values: dict[str, Any]) -> str:
    """Every value as it is written, so that 1, 1.0 and True differ."""
    ordered = {
        name: dict(sorted(value.items())) if isinstance(value, dict) else value
        for name, value in sorted(values.items())
    }
    return repr(ordered)


TestCreatorMachine = CreatorMachine.TestCase
TestCreatorMachine.settings = settings(
    max_examples=part_of(100), stateful_step_count=30, deadline=None
)
