"""``goatherd verify``: the check that the event log is what was recorded."""

from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter, validators

from api.cli import is_expected, print_error
from api.cli.integrity.kept_root import read_kept_root
from api.cli.kit.databases import check_fit, connected, served_database
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import plain, print_json, progress_bar
from application.integrity.kept_keys import with_keys
from application.integrity.progress_file import PROGRESS_FILE
from application.integrity.signing import Signer
from application.integrity.verify import CheckedLog
from application.integrity.verify import verify as verify_log
from domain.phrases import counted
from infra.keys.master_key import MasterKey, MasterKeyError
from infra.keys.opened import opened_keys
from infra.settings import Settings

_NAMED_AT_MOST = 20
_PERMILLE = 1_000


def verify(
    *,
    since: Annotated[
        int,
        Parameter(
            validator=validators.Number(gte=0),
            help="Skip everything up to this position, which was checked before.",
        ),
    ] = 0,
    against: Annotated[
        Path | None,
        Parameter(
            help="A root that was kept elsewhere: the output of `goatherd roots make "
            "--json`, or of /.well-known/goatherd-root.json.",
        ),
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Check that no event was changed, removed, inserted, reordered or cut off.

    The command computes the chain of every stream and every signed root again, on all
    cores, and compares the keys with the erasures in the log, both ways. If it is
    killed, the next run continues where it was. Only --against shows whether somebody
    with the keys of this installation wrote history anew and signed it again.

    The exit status is 0 if all is well, 1 if something is not, and 2 if the check was
    not possible.
    """
    try:
        verdict = _verdict(read_settings(data_dir=data_dir), since, against)
    except Exception as error:
        if not is_expected(error):
            raise
        return print_error(error, status=2)
    status = 1 if verdict.misfits else 0
    if json:
        print_json({"ok": status == 0, **msgspec.to_builtins(verdict)})
    else:
        _print(verdict, against)
    return status


def _verdict(settings: Settings, since: int, against: Path | None) -> CheckedLog:
    kept = None if against is None else read_kept_root(against)
    master_key: MasterKey | None = None
    with served_database(settings) as url:
        with connected(url) as connection:
            check_fit(connection)
            is_kept_key = False
            try:
                master_key, keys = opened_keys(settings, connection)
                key = Signer(keys.signing).key
            except MasterKeyError:
                # A person who checks a copy of the log may not have the master key.
                if kept is None:
                    raise
                key, is_kept_key = kept.key, True
        with progress_bar("Checking the event log", total=_PERMILLE) as advance:
            shown = 0

            def report(done: int, total: int) -> None:
                nonlocal shown
                now = _PERMILLE * done // total
                advance(now - shown)
                shown = now

            checked = verify_log(
                url,
                key=key,
                since=since,
                kept=kept,
                is_kept_key=is_kept_key,
                progress=settings.data_dir.expanduser() / PROGRESS_FILE,
                report=report,
            )
        with connected(url) as connection:
            return with_keys(checked, connection, master_key)


def _print(verdict: CheckedLog, against: Path | None) -> None:
    for misfit in verdict.misfits[:_NAMED_AT_MOST]:
        of = ""
        if misfit.stream is not None:
            of = f" (version {misfit.version} of stream {misfit.stream})"
        text = plain(misfit.text)
        print(f"{misfit.how:<10} position {misfit.position}{of}: {text}")
    if len(verdict.misfits) > _NAMED_AT_MOST:
        print(f"... and {len(verdict.misfits) - _NAMED_AT_MOST} more.")
    part = f" after position {verdict.after}" if verdict.after else ""
    print(
        f"Checked {counted(verdict.events, 'event')}{part} up to position "
        f"{verdict.head}, and {counted(verdict.roots, 'root')}."
    )
    if verdict.misfits:
        print(
            "The keys do not agree with the event log."
            if all(misfit.how == "key" for misfit in verdict.misfits)
            else "The event log is not what was recorded."
        )
        return
    print(
        f"The log up to position {verdict.under_root} is as it was signed."
        if verdict.under_root
        else "No root was signed yet: only the chains of streams were checked."
    )
    if against is None:
        print(
            "A root that is kept elsewhere would show whether history was signed anew: "
            "`goatherd verify --against FILE`."
        )
    else:
        print(f"The root in {against} is in the log.")
