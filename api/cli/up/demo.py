"""The demo: its creators in the first project, and their past observations."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from api.cli import CommandError
from api.cli.kit.databases import cli_context
from api.cli.up.first_run import ACTOR, FirstOrganization
from domain import commands as c
from domain import events as e
from domain.creator.decider import creator_of
from domain.creator.handlers.add import RequestedCreator, add_creators
from domain.organization.decider import organization_of
from domain.organization.plans import Limits
from domain.report.handlers import make_report
from domain.report.issue import ReportScope
from domain.streams import demo_report
from infra.eventstore.execute import execute
from infra.eventstore.store import Store, plain_events
from infra.ids import new_id
from workers.sources.demo import DEMO_HANDLES, DEMO_NAME, history_path
from workers.sources.demo.shift_dates import days_to_shift, shifted
from workers.sources.recordings.file_format import (
    Observation,
    encode_observations,
    read_recording,
)
from workers.sources.recordings.import_recording import store_recording
from workers.sources.recordings.replay_clock import replay_started_at
from workers.sources.recordings.sorted_recording import SortedRecording

_A_WEEK = timedelta(days=7)


def track_demo(
    store: Store, first: FirstOrganization, *, plans: Mapping[str, Limits]
) -> int:
    """Track the demo's creators in the first project; return the number of new ones.

    Creators who were ever tracked there stay unchanged, because somebody may have
    removed them.

    Raises:
        CommandError: the organization has no project.
    """
    project_id = _project_of(store, first)
    claims = {
        store.names.claim_stream(project_id, handle): handle for handle in DEMO_HANDLES
    }
    missing = [
        RequestedCreator(tiktok_handle=claims[stream], tracking_start_date=None)
        for stream, history in store.load(*claims).items()
        if not history
    ]
    if not missing:
        return 0
    context = cli_context(ACTOR)
    added = execute(
        store,
        lambda: add_creators(
            missing,
            fresh_ids=[new_id() for _ in missing],
            organization_id=first.organization_id,
            project_id=project_id,
            plans=plans,
            now=datetime.now(UTC),
            command_id=context.command_id,
            names=store.names,
        ),
        context=context,
    )
    return sum(each.refusal is None for each in added.result)


def import_history(store: Store, first: FirstOrganization) -> int:
    """Import the demo creators' past observations; return the number of new scrapes.

    Stored observations stay unchanged, so that the next start completes an interrupted
    import. Renamed creators are found by their first handle, and removed or erased ones
    stay unchanged.

    Raises:
        CommandError: the organization has no project.
        BusyError: another process imports the same observations at the same time.
    """
    project_id = _project_of(store, first)
    days = days_to_shift(replay_started_at(store.pool, DEMO_NAME))
    with TemporaryDirectory(prefix="goatherd-demo-") as folder:
        return sum(
            _import(
                store,
                _first_weeks(handle, days=days, folder=Path(folder)),
                {handle: creator_id},
                first=first,
                project_id=project_id,
            )
            for handle, creator_id in _tracked(store, project_id).items()
        )


def make_weekly_report(store: Store, first: FirstOrganization) -> bool:
    """Make a report of each Monday; tell whether it was not there before.

    Its first issue has fallen due already, so that there is one to look at. A report
    that somebody removed stays away.
    """
    now = datetime.now(UTC)
    command = c.MakeReport(
        organization_id=first.organization_id,
        scope=ReportScope(type="project", id=_project_of(store, first)),
        name="Monday",
        at=now - _A_WEEK,
    )
    made = execute(
        store,
        lambda: make_report(demo_report(first.organization_id), command),
        context=cli_context(ACTOR),
    )
    return bool(made.events)


def _first_weeks(handle: str, *, days: int, folder: Path) -> Path:
    """Write the creator's observations, dated before the first start of the demo."""
    path = folder / f"{handle}.jsonl"
    lines = shifted(read_recording(history_path(handle)), days=days)
    path.write_bytes(
        encode_observations([one for one in lines if isinstance(one, Observation)])
    )
    return path


def _import(
    store: Store,
    path: Path,
    creators: dict[str, UUID],
    *,
    first: FirstOrganization,
    project_id: UUID,
) -> int:
    with SortedRecording.read(
        path, now=datetime.now(UTC), advance=_no_progress
    ) as recording:
        imported = store_recording(
            store,
            recording,
            creators,
            organization_id=first.organization_id,
            project_id=project_id,
            context=cli_context(ACTOR),
            advance=_no_progress,
        )
    return imported.runs


def _tracked(store: Store, project_id: UUID) -> dict[str, UUID]:
    """Return the first creator of each handle, without creators who were removed."""
    claims = {
        handle: store.names.claim_stream(project_id, handle) for handle in DEMO_HANDLES
    }
    histories = store.load(*claims.values())
    holders: dict[str, UUID] = {}
    for handle, stream in claims.items():
        first = histories[stream][0].event if histories[stream] else None
        if isinstance(first, e.HandleClaimed):
            holders[handle] = first.creator_id
    creators = store.load(*holders.values())
    found = {
        handle: creator_of(plain_events(creators[creator_id]))
        for handle, creator_id in holders.items()
    }
    return {
        handle: holders[handle]
        for handle, creator in found.items()
        if creator is not None and creator.status not in {"removed", "erased"}
    }


def _project_of(store: Store, first: FirstOrganization) -> UUID:
    organization_id = first.organization_id
    organization = organization_of(
        plain_events(store.load(organization_id)[organization_id])
    )
    if organization is None or not organization.projects:
        raise CommandError(
            "The demo needs a project, and the first organization has none."
        )
    return next(iter(organization.projects))


def _no_progress(_lines: int) -> None:
    """Show no progress, because the import takes a second."""
