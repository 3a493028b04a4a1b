"""Questions that people ask of a long list: pages, and parts of handles to search."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice, product
from random import Random
from typing import get_args
from urllib.parse import urlencode

from domain.creator.decider import Status
from projections.creators.queries import CreatorQuery, CreatorSort
from tests.benchmarks.populations import Population, handles

LIMIT = 51
LONGEST = 6

_SORTS: tuple[CreatorSort, ...] = get_args(CreatorSort)
_STATUSES: tuple[tuple[Status, ...], ...] = (
    ("active", "disabled"),
    ("active",),
    ("disabled",),
    ("active", "disabled", "removed"),
)
_SAMPLE = 30_000
_FILTERS_EACH = 2


def parts_of_handles(random: Random) -> Iterator[str]:
    """Give what is searched for: of 1 to 6 characters, common, rare and nowhere.

    Each length has the 8 commonest texts, 16 as often as they occur, 16 of all that
    occur whatever their number, and 4 that hardly any handle has.
    """
    sample = list(islice(handles(random), _SAMPLE))
    for length in range(1, LONGEST + 1):
        found = Counter(
            handle[start : start + length]
            for handle in sample
            for start in range(len(handle) - length + 1)
        )
        known = sorted(found)
        yield from (part for part, _ in found.most_common(8))
        yield from random.choices(known, [found[part] for part in known], k=16)
        yield from random.choices(known, k=16)
        for _ in range(4):
            yield "".join(random.choices("qxzjwv_.0123456789", k=length))


def searches(population: Population) -> list[CreatorQuery]:
    """Return every part in every order, each under some filters."""
    random = Random(7)
    return [
        wanted
        for part, sort in product(parts_of_handles(random), _SORTS)
        for wanted in _filtered(random, population, search=part, sort=sort)
    ]


def first_pages(population: Population) -> list[CreatorQuery]:
    """Return the list without a search, in every order, each under some filters."""
    random = Random(7)
    return [
        wanted
        for _, sort in product(range(50), _SORTS)
        for wanted in _filtered(random, population, search=None, sort=sort)
    ]


def _filtered(
    random: Random, population: Population, *, search: str | None, sort: CreatorSort
) -> Iterator[CreatorQuery]:
    for _ in range(_FILTERS_EACH):
        yield CreatorQuery(
            organization_id=population.organization_id,
            project_id=random.choice(
                (None, None, population.projects[0], population.projects[-1])
            ),
            search=search,
            statuses=random.choice(_STATUSES),
            sort=sort,
            limit=LIMIT,
        )


def path_of(wanted: CreatorQuery) -> str:
    """Return the same question as a path of the API."""
    params = {
        "project_id": wanted.project_id,
        "search": wanted.search,
        "status": ",".join(wanted.statuses),
        "sort": wanted.sort,
        "limit": wanted.limit - 1,
    }
    query = urlencode({name: value for name, value in params.items() if value})
    return f"/api/v1/creators?{query}"
