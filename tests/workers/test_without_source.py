"""Without a source scrapes wait, and run once there is one."""

from domain import events as e
from infra.settings import Settings
from tests.kit.builders import Home, log_of, opened_store
from tests.kit.jobs import derive_jobs, jobs_in, messages
from tests.kit.keys import MASTER_KEY_TEXT
from workers.broker import connect_broker
from workers.dispatcher import Dispatcher
from workers.scraping.scrape import ScrapeDependencies, scrape_creator
from workers.sources.chain import Chain


def test_scrapes_wait_for_a_source_and_none_of_them_fails(
    home: Home, database_url: str, redis_url: str
):
    home.add("billie")
    derive_jobs(home.store)
    broker = connect_broker(redis_url)
    with opened_store(
        database_url, settings=Settings(master_key=MASTER_KEY_TEXT)
    ) as without:
        enqueued = Dispatcher(without, broker, url=database_url).round()
    waiting = jobs_in(home.store)
    # A message of before the source was taken away.
    for job in waiting:
        scrape_creator(
            ScrapeDependencies(store=home.store, chain=Chain()), job["scrape_id"]
        )
    untouched = [(job["state"], job["attempts"]) for job in jobs_in(home.store)]

    assert (enqueued, messages(redis_url)) == (0, [])
    assert len(waiting) == 2
    assert untouched == [("ready", 0)] * 2
    assert not log_of(home.store, e.ScrapeFailed)
    Dispatcher(home.store, broker, url=database_url).round()
    assert len(messages(redis_url)) == 2
