"""A chain of providers: the asked ones, the stored fields, and the counts."""

import threading
from datetime import timedelta
from uuid import UUID

import pytest
from dramatiq.middleware.time_limit import TimeLimitExceeded
from msgspec.structs import replace
from psycopg import sql

from domain import events as e
from domain.scrape.observations import (
    ProfileObservation,
    VideoObservation,
)
from domain.scrape.verdicts import (
    Blocked,
    Failure,
    IdentityChanged,
    NotFound,
    NotInRecording,
    Ok,
    Private,
    RateLimited,
    SchemaChanged,
    Transient,
    Verdict,
)
from infra.database import Pool
from infra.embedded.processes import wait_until
from infra.http_out.request_notes import BudgetSpentError, noted
from infra.settings import Settings
from projections.engine.follower import Follower
from tests.kit.builders import NOON, Home
from tests.kit.jobs import Answer, Scripted, derive_jobs, ends_of, job_of, jobs_in
from workers.policies.auto_disable import VerdictStreaks
from workers.scraping.scrape import ScrapeDependencies, scrape_creator
from workers.sources import chain as chains
from workers.sources.chain import Answered, CannotServe, Chain
from workers.sources.port import Target
from workers.sources.request_counts import RequestCounts

SEEN = Ok(observed_at=NOON, profile=ProfileObservation(follower_count=7))
LISTED = Ok(
    observed_at=NOON, videos=(VideoObservation(tiktok_video_id="71", view_count=3),)
)
GONE = NotFound("No such account.")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains, "_AGAIN_SECONDS", 0)


class Named(Scripted):
    """A scripted provider with a name, that sends so many requests for each answer."""

    def __init__(
        self,
        name: str,
        *answers: Answer,
        reads_site: bool = True,
        why_not: str | None = None,
        requests: int = 1,
    ) -> None:
        super().__init__(*answers)
        self.name = name
        self.reads_site = reads_site
        self.why_not = why_not
        self.requests = requests
        self.sent = 0

    def cannot_serve(self, target: Target, job_type: e.JobType) -> str | None:
        del target, job_type
        return self.why_not

    def _answer(self, job_type: e.JobType, target: Target) -> Verdict:
        for _ in range(self.requests):
            with noted("GET /"):
                self.sent += 1
        return super()._answer(job_type, target)


def answered(*providers: Named, is_third_strike: bool = False) -> Answered:
    found = Chain(*providers).ask(
        "creator_profiles",
        Target(handle="billie"),
        longest_wait=180,
        is_third_strike=lambda: is_third_strike,
    )
    assert isinstance(found, Answered)
    return found


def run_of(
    home: Home, creator_id: UUID, job_type: e.JobType = "creator_profiles"
) -> UUID:
    derive_jobs(home.store)
    (scrape_id,) = (
        job["scrape_id"]
        for job in jobs_in(home.store)
        if (job["creator_id"], job["job_type"]) == (creator_id, job_type)
    )
    return scrape_id


def scrape(home: Home, run: UUID, *providers: Named, **settings: object) -> None:
    counts = RequestCounts(home.store.pool, Settings(**settings))  # pyright: ignore[reportArgumentType]
    chain = Chain(*providers, counts=counts)
    scrape_creator(ScrapeDependencies(store=home.store, chain=chain), run)


def rows(home: Home, query: str) -> list[tuple[object, ...]]:
    with home.store.pool.connection() as connection:
        return connection.execute(sql.SQL(query)).fetchall()  # pyright: ignore[reportArgumentType]


# who is asked


def test_the_first_that_answers_is_the_only_one_that_is_asked():
    first, second = Named("display", SEEN), Named("web", SEEN)

    found = answered(first, second)

    assert (found.provider, found.verdict, found.tried) == (first, SEEN, ())
    assert second.calls == []


@pytest.mark.parametrize(
    ("verdict", "calls"),
    (
        (Blocked("A captcha."), 1),
        (SchemaChanged("No stats."), 1),
        (RateLimited(181, "Too many."), 1),
        # It may have been an accident.
        (Transient("An empty body."), 2),
        (RuntimeError("a defect"), 2),
    ),
    ids=repr,
)
def test_the_next_is_asked_where_one_fails(verdict: Answer, calls: int):
    first, second = Named("web", verdict), Named("scrapecreators", SEEN)

    found = answered(first, second)

    assert (found.provider, found.verdict) == (second, SEEN)
    (tried,) = found.tried
    assert tried.provider == "web"
    assert len(first.calls) == calls


