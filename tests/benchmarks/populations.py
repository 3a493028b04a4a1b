"""Populations: organizations with any number of creators, made by COPY."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import TypeVar
from uuid import UUID

import msgspec
import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from infra.ids import new_id
from projections.creators.search_keys import follower_bucket

# How large a part of all creators each project has.
_PROJECTS = (0.6, 0.2, 0.1, 0.08, 0.02)
_STATUSES = {"active": 0.9, "disabled": 0.06, "removed": 0.04}
_BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)
# These come last, as live ones do: their grams find the index built already.
_LATE = 0.02
_CHUNK = 20_000

_NAMES = [
    "maria",
    "anna",
    "emma",
    "olivia",
    "mia",
    "sofia",
    "lena",
    "lucas",
    "noah",
    "leo",
    "liam",
    "jack",
    "oliver",
    "james",
    "sam",
    "alex",
    "charlie",
    "max",
    "ben",
    "tom",
    "nick",
    "chris",
    "mike",
    "dan",
    "david",
    "laura",
    "julia",
    "sarah",
    "lisa",
    "nina",
    "zoe",
    "ella",
    "chloe",
    "ava",
    "grace",
    "lily",
    "ruby",
    "rosie",
    "kate",
    "jess",
    "amy",
    "megan",
    "holly",
    "yuki",
    "hana",
    "kim",
    "park",
    "lee",
    "chen",
    "li",
    "wang",
    "ali",
    "omar",
    "fatima",
    "aisha",
    "priya",
    "raj",
    "dev",
    "arjun",
    "diego",
    "carlos",
    "jose",
    "juan",
    "lucia",
    "valentina",
    "camila",
    "isabella",
    "gabriel",
    "rafael",
    "joao",
    "pedro",
    "ana",
    "bia",
    "larissa",
    "thiago",
    "ivan",
    "olga",
    "natasha",
    "dmitri",
    "piotr",
    "kasia",
    "zuzia",
    "marek",
    "bjorn",
    "astrid",
    "freya",
    "sven",
]
_NOUNS = [
    "official",
    "music",
    "dance",
    "art",
    "cooks",
    "kitchen",
    "food",
    "eats",
    "travels",
    "travel",
    "vlog",
    "vlogs",
    "tv",
    "gaming",
    "games",
    "plays",
    "fit",
    "fitness",
    "gym",
    "yoga",
    "beauty",
    "makeup",
    "hair",
    "nails",
    "style",
    "fashion",
    "looks",
    "daily",
    "life",
    "diaries",
    "stories",
    "world",
    "lab",
    "studio",
    "clips",
    "films",
    "photo",
    "cats",
    "dogs",
    "goats",
    "farm",
    "garden",
    "plants",
    "books",
    "reads",
    "writes",
    "sings",
    "guitar",
    "piano",
    "beats",
    "dj",
    "comedy",
    "jokes",
    "memes",
    "news",
    "events",
    "science",
    "history",
    "math",
    "teacher",
    "nurse",
    "doctor",
    "mom",
    "dad",
    "family",
    "kids",
    "baby",
    "home",
    "diy",
    "crafts",
    "builds",
    "cars",
    "bikes",
    "skate",
    "surf",
    "ski",
    "runs",
    "football",
    "hoops",
]
_STARTS = ("the", "its", "real", "im", "hey", "iam", "not", "just", "mr", "ms", "x")
_JOINTS = ("", "", "", ".", "_", "_")
_DEAD_LETTERS = "aaabcdeeefghiiijklmnnoooprrssttuvwxyz"


T = TypeVar("T")


class Population(msgspec.Struct, frozen=True, kw_only=True):
    """The owners of these creators, the largest project first."""

    organization_id: UUID
    projects: tuple[UUID, ...]
    size: int


def handles(random: Random) -> Iterator[str]:
    """Give handles as people choose them: a few names in many, most with a twist."""
    names = _drawn(random, _NAMES, [1 / (rank + 3) for rank in range(len(_NAMES))])
    nouns = _drawn(random, _NOUNS, [1 / (rank + 3) for rank in range(len(_NOUNS))])
    joints = _drawn(random, _JOINTS, [1] * len(_JOINTS))
    while True:
        shape = random.random()
        if shape < 0.3:
            text = next(names) + next(joints) + next(nouns)
        elif shape < 0.5:
            text = next(names) + next(joints) + next(names)
        elif shape < 0.6:
            text = random.choice(_STARTS) + next(joints) + next(names)
        elif shape < 0.7:
            text = next(nouns) + next(joints) + next(nouns)
        else:
            text = "".join(random.choices(_DEAD_LETTERS, k=random.randint(4, 11)))
        if random.random() < 0.6:
            text += random.choice(("", "_", ".")) + str(
                int(10 ** random.uniform(0, 4.5))
            )
        yield text[:24].rstrip(".")


def add_population(url: str, size: int, *, organization_id: UUID) -> Population:
    """Put ``size`` creators of an organization into the list, without any event."""
    random = Random(size)
    population = Population(
        organization_id=organization_id,
        projects=tuple(new_id() for _ in _PROJECTS),
        size=size,
    )
    rows = _rows(random, population)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET maintenance_work_mem = '1GB'")
        with connection.transaction():
            definitions = _drop_indexes(connection)
            _copy(connection, islice(rows, size - int(size * _LATE)))
            for definition in definitions:
                connection.execute(definition.encode())
        connection.execute("VACUUM ANALYZE creator_list, creator_search")
        _copy(connection, rows)
        connection.execute("CHECKPOINT")
    return population


def _drop_indexes(connection: Connection[TupleRow]) -> list[str]:
    """Drop indexes that are quicker made anew than kept; return their statements."""
    found = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes "
        "WHERE tablename IN ('creator_list', 'creator_search') "
        "AND indexdef NOT LIKE 'CREATE UNIQUE%'"
    ).fetchall()
    for name, _ in found:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    return [definition for _, definition in found]


class _Row(msgspec.Struct, frozen=True):
    """One creator, as a line of COPY for either table."""

    creator: str
    search: str


def _copy(connection: Connection[TupleRow], rows: Iterator[_Row]) -> None:
    while chunk := list(islice(rows, _CHUNK)):
        with connection.cursor() as cursor:
            with cursor.copy(_COPY_CREATORS) as copy:
                copy.write("".join(row.creator for row in chunk))
            with cursor.copy(_COPY_SEARCH) as copy:
                copy.write("".join(row.search for row in chunk))


_COPY_CREATORS = """
COPY creator_list (
    organization_id, id, project_id, tiktok_handle, description, metadata,
    tracking_mode, tracking_start_date, scraped_display_name, avatar_url,
    follower_count, following_count, total_likes_count, video_count,
    profile_observed_at, profile_position, last_scraped_at, status, disabled_reason,
    version, created_at, updated_at, searched
) FROM STDIN
"""
_COPY_SEARCH = """
COPY creator_search (
    organization_id, id, project_id, created_at, follower_bucket, status, tiktok_handle,
    searched
) FROM STDIN
"""


def _rows(random: Random, population: Population) -> Iterator[_Row]:
    projects = _drawn(random, population.projects, _PROJECTS)
    statuses = _drawn(random, tuple(_STATUSES), tuple(_STATUSES.values()))
    step = timedelta(days=700) / population.size
    owner = population.organization_id
    for number, handle in enumerate(islice(handles(random), population.size)):
        creator_id, status = new_id(), next(statuses)
        created = _BEGINNING + step * number
        followers, figures = None, "\t".join([r"\N"] * 9)
        if random.random() >= 0.05:
            followers = int(random.lognormvariate(9, 2.2))
            figures = "\t".join(
                map(
                    str,
                    (
                        *(handle.title(), f"https://p16.example/{creator_id.hex}.jpeg"),
                        *(followers, random.randrange(2_000), followers * 31),
                        *(random.randrange(1_500), created, number, created),
                    ),
                )
            )
        reason = "not_found" if status == "disabled" else r"\N"
        project_id = next(projects)
        yield _Row(
            f"{owner}\t{creator_id}\t{project_id}\t{handle}\tGrazes daily.\t"
            f'{{"tier": "gold", "manager": "maria"}}\tauto\t{created.date()}\t'
            f"{figures}\t{status}\t{reason}\t3\t{created}\t{created}\t{handle}\n",
            f"{owner}\t{creator_id}\t{project_id}\t{created}\t"
            f"{follower_bucket(followers)}\t{status}\t{handle}\t{handle}\n",
        )


def _drawn(random: Random, items: Sequence[T], weights: Sequence[float]) -> Iterator[T]:
    while True:
        yield from random.choices(items, weights, k=1_000)
