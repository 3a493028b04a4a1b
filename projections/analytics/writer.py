"""Taking in a part of the log: rows before and after it, and what that moves."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.analytics.baselines import BaselineRule
from infra.eventstore.store import RecordedEvent
from projections.analytics import rows as tables
from projections.analytics import snapshots as rows
from projections.analytics.batch import Heard, subjects_of
from projections.analytics.entities import (
    SubjectRow,
    VideoRow,
    changed,
    flags_of_profile,
    flags_of_video,
)
from projections.analytics.fold import Standings, is_owned, take_away, take_in
from projections.analytics.keys import HerdKey
from projections.analytics.owner_state import (
    Herd,
    delete_herd,
    empty_herd,
    load_herds,
    save_herds,
)
from projections.analytics.ownership import (
    Owners,
    Unowned,
    herd_of,
    load_numbered,
    load_unowned,
    new_things,
    owner_of,
    route,
    save_unowned,
    video_herd,
)
from projections.analytics.rollup_deltas import (
    FAMILIES,
    PROFILES,
    VIDEOS,
    Key,
    Sums,
    key_of,
)
from projections.analytics.rows import END
from projections.analytics.snapshots import Look, by_moment


class Intake:
    """One part of the log on its way into the tables of analytics."""

    def __init__(self, cursor: Cursor[TupleRow], rule: BaselineRule) -> None:
        self._cursor = cursor
        self._rule: BaselineRule = rule
        self._subjects_before: dict[UUID, SubjectRow] = {}
        self._heard = Heard()
        self._rows_before: dict[Key, VideoRow] = {}
        self._rows: dict[Key, VideoRow] = {}
        self._herds: dict[HerdKey, Herd] = {}
        self._asked: set[HerdKey] = set()
        self._looks: dict[HerdKey, list[Look]] = defaultdict(list)
        self._standings: dict[HerdKey, dict[int, int]] = defaultdict(dict)
        self._subjects_of: dict[HerdKey, tuple[UUID | None, UUID | None]] = {}
        self._sums = {family.number: Sums(family) for family in FAMILIES}
        self._gone: set[Unowned] = set()
        self._came: set[Unowned] = set()

    def take_in(self, events: Sequence[RecordedEvent]) -> None:
        """Take the events in; those that were taken in before change nothing."""
        self._load_subjects(key for event in events for key in subjects_of(event))
        self._heard = Heard(self._subjects_before.values())
        self._heard.hear(events)
        self._fold_videos()
        self._route()
        self._stand_profiles()
        self._fold_herds()
        self._save()

    def _load_subjects(self, keys: Iterable[tuple[UUID, UUID]]) -> None:
        wanted = {key for key in keys if key[1] not in self._subjects_before}
        found = tables.SUBJECTS.load(self._cursor, sorted(wanted))
        self._subjects_before |= found
        for key, row in found.items():
            self._heard.subjects.setdefault(key, row)

    def _fold_videos(self) -> None:
        told = self._heard.told
        self._rows_before = tables.load_videos(self._cursor, sorted(told))
        for key, changes in told.items():
            row = self._rows_before.get(key) or VideoRow(
                organization_id=UUID(int=key[0]), id=UUID(int=key[1])
            )
            self._rows[key] = changed(row, changes, self._heard.events)
        both = [*self._rows_before.values(), *self._rows.values()]
        self._load_subjects(
            (row.organization_id, row.creator_id) for row in both if row.creator_id
        )
        for key, row in self._turned().items():
            self._rows.setdefault(key, row)
            self._rows_before.setdefault(key, row)
        self._move_posts()

    def _turned(self) -> dict[Key, VideoRow]:
        """Return the videos that were posted before the first look, and are not now."""
        spans: dict[Key, tuple[datetime, datetime]] = {}
        for subject_id, row in self._heard.subjects.items():
            held = self._subjects_before.get(subject_id)
            was = None if held is None else held.earliest_at
            if row.earliest_at is not None and row.earliest_at != was:
                key = key_of(row.organization_id, row.id)
                spans[key] = row.earliest_at, was or END
        return tables.load_posted_between(self._cursor, spans)

    def _move_posts(self) -> None:
        sums = self._sums[VIDEOS.number]
        for key, after in self._rows.items():
            before = self._rows_before.get(key)
            if before is not None and before.posts() == after.posts():
                continue
            for row, sign in ((before, -1), (after, 1)):
                if row is not None and row.is_counted and row.posted_at is not None:
                    sums.add_posts(
                        row.organization_id, row.subjects, [row.posted_at], sign=sign
                    )

    def _route(self) -> None:
        """Send every observation to its owner, what was kept elsewhere as well."""
        looks = [look for look in self._heard.looks if look.family == VIDEOS.number]
        keepers = {(look.organization_id, look.owner) for look in looks}
        self._load_subjects(key for key in keepers)
        projects = {
            key: row.project_id
            if (row := self._heard.subjects.get(key[1])) and row.kind != "project"
            else key[1]
            for key in keepers
        }
        self._move_kept()
        self._load_herds({look.key for look in looks})
        new = new_things(looks, self._herds)
        numbers = {
            (key[0], number)
            for key, things in new.items()
            for number in things.tolist()
        }
        owners = Owners(load_numbered(self._cursor, numbers))
        owners.add(self._rows.values())
        routed, unowned = route(looks, new, owners, projects)
        self._came |= unowned
        for key, parts in routed.items():
            self._looks[key] += parts
        self._stand_videos(
            [
                *(r for r in owners.rows(numbers) if herd_of(r) in routed),
                *self._rows.values(),
            ]
        )

    def _stand_videos(self, videos: Sequence[VideoRow]) -> None:
        """Say how videos stand that a herd sees for the first time, or otherwise."""
        self._load_subjects(
            (row.organization_id, row.creator_id) for row in videos if row.creator_id
        )
        for row in videos:
            key = herd_of(row)
            if key is None or row.number is None:
                continue
            flags = flags_of_video(row, self._heard.subjects, rule=self._rule)
            self._standings[key][row.number] = flags
            self._subjects_of[key] = row.creator_id, row.project_id

    def _move_kept(self) -> None:
        """Send what was kept of a video to its owner, if that is somebody else now."""
        moves: dict[HerdKey, dict[int, UUID]] = defaultdict(dict)
        owned = {
            (row.organization_id, row.number): row
            for row in self._rows.values()
            if row.is_there and row.number is not None
        }
        newly_placed = {
            (row.organization_id, row.id)
            for row in self._heard.subjects.values()
            if row.project_id is not None
            and ((held := self._subjects_before.get(row.id)) is None
                 or held.project_id is None)
        }  # fmt: skip
        kept = load_unowned(self._cursor, owned, newly_placed)
        self._load_subjects((one[0], one[2]) for one in kept)
        owners = Owners(load_numbered(self._cursor, {(one[0], one[1]) for one in kept}))
        owners.add(self._rows.values())
        for organization_id, number, keeper in kept:
            subject = self._heard.subjects.get(keeper)
            is_creator = subject is not None and subject.kind != "project"
            project_id = subject.project_id if subject and is_creator else keeper
            row = owners.row_of(organization_id, number, keeper, project_id)
            owner = owner_of(row)
            if row is None or owner is None:
                continue
            self._gone.add((organization_id, number, keeper))
            key = key_of(row.organization_id, row.id)
            if key not in self._rows:
                self._rows[key] = self._rows_before[key] = row
            if owner != keeper:
                moves[video_herd(organization_id, keeper)][number] = owner
        for key, row in self._rows.items():
            was, owner = owner_of(self._rows_before.get(key)), owner_of(row)
            if was and owner and was != owner and row.number is not None:
                moves[video_herd(row.organization_id, was)][row.number] = owner
        self._load_herds(moves)
        for key, targets in moves.items():
            self._move(key, targets)

    def _move(self, key: HerdKey, targets: dict[int, UUID]) -> None:
        """Take what was seen of things out of a herd, and give it to others."""
        herd = self._herds.get(key)
        if herd is None:
            return
        things = np.array(sorted(targets), np.int64)
        is_theirs = np.isin(herd.things, things)
        if not is_theirs.any():
            return
        since = int(herd.first_at[is_theirs].min())
        stored = rows.load_looks(self._cursor, key, since=since)
        take_away(herd, things, stored, self._sums[key[1]])
        stay: list[Look] = []
        empty: list[Look] = []
        for look in stored:
            away = np.isin(look.seen.things, things)
            if not away.any():
                continue
            for number in look.seen.things[away].tolist():
                part = msgspec.structs.replace(
                    look,
                    owner=targets[number],
                    seen=look.seen.where(look.seen.things == number),
                )
                self._looks[part.key].append(part)
            rest = msgspec.structs.replace(look, seen=look.seen.where(~away))
            (stay if rest.is_kept else empty).append(rest)
        rows.save_looks(self._cursor, stay)
        rows.delete_looks(self._cursor, empty)
        self._asked.add(key)
        if empty:
            last = rows.last_look(self._cursor, key)
            if last is None:
                delete_herd(self._cursor, key)
                del self._herds[key]
            else:
                herd.last = last

    def _stand_profiles(self) -> None:
        for look in self._heard.looks:
            if look.family == PROFILES.number:
                self._looks[look.key].append(look)
        for row in self._heard.subjects.values():
            before = self._subjects_before.get(row.id)
            key = row.organization_id, PROFILES.number, row.id
            is_new = flags_of_profile(before) != flags_of_profile(row)
            if is_new or key in self._looks:
                self._standings[key][0] = flags_of_profile(row)
                self._subjects_of[key] = row.id, row.project_id

    def _fold_herds(self) -> None:
        touched = {*self._looks, *self._standings}
        self._load_herds(touched)
        kept: list[Look] = []
        for key in sorted(touched):
            herd, looks = self._herds.get(key), by_moment(self._looks[key])
            if herd is None:
                if not looks:
                    continue
                family = FAMILIES[key[1]]
                herd = empty_herd(*key, counters=family.counters)
            known = self._subjects_of.get(key)
            if known is not None:
                herd.creator_id, herd.project_id = known
            standings = Standings.of(self._standings[key])
            kept += take_in(self._cursor, herd, looks, standings, self._sums[key[1]])
            if not is_owned(herd):
                herd.creator_id = herd.project_id = None
            if herd.last[1]:
                self._herds[key] = herd
                self._asked.add(key)
        rows.save_looks(self._cursor, kept)

    def _load_herds(self, keys: Iterable[HerdKey]) -> None:
        wanted = {key for key in keys if key not in self._herds}
        self._herds |= load_herds(self._cursor, sorted(wanted))

    def _save(self) -> None:
        herds = [self._herds[key] for key in sorted(self._asked) if key in self._herds]
        save_herds(self._cursor, herds)
        save_unowned(self._cursor, self._came - self._gone, self._gone)
        for sums in self._sums.values():
            tables.save_sums(self._cursor, sums)
        before, held = self._rows_before, self._subjects_before
        tables.save_videos(
            self._cursor,
            [row for key, row in self._rows.items() if row is not before.get(key)],
        )
        tables.SUBJECTS.save(
            self._cursor,
            [row for k, row in self._heard.subjects.items() if row is not held.get(k)],
        )