def test_a_source_that_failed_in_passing_is_not_passed_over():
    first, second = Named("web", Transient("Oh."), SEEN), Named("scrapecreators")

    assert answered(first, second).provider is first


def test_a_short_wait_is_waited_for_and_not_paid_for():
    first, second = Named("web", RateLimited(60, "Wait.")), Named("scrapecreators")

    assert answered(first, second).verdict == RateLimited(60, "Wait.")
    assert second.calls == []


def test_who_cannot_serve_is_passed_over_and_not_among_the_tried():
    first = Named("display", why_not="Not connected.")

    found = answered(first, Named("web", SEEN))

    assert (found.provider.name, found.tried, first.calls) == ("web", (), [])


def test_a_second_opinion_comes_before_the_third_strike():
    first, other, site = (
        Named("web", GONE),
        Named("research", SEEN, reads_site=False),
        Named("scrapecreators", SEEN),
    )

    twice = answered(first, other, site)
    third = answered(first, other, site, is_third_strike=True)

    assert (twice.provider, twice.verdict) == (first, GONE)
    assert (third.provider, third.verdict) == (site, SEEN)
    assert [each.outcome for each in third.tried] == ["not_found"]
    assert other.calls == []


def test_a_recording_that_has_nothing_leaves_the_word_to_the_next():
    found = answered(Named("replay", NotInRecording("Nothing.")), Named("web", SEEN))

    assert found.provider.name == "web"


# what is stored


def test_a_run_says_who_was_tried_before(home: Home):
    run = run_of(home, home.creator("billie"))

    scrape(home, run, Named("web", Blocked("A\0 captcha.")), Named("paid", SEEN))

    profile, end = (r.event for r in home.store.load(run)[run][1:])
    assert isinstance(profile, e.ProfileSnapshotRecorded)
    assert isinstance(end, e.ScrapeSucceeded)
    assert (profile.provider, end.provider) == ("paid", "paid")
    (tried,) = end.tried
    assert (tried.provider, tried.outcome) == ("web", "blocked")
    assert end.tried_details == ("A captcha.",)
    assert end.listed is None


def test_a_profile_and_a_list_may_come_from_two_providers(home: Home):
    run = run_of(home, home.creator("billie"), "discover_videos")
    seen = ProfileObservation(follower_count=9)

    scrape(
        home,
        run,
        Named("web", Blocked("No list.", profile=seen)),
        Named("paid", LISTED),
    )

    events = [recorded.event for recorded in home.store.load(run)[run][1:]]
    assert [getattr(event, "provider") for event in events] == ["web", "paid", "paid"]  # noqa: B009
    assert isinstance(events[2], e.ScrapeSucceeded)
    assert (events[2].profile_observed, events[2].listed) == (True, "complete")


def partial(
    *ids: str, cut_by: Failure | None = None, profile: ProfileObservation | None = None
) -> Ok:
    return Ok(
        observed_at=NOON,
        profile=profile,
        videos=tuple(
            VideoObservation(tiktok_video_id=id_, view_count=3) for id_ in ids
        ),
        listed_reason=cut_by.detail if cut_by else "The run took as long as it may.",
        cut_by=cut_by,
    )


SHUT = Blocked("The list did not answer.")


def listed_by(home: Home, *providers: Named, **settings: object) -> e.ScrapeSucceeded:
    run = run_of(home, home.creator("billie"), "discover_videos")
    scrape(home, run, *providers, **settings)
    (end,) = ends_of(home.store, [run])[run]
    assert isinstance(end, e.ScrapeSucceeded)
    return end


def test_a_partial_list_says_so_and_keeps_what_it_has(home: Home):
    paid = Named("paid", LISTED)

    end = listed_by(home, Named("web", partial("71")), paid)

    assert (end.provider, end.videos_observed) == ("web", 1)
    assert (end.listed, end.listed_reason) == (
        "partial",
        "The run took as long as it may.",
    )
    assert (end.missing_video_ids, paid.calls) == ((), [])


