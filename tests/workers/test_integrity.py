"""Roots that are signed once a day, and checks that somebody requested."""

from functools import partial

from application.integrity.signing import InstallationSigner
from domain.streams import INSTALLATION
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from infra.settings import Settings
from tests.kit.builders import ADA, asking, events_for
from tests.kit.keys import MASTER_KEY_TEXT
from tests.kit.patience import PATIENTLY
from tests.kit.threads import at_work
from workers.integrity import ACTOR, sign_roots_daily


def test_one_of_several_processes_signs_a_root(store: Store):
    store.append(events_for(ADA, "a"), context=asking())
    signer = InstallationSigner(store.pool, Settings(master_key=MASTER_KEY_TEXT))
    with at_work(*[partial(sign_roots_daily, store, signer)] * 3):
        is_signed = wait_until(
            lambda: bool(store.load(INSTALLATION)[INSTALLATION]), seconds=PATIENTLY
        )

    assert is_signed
    (recorded,) = store.load(INSTALLATION)[INSTALLATION]
    assert recorded.actor == ACTOR
