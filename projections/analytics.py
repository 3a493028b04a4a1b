"""analytics: every observation and its sums, kept so that no order of facts matters."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from infra.store import Recorded
from projections import analytics_tables as tables
from projections.analytics_fold import (
    PROFILES,
    VIDEOS,
    Counts,
    Family,
    Key,
    Level,
    Moment,
    Standing,
    Sums,
    key_of,
    levels_of,
)
from projections.analytics_parts import numbers_of, parts_of_log, subjects_of
from projections.analytics_tables import BEGINNING, END
from projections.analytics_videos import (
    TOLD_OF_VIDEOS,
    Change,
    LookRow,
    Seen,
    SubjectRow,
    VideoRow,
    changed,
    fact_change,
    look_of,
    seen_change,
    standing_of_profile,
    standing_of_video,
)


class Analytics:
    """Keeps the tables analytics_*."""

    name = "analytics"
    version = 1
    tables = (
        "analytics_subjects",
        "analytics_videos",
        "analytics_video_levels",
        "analytics_profile_levels",
        "analytics_looks",
        "analytics_video_sums",
        "analytics_profile_sums",
    )
    facts = TOLD_OF_VIDEOS | {
        "project_created",
        "project_details_changed",
        "creator_added",
        "handle_changed",
        "profile_snapshot_recorded",
        "video_stats_snapshot_recorded",
    }

    def write(self, cursor: Cursor[TupleRow], facts: Sequence[Recorded]) -> None:
        """Take the facts in; those that were taken in before change nothing."""
        tables.enable_arrays(cursor)
        for part in parts_of_log(facts):
            _Intake(cursor).take_in(part)


class _Intake:
    """What a part of the log tells, and the rows that it is about."""

    def __init__(self, cursor: Cursor[TupleRow]) -> None:
        self._cursor = cursor
        self._subjects: dict[UUID, SubjectRow] = {}
        self._subjects_before: dict[UUID, SubjectRow] = {}
        self._looks: dict[int, LookRow] = {}
        self._told: dict[Key, list[Change]] = defaultdict(list)
        self._seen: dict[Family, dict[Key, dict[Moment, Counts]]] = {
            VIDEOS: defaultdict(dict),
            PROFILES: defaultdict(dict),
        }

    def take_in(self, facts: Sequence[Recorded]) -> None:
        self._load_subjects(key for fact in facts for key in subjects_of(fact))
        for fact in facts:
            self._hear(fact)
        self._take_in_videos()
        self._take_in_profiles()
        tables.LOOKS.save(self._cursor, list(self._looks.values()))
        before = self._subjects_before
        tables.SUBJECTS.save(
            self._cursor,
            [row for key, row in self._subjects.items() if row is not before.get(key)],
        )

    def _load_subjects(self, keys: Iterable[tuple[UUID, UUID]]) -> None:
        wanted = {key for key in keys if key[1] not in self._subjects_before}
        found = tables.SUBJECTS.load(self._cursor, sorted(wanted))
        self._subjects_before |= found
        for key, row in found.items():
            self._subjects.setdefault(key, row)

    def _hear(self, recorded: Recorded) -> None:
        fact, position = recorded.fact, recorded.position
        match fact:
            case e.ProjectCreated():
                row = self._subject(recorded.stream, fact.project_id)
                row = replace(row, kind="project", position=position).named(
                    fact.name, position
                )
                self._subjects[row.id] = row
            case e.ProjectDetailsChanged():
                if fact.name is not UNSET:
                    row = self._subject(recorded.stream, fact.project_id)
                    self._subjects[row.id] = row.named(fact.name, position)
            case e.CreatorAdded():
                row = self._subject(fact.organization_id, recorded.stream)
                row = replace(
                    row,
                    kind="creator",
                    project_id=fact.project_id,
                    position=position,
                )
                self._subjects[row.id] = row.named(fact.handle, position)
            case e.HandleChanged():
                row = self._subject(fact.organization_id, recorded.stream)
                self._subjects[row.id] = row.named(fact.new, position)
            case e.ProfileSnapshotRecorded():
                self._looks[position] = look_of(recorded, fact)
                self._see_profile(fact, position)
            case e.VideoStatsSnapshotRecorded():
                self._looks[position] = look_of(recorded, fact)
                self._see_videos(fact, position)
            case _:
                organization_id: UUID = getattr(fact, "organization_id")  # noqa: B009
                told = self._told[key_of(organization_id, recorded.stream)]
                told.append(fact_change(recorded))

    def _see_profile(self, fact: e.ProfileSnapshotRecorded, position: int) -> None:
        row = self._subject(fact.organization_id, fact.creator_id)
        self._subjects[row.id] = row.looked_at(fact.observed_at)
        key = key_of(fact.organization_id, fact.creator_id)
        self._seen[PROFILES][key][fact.observed_at, position] = (
            fact.follower_count,
            fact.following_count,
            fact.total_likes_count,
            fact.video_count,
        )

    def _see_videos(self, fact: e.VideoStatsSnapshotRecorded, position: int) -> None:
        project_id = fact.project_id
        if fact.creator_id is not None:
            row = self._subject(fact.organization_id, fact.creator_id)
            self._subjects[row.id] = row.looked_at(fact.observed_at)
            project_id = project_id or row.project_id
        if project_id is None:
            # Whose videos these are nobody can know.
            return
        known = numbers_of(project_id)
        organization = fact.organization_id.int
        keys = [(organization, known[video_id]) for video_id in fact.video_ids]
        moment = fact.observed_at, position
        seen = self._seen[VIDEOS]
        counters = zip(
            fact.view_counts,
            fact.like_counts,
            fact.comment_counts,
            fact.share_counts,
            fact.save_counts,
            strict=True,
        )
        for key, counts in zip(keys, counters, strict=True):
            seen[key][moment] = counts
        if not fact.posted_at and not fact.titles:
            return
        nothing = (None,) * len(keys)
        told = zip(keys, fact.posted_at or nothing, fact.titles or nothing, strict=True)
        for key, posted_at, title in told:
            if posted_at is not None or title is not None:
                change = seen_change(position, Seen(posted_at=posted_at, title=title))
                self._told[key].append(change)

    def _subject(self, organization_id: UUID, subject_id: UUID) -> SubjectRow:
        return self._subjects.get(subject_id) or SubjectRow(
            organization_id=organization_id, id=subject_id
        )

    def _take_in_videos(self) -> None:
        seen = self._seen[VIDEOS]
        before = tables.load_videos(self._cursor, sorted({*seen, *self._told}))
        after = dict(before)
        for key, told in self._told.items():
            row = before.get(key) or VideoRow(
                organization_id=UUID(int=key[0]), id=UUID(int=key[1])
            )
            after[key] = changed(row, told)
        rows = [*before.values(), *after.values()]
        self._load_subjects(
            (row.organization_id, row.creator_id) for row in rows if row.creator_id
        )
        for key, row in self._turned().items():
            before.setdefault(key, row)
            after.setdefault(key, row)
        standings = {
            key: (
                standing_of_video(before.get(key), self._subjects_before),
                standing_of_video(after.get(key), self._subjects),
            )
            for key in {*seen, *after}
        }
        self._move(VIDEOS, standings)
        tables.save_videos(
            self._cursor,
            [row for key, row in after.items() if row is not before.get(key)],
        )

    def _turned(self) -> dict[Key, VideoRow]:
        """Return the videos that were posted before the first look, and are not now."""
        spans: dict[Key, tuple[datetime, datetime]] = {}
        for subject_id, row in self._subjects.items():
            held = self._subjects_before.get(subject_id)
            was = None if held is None else held.earliest_at
            if row.earliest_at is not None and row.earliest_at != was:
                key = key_of(row.organization_id, row.id)
                spans[key] = row.earliest_at, was or END
        return tables.load_posted_between(self._cursor, spans)

    def _take_in_profiles(self) -> None:
        standings = {
            key_of(row.organization_id, row.id): (
                standing_of_profile(self._subjects_before.get(subject_id)),
                standing_of_profile(row),
            )
            for subject_id, row in self._subjects.items()
        }
        self._move(PROFILES, standings)

    def _move(
        self, family: Family, standings: dict[Key, tuple[Standing, Standing]]
    ) -> None:
        """Keep what was seen of the things, and move the sums from before to after."""
        seen = self._seen[family]
        since: dict[Key, datetime] = {}
        for key, (before, after) in standings.items():
            if before != after:
                since[key] = BEGINNING
            elif key in seen:
                since[key], _ = min(seen[key])
        loaded = tables.load_levels(self._cursor, family, since)
        sums = Sums(family)
        changed_levels: list[tuple[Key, Level]] = []
        for key in since:
            before, after = standings[key]
            opening, held = loaded.get(key) or (family.nothing, [])
            whole = seen.get(key) or {}
            if held:
                whole = whole | {level.moment: level.seen for level in held}
            levels = levels_of(opening, whole)
            if held:
                sums.add(key[0], before, opening, held, sign=-1)
                known = set(held)
                changed_levels += [(key, lv) for lv in levels if lv not in known]
            else:
                changed_levels += [(key, level) for level in levels]
            sums.add(key[0], after, opening, levels)
            if before != after:
                sums.add_post(key[0], before, sign=-1)
                sums.add_post(key[0], after)
        tables.save_levels(self._cursor, family, changed_levels)
        tables.save_sums(self._cursor, sums)
