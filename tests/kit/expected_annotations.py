"""The expected annotations: notes, and events of the log, as a plain fold.

Gaps lie between neighbours of the whole sorted list of times, made anew after each
observation; each is judged by the interval that applied when it came about.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from domain import events as e
from domain.streams import system_annotation
from domain.summaries import summary
from infra.eventstore.store import RecordedEvent

Row = dict[str, Any]
_Pair = tuple[datetime, datetime]
_KINDS = ("creator_profiles", "discover_videos", "video_stats")
_USUAL_HOURS = dict(zip(_KINDS, (24, 12, 6), strict=True))
_LEAST_HOURS = {
    "free": dict(zip(_KINDS, (24, 24, 24), strict=True)),
    "starter": dict(zip(_KINDS, (24, 12, 6), strict=True)),
    "ultra": dict(zip(_KINDS, (12, 6, 3), strict=True)),
}
_STARTS = e.CreatorAdded | e.CreatorReactivated | e.CreatorReenabled
_ENDS = e.CreatorRemoved | e.CreatorAutoDisabled | e.CreatorDisabled


def annotations(events: Iterable[RecordedEvent]) -> dict[Any, Row]:
    fold = _Fold()
    for recorded in events:
        for apply in (fold.organizations, fold.notes, fold.campaigns, fold.creators):
            apply(recorded)
        fold.observed_times(recorded)
    return fold.rows


class _Fold:
    def __init__(self) -> None:
        self.rows: dict[Any, Row] = {}
        self.zones: dict[UUID, ZoneInfo] = {}
        self.plans: dict[UUID, str] = {}
        self.hours: dict[UUID, dict[str, int | None]] = {}
        self.tracked: dict[UUID, set[UUID]] = {}
        self.project_of: dict[UUID, UUID] = {}
        self.resuming: set[UUID] = set()
        self.times: dict[UUID, list[datetime]] = {}
        self.judged: dict[UUID, dict[_Pair, bool]] = {}
        self.gaps: dict[UUID, set[_Pair]] = {}
        self.observed: dict[UUID, list[tuple[datetime, str]]] = {}

    def put(self, recorded: RecordedEvent, of: str | UUID, **fields: object) -> None:
        key = system_annotation(recorded.stream, of) if isinstance(of, str) else of
        self.rows[key] = {
            "organization_id": _organization_of(recorded),
            "id": key,
            "kind": "system",
            "actor": recorded.actor,
            "version": 1,
            "position": recorded.position,
            **fields,
        }

    def day(self, recorded: RecordedEvent, at: datetime) -> date:
        return at.astimezone(self.zones.get(_organization_of(recorded), UTC)).date()

    def on_day(self, recorded: RecordedEvent, at: datetime) -> dict[str, date]:
        return dict.fromkeys(("starts_on", "ends_on"), self.day(recorded, at))

    def organizations(self, recorded: RecordedEvent) -> None:
        event, own = recorded.event, recorded.stream
        if isinstance(event, e.OrganizationCreated):
            self.zones[own] = ZoneInfo(event.time_zone)
            self.plans[own] = event.plan
        elif isinstance(event, e.PlanChanged):
            self.plans[own] = event.new
        elif isinstance(event, e.OrganizationSettingsChanged):
            chosen = self.hours.setdefault(own, {})
            for kind in _KINDS:
                hours = getattr(event, f"{kind}_hours")
                if hours is not msgspec.UNSET:
                    chosen[kind] = hours
            zone = event.time_zone
            if isinstance(zone, str) and zone != self.zones[own].key:
                text = f"Days are those of {zone} now, not of {self.zones[own].key}"
                self.zones[own] = ZoneInfo(zone)
                on_day = self.on_day(recorded, recorded.recorded_at)
                about = {"scope": "org", "scope_id": own, "text": text}
                self.put(recorded, f"{recorded.version}", **about, **on_day)

    def notes(self, recorded: RecordedEvent) -> None:
        event, own = recorded.event, recorded.stream
        match event:
            case e.AnnotationAdded():
                names = ("organization_id", "scope", "scope_id", "starts_on", "ends_on")
                fields = {name: getattr(event, name) for name in (*names, "text")}
                self.put(recorded, own, **{**fields, "kind": "note"})
            case e.AnnotationChanged():
                changes = {
                    name: getattr(event, name)
                    for name in ("starts_on", "ends_on", "text")
                    if getattr(event, name) is not msgspec.UNSET
                }
                self.rows[own] |= {**changes, "version": recorded.version}
            case e.AnnotationDeleted():
                del self.rows[own]
            case _:
                pass

    def campaigns(self, recorded: RecordedEvent) -> None:
        event, own = recorded.event, recorded.stream
        for what in ("start", "end"):
            if isinstance(event, e.CampaignDeleted):
                self.rows.pop(system_annotation(own, what), None)
            if not isinstance(event, e.CampaignCreated | e.CampaignDetailsChanged):
                continue
            day = getattr(event, f"{what}s_on")
            if day is None:
                self.rows.pop(system_annotation(own, what), None)
            elif day is not msgspec.UNSET:
                about = {"scope": "campaign", "scope_id": own, "starts_on": day}
                text = f"The campaign {what}s"
                self.put(recorded, what, **about, ends_on=day, text=text)

    def creators(self, recorded: RecordedEvent) -> None:
        event, own = recorded.event, recorded.stream
        if not isinstance(event, e.CreatorEvent):
            return
        if isinstance(event, e.CreatorAdded):
            self.project_of[own] = event.project_id
        if isinstance(event, e.CreatorMoved):
            self._move(own, event.new_project_id)
        tracked = self.tracked.setdefault(self.project_of[own], set())
        if isinstance(event, _STARTS):
            if not tracked:
                self.resuming.add(self.project_of[own])
            tracked.add(own)
        elif isinstance(event, _ENDS):
            tracked.discard(own)
        if not isinstance(event, e.CreatorDetailsChanged):
            text = summary(event, by="-").removesuffix(" by -.").removesuffix(",")
            on_day = self.on_day(recorded, recorded.recorded_at)
            about = {"scope": "creator", "scope_id": own, "text": text}
            self.put(recorded, f"{recorded.version}", **about, **on_day)

    def _move(self, creator: UUID, project: UUID) -> None:
        were = self.tracked.setdefault(self.project_of[creator], set())
        self.project_of[creator] = project
        if creator in were:
            were.discard(creator)
            there = self.tracked.setdefault(project, set())
            if not there:
                self.resuming.add(project)
            there.add(creator)

    def observed_times(self, recorded: RecordedEvent) -> None:
        event = recorded.event
        if not isinstance(event, e.ScrapeSucceeded) or event.creator_id is None:
            return
        project_id = self.project_of.get(event.creator_id)
        if project_id is None:
            return
        is_import = event.provider == "import"
        if is_import and not self.observed.get(project_id):
            return
        self._gaps(recorded, project_id, event.observed_at)
        if not is_import:
            self._providers(recorded, project_id, event.observed_at, event.provider)

    def _longest(self, organization_id: UUID) -> timedelta:
        """Twice the shortest interval that the organization has now."""
        least = _LEAST_HOURS.get(self.plans.get(organization_id, ""), {})
        chosen = self.hours.get(organization_id, {})
        return 2 * timedelta(
            hours=min(
                max(chosen.get(kind) or _USUAL_HOURS[kind], least.get(kind, 0))
                for kind in _KINDS
            )
        )

    def _gaps(self, recorded: RecordedEvent, project_id: UUID, at: datetime) -> None:
        times = self.times.setdefault(project_id, [])
        judged = self.judged.setdefault(project_id, {})
        longest = self._longest(_organization_of(recorded))
        if not times or at > max(times):
            if project_id in self.resuming and times:
                judged[max(times), at] = False
            self.resuming.discard(project_id)
            times.append(at)
        elif any(judged[pair] for pair in _around(times, at)):
            times.append(at)
        for start, end in pairwise(sorted(times)):
            judged.setdefault((start, end), end - start > longest)
        found = {pair for pair in pairwise(sorted(times)) if judged[pair]}
        before, self.gaps[project_id] = self.gaps.get(project_id, set()), found
        for start, _ in before - found:
            del self.rows[_outage(project_id, start)]
        for start, end in found - before:
            self.put(
                recorded,
                _outage(project_id, start),
                scope="project",
                scope_id=project_id,
                starts_on=self.day(recorded, start),
                ends_on=self.day(recorded, end),
                text=f"No creator was observed for {_length(end - start)}",
                actor=None,
            )

    def _providers(
        self, recorded: RecordedEvent, project_id: UUID, at: datetime, provider: str
    ) -> None:
        known = self.observed.setdefault(project_id, [])
        if known and at > max(known)[0]:
            before, week = max(known)[1], at - timedelta(days=7)
            is_new = not any(t >= week and name == provider for t, name in known)
            if before != provider and is_new:
                about = {"scope": "project", "scope_id": project_id, "actor": None}
                text = f"Observed by the provider {provider}, before by {before}"
                on_day = self.on_day(recorded, at)
                self.put(recorded, f"{recorded.version}", **about, **on_day, text=text)
        known.append((at, provider))


def _organization_of(recorded: RecordedEvent) -> UUID:
    return getattr(recorded.event, "organization_id", recorded.stream)


def _around(times: list[datetime], at: datetime) -> list[_Pair]:
    """The neighbours that a time lies between; none if it is one of the times."""
    return [(a, b) for a, b in pairwise(sorted(times)) if a < at < b]


def _outage(project_id: UUID, start: datetime) -> UUID:
    since = start.astimezone(UTC).isoformat()
    return system_annotation(project_id, f"outage/{since}")


def _length(gap: timedelta) -> str:
    hours = round(gap / timedelta(hours=1))
    parts = [
        f"{amount} {noun}{'s' if amount != 1 else ''}"
        for amount, noun in ((hours // 24, "day"), (hours % 24, "hour"))
        if amount
    ]
    return " and ".join(parts)