def test_a_list_that_was_shut_half_way_is_asked_of_the_next_source(home: Home):
    profile = ProfileObservation(follower_count=9)
    web = Named("web", partial("71", cut_by=SHUT, profile=profile), requests=2)
    paid = Named("scrapecreators", LISTED, requests=3)

    end = listed_by(home, web, paid, scrapecreators_price="0.01 USD")

    assert (end.provider, end.listed) == ("scrapecreators", "complete")
    assert end.profile_observed
    assert [(each.provider, each.outcome) for each in end.tried] == [("web", "blocked")]
    assert end.tried_details == ("The list did not answer.",)
    assert rows(
        home, "SELECT provider, requests, cost_millionths FROM source_day ORDER BY 1"
    ) == [("scrapecreators", 3, 30_000), ("web", 2, 0)]


@pytest.mark.parametrize(
    ("second", "outcome"),
    (
        (Blocked("A captcha."), "blocked"),
        (Transient("Oh."), "transient"),
        (RateLimited(9, "Wait."), "rate_limited"),
        (GONE, "not_found"),
        (Private("It is private."), "private"),
        (partial("71", cut_by=SchemaChanged("Odd.")), "schema_changed"),
    ),
    ids=repr,
)
def test_a_partial_list_is_kept_if_no_other_source_lists_more(
    home: Home, second: Verdict, outcome: str
):
    first = Named("web", partial("71", "72", cut_by=SHUT))

    end = listed_by(home, first, Named("paid", second))

    assert (end.provider, end.listed, end.videos_observed) == ("web", "partial", 2)
    assert end.listed_reason == "The list did not answer."
    assert [(each.provider, each.outcome) for each in end.tried] == [("paid", outcome)]


def test_of_two_partial_lists_the_longer_one_is_kept(home: Home):
    end = listed_by(
        home,
        Named("web", partial("71", cut_by=SHUT)),
        Named("paid", partial("71", "72", cut_by=SchemaChanged("Odd."))),
    )

    assert (end.provider, end.listed, end.videos_observed) == ("paid", "partial", 2)
    assert end.listed_reason == "Odd."


def test_a_partial_list_of_whom_another_source_finds_to_be_somebody_else_is_not_kept():
    found = answered(
        Named("web", partial("71", cut_by=SHUT)),
        Named("paid", IdentityChanged("Another's.")),
    )

    assert found.provider.name == "paid"


def test_a_partial_list_is_kept_though_the_next_source_took_too_long():
    class Slow(Named):
        def creator_profiles(self, target: Target) -> Verdict:
            del target
            raise TimeLimitExceeded

    first = Named("web", partial("71", cut_by=SHUT))

    found = answered(first, Slow("paid"), Named("other", SEEN))

    assert found.provider is first
    assert [(each.provider, each.detail) for each in found.tried] == [
        ("paid", "It took too long.")
    ]


def test_a_run_whose_sources_all_fail_waits_as_the_soonest_of_them_says(home: Home):
    run = run_of(home, home.creator("billie"))

    scrape(
        home, run, Named("web", Blocked("A captcha.")), Named("paid", Transient("Oh."))
    )

    job = job_of(home.store, run)
    assert (job["state"], job["outcome"], job["provider"]) == (
        "ready",
        "transient",
        "paid",
    )
    (tried,) = job["tried"]
    assert (tried["provider"], tried["detail"]) == ("web", "A captcha.")
    assert 0 < job["due_in"] <= 10


def test_a_creator_that_two_sources_do_not_find_is_disabled_one_that_is_found_not(
    home: Home,
):
    def strikes() -> list[tuple[object, ...]]:
        follower = Follower(
            VerdictStreaks(), pool=home.store.pool, codec=home.store.codec
        )
        follower.register()
        follower.catch_up()
        return rows(home, "SELECT creator_id, streak FROM verdict_streak")

    for handle, second in (("billie", SEEN), ("gone", GONE)):
        creator_id = home.creator(handle)
        run = run_of(home, creator_id)
        with home.store.pool.connection() as connection:
            connection.execute(
                "INSERT INTO verdict_streak VALUES (%s, 2, 0)", (creator_id,)
            )

        scrape(home, run, Named("web", GONE), Named("paid", second))

        assert (creator_id, 0 if second is SEEN else 3) in strikes()


# what is counted

