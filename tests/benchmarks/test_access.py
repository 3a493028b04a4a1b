"""Access: wrong passwords for a known address and for an unknown one."""

import asyncio
from collections.abc import Awaitable, Callable

from application.accounts.service import AskingBrowser, PersonAccounts
from infra.database import own_pool
from infra.eventstore.store import Store
from infra.ids import new_id
from tests.benchmarks.harness import Report, Row, interleaved, seconds
from tests.benchmarks.serving import a_tenant
from tests.kit.people import PASSWORD

TRIES = 15
MOST_APART = 0.1
_UNKNOWN = (
    f"Unknown address: {TRIES} wrong passwords a round for somebody's address and for "
    "nobody's, in turns. Each of them costs one hash."
)
_CLIENT = AskingBrowser(
    address="127.0.0.1", browser="Firefox on Linux", correlation_id=new_id()
)


def test_unknown_addresses_cost_as_known_ones_do(
    store: Store, database_url: str, report: Report
):
    tenant = a_tenant(store)
    with asyncio.Runner() as runner:
        pool = own_pool(database_url, size=1)
        own = runner.run(pool.__aenter__())
        accounts = PersonAccounts(store, own)
        runner.run(
            accounts.make_first_owner(
                tenant.organization_id,
                name="Ada",
                email="ada@example.com",
                password=PASSWORD,
                client=_CLIENT,
            )
        )

        def each(work: Callable[[], Awaitable[object]]) -> float:
            """Return the milliseconds that one of many took."""

            async def repeated() -> None:
                for _ in range(TRIES):
                    await work()

            return seconds(lambda: runner.run(repeated())) * 1_000 / TRIES

        def wrong(email: str) -> Callable[[], float]:
            return lambda: each(
                lambda: accounts.sign_in(email, "wrong wrong", client=_CLIENT)
            )

        unknown, known = interleaved(
            wrong("nobody@example.com"), wrong("ada@example.com"), rounds=9
        )
        runner.run(pool.__aexit__(None, None, None))

    apart = unknown.over(known)
    report.add(
        Row(
            what="Wrong password for an unknown address",
            ours=unknown.written("ms"),
            floor=known.written("ms"),
            ratio=apart.written(),
            bar=("within 10 %", abs(apart.median - 1) <= MOST_APART),
            how=_UNKNOWN,
        ),
    )
