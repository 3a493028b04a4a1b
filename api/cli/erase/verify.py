"""``goatherd erase --verify``: the search for remains of an erased person."""

import sys
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from uuid import UUID

import msgspec

from api.cli import CommandError, is_expected, print_error
from api.cli.kit.databases import check_fit, connected, database_url, redis_url
from api.cli.kit.output import plain, print_json, progress_bar
from api.system.all_projections import ALL_PROJECTIONS
from application.erase.remains import (
    BehindErasureError,
    NotErasedError,
    NoValuesError,
    erased_values,
    find_remains,
)
from application.erase.sealed_list import texts_given
from application.erase.search.installation import (
    NEVER_SEARCHED,
    Findings,
    SearchedPlaces,
)
from domain.phrases import counted, joined
from infra.settings import Settings

_WIDTH = 88
_FOUND, _NOT_ALL = 1, 2


def verify_erasure(
    settings: Settings,
    creator_id: UUID,
    *,
    values: Path | None,
    also: Sequence[Path],
    verbose: bool,
    json: bool,
) -> int:
    """Search for the data that an erasure erased; print what was found.

    ``values`` is a file of further texts to search for, or ``-`` for stdin.
    ``verbose`` prints every searched place. The last line is the verdict. The exit
    status is 1 if something was found, and 2 if not everything could be searched.
    """
    try:
        verdict = _verdict(settings, creator_id, values, also)
    except Exception as error:
        if not is_expected(error):
            raise
        return print_error(error, status=_NOT_ALL)
    if json:
        document = msgspec.to_builtins(verdict)
        print_json({**document, "never_searched": NEVER_SEARCHED})
    else:
        if verbose:
            _print_search(verdict)
        _print_verdict(verdict)
    if verdict.found:
        return _FOUND
    return 0 if verdict.ok else _NOT_ALL


def _verdict(
    settings: Settings, creator_id: UUID, values: Path | None, also: Sequence[Path]
) -> Findings:
    with connected(database_url(settings)) as connection:
        check_fit(connection)
        given = texts_given(_lines(values))
        try:
            erased = erased_values(connection, settings, creator_id, given)
            return find_remains(
                connection,
                settings,
                erased,
                _places(settings, also),
                projections=[projection.name for projection in ALL_PROJECTIONS],
                show=progress_bar,
                tells_of_others=True,
            )
        except NotErasedError:
            raise CommandError(
                "This creator was not erased, so there is nothing to verify."
            ) from None
        except NoValuesError:
            raise CommandError(
                "The list of erased data is gone: it is kept for 24 hours. Give the "
                "texts to search for yourself, one a line: `goatherd erase --verify "
                f"{creator_id} --values FILE`, or - in place of FILE for stdin."
            ) from None
        except BehindErasureError as error:
            raise CommandError(
                f"Not every process has applied the erasure yet ({error}): "
                "start Goatherd, and try again once it has caught up."
            ) from None


def _lines(values: Path | None) -> Iterable[str]:
    if values is None:
        return ()
    try:
        text = sys.stdin.read() if str(values) == "-" else values.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{values} cannot be read: {error}") from error
    return text.splitlines()


def _places(settings: Settings, also: Sequence[Path]) -> SearchedPlaces:
    try:
        url, why = redis_url(settings), ""
    except CommandError as error:
        url, why = None, str(error)
    return SearchedPlaces.of(settings, redis_url=url, why_no_redis=why, also=also)


def _print_search(verdict: Findings) -> None:
    """Print the searched values and places, and remains that stay on purpose."""
    searched = verdict.searched
    _paragraph(
        "Searched for "
        + joined([counted(one.values, one.kind) for one in verdict.looked_for])
        + "."
    )
    for one in verdict.not_looked_for:
        _paragraph(f"Not for {counted(one.values, one.kind)}: {one.why}.")
    _paragraph(
        f"In {counted(len(searched.tables), 'table')}, with old versions of rows "
        f"removed: {', '.join(searched.tables)}."
    )
    _paragraph(
        f"Also in {len(searched.indexes)} indexes, which have the values of their "
        f"tables: {', '.join(searched.indexes)}."
    )
    _paragraph(
        "In the samples of values that PostgreSQL's planner keeps of "
        f"{counted(searched.statistics, 'column')}."
    )
    if searched.valkey_keys is not None:
        _paragraph(f"In {counted(searched.valkey_keys, 'key')} of Valkey.")
    _paragraph(
        f"In {counted(len(searched.files), 'file')}: {', '.join(searched.files)}."
        if searched.files
        else "In no file."
    )
    _paragraph(f"Among {counted(searched.pictures, 'picture')} that are kept.")
    _paragraph(f"Never in {NEVER_SEARCHED}")
    for find in verdict.kept:
        _paragraph(f"kept   {find.place}: {find.kind} ({find.note})")


def _print_verdict(verdict: Findings) -> None:
    """Print what was found or could not be searched, and the verdict in one line."""
    for gap in verdict.not_searched:
        _paragraph(f"NOT SEARCHED  {gap.place}: {gap.why}")
    for find in verdict.found:
        note = "" if find.note is None else f" ({find.note})"
        _paragraph(
            f"FOUND  {find.place}: {find.kind}, {counted(find.times, 'time')}{note}"
        )
    searched = verdict.searched
    if verdict.found:
        left = counted(len({find.place for find in verdict.found}), "place")
        print(f"Some data of the erased person are left, in {left} (above).")
    elif verdict.ok:
        tables, files = len(searched.tables), len(searched.files)
        print(
            f"No data of the erased person were found in {counted(tables, 'table')}, "
            f"{counted(searched.valkey_keys or 0, 'key')} of Valkey and "
            f"{counted(files, 'file')}."
        )
    else:
        print("No data were found where the search was possible.")


def _paragraph(text: str) -> None:
    print(
        textwrap.fill(
            plain(text),
            _WIDTH,
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    )
