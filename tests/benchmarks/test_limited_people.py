"""The list of creators for people who are limited to projects, and for the others."""

import httpx
import psycopg

from application.accounts.sessions import begin_session
from infra.eventstore.store import Store
from projections.engine.follower import Follower
from projections.registry import PROJECTIONS
from tests.benchmarks.harness import Report, Row, interleaved
from tests.benchmarks.populations import add_population
from tests.benchmarks.serving import SECRET, a_tenant, serving
from tests.benchmarks.test_creators_page import CREATORS, PAGES, add_a_year, slow
from tests.benchmarks.test_pages import ever_newer
from tests.kit.people import COOKIE, added_member

AT_MOST = 1.05
# The p95 of a round varies by more than the bar.
_ROUNDS = 15
_HOW = (
    f"Limited people: GET /creators, the 50 newest of {CREATORS:,} creators with the "
    f"numbers of a year, as in the page of creators; the p95 of {PAGES} requests a "
    "round. Ours is a member who is limited to all five projects, so that both see the "
    "same rows. The floor is a member who is not limited. They take turns. Numbers "
    "stay the same, except where they are newer at each look, as in the pages above."
)


def test_the_list_costs_limited_people_hardly_more(
    store: Store, database_url: str, report: Report
):
    tenant = a_tenant(store)
    people = [
        added_member(store, tenant.organization_id, role="member") for _ in range(2)
    ]
    for projection in PROJECTIONS:
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()
    add_population(database_url, CREATORS, organization_id=tenant.organization_id)
    add_a_year(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE members SET project_ids = "
            "ARRAY(SELECT DISTINCT project_id FROM creator_list) WHERE person_id = %s",
            (people[0],),
        )
        cookies = [
            {
                COOKIE: begin_session(
                    connection.cursor(),
                    person_id=person,
                    organization_id=tenant.organization_id,
                    address="127.0.0.1",
                    browser="Firefox",
                )
            }
            for person in people
        ]

    with (
        serving("api.main:create", database_url=database_url, secret=SECRET) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", cookies=cookies[0]) as narrow,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", cookies=cookies[1]) as whole,
    ):
        shown = [client.get("/creators") for client in (narrow, whole)]
        looks = [slow(client, "/creators", status=200) for client in (narrow, whole)]
        ours, floor = interleaved(*looks, rounds=_ROUNDS)
        with ever_newer(database_url):
            newer = interleaved(*looks, rounds=_ROUNDS)

    counts = [each.text.count('name="creator_ids"') for each in shown]
    assert counts == [50, 50]
    measured = {"": (ours, floor), ", newer numbers at each look": newer}
    for when, (narrow_took, whole_took) in measured.items():
        ratio = narrow_took.over(whole_took)
        report.add(
            Row(
                what=f"Page of creators for limited people{when}, p95",
                ours=narrow_took.written("ms"),
                floor=whole_took.written("ms"),
                ratio=ratio.written(),
                bar=(f"at most {AT_MOST} times", ratio.median <= AT_MOST),
                how=_HOW,
            )
        )
