"""Searches the whole installation for the values that an erasure erased."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Self

import msgspec
from psycopg import Connection
from psycopg.errors import LockNotAvailable, QueryCanceled
from psycopg.rows import TupleRow

from application.erase.pictures import PICTURES, names_of
from application.erase.sealed_list import ErasedValues
from application.erase.search.files import (
    CLUSTER,
    CLUSTER_LOGS,
    NotSearchedError,
    files_in,
    files_of_data_dir,
    search_file,
    search_redis,
)
from application.erase.search.tables import (
    LOG,
    Finds,
    SearchedTable,
    indexes_of,
    keep_within,
    search_statistics,
    search_table,
    tables_of,
    values_of_others,
)
from application.erase.search.terms import SearchTerms
from application.erase.search.time_limit import SearchTooLongError, TimeLimit
from application.erase.values import ErasedValue
from infra.settings import Settings

# This place keeps a handle on purpose.
_BANS = "bans"
_STAYS = "a ban of a handle is of the installation, and stays"
_OF_OTHERS = "data of another organization that tracks the same account"
_REBUILT = (
    "a rebuild that has not reached the erasure yet: wait for its end, or cancel it"
)
_IN_THE_CLEAR = "an event has it in the clear: see `goatherd verify`"


class ValueCount(msgspec.Struct, frozen=True, kw_only=True):
    """The number of values of a kind; ``why`` some of them were not searched for."""

    kind: str
    values: int
    why: str | None = None


class FoundValue(msgspec.Struct, frozen=True, kw_only=True):
    """A place that has values of a kind, in so many rows, keys or files."""

    place: str
    kind: str
    times: int
    note: str | None = None


class UnsearchedPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A place that could not be searched."""

    place: str
    why: str


class SearchedNames(msgspec.Struct, frozen=True, kw_only=True):
    """The searched places by their names, and the numbers of their rows and keys."""

    tables: list[str]
    indexes: list[str]
    rows: int
    statistics: int
    valkey_keys: int | None
    files: list[str]
    pictures: int


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """The values that were looked for, the searched places, and the finds, by kind."""

    ok: bool
    looked_for: list[ValueCount]
    not_looked_for: list[ValueCount]
    searched: SearchedNames
    not_searched: list[UnsearchedPlace]
    found: list[FoundValue]
    kept: list[FoundValue]


class SearchedPlaces(msgspec.Struct, frozen=True, kw_only=True):
    """The places to search in addition to the database.

    ``redis_url`` is None, with a reason in ``why_no_redis``, if there is no such
    server.
    """

    data_dir: Path | None
    redis_url: str | None
    why_no_redis: str = ""
    also: Sequence[Path] = ()

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        redis_url: str | None,
        why_no_redis: str,
        also: Sequence[Path] = (),
    ) -> Self:
        """Return the places of an installation: its data directory and recordings."""
        folder = settings.data_dir.expanduser().absolute()
        files = [*also, *filter(None, [settings.recordings])]
        return cls(
            data_dir=folder if folder.is_dir() else None,
            redis_url=redis_url,
            why_no_redis=why_no_redis,
            also=[path.expanduser().absolute() for path in files],
        )


def search(
    connection: Connection[TupleRow],
    erased: ErasedValues,
    places: SearchedPlaces,
    *,
    are_ids_kept: bool,
    tells_of_others: bool,
    limit: TimeLimit,
    advance: Callable[[int], None],
) -> Findings:
    """Search all places for the values; ``advance`` gets the number of further rows.

    ``are_ids_kept`` is true for an installation whose log began without keyed names:
    there figures stay under TikTok's own ids of videos. With ``tells_of_others`` finds
    in samples of other organizations are among the kept ones. They are left out
    otherwise, because an organization must not learn of another one. The places after
    the end of ``limit``, and those after a table that another statement has locked, are
    named as not searched.
    """
    ids = {each for each in erased.values if are_ids_kept and each.kind == "video id"}
    others: set[ErasedValue] = set()
    terms = SearchTerms({*erased.values} - ids)
    done = _Searched()
    try:
        others = values_of_others(
            connection,
            erased.values,
            organization_id=erased.organization_id,
            creator_ids=erased.creator_ids,
            limit=limit,
        )
        terms = SearchTerms({*erased.values} - others - ids)
        _search(connection, erased, places, terms, done, advance, limit)
    except (SearchTooLongError, QueryCanceled, LockNotAvailable):
        if limit.seconds is None:
            raise
        done.gaps.append(
            UnsearchedPlace(
                place="all other places",
                why=f"the search ends after {limit.seconds:g} seconds, and sooner at a "
                "table that another statement has locked; "
                "`goatherd erase --verify ID` on the server takes its time",
            )
        )
    finally:
        connection.execute("RESET statement_timeout")
    found = [
        _find(place, kind, times) for (place, kind), times in sorted(done.finds.items())
    ]
    of_others = done.of_others if tells_of_others else Finds()
    rest = [each for each in found if each.note != _STAYS]
    return Findings(
        ok=not rest and not done.gaps,
        looked_for=[
            ValueCount(kind=kind, values=n)
            for kind, n in sorted(terms.searched.items())
        ],
        not_looked_for=[
            *_counts(others, "others whom the organization tracks have them, too"),
            *_counts(ids, "the figures of this installation go by them"),
            *(
                ValueCount(kind=kind, values=n, why=why)
                for (kind, why), n in sorted(terms.unsearched.items())
            ),
        ],
        searched=SearchedNames(
            tables=[table.full_name for table in done.tables],
            indexes=indexes_of(connection),
            rows=sum(table.rows for table in done.tables),
            statistics=done.columns,
            valkey_keys=done.keys,
            files=done.files,
            pictures=done.pictures,
        ),
        not_searched=done.gaps,
        found=rest,
        kept=[
            *(each for each in found if each not in rest),
            *(
                FoundValue(place=place, kind=kind, times=times, note=_OF_OTHERS)
                for (place, kind), times in sorted(of_others.items())
            ),
        ],
    )


