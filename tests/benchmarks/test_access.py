"""Access: a session against a key, and a known address against an unknown one."""

import asyncio
from collections.abc import Awaitable, Callable

from application.accounts.service import AskingBrowser, PersonAccounts
from application.accounts.sessions import find_session
from infra.database import own_pool
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.keys.digests import digest_of
from projections.organizations.projection import holder_of
from tests.benchmarks.harness import Report, Rounds, Row, interleaved, seconds
from tests.benchmarks.serving import a_tenant
from tests.kit.people import PASSWORD

LOOKUPS, TRIES = 500, 15
MOST_MORE, MOST_APART = 0.3, 0.1
_SESSION = (
    f"Session and key: {LOOKUPS} lookups in PostgreSQL a round, in turns. A process "
    "repeats a lookup twice a second at most. The bar is the difference."
)
_UNKNOWN = (
    f"Unknown address: {TRIES} wrong passwords a round for somebody's address and for "
    "nobody's, in turns. Each of them costs one hash."
)
_CLIENT = AskingBrowser(
    address="127.0.0.1", browser="Firefox on Linux", correlation_id=new_id()
)


def test_sessions_cost_as_keys_do_and_unknown_addresses_as_known_ones(
    store: Store, database_url: str, report: Report
):
    tenant = a_tenant(store)
    with asyncio.Runner() as runner:
        pool = own_pool(database_url, size=1)
        own = runner.run(pool.__aenter__())
        accounts = PersonAccounts(store, own)
        signed_in = runner.run(
            accounts.make_first_owner(
                tenant.organization_id,
                name="Ada",
                email="ada@example.com",
                password=PASSWORD,
                client=_CLIENT,
            )
        )

        def each(times: int, work: Callable[[], Awaitable[object]]) -> float:
            """Return the milliseconds that one of many took."""

            async def repeated() -> None:
                for _ in range(times):
                    await work()

            return seconds(lambda: runner.run(repeated())) * 1_000 / times

        key, session = digest_of(tenant.key), digest_of(signed_in.token)
        assert runner.run(holder_of(own, key)) is not None
        assert runner.run(find_session(own, session)) is not None
        sessions, keys = interleaved(
            lambda: each(LOOKUPS, lambda: find_session(own, session)),
            lambda: each(LOOKUPS, lambda: holder_of(own, key)),
            rounds=9,
        )

        def wrong(email: str) -> Callable[[], float]:
            return lambda: each(
                TRIES, lambda: accounts.sign_in(email, "wrong wrong", client=_CLIENT)
            )

        unknown, known = interleaved(
            wrong("nobody@example.com"), wrong("ada@example.com"), rounds=9
        )
        runner.run(pool.__aexit__(None, None, None))

    more = Rounds(
        tuple(a - b for a, b in zip(sessions.values, keys.values, strict=True))
    )
    apart = unknown.over(known)
    report.add(
        Row(
            what="Lookup of a session against that of a key",
            ours=sessions.written("ms"),
            floor=keys.written("ms"),
            ratio=f"{more.written('ms')} more",
            bar=(f"at most {MOST_MORE} ms more", more.median <= MOST_MORE),
            how=_SESSION,
        ),
        Row(
            what="Wrong password for an unknown address",
            ours=unknown.written("ms"),
            floor=known.written("ms"),
            ratio=apart.written(),
            bar=("within 10 %", abs(apart.median - 1) <= MOST_APART),
            how=_UNKNOWN,
        ),
    )
