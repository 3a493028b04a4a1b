"""``goatherd verify``: whether the event log is what was recorded."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter, validators

from api.cli import CommandError, is_expected, print_error
from api.cli.databases import check_fit, connected, served_database
from api.cli.options import DataDir, Json, read_settings
from api.cli.output import plain, print_json, progress_bar
from domain.integrity.events import RootSigned
from domain.integrity.roots import PublicRoot
from domain.phrases import counted
from infra.integrity.progress_file import PROGRESS_FILE
from infra.integrity.seal_history import clear_history
from infra.integrity.signing import Signer
from infra.integrity.verify import CheckedLog
from infra.integrity.verify import verify as verify_log
from infra.keys.master_key import MasterKeyError
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
            help="Take what is up to this position as checked before.",
        ),
    ] = 0,
    against: Annotated[
        Path | None,
        Parameter(
            help="A root that was kept elsewhere: what `goatherd roots make --json` "
            "printed, or /.well-known/goatherd-root.json had.",
        ),
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Check that no event was changed, removed, inserted, reordered or cut off.

    It computes the chain of every stream and every signed root again, on all cores. If
    it is killed, the next one goes on where it was. Only --against finds that whoever
    has the keys of this installation wrote history anew and signed it again.

    Its exit status is 0 if all is well, 1 if something is not, and 2 if it could not
    check.
    """
    try:
        verdict = _verdict(read_settings(data_dir=data_dir), since, against)
    except Exception as error:
        if not is_expected(error):
            raise
        return print_error(error, status=2)
    if json:
        print_json({"ok": not verdict.misfits, **msgspec.to_builtins(verdict)})
    else:
        _print(verdict, against)
    return 1 if verdict.misfits else 0


def _verdict(settings: Settings, since: int, against: Path | None) -> CheckedLog:
    kept = None if against is None else _kept_root(against)
    with served_database(settings) as url:
        with connected(url) as connection:
            check_fit(connection)
            history = clear_history(connection)
            if history is not None and history.before is not None:
                raise CommandError(
                    "History is sealed in part only: stop Goatherd, and go on with "
                    "`goatherd seal-history`."
                )
            try:
                key = Signer(opened_keys(settings, connection)[1].signing).key
            except MasterKeyError:
                # Whoever checks a copy of the log may not have the master key.
                if kept is None:
                    raise
                key = kept.key
        with progress_bar("Checking the event log", total=_PERMILLE) as advance:
            shown = 0

            def report(done: int, total: int) -> None:
                nonlocal shown
                now = _PERMILLE * done // total
                advance(now - shown)
                shown = now

            return verify_log(
                url,
                key=key,
                since=since,
                kept=kept,
                progress=settings.data_dir.expanduser() / PROGRESS_FILE,
                report=report,
            )


def _kept_root(path: Path) -> RootSigned | PublicRoot:
    try:
        document = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        # As HTTP answers it, or as the command line prints it.
        document = document.get("data", document)
        is_whole = "position" in document
        return msgspec.convert(document, RootSigned if is_whole else PublicRoot)
    except (msgspec.MsgspecError, TypeError) as error:
        raise CommandError(f"{path} holds no root: {error}") from error


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
        print("The event log is not what was recorded.")
        return
    if verdict.under_root:
        print(f"All up to position {verdict.under_root} is as it was signed.")
    else:
        print("No root was signed yet: only the chains of streams were checked.")
    if verdict.sealed_up_to is not None:
        print(
            f"History up to position {verdict.sealed_up_to} was sealed after it was "
            "recorded: it is as the signed note says. Roots of before hold the log of "
            "before."
        )
    if against is None:
        print(
            "A root that is kept elsewhere would show whether history was signed "
            "anew: `goatherd verify --against FILE`."
        )
    else:
        print(f"The root in {against} is in the log.")