_BLOCKED = """
SELECT count(*) FROM pg_locks AS held JOIN pg_stat_activity USING (pid)
WHERE NOT granted AND datname = current_database()
"""


def test_requests_are_counted_for_whom_they_are_and_what_they_cost(home: Home):
    creator_id = home.creator("billie")
    run = run_of(home, creator_id)

    scrape(home, run, Named("web", SEEN, requests=3), web_price="0.002 USD")

    assert rows(
        home,
        "SELECT provider, organization_id, creator_id, currency, requests, "
        "cost_millionths, day = (now() AT TIME ZONE 'UTC')::date FROM source_request",
    ) == [("web", home.organization_id, creator_id, "USD", 3, 6_000, True)]
    assert rows(home, "SELECT provider, requests FROM source_day") == [("web", 3)]


def test_a_budget_that_is_used_up_leaves_the_run_to_the_next_source(home: Home):
    web = Named("web", SEEN)
    creators = [home.creator(handle) for handle in ("a.goat", "b.goat", "c.goat")]

    for creator_id in creators:
        run = run_of(home, creator_id)
        scrape(home, run, web, Named("research", SEEN), web_daily_budget=2)

    ends = [end for run in jobs_in(home.store) for end in ends_of(
        home.store, [run["scrape_id"]])[run["scrape_id"]]]  # fmt: skip
    assert sorted(end.provider for end in ends) == ["research", "web", "web"]  # pyright: ignore[reportAttributeAccessIssue]
    assert web.sent == 2


def test_without_another_source_a_run_waits_for_midnight_and_fails_not(home: Home):
    run = run_of(home, home.creator("billie"))

    scrape(home, run, Named("web", SEEN), web_daily_budget=0)

    job = job_of(home.store, run)
    assert (job["state"], job["outcome"], job["attempts"]) == ("ready", None, 0)
    assert "daily budget of 0 requests" in job["error"]
    midnight = rows(
        home,
        "SELECT date_trunc('day', now(), 'UTC') + interval '1 day'",
    )[0][0]
    assert timedelta() <= job["due_at"] - midnight < timedelta(minutes=10)
    assert home.store.load(run)[run][1:] == []


class Counted(Named):
    """It sends three requests and answers, once its budget ends, with what it has."""

    def __init__(self, so_far: Verdict, answer: Verdict = LISTED) -> None:
        super().__init__("web", answer, requests=3)
        self.so_far = so_far

    def discover_videos(self, target: Target) -> Verdict:
        try:
            return super().discover_videos(target)
        except BudgetSpentError as error:
            if isinstance(self.so_far, RateLimited):
                return replace(self.so_far, retry_after=error.retry_after)
            return self.so_far


PROFILE_ONLY = RateLimited(0, "Spent.", profile=ProfileObservation(follower_count=9))
SPENT = "The day's budget of requests is used up."


def test_a_run_that_uses_up_the_budget_keeps_what_it_listed(home: Home):
    end = listed_by(home, Counted(LISTED), web_daily_budget=2)

    assert (end.listed, end.listed_reason) == ("partial", SPENT)
    assert (end.provider, end.videos_observed) == ("web", 1)


def test_a_run_that_uses_up_the_budget_leaves_the_list_to_the_next_source(home: Home):
    longer = partial("71", "72")

    end = listed_by(home, Counted(LISTED), Named("paid", longer), web_daily_budget=2)

    assert (end.provider, end.videos_observed) == ("paid", 2)
    # A budget that ends is no failure of the source.
    assert [(each.provider, each.outcome) for each in end.tried] == [("web", "ok")]
    assert end.tried_details == (SPENT,)


def test_a_profile_that_was_read_before_the_budget_ended_is_kept(home: Home):
    end = listed_by(home, Counted(PROFILE_ONLY), web_daily_budget=2)

    assert (end.provider, end.profile_observed, end.videos_observed) == ("web", True, 0)
    assert (end.listed, end.listed_reason) == ("partial", SPENT)


def test_a_profile_that_was_read_before_the_budget_ended_goes_with_the_next_list(
    home: Home,
):
    end = listed_by(
        home, Counted(PROFILE_ONLY), Named("paid", LISTED), web_daily_budget=2
    )

    assert (end.provider, end.listed, end.profile_observed) == (
        "paid",
        "complete",
        True,
    )
    assert [(each.provider, each.outcome) for each in end.tried] == [("web", "ok")]


