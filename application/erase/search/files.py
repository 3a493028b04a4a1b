"""Searches files and a Redis or Valkey for erased values."""

import gzip
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, cast

import redis

from application.erase.search.tables import Finds
from application.erase.search.terms import CELL_END, SearchTerms
from application.erase.search.time_limit import TimeLimit

# PostgreSQL's own files are skipped, because SQL searches its rows. Its logs are
# searched.
CLUSTER, CLUSTER_LOGS = "postgres/data", "postgres/data/log"

_CHUNK = 1 << 20
# A text that is cut by the end of a chunk is whole in the next chunk.
_OVERLAP = 1 << 14
_PARQUET = b"PAR1"
_KEYS_AT_ONCE = 1_000
# The commands that read a whole value, by its type.
_READ: Mapping[bytes, tuple[str | int, ...]] = {
    b"string": ("GET",),
    b"list": ("LRANGE", 0, -1),
    b"set": ("SMEMBERS",),
    b"zset": ("ZRANGE", 0, -1),
    b"hash": ("HGETALL",),
}


class NotSearchedError(Exception):
    """A place could not be searched; the message has the reason."""


def files_of_data_dir(folder: Path) -> Iterator[Path]:
    """Yield the files of a data directory, except PostgreSQL's own."""
    cluster, logs = folder / CLUSTER, folder / CLUSTER_LOGS
    yield from files_in(folder, but=cluster)
    if logs.is_dir():
        yield from files_in(logs)


def files_in(place: Path, *, but: Path | None = None) -> Iterator[Path]:
    """Yield a file, or the files of a folder, in the order of their names.

    Raises:
        NotSearchedError: the place does not exist, or cannot be read.
    """
    if not place.is_dir():
        if not place.exists():
            msg = "it is not there"
            raise NotSearchedError(msg)
        yield place
        return
    for folder, folders, names in os.walk(place, followlinks=True, onerror=_refuse):
        folders[:] = sorted(each for each in folders if Path(folder, each) != but)
        for name in sorted(names):
            path = Path(folder, name)
            # Sockets are no files, and a file may vanish meanwhile.
            if path.exists() and stat.S_ISREG(path.stat().st_mode):
                yield path


def search_file(path: Path, terms: SearchTerms, limit: TimeLimit) -> Finds:
    """Return the kinds of values in a file. A packed file is unpacked.

    Raises:
        NotSearchedError: the file cannot be read or unpacked.
        SearchTooLongError: the time of ``limit`` is over.
    """
    kinds: set[str] = set()
    try:
        with path.open("rb") as file:
            kinds |= {value.kind for value in terms.found_in(path.name)}
            for text in _texts(file):
                limit.left_ms()
                kinds |= {value.kind for value in terms.found_in(text)}
    except OSError as error:
        raise NotSearchedError(error.strerror or str(error)) from error
    except (EOFError, zlib.error, zipfile.BadZipFile) as error:
        msg = "it cannot be unpacked"
        raise NotSearchedError(msg) from error
    return Finds({(str(path), kind): 1 for kind in kinds})


def _texts(file: BinaryIO) -> Iterator[str]:
    start = file.read(4)
    file.seek(0)
    if start == _PARQUET:
        msg = "it is a Parquet file: export it as JSON lines to have it searched"
        raise NotSearchedError(msg)
    if start[:2] == b"PK":
        msg = "it is a backup or another archive"
        raise NotSearchedError(msg)
    is_packed = start[:2] == b"\x1f\x8b"
    source = cast("BinaryIO", gzip.GzipFile(fileobj=file)) if is_packed else file
    rest = b""
    while chunk := source.read(_CHUNK):
        yield (rest + chunk).decode(errors="replace")
        rest = chunk[-_OVERLAP:]


def search_redis(url: str, terms: SearchTerms, limit: TimeLimit) -> tuple[int, Finds]:
    """Search every key and value of a Redis or Valkey; return the number of its keys.

    Raises:
        NotSearchedError: it cannot be reached, or has values of an unknown type.
        SearchTooLongError: the time of ``limit`` is over.
    """
    try:
        client = redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
            url, socket_timeout=30, socket_connect_timeout=5
        )
        with client:
            return _search_keys(client, terms, limit)
    except (redis.RedisError, ValueError) as error:
        msg = f"it cannot be reached: {error}"
        raise NotSearchedError(msg) from error


def _search_keys(
    client: "redis.Redis", terms: SearchTerms, limit: TimeLimit
) -> tuple[int, Finds]:
    finds, keys = Finds(), 0
    for key in cast("Iterable[bytes]", client.scan_iter(count=_KEYS_AT_ONCE)):  # pyright: ignore[reportUnknownMemberType]
        keys += 1
        limit.left_ms()
        cells = [key, *_cells(client, key)]
        text = CELL_END.join(cell.decode(errors="replace") for cell in cells)
        for kind in {value.kind for value in terms.found_in(text)}:
            # The key itself may name a person.
            finds["a key of Valkey", kind] += 1
    return keys, finds


def _cells(client: "redis.Redis", key: bytes) -> Collection[bytes]:
    kind = cast("bytes", client.type(key))
    if kind == b"none":
        # The key has expired meanwhile.
        return []
    if kind not in _READ:
        msg = f"it has values of the type {kind!r}"
        raise NotSearchedError(msg)
    command, *rest = _READ[kind]
    execute = cast("Callable[..., object]", client.execute_command)  # pyright: ignore[reportUnknownMemberType]
    return [*_flat(execute(command, key, *rest))]


def _flat(found: object) -> Iterator[bytes]:
    if isinstance(found, bytes):
        yield found
    elif isinstance(found, dict):
        for pair in cast("dict[bytes, bytes]", found).items():
            yield from pair
    elif isinstance(found, list | set | tuple):
        yield from cast("Iterable[bytes]", found)


def _refuse(error: OSError) -> None:
    msg = f"{error.filename} cannot be read"
    raise NotSearchedError(msg) from error
