"""The handler of imports, which stores new observations as scrapes."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from uuid import UUID

import msgspec

from domain.decisions import (
    Decision,
    Handler,
    Histories,
    History,
    StreamEvent,
    on,
)
from domain.scrape import events as e
from domain.scrape import importing
from domain.scrape.importing import KnownDetails, ObservationGroup
from domain.scrape.recorded_lines import (
    ObservationKey,
    ObservationLine,
    are_distinct,
    key_of,
)
from domain.streams import Names, imported_run_stream


class ImportResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an append of observation groups.

    ``stored`` and ``runs`` count new observations and runs, and ``there_already``
    counts observations that were stored before. ``known`` holds the known details of
    videos by creator, with those of this append.
    """

    stored: int
    there_already: int
    runs: int
    known: dict[UUID, KnownDetails]


class NewInGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The new observations of a group, and the number of those stored before."""

    keys: frozenset[ObservationKey]
    there_already: int


def import_observations(
    groups: Sequence[ObservationGroup],
    *,
    known: Mapping[UUID, KnownDetails],
    names: Names,
) -> Handler[ImportResult]:
    """Store the observations of the groups that are not stored yet.

    ``known`` has the details of videos from earlier groups of the import; it is not
    changed. A creator's groups come in the order of time.
    """
    pending = yield from _unstored(groups, names)
    learned = {
        creator_id: dict(known.get(creator_id, {}))
        for creator_id in {group.creator_id for group in groups}
    }
    events: list[StreamEvent] = []
    stored = runs = 0
    for each in pending:
        stored += each.missing
        for run in each.runs(learned[each.group.creator_id], names):
            events += on(each.stream, run)
            each.next_part += 1
            runs += 1
    result = ImportResult(
        stored=stored,
        there_already=sum(each.there_already for each in pending),
        runs=runs,
        known=learned,
    )
    return Decision(result, events=events)


def new_observations(
    groups: Sequence[ObservationGroup], *, names: Names
) -> Handler[list[NewInGroup]]:
    """Find what ``import_observations`` would store of each group."""
    pending = yield from _unstored(groups, names)
    return Decision(
        [
            NewInGroup(
                keys=frozenset(
                    key_of(observed)
                    for _, observed in (
                        each.group.read_lines() if each.new is None else each.new
                    )
                ),
                there_already=each.there_already,
            )
            for each in pending
        ]
    )


def _unstored(
    groups: Sequence[ObservationGroup], names: Names
) -> Generator[Sequence[UUID], Histories, "list[_PendingGroup]"]:
    """Return the groups without the observations that are stored already."""
    pending = [_pending(group) for group in groups]
    histories = yield [run for each in pending for run in each.group.scraped]
    for each in pending:
        for run in each.group.scraped:
            # The installation's own runs observed these; exports contain them.
            each.leave_out(histories[run], names)
    open_ones = [each for each in pending if each.new != []]
    while open_ones:
        streams = [each.stream for each in open_ones]
        histories = yield streams
        parts = [histories[stream] for stream in streams]
        stored_ones = [each for each in zip(open_ones, parts, strict=True) if each[1]]
        for each, part in stored_ones:
            each.leave_out(part, names)
            each.next_part += 1
        open_ones = [each for each, _ in stored_ones if each.new]
    return pending


class _PendingGroup(msgspec.Struct, kw_only=True):
    """An observation group that is stored only in part.

    ``new`` holds the observations that are not stored yet; None means all of the
    group's ``content``. ``next_part`` is the number of the first unused part.
    """

    group: ObservationGroup
    new: Sequence[ObservationLine] | None = None
    there_already: int = 0
    stored: list[History] = []
    next_part: int = 0

    @property
    def stream(self) -> UUID:
        group = self.group
        return imported_run_stream(
            group.project_id, group.creator_id, group.observed_at, self.next_part
        )

    @property
    def missing(self) -> int:
        if self.new is not None:
            return len(self.new)
        content = self.group.content
        assert content is not None, "a group without content has lines"
        return len(content.videos.video_ids) + (content.profile is not None)

    def leave_out(self, run: History, names: Names) -> None:
        unseen = importing.distinct(
            self.group.read_lines() if self.new is None else self.new
        )
        before = len(unseen)
        importing.take_out(unseen, run, names)
        self.there_already += before - len(unseen)
        self.new = list(unseen.values())
        self.stored.append(run)

    def runs(self, known: KnownDetails, names: Names) -> Iterator[list[e.ScrapeEvent]]:
        """Yield the events of each new run, and add its video details to ``known``."""
        for run in self.stored:
            importing.learn(known, run)
        if self.new is not None:
            yield from importing.runs_of(self.group, self.new, known, names)
        elif self.group.content is not None:
            yield importing.run_of(self.group, self.group.content, known, names)


def _pending(group: ObservationGroup) -> _PendingGroup:
    if group.content is not None:
        return _PendingGroup(group=group)
    lines = group.read_lines()
    if not are_distinct(lines):
        lines = list(importing.distinct(lines).values())
    return _PendingGroup(group=group, new=lines)