def test_a_list_is_waited_for_where_the_next_source_failed_in_passing(home: Home):
    run = run_of(home, home.creator("billie"), "discover_videos")

    scrape(
        home,
        run,
        Counted(PROFILE_ONLY),
        Named("paid", Transient("Oh.")),
        web_daily_budget=2,
    )

    assert job_of(home.store, run)["outcome"] == "transient"


def test_nobody_gets_past_a_budget_however_many_ask_at_once(home: Home):
    counts = RequestCounts(home.store.pool, Settings(web_daily_budget=50))
    refused: list[BudgetSpentError] = []

    def ask() -> None:
        for _ in range(10):
            try:
                counts.take("web", home.organization_id, None)
            except BudgetSpentError as error:
                refused.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 30
    assert all(0 < error.retry_after <= 86_400 for error in refused)
    assert rows(home, "SELECT requests FROM source_day") == [(50,)]
    assert rows(home, "SELECT requests FROM source_request") == [(50,)]


def test_who_waits_for_the_count_of_another_sees_it_before_sending(home: Home):
    counts = RequestCounts(home.store.pool, Settings(web_daily_budget=2))
    counts.take("web", None, None)
    refused: list[BudgetSpentError] = []

    def ask() -> None:
        try:
            counts.take("web", None, None)
        except BudgetSpentError as error:
            refused.append(error)

    waiting = threading.Thread(target=ask)
    with (
        home.store.pool.connection() as connection,
        connection.transaction(),
    ):
        connection.execute("UPDATE source_day SET requests = 2")
        waiting.start()
        assert wait_until(lambda: rows(home, _BLOCKED) == [(1,)], seconds=60)
    waiting.join()

    assert len(refused) == 1


@pytest.mark.parametrize("zone", ("Pacific/Kiritimati", "Pacific/Pago_Pago"))
def test_a_day_begins_at_midnight_utc_wherever_the_connection_is(
    database_url: str, zone: str
):
    options = {"options": f"-c timezone={zone}"}
    with Pool(database_url, min_size=1, max_size=1, kwargs=options, open=True) as pool:
        counts = RequestCounts(pool, Settings(web_daily_budget=1))
        counts.take("web", None, None)
        with pytest.raises(BudgetSpentError) as refused:
            counts.take("web", None, None)
        is_spent = counts.why_spent("web")
        with pool.connection() as connection:
            found = connection.execute(
                "SELECT current_setting('timezone'), "
                "day = (now() AT TIME ZONE 'UTC')::date, extract(epoch FROM "
                "((now() AT TIME ZONE 'UTC')::date + 1)::timestamp "
                "- (now() AT TIME ZONE 'UTC'))::float8 FROM source_day"
            ).fetchone()
            connection.execute("UPDATE source_day SET day = day - 1")
        counts.take("web", None, None)

    assert found is not None
    assert found[:2] == (zone, True)
    assert abs(refused.value.retry_after - found[2]) < 5
    assert is_spent is not None


def test_rows_of_weeks_ago_are_forgotten(home: Home):
    counts = RequestCounts(home.store.pool, Settings())
    counts.take("web", home.organization_id, None)
    with home.store.pool.connection() as connection:
        for table in ("source_day", "source_request"):
            connection.execute(
                sql.SQL("UPDATE {} SET day = day - 41").format(sql.Identifier(table))
            )

    counts.take("web", home.organization_id, None)

    assert rows(home, "SELECT count(*) FROM source_request") == [(1,)]
    assert rows(home, "SELECT count(*) FROM source_day") == [(2,)]


def test_what_nobody_can_serve_ends_without_an_answer(home: Home):
    run = run_of(home, home.creator("billie"))
    why = "The creator is not connected."

    scrape(home, run, Named("display", why_not=why))

    (end,) = ends_of(home.store, [run])[run]
    assert isinstance(end, e.ScrapeFailed)
    assert (end.outcome, end.error) == (None, f"display: {why}")


def test_a_chain_says_of_each_why_it_cannot_serve():
    found = Chain(Named("a", why_not="No."), Named("b", why_not="Neither.")).ask(
        "creator_profiles", Target(handle="billie"), longest_wait=0
    )

    assert found == CannotServe("a: No. b: Neither.")
