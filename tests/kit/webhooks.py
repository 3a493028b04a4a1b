"""Receivers of webhooks, and the dispatch that sends to them."""

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

from application.due.holder import LeaseHolder
from application.webhooks.dispatch import WebhookDispatch
from application.webhooks.endpoints import NOTICES
from application.webhooks.feed import LogFeed
from infra.embedded.processes import wait_until
from infra.eventstore.store import open_store
from tests.kit.application import Goatherd, Tenant, data_of, settings_for
from tests.kit.patience import PATIENTLY
from tests.kit.scripted_site import Answer, ReceivedRequest, ScriptedSite
from tests.kit.threads import woken

TAKEN = Answer(status=204)


class Receiver:
    """An endpoint: ``answer`` is given to each delivery."""

    def __init__(self, site: ScriptedSite, path: str) -> None:
        self.site = site
        self.path = path
        self.answer: Callable[[dict[str, Any]], Answer] = lambda _: TAKEN
        self.deliveries: list[ReceivedRequest] = []
        self.taken: list[dict[str, Any]] = []
        site.answers[path] = self._take

    @property
    def url(self) -> str:
        return f"{self.site.url}{self.path}"

    @property
    def types(self) -> list[str]:
        """The types of the events that were taken, in order."""
        return [event["type"] for event in self.taken]

    def handles(self) -> list[str | None]:
        return [event["data"].get("handle") for event in self.taken]

    def wait_for(self, number: int) -> Sequence[dict[str, Any]]:
        """Wait until so many events were taken."""
        assert wait_until(lambda: len(self.taken) >= number, seconds=PATIENTLY), (
            self.taken
        )
        return self.taken

    def wait_for_tries(self, number: int) -> None:
        assert wait_until(lambda: len(self.deliveries) >= number, seconds=PATIENTLY), (
            len(self.deliveries)
        )

    def _take(self, request: ReceivedRequest) -> Answer:
        try:
            event = json.loads(request.body)
        except ValueError:
            # Its sender was killed before it had sent all.
            return Answer(status=400)
        answer = self.answer(event)
        if 200 <= answer.status < 300:
            self.taken.append(event)
        self.deliveries.append(request)
        return answer


def created(tenant: Tenant, url: str, **fields: object) -> dict[str, Any]:
    """A new webhook, with its secret."""
    return data_of(tenant.post("/webhooks", {"url": url, **fields}), status=201)


@contextmanager
def dispatching(
    goatherd: Goatherd, *, seconds: float = 20.0
) -> Generator[WebhookDispatch]:
    """The dispatch of webhooks, as a dispatcher runs it."""
    with dispatching_at(goatherd.url, seconds=seconds) as dispatch:
        yield dispatch


@contextmanager
def dispatching_at(url: str, *, seconds: float = 20.0) -> Generator[WebhookDispatch]:
    """The same for the database at an address."""
    store = open_store(url, pool_size=4, settings=settings_for(url))
    holder = LeaseHolder(url)
    dispatch = WebhookDispatch(store, LogFeed(store), holder=holder, seconds=seconds)
    try:
        with woken(dispatch.run, url, *dispatch.notices):
            yield dispatch
    finally:
        holder.close()
        store.pool.close()


def make_due(goatherd: Goatherd) -> None:
    """Let every waiting event be due, and every endpoint be tried again."""
    goatherd.query(
        "UPDATE webhook_waiting SET next_try_at = now() WHERE next_try_at IS NOT NULL"
    )
    goatherd.query("UPDATE webhook_cursors SET not_before = now()")
    goatherd.query("UPDATE webhook_replays SET not_before = now()")
    goatherd.query(f"NOTIFY {NOTICES}")
