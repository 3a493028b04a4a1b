"""The list of creators: filters, sorts, the search, and one page after another."""

from collections.abc import Callable, Mapping
from datetime import datetime
from random import Random
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.creators import queries as reading
from tests.kit.application import Goatherd, Tenant, code_of, data_of
from tests.kit.depth import part_of
from tests.kit.histories import connected

Creator = dict[str, Any]

SORTS = ("created_at", "tiktok_handle", "follower_count")
# How far a search looks before it asks the index: never, not far enough, all the way.
DEPTHS = (0, 12, 12_000)
# Several magnitudes, each with and without equal ones, and numbers below null's place.
FOLLOWERS = (-3, -2, 0, 0, 1, 4, 5, 5, 6, 7, 8, 1_000_000)


class Population:
    """Many creators of one organization, and what the list must say of them."""

    def __init__(self, home: Tenant, *, seed: int) -> None:
        self.home = home
        self.random = Random(seed)  # noqa: S311
        other = data_of(home.post("/projects", {"name": "Other"}), status=201)
        self.projects = [str(home.project_id), other["id"]]
        self.creators: dict[str, Creator] = {}

    def grow(self, amount: int) -> None:
        """Add up to so many creators that have much in common."""
        project_id = self.random.choice(self.projects)
        wanted = [{"tiktok_handle": self._handle()} for _ in range(amount)]
        answer = self.home.post(
            f"/projects/{project_id}/creators", {"creators": wanted}
        )
        for item in answer.json()["data"]["results"]:
            if item["creator"] is not None:
                self.creators[item["creator"]["id"]] = item["creator"]

    def see(self, creator_id: str, followers: int) -> None:
        self.home.saw(creator_id, follower_count=followers)
        # A negative count is unknown, and the one before stays.
        if followers >= 0:
            self.creators[creator_id]["follower_count"] = followers

    def disable(self, creator_id: str) -> None:
        self.home.disable(creator_id)
        self.creators[creator_id]["status"] = "disabled"

    def connect(self, creator_id: str) -> None:
        self.home.goatherd.append(creator_id, connected(self.home.organization_id))
        self.creators[creator_id]["is_connected"] = True

    def remove(self, creator_id: str) -> None:
        data_of(self.home.delete(f"/creators/{creator_id}"))
        self.creators[creator_id] |= {"status": "removed", "is_connected": False}

    def expected(
        self,
        *,
        sort: str = "created_at",
        status: str = "active,disabled",
        search: str = "",
        project_id: str | None = None,
        connected: str | None = None,
    ) -> list[str]:
        """The ids that the list must have, by a plain look at every creator."""
        statuses = status.replace("all", "active,disabled,removed").split(",")
        found = [
            creator
            for creator in self.creators.values()
            if creator["status"] in statuses
            and search.lower() in creator["tiktok_handle"]
            and project_id in {None, creator["project_id"]}
            and connected in {None, str(creator.get("is_connected", False)).lower()}
        ]
        found.sort(key=_KEYS[sort], reverse=sort != "tiktok_handle")
        return [creator["id"] for creator in found]

    def pages(
        self,
        filters: Mapping[str, str] = MappingProxyType({}),
        *,
        limit: int,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> list[str]:
        """The ids of one page after another, up to the last."""
        params: dict[str, Any] = {**filters, "limit": limit}
        found: list[str] = []
        while True:
            answer = self.home.get("/creators", params=params)
            rows = data_of(answer)
            meta = answer.json()["meta"]
            assert meta["limit"] == limit
            assert len(rows) == limit or meta["nextCursor"] is None
            found += [row["id"] for row in rows]
            if meta["nextCursor"] is None:
                return found
            params["cursor"] = meta["nextCursor"]
            meanwhile()

    def question(self) -> dict[str, str]:
        """Any way to ask for the list."""
        choose = self.random.choice
        filters = {
            "sort": choose(SORTS),
            "status": choose([None, "active", "disabled", "removed,active", "all"]),
            "search": choose([None, None, "a", "B", "a.", "_b", "ab.", "ba-a"]),
            "project_id": choose([None, None, *self.projects]),
            "connected": choose([None, None, "true", "false"]),
        }
        return {name: value for name, value in filters.items() if value is not None}

    def _handle(self) -> str:
        length = self.random.choice([2, 3, 4, 8])
        return "".join(self.random.choices("ab._-", k=length))


_KEYS: dict[str, Callable[[Creator], Any]] = {
    "created_at": lambda c: (datetime.fromisoformat(c["created_at"]), c["id"]),
    "tiktok_handle": lambda c: (c["tiktok_handle"], c["id"]),
    "follower_count": lambda c: (
        -1 if c["follower_count"] is None else c["follower_count"],
        c["id"],
    ),
}


@pytest.fixture(scope="module")
def population(goatherd: Goatherd) -> Population:
    """A herd in every state, which only growing and removing may change."""
    population = Population(goatherd.tenant(), seed=7)
    for _ in range(4):
        population.grow(40)
    for number, creator_id in enumerate(population.creators):
        if number % 3:
            population.see(creator_id, population.random.choice(FOLLOWERS))
        if number % 5 == 0:
            population.disable(creator_id)
        if number % 4 == 0:
            population.connect(creator_id)
        if number % 7 == 0:
            population.remove(creator_id)
    goatherd.catch_up()
    return population


def test_the_list_says_what_each_creator_says(population: Population):
    answer = population.home.get("/creators", params={"limit": 3, "status": "all"})

    rows = data_of(answer)
    assert [*answer.json()] == ["data", "error", "meta"]
    assert answer.json()["error"] is None
    # Only lists have the figures of posting, and nobody here posted.
    posting = {"last_posted_at": None, "posts_per_week": 0.0}
    assert rows == [population.home.shown(row["id"]) | posting for row in rows]
    assert len(rows) == 3
    assert "ETag" not in answer.headers


@pytest.mark.parametrize("limit", (7, 100))
@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize(
    "status", ("active", "disabled", "removed", "removed,active", "all", None)
)
def test_one_page_after_another_is_the_whole_list(
    population: Population, sort: str, status: str | None, limit: int
):
    filters = {"sort": sort} if status is None else {"sort": sort, "status": status}

    found = population.pages(filters, limit=limit)

    assert found
    assert found == population.expected(**filters)


@pytest.mark.parametrize("depth", DEPTHS)
def test_any_question_has_the_answer_of_a_plain_look_at_every_creator(
    population: Population, depth: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reading, "SCANNED_FIRST", depth)
    population.random.seed(depth)

    for _ in range(50):
        filters, limit = (
            population.question(),
            population.random.choice([1, 5, 20, 50, 100]),
        )

        assert population.pages(filters, limit=limit) == population.expected(
            **filters
        ), filters


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_search_finds_what_has_the_text_in_its_handle(
    population: Population, depth: int
):
    @given(search=st.text("abAB._-%", min_size=1, max_size=6))
    @settings(max_examples=part_of(60), deadline=None)
    def search_finds_it(search: str) -> None:
        answer = population.home.get(
            "/creators", params={"search": search, "limit": 100}
        )

        found = [row["id"] for row in data_of(answer)]
        assert found == population.expected(search=search)[:100]

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(reading, "SCANNED_FIRST", depth)
        search_finds_it()


@pytest.mark.parametrize("search", ("@", "", "  "))
def test_a_search_for_nothing_finds_everything(population: Population, search: str):
    assert population.pages({"search": search}, limit=100) == population.expected()


def test_a_search_may_be_written_as_handles_are(population: Population):
    handle = next(iter(population.creators.values()))["tiktok_handle"]

    found = population.pages(
        {"search": f" @{handle.upper()} ", "status": "all"}, limit=100
    )

    assert found == population.expected(search=handle, status="all")


@pytest.mark.parametrize("seed", range(4))
def test_whoever_is_there_throughout_is_seen_exactly_once(
    goatherd: Goatherd, seed: int, monkeypatch: pytest.MonkeyPatch
):
    population = Population(goatherd.tenant(), seed=seed)
    population.grow(50)
    population.grow(50)
    for creator_id in list(population.creators)[::3]:
        population.see(creator_id, population.random.randint(0, 5))
    goatherd.catch_up()
    monkeypatch.setattr(reading, "SCANNED_FIRST", 20)
    left: set[str] = set()

    def come_and_go() -> None:
        population.grow(3)
        for creator_id in population.random.sample(
            population.expected(status="active"), 2
        ):
            population.remove(creator_id)
            left.add(creator_id)
        goatherd.catch_up()

    for sort in SORTS:
        for search in ("", "a"):
            left.clear()
            before = population.expected(sort=sort, search=search)
            found = population.pages(
                {"sort": sort, "search": search}, limit=9, meanwhile=come_and_go
            )

            throughout = [id_ for id_ in before if id_ not in left]
            assert [id_ for id_ in found if id_ in set(throughout)] == throughout
            assert len(set(found)) == len(found)


def test_a_cursor_whose_creator_is_gone_still_leads_on(goatherd: Goatherd):
    population = Population(goatherd.tenant(), seed=1)
    population.grow(10)
    goatherd.catch_up()
    expected = population.expected()

    def remove_the_last_seen() -> None:
        population.remove(expected[2])
        goatherd.catch_up()

    found = population.pages(limit=3, meanwhile=remove_the_last_seen)

    assert found == expected


@pytest.mark.parametrize(
    "other",
    (
        {"sort": "tiktok_handle"},
        {"status": "all"},
        {"search": "a"},
        {"tiktok_handles": "goat"},
        {"project_id": "of the herd"},
    ),
    ids=lambda other: next(iter(other)),
)
def test_a_cursor_is_worth_nothing_under_other_filters(
    population: Population, other: dict[str, str]
):
    if "project_id" in other:
        other = {"project_id": population.projects[0]}
    first = population.home.get("/creators", params={"limit": 2})
    cursor = first.json()["meta"]["nextCursor"]

    same = population.home.get("/creators", params={"limit": 5, "cursor": cursor})
    refused = population.home.get("/creators", params={**other, "cursor": cursor})

    # The length of a page is no filter.
    assert [row["id"] for row in data_of(same)] == population.expected()[2:7]
    assert code_of(refused) == (400, "invalid_cursor")


def test_the_same_filters_in_another_spelling_have_the_same_cursor(
    population: Population,
):
    first = population.home.get(
        "/creators", params={"limit": 2, "status": "disabled,active", "search": "@B"}
    )

    second = population.home.get(
        "/creators",
        params={"cursor": first.json()["meta"]["nextCursor"], "search": "b"},
    )

    assert [row["id"] for row in data_of(second)] == population.expected(search="b")[
        2:52
    ]


@pytest.mark.parametrize(
    "status", ("gone", "active,active", "active,", "", "Active", "all,active")
)
def test_a_status_that_does_not_exist_is_refused(home: Tenant, status: str):
    answer = home.get("/creators", params={"status": status})

    assert code_of(answer) == (400, "invalid_query")
    assert answer.json()["meta"]["fields"][0]["path"] == "/status"


def test_a_list_of_nothing_is_an_empty_page(home: Tenant):
    answer = home.get("/creators")

    assert answer.json() == {
        "data": [],
        "error": None,
        "meta": {"nextCursor": None, "limit": 50},
    }


def test_creators_are_found_by_their_handles(home: Tenant):
    for name in ("ada", "bea", "cleo"):
        home.add(name)
    home.goatherd.catch_up()

    def handles(**query: str) -> list[str]:
        found = data_of(home.get("/creators", params={**query, "status": "all"}))
        return sorted(one["tiktok_handle"] for one in found)

    given = "@Ada,https://www.tiktok.com/@cleo,nobody"
    assert handles(tiktok_handles=given) == ["ada", "cleo"]
    assert handles(tiktok_handles=given, search="c") == ["cleo"]
    assert handles(tiktok_handles=given, sort="followers") == ["ada", "cleo"]
    for wrong in ("", "a b", ",".join("a" * 2 + str(n) for n in range(101))):
        answer = home.get("/creators", params={"tiktok_handles": wrong})
        assert code_of(answer) == (400, "invalid_query"), wrong[:20]
