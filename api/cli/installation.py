"""``goatherd migrate | projections | doctor``: the state of the installation."""

import sys
from typing import Annotated

from cyclopts import Parameter

from api.cli import CommandError
from api.cli.doctor.results import Finding
from api.cli.doctor.run import run_checks
from api.cli.kit.databases import connected, database_url, fitting
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import plain, print_json, print_list
from api.system.all_projections import ALL_PROJECTIONS
from infra.database import check_release
from infra.database import migrate as migrate_database
from infra.keys.opened import master_key_text, opened_keys
from infra.restoring import check_restored
from projections.status import ProjectionProgress, progress

_MARKS = {
    "ok": "ok",
    "warning": "warning",
    "wrong": "WRONG",
    "skipped": "skipped",
}


def migrate(*, data_dir: DataDir = None, json: Json = False) -> None:
    """Create the database's schema, or upgrade it.

    Existing data stay, and a second run changes nothing. The command needs
    GOATHERD_MASTER_KEY, or a data directory with a master key.
    """
    settings = read_settings(data_dir=data_dir)
    url = database_url(settings)
    with connected(url) as connection:
        # The key is checked before anything is written.
        check_restored(connection)
        check_release(connection)
        master_key_text(settings, connection)
        applied = migrate_database(url)
        opened_keys(settings, connection)
    if json:
        print_json({"applied": applied})
        return
    for name in applied:
        print(f"Applied {name}")
    if not applied:
        print("The schema is up to date.")


def projections(*, data_dir: DataDir = None, json: Json = False) -> None:
    """Show the position of each projection, and the events that it could not apply."""
    with fitting(read_settings(data_dir=data_dir)) as connection:
        found = progress(connection, ALL_PROJECTIONS)
    print_list(
        found,
        "name version position head lag status last_heartbeat dead=dead_letters rule",
        json=json,
        lag=lambda it: (
            f"{it.lag_events} ({it.lag_seconds:.0f} s)"
            if it.lag_events
            else "caught up"
        ),
        status=_status,
        last_heartbeat=lambda it: _ago(it.heartbeat_seconds),
    )


def doctor(
    *,
    quick: Annotated[
        bool,
        Parameter(
            negative="", show_default=False, help="Skip reading the whole event log."
        ),
    ] = False,
    at_rest: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Skip the checks for running processes, for example after `goatherd "
            "restore`.",
        ),
    ] = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Check the installation, and report problems with advice for each.

    The command reads the settings, the database, every event of the event log, the read
    models, the waiting scrapes, Redis and the disk. It changes nothing.
    """
    findings: list[Finding] = []
    for finding in run_checks(data_dir=data_dir, quick=quick, at_rest=at_rest):
        findings.append(finding)
        if not json:
            print(f"{_MARKS[finding.state]:<8}{finding.check}: {plain(finding.text)}")
            if finding.advice is not None:
                print(f"{'':<8}-> {plain(finding.advice)}")
            sys.stdout.flush()
    wrong = [finding for finding in findings if finding.state == "wrong"]
    if json:
        print_json({"ok": not wrong, "findings": findings})
    if wrong:
        names = ", ".join(finding.check for finding in wrong)
        raise CommandError(f"{len(wrong)} of {len(findings)} checks failed: {names}.")


def _status(progress: ProjectionProgress) -> str:
    rebuild = progress.rebuild
    if rebuild is None or not rebuild.is_unfinished:
        return progress.status
    what = "dry run" if rebuild.is_dry_run else "rebuild"
    words = f"{progress.status}, {what} {rebuild.status}"
    if rebuild.rule not in {None, progress.rule}:
        words += f" under {rebuild.rule}"
    if not rebuild.is_running or (rebuild.is_dry_run and rebuild.status == "ready"):
        return words
    left = rebuild.seconds_left
    words += f" {100 * rebuild.part_done:.0f} %"
    return words if left is None else f"{words}, {left:.0f} s left"


def _ago(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds:.0f} s ago"