class _Searched(msgspec.Struct, kw_only=True):
    """The searched places and the finds so far."""

    finds: Finds = msgspec.field(default_factory=Finds)
    of_others: Finds = msgspec.field(default_factory=Finds)
    gaps: list[UnsearchedPlace] = []
    tables: list[SearchedTable] = []
    columns: int = 0
    keys: int | None = None
    files: list[str] = []
    pictures: int = 0


def _search(
    connection: Connection[TupleRow],
    erased: ErasedValues,
    places: SearchedPlaces,
    terms: SearchTerms,
    done: _Searched,
    advance: Callable[[int], None],
    limit: TimeLimit,
) -> None:
    keep_within(connection, limit)
    tables = tables_of(connection)
    for table in tables:
        done.finds += search_table(
            connection,
            table,
            terms,
            organization_id=erased.organization_id,
            advance=advance,
            limit=limit,
        )
        done.tables.append(table)
    samples = search_statistics(
        connection,
        tables,
        terms,
        organization_id=erased.organization_id,
        limit=limit,
    )
    done.columns = samples.columns
    done.finds += samples.left
    done.of_others += samples.of_others
    if places.redis_url is None:
        done.gaps.append(UnsearchedPlace(place="Valkey", why=places.why_no_redis))
    else:
        try:
            done.keys, in_keys = search_redis(places.redis_url, terms, limit)
            done.finds += in_keys
        except NotSearchedError as error:
            done.gaps.append(UnsearchedPlace(place="Valkey", why=str(error)))
    # A picture has no text to search, but its name identifies it.
    names = names_of(erased.values)
    for place, paths in _files(places):
        try:
            for path in paths:
                if places.data_dir and path.parent == places.data_dir / PICTURES:
                    done.pictures += 1
                    if path.name.partition(".")[0] in names:
                        done.finds[str(path), "picture"] += 1
                    continue
                _search_file(path, terms, done, limit)
        except NotSearchedError as error:
            done.gaps.append(UnsearchedPlace(place=str(place), why=str(error)))


def _search_file(
    path: Path, terms: SearchTerms, done: _Searched, limit: TimeLimit
) -> None:
    try:
        done.finds += search_file(path, terms, limit)
        done.files.append(str(path))
    except NotSearchedError as error:
        done.gaps.append(UnsearchedPlace(place=str(path), why=str(error)))


def _files(places: SearchedPlaces) -> Iterable[tuple[Path, Iterable[Path]]]:
    if places.data_dir is not None:
        yield places.data_dir, files_of_data_dir(places.data_dir)
    for place in places.also:
        yield place, files_in(place)


def _find(place: str, kind: str, times: int) -> FoundValue:
    if place.startswith("goatherd_next_"):
        return FoundValue(place=place, kind=kind, times=times, note=_REBUILT)
    notes = {_BANS: _STAYS, LOG: _IN_THE_CLEAR}
    note = notes.get(place.rpartition(".")[2])
    return FoundValue(place=place, kind=kind, times=times, note=note)


def _counts(values: Iterable[ErasedValue], why: str) -> list[ValueCount]:
    counted: dict[str, int] = {}
    for value in values:
        counted[value.kind] = counted.get(value.kind, 0) + 1
    return [
        ValueCount(kind=kind, values=n, why=why) for kind, n in sorted(counted.items())
    ]


NEVER_SEARCHED = (
    f"PostgreSQL's own files ({CLUSTER} but {CLUSTER_LOGS}): the rows in them were "
    "searched with SQL, and rows that are gone were vacuumed, but their bytes and the "
    "write-ahead log stay until they are written over."
)
