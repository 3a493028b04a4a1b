"""Roots that are signed once a day, and checks that somebody requested."""

import threading

from domain.streams import INSTALLATION
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from infra.integrity.signing import InstallationSigner
from infra.settings import Settings
from tests.kit.builders import ADA, asking, events_for
from tests.kit.keys import MASTER_KEY_TEXT
from workers.integrity import ACTOR, sign_roots_daily


def test_one_of_several_processes_signs_a_root(store: Store):
    store.append(events_for(ADA, "a"), context=asking())
    stop = threading.Event()
    signer = InstallationSigner(store.pool, Settings(master_key=MASTER_KEY_TEXT))
    threads = [
        threading.Thread(target=sign_roots_daily, args=(store, signer, stop))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    is_signed = wait_until(
        lambda: bool(store.load(INSTALLATION)[INSTALLATION]), seconds=10
    )
    stop.set()
    for thread in threads:
        thread.join()

    assert is_signed
    (recorded,) = store.load(INSTALLATION)[INSTALLATION]
    assert recorded.actor == ACTOR
